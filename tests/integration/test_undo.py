"""Undo on real registries, 2.8.2 and 3.1.1, its result confirmed by crane; also after a garbage collection."""

import subprocess
from pathlib import Path

import httpx
import pytest

from regtui.deletion.request import Request
from regtui.deletion.undo import Undo
from regtui.deletion.values import Report, Status
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.session.changes import RunningChange
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import crane, crane_digest, crane_validate
from tests.support.content import Recipe
from tests.support.images import open_registry, push_artifact, push_image, push_index
from tests.support.processes import clean_environment
from tests.support.servers import VERSIONS, RegistryServer, start_registry

REPOSITORY = "team/app"


async def finished(running: RunningChange) -> Report:
    async for _ in running.outcomes():
        pass
    return running.report


async def delete(connection: Session, *tags: str) -> None:
    report = await finished(connection.deleting(await connection.plan_deletion(Request(REPOSITORY, tags))))
    assert report.is_complete, report


async def undo(connection: Session) -> tuple[Undo, Report]:
    entry = await connection.changes.last()
    assert entry is not None
    plan = await connection.changes.plan_undo(entry)
    assert plan.obstacle == ""
    return plan, await finished(connection.changes.undoing(plan))


async def test_an_index_with_attestations_and_every_other_kind_comes_back(server: RegistryServer) -> None:
    name = f"{server.host}/{REPOSITORY}"
    with open_registry(server.url) as writer:
        multi = push_index(writer, REPOSITORY, "multi", attestations=True)
        push_index(writer, REPOSITORY, "list", kind="docker")
        push_image(writer, REPOSITORY, "docker", kind="docker")
        push_image(writer, REPOSITORY, "oci", kind="oci")
        push_artifact(writer, REPOSITORY, "artifact", subject=multi)
        push_image(writer, REPOSITORY, "stays")
    tags = ["multi", "list", "docker", "oci", "artifact"]
    before = {tag: crane_digest(f"{name}:{tag}") for tag in tags}
    connection = await open_session(Target(Address.parse(server.url)))
    await delete(connection, *tags)
    assert crane("ls", name) == "stays"

    _, report = await undo(connection)
    await connection.close()
    assert report.is_complete, report
    assert {tag: crane_digest(f"{name}:{tag}") for tag in tags} == before
    for platform in multi.children[:2]:
        crane_validate(f"{name}@{platform.digest}")
    for attestation in multi.children[2:]:
        assert crane_digest(f"{name}@{attestation.digest}") == attestation.digest
    for tag in ("list", "docker", "oci", "stays"):
        crane_validate(f"{name}:{tag}")


async def test_a_moved_tag_is_moved_back(server: RegistryServer) -> None:
    name = f"{server.host}/{REPOSITORY}"
    with open_registry(server.url) as writer:
        push_index(writer, REPOSITORY, "latest", attestations=True)
        new = push_image(writer, REPOSITORY, "v2")
    before = crane_digest(f"{name}:latest")
    connection = await open_session(Target(Address.parse(server.url)))
    await connection.add_tag(REPOSITORY, Digest(new.digest), "latest", instead_of=Digest(before))
    assert crane_digest(f"{name}:latest") == new.digest
    _, report = await undo(connection)
    await connection.close()
    assert report.is_complete, report
    assert crane_digest(f"{name}:latest") == before
    assert crane_digest(f"{name}:v2") == new.digest


async def test_an_undo_that_overwrote_is_taken_back_whole_and_that_in_its_turn(server: RegistryServer) -> None:
    name = f"{server.host}/{REPOSITORY}"

    def now() -> dict[str, str]:
        return {tag: crane_digest(f"{name}:{tag}") for tag in crane("ls", name).split()}

    with open_registry(server.url) as writer:
        for tag in ("a", "b", "stays"):
            push_image(writer, REPOSITORY, tag, recipe=Recipe(name=tag))
        first = now()
        connection = await open_session(Target(Address.parse(server.url)))
        await delete(connection, "a", "b")
        push_image(writer, REPOSITORY, "a", recipe=Recipe(name="anew"))
    pushed = now()
    changes = connection.changes
    run = (await changes.entries())[0].name
    for wanted in (first, pushed, first):
        plan = await changes.plan_undo(await changes.entry(run), overwrite=True)
        report = await finished(changes.undoing(plan))
        assert report.is_complete, report
        assert now() == wanted
        run = report.run
    await connection.close()


@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "not restarted"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_after_a_collection_it_says_what_is_lost_and_restores_the_rest(
    version: str, restarted: bool, tmp_path: Path
) -> None:
    """Not restarted, the registry claims to have what was collected, and answers a PUT of it by 201."""
    with start_registry(version, tmp_path) as server:
        with open_registry(server.url) as writer:
            push_image(writer, REPOSITORY, "lost", recipe=Recipe(name="layers of its own", layers=2))
            # Its layers stay, as they are those of another image: only its config and its manifest go.
            push_image(writer, REPOSITORY, "config")
            push_image(writer, REPOSITORY, "stays")
            # Its blobs stay, because another image has them: only its manifest went.
            kept = push_image(writer, REPOSITORY, "kept")
            push_again(writer, kept.manifest, kept.media_type)
        connection = await open_session(Target(Address.parse(server.url)))
        await delete(connection, "lost", "kept", "config")
        await connection.close()
        collect(server)
        if not restarted:
            await check_what_is_lost(server, kept=False)
    with start_registry(version, tmp_path, port=server.port) as again:
        await check_what_is_lost(again, kept=True)


def push_again(writer: httpx.Client, manifest: bytes, media_type: str) -> None:
    """The same image with a line break more, under another tag."""
    url = f"v2/{REPOSITORY}/manifests/same-blobs"
    writer.put(url, content=manifest + b"\n", headers={"Content-Type": media_type}).raise_for_status()


def collect(server: RegistryServer) -> None:
    subprocess.run(
        [server.command, "garbage-collect", server.config],
        env=clean_environment(server.config.parent, OTEL_TRACES_EXPORTER="none"),
        check=True,
        capture_output=True,
    )


async def check_what_is_lost(server: RegistryServer, *, kept: bool) -> None:
    """`kept`: whether the images come back whose manifests were collected, and whose layers weren't."""
    connection = await open_session(Target(Address.parse(server.url)))
    plan, report = await undo(connection)
    await connection.close()
    told = {outcome.reference.rpartition(":")[2]: outcome for outcome in report.outcomes}
    assert told["lost"].status is Status.FAILED
    assert "gone from the registry" in told["lost"].error
    assert "layer" in plan.restoration.lost[f"{REPOSITORY}:lost"]
    for tag in ("kept", "config"):
        if kept:
            assert told[tag].status is Status.DONE, told[tag]
        else:
            assert "has to be restarted" in told[tag].error
    tags = set(crane("ls", f"{server.host}/{REPOSITORY}").split())
    assert tags == {"stays", "same-blobs"} | ({"kept", "config"} if kept else set())
    for tag in tags:
        crane_validate(f"{server.host}/{REPOSITORY}:{tag}")

"""Deletion on real registries, 2.8.2 and 3.1.1, its result confirmed by crane."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from regtui.deletion.request import Request
from regtui.deletion.values import Action, Manifests, Plan, Report, Status
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import ClientFailed, crane, crane_digest, crane_validate
from tests.support.content import Recipe
from tests.support.images import open_registry, push_artifact, push_image, push_index
from tests.support.seed import seed_repository
from tests.support.servers import VERSIONS, RegistryServer, start_registry

# What is deleted, each version says in its own way.
pytestmark = pytest.mark.each_version

REPOSITORY = "team/app"


@pytest.fixture
async def connection(server: RegistryServer) -> AsyncIterator[Session]:
    opened = await open_session(Target(Address.parse(server.url)))
    yield opened
    await opened.close()


async def execute(connection: Session, plan: Plan) -> Report:
    deleting = connection.deleting(plan)
    async for _ in deleting.outcomes():
        pass
    return deleting.report


def tags_by_crane(server: RegistryServer, repository: str = REPOSITORY) -> set[str]:
    return set(crane("ls", f"{server.host}/{repository}").split())


async def test_one_of_five_tags_on_one_digest_goes_and_four_pull(
    server: RegistryServer, writer: httpx.Client, connection: Session
) -> None:
    recipe = Recipe(name=REPOSITORY)
    pushed = [push_image(writer, REPOSITORY, tag, recipe=recipe) for tag in "abcde"]
    report = await execute(connection, await connection.plan_deletion(Request(REPOSITORY, ["c"])))

    assert report.is_complete, report
    assert tags_by_crane(server) == set("abde")
    for tag in "abde":
        assert crane_digest(f"{server.host}/{REPOSITORY}:{tag}") == pushed[0].digest
        crane_validate(f"{server.host}/{REPOSITORY}:{tag}")


async def test_an_index_with_attestations_goes_whole_and_its_neighbour_stays_whole(
    server: RegistryServer, writer: httpx.Client, connection: Session
) -> None:
    recipe = Recipe(name="shared")
    going = push_index(writer, REPOSITORY, "going", attestations=True, recipe=recipe)
    push_index(writer, REPOSITORY, "staying", platforms=["linux/amd64"], recipe=recipe)
    plan = await connection.plan_deletion(Request(REPOSITORY, ["going"]))
    report = await execute(connection, plan)

    assert report.is_complete, report
    assert plan.manifests[0].digest == going.digest
    shared = going.children[0].digest
    assert shared not in {manifest.digest for manifest in plan.manifests}
    assert tags_by_crane(server) == {"staying"}
    crane_validate(f"{server.host}/{REPOSITORY}:staying")
    for child in going.children[1:]:
        with pytest.raises(ClientFailed):
            crane_digest(f"{server.host}/{REPOSITORY}@{child.digest}")


async def test_every_kind_of_manifest_can_be_deleted(
    server: RegistryServer, writer: httpx.Client, connection: Session
) -> None:
    push_image(writer, REPOSITORY, "docker", kind="docker")
    push_image(writer, REPOSITORY, "oci", kind="oci")
    push_index(writer, REPOSITORY, "list", kind="docker")
    push_index(writer, REPOSITORY, "index", kind="oci", attestations=True)
    push_artifact(writer, REPOSITORY, "artifact")
    push_image(writer, REPOSITORY, "stays")
    plan = await connection.plan_deletion(Request(REPOSITORY, ["docker", "oci", "list", "index", "artifact"]))
    report = await execute(connection, plan)

    assert report.is_complete, report
    assert tags_by_crane(server) == {"stays"}
    crane_validate(f"{server.host}/{REPOSITORY}:stays")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_dangling_tag_can_be_deleted(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path) as server, open_registry(server.url) as writer:
        push_image(writer, REPOSITORY, "fine")
        lost = push_image(writer, REPOSITORY, "lost")
        revisions = server.storage / f"docker/registry/v2/repositories/{REPOSITORY}/_manifests/revisions/sha256"
    (revisions / lost.digest.removeprefix("sha256:") / "link").unlink()

    # A new process: 3.1.1 would go on serving the manifest from its memory.
    with start_registry(version, tmp_path) as server:
        connection = await open_session(Target(Address.parse(server.url)))
        plan = await connection.plan_deletion(Request(REPOSITORY, ["lost"]))
        assert plan.removed[0].digest is None
        report = await execute(connection, plan)
        await connection.close()
        assert report.is_complete, report
        assert tags_by_crane(server) == {"fine"}


async def test_forty_of_two_hundred_tags_go_and_no_other(server: RegistryServer, connection: Session) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seed_repository(server.storage, "many", [(f"v{number}", start) for number in range(200)])
    going = [f"v{number}" for number in range(0, 200, 5)]
    plan = await connection.plan_deletion(Request("many", going))
    report = await execute(connection, plan)

    assert report.is_complete, report
    assert report.count(Action.UNTAG, Status.DONE) == 40
    assert tags_by_crane(server, "many") == {f"v{number}" for number in range(200)} - set(going)


async def test_manifests_that_take_too_long_are_left_for_the_collection_and_undo_needs_no_more_of_them(
    server: RegistryServer, connection: Session
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    digests = seed_repository(server.storage, "many", [(f"v{number}", start) for number in range(200)])
    going = [f"v{number}" for number in range(0, 200, 5)]
    # As for thousands of tags, where they would take a minute.
    plan = await connection.plan_deletion(Request("many", going, patience=40 * 160 * 35e-6 / 2))
    assert (len(plan.removed), plan.manifests, len(plan.left)) == (40, (), 40)
    report = await execute(connection, plan)
    assert report.is_complete, report
    assert report.left == 40
    assert tags_by_crane(server, "many") == {f"v{number}" for number in range(200)} - set(going)
    for tag in going:
        assert crane_digest(f"{server.host}/many@{digests[tag]}") == digests[tag]

    entry = await connection.changes.last()
    assert entry is not None
    undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in undoing.outcomes():
        pass
    assert undoing.report.is_complete, undoing.report
    assert tags_by_crane(server, "many") == {f"v{number}" for number in range(200)}
    for tag in going[:3]:
        assert crane_digest(f"{server.host}/many:{tag}") == digests[tag]


async def test_manifests_go_at_once_where_that_is_chosen(server: RegistryServer, connection: Session) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    digests = seed_repository(server.storage, "many", [(f"v{number}", start) for number in range(60)])
    going = [f"v{number}" for number in range(20)]
    plan = await connection.plan_deletion(Request("many", going, patience=0, untagged=Manifests.DELETED))
    report = await execute(connection, plan)
    assert report.is_complete, report
    assert report.left == 0
    with open_registry(server.url) as client:
        answers = {tag: client.get(f"v2/many/manifests/{digest}").status_code for tag, digest in digests.items()}
    assert answers == {tag: 404 if tag in going else 200 for tag in digests}


async def test_nothing_is_left_to_chance_when_deletion_is_disabled(tmp_path: Path) -> None:
    for version in VERSIONS:
        with (
            start_registry(version, tmp_path / version, delete=False) as server,
            open_registry(server.url) as writer,
        ):
            push_image(writer, REPOSITORY, "a")
            connection = await open_session(Target(Address.parse(server.url)))
            plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
            await connection.close()
            assert "storage.delete.enabled: true" in plan.obstacle

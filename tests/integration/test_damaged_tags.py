"""Tags whose file a full disk left empty or cut off: each DELETE by digest in their repository answers 500 then, on
2.8.2 and 3.1.1, once the manifest is gone. What is chosen goes for all that, and nothing else."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from regtui.deletion.proposal import DeletionProposal
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Report, Status
from regtui.deletion.words import plan_sentences, report_sentences
from regtui.registry.address import Address
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import crane, crane_digest, crane_validate
from tests.support.commands import Regtui, failed
from tests.support.content import OCI_INDEX, OCI_MANIFEST
from tests.support.images import open_registry, push_image, push_index, push_manifest, push_tags
from tests.support.meddler import Request as Meddled
from tests.support.meddler import meddling
from tests.support.seed import seed_repository
from tests.support.servers import RegistryServer, start_registry

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
DAMAGES = {"empty": b"", "garbage": b"\x00no digest", "cut off": b"sha256:" + b"a" * 63}


@pytest.fixture
async def connection(server: RegistryServer) -> AsyncIterator[Session]:
    # The client asks again after each 500: without that a damaged tag takes seconds.
    settings = HttpSettings(retry=RetryPolicy(tries=2, base=0.01))
    opened = await open_session(Target(Address.parse(server.url), http=settings))
    yield opened
    await opened.close()


def link_of(server: RegistryServer, tag: str) -> Path:
    root = server.storage / "docker/registry/v2/repositories" / REPOSITORY
    return root / "_manifests/tags" / tag / "current/link"


def damage(server: RegistryServer, tag: str, content: bytes) -> None:
    link_of(server, tag).write_bytes(content)


def fill(server: RegistryServer, tags: int) -> dict[str, str]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return seed_repository(server.storage, REPOSITORY, [(f"v{n}", start + timedelta(hours=n)) for n in range(tags)])


async def deleted(connection: Session, tags: Sequence[str]) -> Report:
    plan = await connection.plan_deletion(Request(REPOSITORY, tags))
    assert not plan.obstacle
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    return running.report


async def undone(connection: Session) -> Report:
    entry = await connection.changes.last()
    assert entry is not None
    running = connection.changes.undoing(await connection.changes.plan_undo(entry))
    async for _ in running.outcomes():
        pass
    return running.report


def listed(server: RegistryServer) -> set[str]:
    return set(crane("ls", f"{server.host}/{REPOSITORY}").split())


def name(server: RegistryServer, tag: str) -> str:
    return f"{server.host}/{REPOSITORY}:{tag}"


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("count", [2, 12], ids=["few", "many"])
async def test_the_chosen_tags_go_and_come_back_beside_damaged_ones(
    server: RegistryServer, connection: Session, count: int, content: bytes
) -> None:
    digests = fill(server, 16)
    damage(server, "v14", content)
    damage(server, "v15", content)
    chosen = [f"v{number}" for number in range(count)]
    plan = await connection.plan_deletion(Request(REPOSITORY, chosen))
    is_told = any("v14, v15 make deletions by digest fail" in sentence for sentence in plan_sentences(plan))
    assert is_told == (server.version == "2.8.2"), "where tags are deleted by tag, nothing of the kind is done"
    report = await deleted(connection, chosen)
    assert report.count(Action.UNTAG, Status.DONE) == count, report
    assert listed(server) == digests.keys() - set(chosen)
    assert report.is_complete, report
    for tag in [f"v{number}" for number in range(count, 14)]:
        assert crane_digest(name(server, tag)) == digests[tag]
    if server.version == "2.8.2":
        assert [one for one in report.notices if one.startswith("v14 seemed damaged")], report.notices
        assert crane("manifest", name(server, "v14")).count("io.regtui.repaired") == 1
        assert report_sentences(report)[-1] == "Checked against the registry: all else is as it was."
    assert all(notice in report_sentences(report) for notice in report.notices)

    report = await undone(connection)
    assert report.is_complete, report
    for tag in chosen:
        assert crane_digest(name(server, tag)) == digests[tag]
        crane_validate(name(server, tag))


@pytest.mark.parametrize("chosen", [["v3"], ["v0", "v3"]], ids=["alone", "with others"])
async def test_the_damaged_tag_itself_can_be_removed(
    server: RegistryServer, connection: Session, chosen: list[str]
) -> None:
    digests = fill(server, 4)
    damage(server, "v3", b"")
    report = await deleted(connection, chosen)
    assert report.is_complete, report
    assert report.notices == ()
    assert listed(server) == digests.keys() - set(chosen)
    for tag in digests.keys() - set(chosen):
        crane_validate(name(server, tag))


async def test_one_that_is_damaged_once_the_plan_is_made_is_left_as_it_is(
    server: RegistryServer, connection: Session
) -> None:
    digests = fill(server, 6)
    with open_registry(server.url) as writer:
        index = push_index(writer, REPOSITORY, "multi")
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v0", "v1", "multi"]))
    assert len(plan.manifests) == 5
    damage(server, "v5", b"")
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    report = running.report
    # Nobody confirmed that an empty index takes its place.
    assert link_of(server, "v5").read_bytes() == b""
    assert report.notices == ()
    goes = {"v0", "v1", "multi"}
    told = {o.status for o in report.outcomes if o.action is Action.UNTAG}
    if server.version == "2.8.2":
        # The registry fails each deletion by digest by now: what it took for that is put back.
        assert told == {Status.FAILED}, report
        goes = set()
    else:
        assert told == {Status.DONE}, report
    assert listed(server) == {"v0", "v1", "v2", "v3", "v4", "v5", "multi"} - goes
    for tag in {"v0", "v1", "v2", "v3", "v4", "multi"} - goes:
        crane_validate(name(server, tag))
        assert crane_digest(name(server, tag)) == (digests | {"multi": index.digest})[tag]


@pytest.mark.parametrize("chosen", [["v0"], ["v0", "v5"]], ids=["beside it", "with it"])
async def test_that_a_damaged_tag_may_be_replaced_is_confirmed_like_each_loss(
    server: RegistryServer, connection: Session, chosen: list[str]
) -> None:
    fill(server, 6)
    damage(server, "v5", b"")
    request = Request(REPOSITORY, chosen)
    proposal = DeletionProposal(request, await connection.plan_deletion(request))
    is_at_risk = server.version == "2.8.2" and "v5" not in chosen
    assert ("v5 of team/app, which wasn't chosen, seems damaged" in proposal.loss) == is_at_risk
    assert ("v5 on an empty index for good" in proposal.replacing) == is_at_risk
    assert proposal.plan.loses_what_goes == ("v5" in chosen)
    assert ("forever" in proposal.typed) == (is_at_risk or "v5" in chosen)
    guarded = replace(request, protect=("v5",))
    proposal = DeletionProposal(guarded, await connection.plan_deletion(guarded))
    assert bool(proposal.guarded) == is_at_risk
    assert ("v5" in proposal.typed.split()) == (is_at_risk or chosen == ["v0", "v5"])


def test_a_protected_tag_that_is_damaged_is_replaced_by_nobody_who_did_not_type_its_name(
    tmp_path: Path, regtui: Regtui
) -> None:
    """On 2.8.2 alone: where tags are deleted by tag, nothing is repaired."""
    config = tmp_path / "config.toml"
    config.write_text('protect = ["v3"]\n')
    with start_registry("2.8.2", tmp_path / "registry") as server:
        fill(server, 4)
        damage(server, "v3", b"")
        command = ["rm", "--config", str(config), "--without-undo", f"{server.host}/{REPOSITORY}"]
        failed(regtui(*command, "--match", "v[01]", "--yes"), 6, "v3 is protected by the config file")
        dry = regtui(*command, "--match", "v[01]", "--dry-run")
        assert (dry.returncode, "v3 is protected" in dry.stderr) == (6, True), dry
        failed(regtui(*command[:-1], name(server, "v0"), "--yes"), 6, "Push v3 again first.")
        assert link_of(server, "v3").read_bytes() == b""
        assert listed(server) == {"v0", "v1", "v2", "v3"}


def test_over_all_repositories_it_keeps_its_own_alone(tmp_path: Path, regtui: Regtui) -> None:
    config = tmp_path / "config.toml"
    config.write_text('protect = ["latest"]\n')
    with start_registry("2.8.2", tmp_path / "registry") as server, open_registry(server.url) as writer:
        for repository in ("team/a", REPOSITORY, "team/z"):
            for tag in ("old", "latest"):
                push_image(writer, repository, tag)
        damage(server, "latest", b"")
        command = ["rm", "--config", str(config), "-r", server.host, "--all-repositories", "--match", "^old$", "--yes"]
        dry = regtui(*command, "--dry-run", "--json")
        rows = {row["reference"]: row for row in map(json.loads, dry.stdout.splitlines()) if ":old" in row["reference"]}
        assert {name: row["status"] for name, row in rows.items()} == {
            "team/a:old": "planned",
            f"{REPOSITORY}:old": "skipped",
            "team/z:old": "planned",
        }
        assert "latest is protected by the config file" in rows[f"{REPOSITORY}:old"]["error"]
        assert "In all: 2 tags and 2 manifests in 2 of 3 repositories." in dry.stderr
        done = regtui(*command)
        assert "In all: 2 tags and 2 manifests in 2 of 3 repositories." in done.stderr
        assert (dry.returncode, done.returncode) == (1, 1), done
        assert f"regtui: {REPOSITORY}: latest of team/app seems damaged" in done.stderr
        assert {each: crane("ls", f"{server.host}/{each}") for each in ("team/a", "team/z")} == {
            "team/a": "latest",
            "team/z": "latest",
        }
        assert listed(server) == {"old", "latest"}
        again = regtui(*command)
        assert again.returncode == 1
        assert again.stderr.endswith(
            "\nNothing goes in 3 repositories: why in 1 of them was said above, and in the others no tag matches.\n"
        )


def test_a_damaged_tag_that_nobody_chose_is_named_as_what_is_in_the_way(tmp_path: Path, regtui: Regtui) -> None:
    """A named tag is refused for it; a rule passes the repository over, and does the rest."""
    with start_registry("2.8.2", tmp_path / "registry") as server, open_registry(server.url) as writer:
        fill(server, 4)
        damage(server, "v3", b"")
        refused = regtui("rm", name(server, "v0"), "--yes")
        way_out = "Nothing was deleted. Push v3 again, or delete it, first: then it isn't replaced. Or go ahead with"
        failed(refused, 6, way_out)
        assert "v3 of team/app, which wasn't chosen, seems damaged" in refused.stderr
        assert "What is deleted can be put back then, and v3 can't." in refused.stderr
        push_tags(writer, "team/other", 1, name="v0")
        rule = ["rm", name(server, "v0").rpartition(":")[0], f"{server.host}/team/other", "--match", "^v[01]", "--yes"]
        passed = regtui(*rule, "--json")
        assert passed.returncode == 1
        rows = {row["reference"]: row for row in map(json.loads, passed.stdout.splitlines())}
        assert {n: row["status"] for n, row in rows.items() if "@" not in n} == {
            f"{REPOSITORY}:v0": "skipped",
            f"{REPOSITORY}:v1": "skipped",
            "team/other:v0": "done",
        }
        assert rows[f"{REPOSITORY}:v0"]["error"] == "not deleted: v3 stands in the way, which seems damaged"
        assert listed(server) == {"v0", "v1", "v2", "v3"}
        assert link_of(server, "v3").read_bytes() == b""


async def test_a_damaged_tag_that_was_replaced_has_a_record_of_its_own(server: RegistryServer, regtui: Regtui) -> None:
    fill(server, 4)
    damage(server, "v3", b"")
    done = regtui("rm", name(server, "v0"), "--yes", "--without-undo", "--json")
    rows = {row["reference"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0, done
    told = regtui("undo", "--list", server.host)
    if server.version == "2.8.2":
        row = rows.pop(f"{REPOSITORY}:v3")
        assert (row["action"], row["status"], row["digest"]) == ("tag", "done", crane_digest(name(server, "v3")))
        assert "v0; v3 to an empty index" in told.stdout
        undo = regtui("undo", server.host, "--dry-run")
        assert "v3 was damaged then, and leads to an empty index since: that stays as it is." in undo.stderr
    assert rows.keys() == {f"{REPOSITORY}:v0"}
    assert "to put it back" not in done.stderr.lower() or "v0" in told.stdout


async def test_a_tag_of_a_manifest_that_can_not_be_read_is_not_taken_for_a_damaged_one(
    server: RegistryServer, connection: Session
) -> None:
    digests = fill(server, 4)
    value = digests["v3"].removeprefix("sha256:")
    data = server.storage / "docker/registry/v2/blobs/sha256" / value[:2] / value / "data"
    body = data.read_bytes()
    data.write_bytes(body[:50])
    damage(server, "v2", b"")
    report = await deleted(connection, ["v0"])
    assert report.count(Action.UNTAG, Status.DONE) == 1
    assert listed(server) == {"v1", "v2", "v3"}
    # It leads to what it led to: once that can be read again it can be pulled.
    data.write_bytes(body)
    assert crane_digest(name(server, "v3")) == digests["v3"]


def make_illegible(server: RegistryServer, digest: str) -> Path:
    """A manifest whose own link is empty: 2.8.2 then says of its tags what it says of damaged ones. The link."""
    value = digest.removeprefix("sha256:")
    root = server.storage / "docker/registry/v2/repositories" / REPOSITORY
    link = root / "_manifests/revisions/sha256" / value / "link"
    link.write_bytes(b"")
    return link


async def test_what_only_looks_damaged_stays_once_nothing_is_in_the_way(
    server: RegistryServer, connection: Session
) -> None:
    digests = fill(server, 6)
    damage(server, "v2", b"")
    link = make_illegible(server, digests["v3"])
    report = await deleted(connection, ["v0"])
    assert report.is_complete, report
    assert listed(server) == digests.keys() - {"v0"}
    link.write_text(digests["v3"])
    assert crane_digest(name(server, "v3")) == digests["v3"]


async def test_a_tag_that_leads_to_nothing_goes_beside_a_damaged_one(
    server: RegistryServer, connection: Session
) -> None:
    digests = fill(server, 4)
    value = digests["v0"].removeprefix("sha256:")
    (server.storage / "docker/registry/v2/blobs/sha256" / value[:2] / value / "data").unlink()
    damage(server, "v3", b"")
    report = await deleted(connection, ["v0"])
    assert report.is_complete, report
    assert listed(server) == {"v1", "v2", "v3"}


async def test_nothing_is_repaired_where_something_else_is_in_the_way(
    server: RegistryServer, connection: Session
) -> None:
    digests = fill(server, 6)
    link = make_illegible(server, digests["v3"])
    current = server.storage / "docker/registry/v2/repositories" / REPOSITORY / "_manifests/tags/v2/current/link"
    current.unlink()
    current.mkdir()
    report = await deleted(connection, ["v0"])
    link.write_text(digests["v3"])
    assert crane_digest(name(server, "v3")) == digests["v3"]
    assert report.notices == ()
    if server.version == "2.8.2":
        assert [o.status for o in report.outcomes] == [Status.FAILED]
        assert "accepted" not in report.outcomes[0].error, "it answered 500"
        assert await connection.changes.unfinished() == [], "it came to its end, and left nothing half done"
        crane_validate(name(server, "v0"))


async def test_tags_in_the_hundreds_go_beside_a_damaged_one(server: RegistryServer, connection: Session) -> None:
    with open_registry(server.url) as writer:
        pushed = push_tags(writer, REPOSITORY, 120, distinct=True)
    damage(server, "v119", b"")
    report = await deleted(connection, [f"v{number}" for number in range(100)])
    assert report.count(Action.UNTAG, Status.DONE) == 100, report
    assert listed(server) == {f"v{number}" for number in range(100, 120)}
    with open_registry(server.url) as reader:
        reader.headers["Accept"] = f"{OCI_MANIFEST}, {OCI_INDEX}"
        answers: list[httpx.Response] = [reader.head(f"v2/{REPOSITORY}/manifests/v{n}") for n in range(100, 119)]
    assert [a.headers["Docker-Content-Digest"] for a in answers] == [one.digest for one in pushed[100:119]]


@pytest.mark.parametrize("pushed", ["v0", "v5"], ids=["the chosen one", "a damaged one"])
async def test_what_is_pushed_while_damaged_tags_are_repaired_stays(tmp_path: Path, pushed: str) -> None:
    """A chosen tag that leads to nothing, and one that seemed damaged, each are looked at right before they change. On
    2.8.2 alone: where tags are deleted by tag, nothing is repaired."""
    with start_registry("2.8.2", tmp_path / "registry") as server, open_registry(server.url) as writer:
        fill(server, 7)
        fresh = push_tags(writer, REPOSITORY, 1, name="new")[0]
        damage(server, "v5", b"")
        damage(server, "v6", b"")
        has_failed: list[bool] = []
        was_pushed: list[bool] = []

        def decide(request: Meddled) -> None:
            if request.change is not None and request.method == "DELETE":
                has_failed.append(True)
            looks_at_others = request.method == "HEAD" and request.path.endswith("/v6")
            places_again = request.method == "PUT" and request.path.endswith("/v0")
            if has_failed and not was_pushed and (looks_at_others if pushed == "v0" else places_again):
                was_pushed.append(True)
                push_manifest(writer, REPOSITORY, pushed, fresh.manifest)

        with meddling(server.url) as meddler:
            settings = HttpSettings(retry=RetryPolicy(tries=2, base=0.01))
            connection = await open_session(Target(Address.parse(meddler.url), http=settings))
            plan = await connection.plan_deletion(Request(REPOSITORY, ["v0"]))
            meddler.decide = decide
            running = connection.deleting(plan)
            async for _ in running.outcomes():
                pass
            await connection.close()
        assert was_pushed
        assert crane_digest(name(server, pushed)) == fresh.digest
        assert listed(server) >= {"v1", "v2", "v3", "v4", "v5", "v6", "new"}

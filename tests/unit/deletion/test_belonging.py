"""A run is taken back, finished and reverted where it was made: whatever could carry it out elsewhere refuses."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from regtui.content.store import ContentStore
from regtui.deletion.belonging import OtherRegistry, check_named
from regtui.deletion.entry import Belonging, Entry
from regtui.deletion.execution import Execution
from regtui.deletion.journal import Journal
from regtui.deletion.request import Request
from regtui.deletion.restoring import Restoring
from regtui.deletion.undo import Undo, Undoing, plan_rest, plan_undo
from regtui.deletion.used import UsedImages
from regtui.deletion.values import Method
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError
from regtui.registry.identity import RegistryId
from regtui.registry.settings import HttpSettings
from regtui.ssh.destination import Destination
from regtui.ssh.errors import SshError

from .worlds import World

REPOSITORY = "team/app"
ADDRESS = "http://127.0.0.1:5000"


async def not_used(_: str) -> UsedImages:
    return UsedImages()


@dataclass
class Way:
    """A tunnel that nothing goes through: the registry is in memory."""

    destination: Destination

    @property
    def end(self) -> str:
        return str(self.destination)

    def forward(self, host: str, port: int) -> Path:
        raise AssertionError

    def forward_error(self, host: str, port: int) -> SshError | None:
        raise AssertionError


class Registry:
    """A client of a registry of one's own at ADDRESS, reached `via` a host."""

    def __init__(self, via: str = "") -> None:
        self.world = World("2.8.2")
        tunnel = Way(Destination.parse(via)) if via else None
        transport = LocalTransport(self.world.storage, "2.8.2")
        self.client = RegistryClient(Address.parse(ADDRESS), settings=HttpSettings(transport=transport, tunnel=tunnel))
        self.content = ContentStore(self.client)

    @property
    def identity(self) -> RegistryId:
        return self.client.identity

    async def fill(self) -> "Registry":
        await self.world.image(REPOSITORY, ["one"], ["one"])
        await self.world.image(REPOSITORY, ["two"], ["two"])
        return self

    async def interrupted(self, journal: Journal) -> Entry:
        """A deletion of `one` there that was killed before its first step."""
        from regtui.deletion.inventory import read_contents
        from regtui.deletion.plan import make_plan

        contents = await read_contents(self.client, self.content, REPOSITORY)
        plan = make_plan(contents, Request(REPOSITORY, ["one"]), method=Method.PLACEHOLDER)
        run = journal.begin(self.identity, "", plan)
        run.close()
        return journal.entry(run.name)

    async def undo(self, entry: Entry) -> Undo:
        return await plan_undo(self.client, self.content, entry, method=Method.PLACEHOLDER, used=not_used)


def of_an_earlier_version(journal: Path, run: Entry) -> None:
    """The record of `run` as it was before `via` was recorded."""
    file = journal / f"{run.name}.jsonl"
    records = [json.loads(line) for line in file.read_text().splitlines()]
    del records[0]["via"]
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))


Attempt = Callable[[Registry, Registry, Journal, Entry], Awaitable[object]]


async def planning_undo(here: Registry, there: Registry, journal: Journal, entry: Entry) -> None:
    await there.undo(entry)


async def planning_rest(here: Registry, there: Registry, journal: Journal, entry: Entry) -> None:
    await plan_rest(there.client, there.content, entry, method=Method.PLACEHOLDER)


async def finishing(here: Registry, there: Registry, journal: Journal, entry: Entry) -> None:
    plan = await plan_rest(here.client, here.content, entry, method=Method.PLACEHOLDER)
    async for _ in Execution(there.client, plan, journal, resumes=entry).outcomes():
        pass


async def undoing(here: Registry, there: Registry, journal: Journal, entry: Entry) -> None:
    async for _ in Undoing(there.client, await here.undo(entry), journal).outcomes():
        pass


async def restoring(here: Registry, there: Registry, journal: Journal, entry: Entry) -> None:
    async for _ in Restoring(there.client, (await here.undo(entry)).restoration, journal).outcomes():
        pass


async def executing(here: Registry, there: Registry, journal: Journal) -> None:
    from regtui.deletion.inventory import read_contents
    from regtui.deletion.plan import make_plan

    contents = await read_contents(here.client, here.content, REPOSITORY)
    plan = make_plan(contents, Request(REPOSITORY, ["one"]), method=Method.PLACEHOLDER)
    async for _ in Execution(there.client, plan, journal).outcomes():
        pass


async def test_a_plan_is_carried_out_where_it_was_made(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    here, there = await Registry("admin@staging").fill(), await Registry("admin@prod").fill()
    with pytest.raises(OtherRegistry, match="was planned at"):
        await executing(here, there, journal)
    assert set(there.world.storage.repositories[REPOSITORY].tags) == {"one", "two"}
    assert journal.entries() == []
    await executing(here, here, journal)
    assert set(here.world.storage.repositories[REPOSITORY].tags) == {"two"}


async def resuming(here: Registry, there: Registry, journal: Journal, entry: Entry) -> None:
    journal.resume(entry, there.identity).close()


ATTEMPTS = [planning_undo, planning_rest, finishing, undoing, restoring, resuming]


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize(
    ("made_via", "other_via"),
    [("admin@staging", "admin@prod"), ("admin@staging", ""), ("", "admin@prod"), ("admin@staging", "root@staging")],
)
async def test_no_step_is_taken_at_another_registry(
    tmp_path: Path, attempt: Attempt, made_via: str, other_via: str
) -> None:
    journal = Journal(tmp_path)
    here, there = await Registry(made_via).fill(), await Registry(other_via).fill()
    entry = await here.interrupted(journal)
    before = dict(there.world.storage.repositories[REPOSITORY].tags)
    recorded = (tmp_path / f"{entry.name}.jsonl").read_bytes()
    with pytest.raises(OtherRegistry, match="was made at"):
        await attempt(here, there, journal, entry)
    assert dict(there.world.storage.repositories[REPOSITORY].tags) == before
    assert (tmp_path / f"{entry.name}.jsonl").read_bytes() == recorded
    assert [e.name for e in journal.unfinished(here.identity)] == [entry.name]
    assert journal.unfinished(there.identity) == []
    assert journal.entries(there.identity) == []
    await attempt(here, here, journal, entry)


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_a_run_of_an_earlier_version_is_carried_out_via_a_host_only_once_somebody_said_so(
    tmp_path: Path, attempt: Attempt
) -> None:
    journal = Journal(tmp_path)
    here, via = await Registry().fill(), await Registry("admin@prod").fill()
    entry = await here.interrupted(journal)
    of_an_earlier_version(tmp_path, entry)
    entry = journal.entry(entry.name)
    assert entry.belongs_to(here.identity) is Belonging.HERE
    assert entry.belongs_to(via.identity) is Belonging.UNKNOWN
    assert [e.name for e in journal.entries(via.identity)] == [entry.name]
    with pytest.raises(OtherRegistry, match="recorded by an earlier version"):
        await attempt(here, via, journal, entry)
    confirmed = entry.made_at(via.identity)
    await attempt(via, via, journal, confirmed)


async def test_where_a_run_was_made_is_known_from_then_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    here, via = await Registry().fill(), await Registry("admin@prod").fill()
    entry = await here.interrupted(journal)
    of_an_earlier_version(tmp_path, entry)
    entry = journal.entry(entry.name).made_at(via.identity)
    await finishing(via, via, journal, entry)
    assert journal.entry(entry.name).registry == via.identity
    assert journal.entries(here.identity) == []
    with pytest.raises(OtherRegistry):
        await here.undo(journal.entry(entry.name))
    await undoing(via, via, journal, journal.entry(entry.name))
    assert set(via.world.storage.repositories[REPOSITORY].tags) == {"one", "two"}


async def test_nobody_can_say_that_a_run_was_made_elsewhere_than_the_journal_has_it() -> None:
    journal = Journal(None)
    here, there = await Registry("admin@staging").fill(), Registry("admin@prod")
    entry = await here.interrupted(journal)
    assert entry.made_at(there.identity) == entry


async def test_a_registry_that_is_gone_is_not_asked_before_the_run_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    entry = await (await Registry("admin@staging").fill()).interrupted(journal)
    nobody = RegistryClient(Address.parse("http://127.0.0.1:1"))
    with pytest.raises(OtherRegistry):
        await plan_undo(nobody, ContentStore(nobody), entry, method=Method.PLACEHOLDER, used=not_used)
    with pytest.raises(RegistryError):
        await nobody.resolve(REPOSITORY, Digest.of(b""))
    await nobody.close()


@pytest.mark.parametrize("name", ["prod", "other.localhost"])
def test_a_registry_that_is_named_as_it_is_is_named_once(tmp_path: Path, name: str) -> None:
    journal = Journal(tmp_path)
    run = journal.begin_prune(RegistryId("made.localhost"), "")
    run.close()
    with pytest.raises(OtherRegistry) as caught:
        check_named(journal.entry(run.name), RegistryId("other.localhost"), name)
    there = "not at other.localhost." if name != "prod" else "and prod is other.localhost."
    assert caught.value.message == f"{run.name} was made at made.localhost, {there}"

"""Nothing is changed before its record is on the disk: in no buffer, and under no name that a crash would lose."""

import os
import stat
from pathlib import Path

import httpx
import pytest

from regtui.deletion.entry import read_entry
from regtui.deletion.journal import Journal
from regtui.deletion.request import Request
from regtui.local.transport import LocalTransport

from .worlds import World

REPOSITORY = "team/app"


class Disk:
    """What has reached it: of each file as much as there was when it was last synced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.content: dict[int, bytes] = {}
        self.names: set[str] = set()
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self.sync)

    def sync(self, handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").resolve()
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            self.names |= {entry.name for entry in path.iterdir()}
        else:
            self.content[os.fstat(handle).st_ino] = path.read_bytes()
        self._fsync(handle)

    def journal(self, directory: Path) -> dict[str, bytes]:
        """The records that would be found after the power failed now."""
        found = {path.name: self.content.get(path.stat().st_ino, b"") for path in directory.iterdir()}
        return {name: content for name, content in found.items() if name in self.names}


class Watching(httpx.AsyncBaseTransport):
    """At each change: what is on the disk by then."""

    def __init__(self, world: World, disk: Disk, directory: Path) -> None:
        self._inner = LocalTransport(world.storage, world.version)
        self._disk = disk
        self._directory = directory
        self.seen: list[tuple[str, str, dict[str, bytes]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reference = request.url.path.rpartition("/")[2]
        is_probe = "regtui-probe" in reference or reference.startswith("sha256:0000")
        if request.method in ("PUT", "DELETE") and not is_probe:
            self.seen.append((request.method, reference, self._disk.journal(self._directory)))
        return await self._inner.handle_async_request(request)


async def test_each_change_is_on_the_disk_before_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World("2.8.2")
    one = await world.image(REPOSITORY, ["one"])
    index = await world.index(REPOSITORY, [one], ["multi"])
    shared = await world.image(REPOSITORY, ["shared"], ["a", "b"])
    disk, directory = Disk(monkeypatch), tmp_path / "journal"
    transport = world.transport = Watching(world, disk, directory)
    connection = await world.open()
    connection.journal = Journal(directory)
    running = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["multi", "a"])))
    async for _ in running.outcomes():
        pass
    assert running.report.is_complete

    for method, reference, records in transport.seen:
        ((name, content),) = records.items()
        entry = read_entry(name, content.decode())
        assert entry is not None
        assert entry.tags == {"multi": index, "a": shared}
        assert entry.manifests().keys() == {index, one, shared}
        assert set(entry.manifests_changed) == {index, one}
        if method == "PUT":
            assert len(entry.standing) == 1, reference
    assert [method for method, _, _ in transport.seen] == ["PUT", "DELETE", "DELETE", "DELETE"]
    # And its end, when it is over.
    ((name, content),) = disk.journal(directory).items()
    entry = read_entry(name, content.decode())
    assert entry is not None
    assert entry.is_complete

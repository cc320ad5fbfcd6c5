"""Reads what is new in a registry's log into the store of pulls."""

import asyncio
from contextlib import aclosing

from regtui import bounds
from regtui.aside import aside
from regtui.garbage.storage import Storage
from regtui.host.finding import find
from regtui.host.hosts import Host
from regtui.host.profile import HostSettings
from regtui.registry.identity import RegistryId
from regtui.retention.access_log import AccessLogReader, LoggedImages
from regtui.retention.errors import SourceFailed
from regtui.retention.log_source import LogSource, ReadBefore, find_log, new_mark
from regtui.retention.pull_store import PullStore
from regtui.text import one_line


async def read_pulls(
    store: PullStore, host: Host, settings: HostSettings, registry: RegistryId, *, port: int, prefix: str
) -> LoggedImages:
    """What the log told now; the store has it then. `port`, `prefix`: of the registry's address. Raises SourceFailed,
    GarbageError, SshError."""
    source = await find_log(host, settings, port)
    before = await aside(lambda: store.read_before(registry, source.name))
    try:
        async with asyncio.timeout(bounds.HOST_SECONDS):
            images, place = await read_log(host, source, before, prefix)
    except TimeoutError:
        raise SourceFailed(f"Reading the log took more than {bounds.HOST_SECONDS / 60:.0f} minutes.") from None
    await aside(lambda: store.add(registry, source.name, images, place, continues=place.goes_on))
    return images


async def read_pushes(store: PullStore, host: Host, settings: HostSettings, registry: RegistryId, *, port: int) -> None:
    """When tags were pushed, by the registry's storage. Raises SourceFailed, GarbageError, SshError."""
    found = await find(host, settings, port)
    pushed = await Storage(host, found.unit).pushed()
    if pushed:
        await aside(lambda: store.add_pushes(registry, pushed))


async def read_log(
    host: Host, source: LogSource, before: ReadBefore, prefix: str = ""
) -> tuple[LoggedImages, ReadBefore]:
    """What is new in it, and how far it was read. Raises SourceFailed where not all could be read."""
    mark = new_mark()
    reader, marks, size = AccessLogReader(prefix), _Marks(mark, source), 0
    async with aclosing(host.blocks(source.script(mark, before))) as blocks:
        async for block in blocks:
            size += len(block)
            if size > bounds.LOG:
                raise SourceFailed(f"The log has more than {bounds.LOG // bounds.MIB} MiB about manifests.")
            if marks.mark in block:
                marks.take(block)
            reader.feed(block)
    marks.check(host.place)
    if reader.is_too_much:
        raise SourceFailed(f"The log names more than {bounds.PULLED_NAMES:,} images.")
    return reader.images, marks.place


def _is_place(*words: str) -> bool:
    return all(word.isdecimal() and word.isascii() and len(word) < 20 for word in words)


class _Marks:
    """What the script itself says, in lines that begin with its mark."""

    def __init__(self, mark: str, source: LogSource) -> None:
        self.mark = mark.encode()
        self.place = ReadBefore()
        self._source = source
        self._failed = ""
        self._code: str | None = None

    def take(self, block: bytes) -> None:
        for line in block.split(b"\n"):
            if not line.startswith(self.mark):
                continue
            match line.decode("utf-8", "replace").split(" ")[1:]:
                case ["end", code]:
                    self._code = code
                case ["at", inode, size, sum_, goes_on] if _is_place(inode, size, sum_):
                    self.place = ReadBefore(int(inode), int(size), sum=sum_, goes_on=goes_on == "yes")
                case ["fail", *path]:
                    self._failed = " ".join(path)

    def check(self, place: str) -> None:
        if self._failed:
            raise SourceFailed(f"{one_line(self._failed)[:300]} on {place} can't be read.")
        if self._code != "0":
            raise SourceFailed(f"The log of {self._source.name} can't be read (exit {self._code or 'unknown'}).")

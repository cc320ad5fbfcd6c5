"""The registry's storage, as its host tells of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from regtui import bounds
from regtui.garbage import scripts
from regtui.garbage.values import PendingUpload, UntaggedManifest
from regtui.host.errors import GarbageError
from regtui.host.hosts import Host, ScriptOutput
from regtui.host.runtimes import Unit
from regtui.host.trouble import check, trouble
from regtui.oci.digest import Digest
from regtui.oci.reference import is_repository, is_tag

_DIGITS: Final = 18
# In seconds since 1970: no clock says more.
_LATEST: Final = 1 << 33


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in the storage, apart from blobs."""

    repositories: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    revisions: Mapping[str, frozenset[Digest]] = field(default_factory=dict)
    uploads: tuple[str, ...] = ()
    """The repository of each."""
    is_known: bool = True
    """Whether the storage could be read at all: object stores, and images without a shell, tell nothing."""

    @property
    def empty(self) -> tuple[str, ...]:
        """Repositories without manifest, tag and upload."""
        return self.empty_without(())

    def empty_without(self, gone: Iterable[UntaggedManifest]) -> tuple[str, ...]:
        """Those that are so once these manifests are gone."""
        going = {(manifest.repository, manifest.digest) for manifest in gone}
        revised = {name for name, digests in self.revisions.items() if any((name, d) not in going for d in digests)}
        used = {*self.uploads, *revised, *(repository for repository, _ in self.tags)}
        return tuple(name for name in self.repositories if name not in used)


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """What is looked at before a collection. `used`: bytes of its blobs; `disk` and `free`: of its disk, in all and
    left. None where that can't be told."""

    listing: Listing = Listing(is_known=False)
    used: int | None = None
    disk: int | None = None
    free: int | None = None
    pending: tuple[PendingUpload, ...] = ()
    """Uploads that were begun and not ended, the longest idle first."""


class Storage:
    """Asked by functions of remote/storage.sh, where `unit` has a shell that sees it. Raises SshError, GarbageError."""

    def __init__(self, host: Host, unit: Unit) -> None:
        self._host = host
        self._unit = unit

    async def facts(self) -> StorageFacts:
        """By one question: to run something in a container takes longer than what these ask."""
        if not self._unit.sees_storage:
            return StorageFacts()
        told = await self._ask("survey")
        numbers: dict[str, tuple[int | None, int | None]] = {}
        uploads: list[PendingUpload] = []
        for line in _lines_of(told.stdout):
            match line.split(" "):
                case ["disk" | "blobs" as kind, first, second]:
                    numbers.setdefault(kind, (read_count(first), read_count(second)))
                case ["idle", name, upload, idle, count] if upload_found := _pending(name, upload, idle, count):
                    uploads.append(upload_found)
        taken, free = numbers.get("disk", (None, None))
        return StorageFacts(
            listing=self._listing(told),
            used=numbers.get("blobs", (None, None))[1],
            disk=None if taken is None or free is None else taken + free,
            free=free,
            pending=_longest_first(uploads),
        )

    async def listing(self) -> Listing:
        return self._listing(await self._ask("facts")) if self._unit.sees_storage else Listing(is_known=False)

    def _listing(self, told: ScriptOutput) -> Listing:
        if told.code > 1 or "ermission denied" in told.stderr:  # grep's 1: there is nothing but layers
            raise trouble(told, self._host.place, self._unit.runtime)
        repositories: dict[str, None] = {}
        tags: list[tuple[str, str]] = []
        revisions: dict[str, set[Digest]] = {}
        uploads: list[str] = []
        items = 0
        for line in _lines_of(told.stdout):
            items += 1
            if items > bounds.HOST_ITEMS:
                raise GarbageError(
                    f"The storage on {self._host.place} lists more than {bounds.HOST_ITEMS:,} repositories, tags, "
                    "manifests and uploads.",
                    "So much is collected by the registry's own garbage-collect, while the registry is stopped.",
                )
            match line.split(" ", 3):
                case [_, name, *_] if not is_repository(name):
                    continue
                case ["repository", name]:
                    repositories[name] = None
                case ["tag", name, tag] if is_tag(tag):
                    tags.append((name, tag))
                case ["revision", name, text] if digest := Digest.or_none(text):
                    revisions.setdefault(name, set()).add(digest)
                case ["upload", name]:
                    uploads.append(name)
        return Listing(
            repositories=tuple(sorted(repositories)),
            tags=tuple(sorted(tags)),
            revisions={name: frozenset(digests) for name, digests in revisions.items()},
            uploads=tuple(uploads),
        )

    async def heads(self, tags: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Digest]:
        """What these tags, (repository, tag), lead to; nothing of those that aren't there."""
        if not tags or not self._unit.sees_storage:
            return {}
        asked = tuple(f"{repository} {tag}" for repository, tag in tags)
        told = await self._ask("heads", stdin=asked)
        wanted = set(tags)
        heads: dict[tuple[str, str], Digest] = {}
        for line in _lines_of(told.stdout):
            match line.split(" "):
                case ["head", name, tag, text] if (name, tag) in wanted and (digest := Digest.or_none(text)):
                    heads[name, tag] = digest
        return heads

    async def pushed(self) -> dict[tuple[str, str], datetime]:
        """When each tag, (repository, tag), was pushed; nothing where the host can't tell."""
        if not self._unit.sees_storage:
            return {}
        pushed: dict[tuple[str, str], datetime] = {}
        for line in _lines_of((await self._ask("pushed")).stdout):
            match line.split(" "):
                case ["pushed", name, tag, seconds] if is_repository(name) and is_tag(tag):
                    count = read_count(seconds)
                    if count is not None and count < _LATEST:
                        pushed[name, tag] = datetime.fromtimestamp(count, UTC)
        return pushed

    async def pending(self) -> tuple[PendingUpload, ...]:
        """Uploads that were begun and not ended, the longest idle first."""
        if not self._unit.sees_storage:
            return ()
        lines = map(str.split, _lines_of((await self._ask("uploads")).stdout))
        return _longest_first(filter(None, (_pending(*words) for words in lines if len(words) == 4)))

    async def sizes(self, digests: Iterable[Digest]) -> dict[Digest, int]:
        """Bytes of those blobs that are there."""
        asked = tuple(digests)
        if not asked or not self._unit.root:
            return {}
        told = await self._ask("sizes", stdin=asked)
        check(told, self._host.place, self._unit.runtime)
        sizes: dict[Digest, int] = {}
        for line in _lines_of(told.stdout):
            number, _, text = line.partition(" ")
            if (count := read_count(number)) is not None and (digest := Digest.or_none(text)):
                sizes[digest] = count
        return sizes

    async def owners(self, digests: Iterable[Digest]) -> dict[Digest, str]:
        """The repository in which a blob is linked, the first by name where there are several."""
        asked = tuple(digests)
        if not asked or not self._unit.root:
            return {}
        told = await self._ask("layers", stdin=asked)
        owners: dict[Digest, str] = {}
        for line in sorted(told.stdout.splitlines(), reverse=True):
            match line.split(" "):
                case ["layer", name, text] if digest := Digest.or_none(text):
                    owners[digest] = name
        return owners

    async def remove_empty(self, repositories: Sequence[str]) -> tuple[str, ...]:
        """Removes the directories of those that still are without manifest, tag and upload; which these were."""
        empty = set((await self.listing()).empty)
        names = [name for name in repositories if name in empty]
        if not names:
            return ()
        told = await self._ask("remove_empty", "while-it-runs", stdin=names)
        removed = {line.removeprefix("removed ") for line in told.stdout.splitlines() if line.startswith("removed ")}
        return tuple(name for name in names if name in removed)

    async def _ask(self, ask: str, *words: str, stdin: Sequence[str] = ()) -> ScriptOutput:
        question = scripts.question(self._unit, ask, *words, stdin=stdin)
        return await self._host.run(question, is_long=True)


def _pending(name: str, upload: str, idle: str, count: str) -> PendingUpload | None:
    seconds, size = read_count(idle), read_count(count)
    if seconds is None or size is None or not is_repository(name) or not is_tag(upload):
        return None
    return PendingUpload(name, upload, seconds, size)


def _longest_first(uploads: Iterable[PendingUpload]) -> tuple[PendingUpload, ...]:
    return tuple(sorted(uploads, key=lambda upload: -upload.idle))


def _lines_of(text: str) -> Iterator[str]:
    """One at a time: a text of nothing but short lines would be many times as large as a list."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        yield text[begin:end]
        begin = end + 1


def read_count(text: str) -> int | None:
    """Bytes or the like, as a host tells them; None where it is no number that can be."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= _DIGITS else None

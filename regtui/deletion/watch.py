"""What the tags of a repository lead to while it is changed: others push to it at the same time."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from regtui.deletion.inventory import list_tags, stored
from regtui.deletion.values import Contents, StoredManifest
from regtui.deletion.work import Work
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import ManifestNotFound, NotFound, RegistryError

# From so many on a look takes longer than people wait without a word.
_MANY: Final = 200


async def tags_now(client: RegistryClient, repository: str) -> list[str]:
    """The tags; none where the repository is gone. Raises RegistryError."""
    try:
        return await list_tags(client, repository)
    except NotFound:
        return []


@dataclass(frozen=True, slots=True)
class Sight:
    """What one tag leads to: `digest`, or with None nothing. `missing`: the digest of the manifest that is gone from
    behind it, where the registry names it."""

    digest: Digest | None
    missing: Digest | None = None


async def look_at(client: RegistryClient, repository: str, tag: str, expected: Collection[Digest | None] = ()) -> Sight:
    """`expected`: what it is taken to lead to, None for nothing; only GET is believed that it is anything else. Raises
    RegistryError where that can't be told."""
    try:
        return Sight((await client.resolve(repository, tag, expected=expected)).digest)
    except ManifestNotFound as error:
        return Sight(None, Digest.or_none(error.missing_digest))
    except NotFound:
        return Sight(None)


class Watch:
    """`names`: the tags when they were last listed. `seen`: those of them that were looked at since `begin_round`."""

    def __init__(self, client: RegistryClient, planned: Contents) -> None:
        self._client = client
        self._planned = planned
        self._tags: dict[str, Digest | None] = dict(planned.tags)
        self._unread: dict[str, str] = dict(planned.unread)
        self._missing: dict[str, Digest] = {}
        self._unread_manifests: dict[Digest, str] = dict(planned.unread_manifests)
        self.manifests: dict[Digest, StoredManifest] = dict(planned.manifests)
        self.names: frozenset[str] = frozenset()
        self.seen: set[str] = set()
        self.on_look: Callable[[int, int], None] | None = None
        """Hears (tags looked at, in all) while many are."""
        self.errors: dict[str, RegistryError] = {}
        """Of the tags that can't be looked at, why."""
        self.changes = 0
        """How often something was seen that wasn't known: as long as it is the same, so is what follows from it."""

    @property
    def repository(self) -> str:
        return self._planned.repository

    @property
    def fresh(self) -> set[str]:
        """Tags that nobody has looked at yet, neither the plan nor this."""
        return {tag for tag in self.names if tag not in self._tags and tag not in self._unread}

    async def list(self) -> None:
        """List the tags anew. Raises RegistryError."""
        names = frozenset(await tags_now(self._client, self.repository))
        if names != self.names:
            self.names = names
            self.changes += 1

    def begin_round(self) -> None:
        self.seen.clear()

    async def look(self, tags: Iterable[str], *, again: bool = False, work: Work | None = None) -> None:
        """Look at those tags, and read the manifests that are new behind them. What can't be looked at is in `errors`,
        and isn't tried another time unless `again`. `work`: its stop ends it early. Raises nothing."""
        wanted = sorted(tag for tag in tags if again or tag not in self.errors)
        sights: dict[str, Sight] = {}

        async def look(tag: str) -> None:
            expected = [self._tags[tag]] if tag in self._tags else []
            sights[tag] = await look_at(self._client, self.repository, tag, expected)

        done = 0
        async for attempts in (work or Work()).each(wanted, look):
            for attempt in attempts:
                self._note(attempt.item, sights.get(attempt.item), attempt.error)
            done += len(attempts)
            if self.on_look is not None and len(wanted) >= _MANY:
                self.on_look(done, len(wanted))
        await self._read_new(sights)

    def note(self, tag: str, digest: Digest | None) -> None:
        """Somebody looked at it just now."""
        self._note(tag, Sight(digest), None)

    def last(self, tag: str) -> Digest | None:
        """What it led to when it was last looked at."""
        return self._tags.get(tag)

    def forget(self, tag: str) -> None:
        self._tags.pop(tag, None)
        self._missing.pop(tag, None)
        self.changes += 1

    def contents(self, going: Collection[str]) -> Contents:
        """The repository as it is now, as far as is known; of the tags that are `going` what the plan says of them."""
        tags = {tag: digest for tag, digest in self._tags.items() if tag in self.names and tag not in going}
        tags |= {tag: self._planned.tags[tag] for tag in going if tag in self._planned.tags}
        # What a tag named that has lost its manifest is needed all the same.
        tags |= {tag: digest for tag, digest in self._missing.items() if tag in self.names and tag not in going}
        unread = {tag: why for tag, why in self._unread.items() if tag in self.names and tag not in going}
        return replace(
            self._planned, tags=tags, manifests=self.manifests, unread=unread, unread_manifests=self._unread_manifests
        )

    def _note(self, tag: str, sight: Sight | None, error: RegistryError | None) -> None:
        before = self._known_of(tag)
        self._take(tag, sight, error)
        if self._known_of(tag) != before:
            self.changes += 1

    def _known_of(self, tag: str) -> tuple[bool, Digest | None, str | None, Digest | None]:
        return tag in self._tags, self._tags.get(tag), self._unread.get(tag), self._missing.get(tag)

    def _take(self, tag: str, sight: Sight | None, error: RegistryError | None) -> None:
        if sight is None:
            if error is not None:
                self.errors[tag] = error
                # One that was seen in the plan is taken for what it was then: where that was another, it is found out
                # once it can be looked at again, or is missed in the list.
                if tag not in self._tags:
                    self._unread[tag] = error.message
            return
        self.seen.add(tag)
        self._tags[tag] = sight.digest
        self._unread.pop(tag, None)
        self.errors.pop(tag, None)
        self._missing.pop(tag, None)
        if sight.missing is not None:
            self._missing[tag] = sight.missing

    async def _read_new(self, sights: dict[str, Sight]) -> None:
        """The manifests that nobody has read yet, and all below them: they may be indexes over what is to go."""
        behind: dict[Digest, set[str]] = {}
        for tag, sight in sights.items():
            if sight.digest is not None and sight.digest not in self.manifests:
                behind.setdefault(sight.digest, set()).add(tag)
        if not behind:
            return
        for digest, error in (await self._read(behind)).items():
            for tag in behind[digest]:
                self._unread[tag] = error.message
                self.errors[tag] = error
        asked = set(behind)
        fresh = asked & self.manifests.keys()
        while below := {child for digest in fresh for child in self.manifests[digest].children} - asked:
            asked |= below
            fresh = below - self.manifests.keys()
            self._unread_manifests |= {digest: e.message for digest, e in (await self._read(fresh)).items()}
            fresh &= self.manifests.keys()
        self.changes += 1

    async def _read(self, digests: Iterable[Digest]) -> dict[Digest, RegistryError]:
        """Those that couldn't be read, and why; one that isn't there is no error."""

        async def read(digest: Digest) -> None:
            try:
                self.manifests[digest] = stored(await self._client.manifest(self.repository, digest))
            except NotFound:
                return

        attempts = await Work().all(sorted(digests), read)
        return {attempt.item: attempt.error for attempt in attempts if attempt.error is not None}

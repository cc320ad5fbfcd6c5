"""What the journal says of one run, read back. Lines that a crash tore are passed over."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from regtui.bounded_json import without_halves
from regtui.deletion.inventory import stored
from regtui.deletion.reasons import reason_of
from regtui.deletion.values import Action, Outcome, Status, StoredManifest
from regtui.errors import UsageError
from regtui.oci.digest import Digest
from regtui.oci.reference import check_tag, is_repository
from regtui.oci.schema1 import signed_payload
from regtui.registry.identity import RegistryId
from regtui.registry.values import FetchedManifest

# How each record begins.
_BEGINNING: Final = '{"record": '


class Kind(Enum):
    """What a run did."""

    DELETION = "deletion"
    RESTORE = "restore"
    MOVE = "move"
    """A tag was moved from one manifest to another."""
    COLLECTION = "collection"
    REPAIR = "repair"
    """Lost blobs were put back."""
    PRUNE = "prune"
    """What the retention rules selected was deleted: its parts are deletions, one a repository."""

    @property
    def can_be_undone(self) -> bool:
        """Whether a run of this kind took something away, or put something elsewhere."""
        return self not in (Kind.COLLECTION, Kind.REPAIR)


class Belonging(Enum):
    """Whether a run was made at a registry."""

    HERE = "here"
    UNKNOWN = "unknown"
    """It was recorded by an earlier version, by its address alone, and this registry is reached via a host."""
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Collection:
    """A garbage collection's result. `stages`: each with its status. `bytes` freed and `blobs`: None where unknown."""

    host: str
    stages: tuple[tuple[str, str], ...]
    blobs: int | None
    bytes: int | None
    seconds: float
    result: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class PruneSummary:
    """What came of a prune. `bytes`: what became collectable. `in_use`: tags that stay for that alone. `stopped`:
    repositories in which nothing, or not all, was deleted that the rules select. `error`: why it ended early.
    `declined`: it was shown, and not confirmed."""

    tags: int = 0
    manifests: int = 0
    bytes: int = 0
    in_use: int = 0
    repositories: int = 0
    stopped: int = 0
    seconds: float = 0.0
    error: str = ""
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One run. `registry`: where it was made. `user`: who was logged in there, `by`: who sat at this machine.
    `knows_via` is False for a run of an earlier version, which recorded the address alone.

    `tags`: of a deletion, what each pointed at; of a restore or a move, what each points at since. `before`: of
    those, what stood there instead, None for nothing. `removed_tags`, with what each pointed at, and
    `removed_manifests`: what an undo of an undo took away besides, once the rest was put back. `manifests_changed`:
    deleted, or restored, by digest; of a repair, the blobs. `replaceable`: damaged tags that were shown to stand in
    the way. `undoes`: the run that this one took back. `placeholders`: digests of the empty indexes that took the
    tags' places; `standing`: those that perhaps still do, or are `left` without a tag. `repaired`: damaged tags
    that weren't part of it, and lead to that empty index since. `part_of`: the prune that a deletion is a part of;
    empty for most. `prune`: what came of a prune that ended. `ended`: None while it runs, and where it was
    interrupted. `is_running`: also while somebody finishes or undoes one that was interrupted.
    """

    name: str
    kind: Kind
    time: datetime
    registry: RegistryId
    repository: str = ""
    user: str = ""
    by: str = ""
    tags: Mapping[str, Digest | None] = field(default_factory=dict)
    before: Mapping[str, Digest | None] = field(default_factory=dict)
    manifests_changed: tuple[Digest, ...] = ()
    removed_tags: Mapping[str, Digest | None] = field(default_factory=dict)
    removed_manifests: tuple[Digest, ...] = ()
    replaceable: frozenset[str] = frozenset()
    undoes: str = ""
    placeholders: tuple[Digest, ...] = ()
    standing: tuple[Digest, ...] = ()
    left: frozenset[Digest] = frozenset()
    repaired: Mapping[str, Digest | None] = field(default_factory=dict)
    ended: datetime | None = None
    interrupted: bool = False
    results: tuple[Outcome, ...] = ()
    collection: Collection | None = None
    part_of: str = ""
    prune: PruneSummary | None = None
    is_running: bool = False
    knows_via: bool = True
    _manifests: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    _blobs: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    _statuses: Mapping[tuple[Action, str], Status] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for each tag of a run, and a run may have thousands.
        statuses = {(outcome.action, outcome.reference): outcome.status for outcome in reversed(self.results)}
        object.__setattr__(self, "_statuses", statuses)

    def belongs_to(self, registry: RegistryId) -> Belonging:
        """Whether it was made there."""
        if self.registry == registry:
            return Belonging.HERE
        if not self.knows_via and self.registry.address == registry.address:
            return Belonging.UNKNOWN
        return Belonging.ELSEWHERE

    def made_at(self, registry: RegistryId) -> "Entry":
        """The same run, once somebody has said that it was made there; only for one that `belongs_to` says UNKNOWN."""
        known = self.belongs_to(registry) is Belonging.UNKNOWN
        return replace(self, registry=registry, knows_via=True) if known else self

    def set_out_by(self, undoing: "Entry") -> "Entry":
        """The part of this run that `undoing`, an undo of it, set out to put back: a deletion of that and no more."""
        return replace(
            self,
            kind=Kind.DELETION,
            tags=undoing.tags,
            before=undoing.before,
            manifests_changed=undoing.manifests_changed,
            removed_tags={},
            removed_manifests=(),
            results=(),
            _manifests=undoing._manifests,
            _blobs=undoing._blobs,
        )

    @property
    def taken_tags(self) -> Mapping[str, Digest | None]:
        """The tags that it removed, or was to."""
        return self.removed_tags if self.puts_tags else self.tags

    @property
    def taken_manifests(self) -> tuple[Digest, ...]:
        return self.removed_manifests if self.puts_tags else self.manifests_changed

    @property
    def deletion(self) -> "Entry":
        """The part of it that took something away, as a deletion by itself."""
        taken, manifests = self.taken_tags, self.taken_manifests
        return replace(
            self,
            kind=Kind.DELETION,
            tags=taken,
            before={},
            manifests_changed=manifests,
            removed_tags={},
            removed_manifests=(),
        )

    @property
    def state(self) -> tuple[object, ...]:
        """How far it is, as a value to compare: what is finished or undone is another one from then on."""
        return self.ended, self.interrupted, self.placeholders, self.standing

    @property
    def puts_tags(self) -> bool:
        """Whether tags lead to something else since, instead of being gone."""
        return self.kind in (Kind.RESTORE, Kind.MOVE)

    @property
    def is_unfinished(self) -> bool:
        """Whether it was interrupted between its steps: tags may point at a placeholder."""
        is_open = self.ended is None or bool(self.standing)
        # A move is a single step.
        return self.kind in (Kind.DELETION, Kind.RESTORE) and not self.is_running and is_open

    @property
    def only_leaves_placeholders(self) -> bool:
        """Whether it is unfinished for the sake of empty indexes alone that no tag leads to: nothing else waits for
        that."""
        return self.is_unfinished and self.ended is not None and self.left.issuperset(self.standing)

    @property
    def is_complete(self) -> bool:
        """Whether it ended, and did all that it set out to."""
        return (
            self.ended is not None
            and not self.interrupted
            and all(outcome.status is Status.DONE for outcome in self.results)
        )

    @property
    def has_effect(self) -> bool:
        """Whether it may have changed anything."""
        changed = (outcome for outcome in self.results if outcome.has_effect)
        # What was done to a damaged tag beside those that go can't be taken back.
        return self.ended is None or any(o.action is not Action.TAG or self.kind is Kind.MOVE for o in changed)

    @property
    def leaves_something(self) -> bool:
        """Whether there is anything to put back of what it took away: behind a broken tag there was nothing. Of a prune
        its parts say it."""
        return self.kind is not Kind.DELETION or bool(self.manifests_changed) or any(self.tags.values())

    def status_of(self, action: Action, reference: str) -> Status | None:
        """How that ended; None where the run was interrupted before it could say so."""
        return self._statuses.get((action, reference))

    def manifests(self) -> dict[Digest, StoredManifest]:
        """With their exact bytes; without those that the registry didn't have any more, and those that are damaged."""
        fetched = [_fetched(record) for record in self._manifests if not record.get("missing")]
        return {manifest.digest: stored(manifest) for manifest in fetched if manifest is not None}

    def damaged(self) -> frozenset[Digest]:
        """The manifests whose bytes in the journal aren't what their digest says: they are never put anywhere."""
        return frozenset(
            digest
            for record in self._manifests
            if not record.get("missing")
            and (digest := Digest.or_none(str(record.get("digest")))) is not None
            and _fetched(record) is None
        )

    def blobs(self) -> dict[Digest, bytes]:
        """Configs, with their exact bytes: those that were kept, and are not damaged."""
        fetched = [_fetched(record) for record in self._blobs]
        return {blob.digest: blob.body for blob in fetched if blob is not None}


class Damaged(ValueError):
    """What is written there is no record of a run. Its text says what is wrong; it reads on after the file's name."""


def read_entry(name: str, text: str, *, is_running: bool = False) -> Entry | None:
    """The run's state after all its records; None where it is just being begun: then nothing was done yet.

    Raises Damaged for what can't be told from a run that was lost. A crash while the first record was written leaves no
    more of it than a disk that lost the rest.
    """
    # Not splitlines(): it takes characters for line ends that are part of JSON texts.
    records = [record for line in text.split("\n") if line and (record := _record(line))]
    if not records and "\n" not in text:
        if is_running:
            return None
        raise Damaged("it is cut off within its first record, and what that run did, if anything, can't be told")
    try:
        first = records[0]
        entry = _first(name, Kind(first["record"]), first, is_running)
        return _after(entry, records[1:])
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, UsageError):
        raise Damaged("it is no whole record of a run") from None


def _record(line: str) -> dict[str, Any]:
    """Empty for a line that a crash tore. Raises Damaged."""
    try:
        value = json.loads(without_halves(line))
    except (ValueError, RecursionError):
        if _BEGINNING.startswith(line) or line.startswith(_BEGINNING):
            return {}
        raise Damaged("it holds what is no record") from None
    if not isinstance(value, dict):
        raise Damaged("it holds what is no record")
    return value


def _first(name: str, kind: Kind, record: Mapping[str, Any], is_running: bool) -> Entry:
    return Entry(
        name=name,
        kind=kind,
        time=_time(record["time"]),
        registry=_registry(record),
        knows_via=isinstance(record.get("via"), str),
        repository=_repository(record, kind),
        user=str(record.get("user", "")),
        by=str(record.get("by", "")),
        tags=_tags(record.get("tags", {})),
        before=_tags(record.get("before", {})),
        manifests_changed=tuple(map(Digest, record.get("by_digest", ()))),
        removed_tags=_tags(record.get("removed_tags", {})),
        removed_manifests=tuple(map(Digest, record.get("removed_by_digest", ()))),
        replaceable=frozenset(map(str, record.get("replaceable", ()))),
        undoes=str(record.get("undoes", "")),
        part_of=str(record.get("part_of", "")),
        collection=_collection(record) if kind is Kind.COLLECTION else None,
        is_running=is_running,
        _manifests=tuple(record.get("manifests", ())),
        _blobs=tuple(record.get("configs", ())),
    )


def _after(entry: Entry, records: Sequence[Mapping[str, Any]]) -> Entry:
    placeholders: dict[Digest, None] = {}
    standing: dict[Digest, None] = {}
    left: set[Digest] = set()
    repaired: dict[str, Digest | None] = {}
    results: dict[tuple[Action, str], Outcome] = {}
    for record in records:
        match record.get("record"):
            case "placeholder":
                digest = Digest(record["digest"])
                placeholders[digest] = standing[digest] = None
                if not record.get("tags"):
                    left.add(digest)
            case "placeholder removed":
                standing.pop(Digest(record["digest"]), None)
            case "repair":
                repaired |= _tags(dict.fromkeys(record["tags"], record["digest"]))
            case "resumed":
                entry = replace(entry, ended=None)
                if isinstance(record.get("via"), str):  # somebody has said since where it was made
                    entry = replace(entry, registry=_registry(record), knows_via=True)
            case "prune summary":
                entry = replace(entry, prune=_prune_summary(record))
            case "results":
                told = [_outcome(result) for result in record["results"]]
                results.update({(outcome.action, outcome.reference): outcome for outcome in told})
            case "end":
                entry = replace(entry, ended=_time(record["time"]), interrupted=bool(record.get("interrupted")))
    # One that has ended may be held by whoever undoes it.
    is_open = entry.ended is None or bool(standing)
    return replace(
        entry,
        is_running=entry.is_running and is_open,
        placeholders=tuple(placeholders),
        standing=tuple(standing),
        left=frozenset(left),
        repaired=repaired,
        results=tuple(results.values()),
    )


def _registry(record: Mapping[str, Any]) -> RegistryId:
    via = record.get("via")
    return RegistryId.parse(str(record["registry"]), via if isinstance(via, str) else "")


def _repository(record: Mapping[str, Any], kind: Kind) -> str:
    """Raises ValueError for what is no name: requests are made of it, with a login. A collection has none, nor has a
    prune."""
    name = record.get("repository", "")
    has_none = kind in (Kind.COLLECTION, Kind.PRUNE)
    if not isinstance(name, str) or not (is_repository(name) or (has_none and not name)):
        raise ValueError("no repository")
    return name


def _outcome(record: Mapping[str, Any]) -> Outcome:
    digest = record.get("digest")
    error = str(record.get("error", ""))
    return Outcome(
        str(record["reference"]),
        Digest(digest) if digest else None,
        Action(record["action"]),
        Status(record["status"]),
        error,
        reason_of(str(record.get("reason", "")), error),
    )


def _collection(record: Mapping[str, Any]) -> Collection:
    return Collection(
        host=str(record["host"]),
        stages=tuple((str(stage), str(status)) for stage, status in record["stages"]),
        blobs=record["blobs"],
        bytes=record["bytes"],
        seconds=float(record["seconds"]),
        result=str(record["result"]),
        error=str(record.get("error", "")),
    )


def _prune_summary(record: Mapping[str, Any]) -> PruneSummary:
    return PruneSummary(
        tags=int(record["tags"]),
        manifests=int(record["manifests"]),
        bytes=int(record["bytes"]),
        in_use=int(record["in_use"]),
        repositories=int(record["repositories"]),
        stopped=int(record["stopped"]),
        seconds=float(record["seconds"]),
        error=str(record.get("error", "")),
        declined=bool(record.get("declined", False)),
    )


def _tags(value: Mapping[str, Any]) -> dict[str, Digest | None]:
    return {check_tag(tag): Digest(digest) if digest else None for tag, digest in value.items()}


def _fetched(record: Mapping[str, Any]) -> FetchedManifest | None:
    """The manifest or blob as it was read; None where its bytes aren't what its digest says."""
    try:
        digest, media_type = Digest(record["digest"]), str(record.get("media_type", ""))
        in_base64 = record.get("body_base64")
        body = base64.b64decode(in_base64) if in_base64 is not None else str(record["body"]).encode()
    except (KeyError, TypeError, ValueError):
        return None
    # A signed schema 1 manifest has the digest of its payload.
    is_whole = digest.matches(body) or digest.matches(signed_payload(body))
    return FetchedManifest(digest, media_type, body) if is_whole else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)

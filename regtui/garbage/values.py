"""What a garbage collection is made of: what was found on the host, what it would free, how it goes, what came of it.

Sizes are bytes, times seconds. All immutable; both faces show these and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from regtui.host.keep_out import KeepOut
from regtui.oci.digest import Digest


class Stage(Enum):
    """In the order in which they run."""

    LOOK = "look"
    DRY_RUN = "dry run"
    UNTAGGED = "untagged"
    KEEP_OUT = "keep pushes out"
    COLLECT = "collect"
    BRING_BACK = "bring back"
    VERIFY = "verify"


class StageStatus(Enum):
    STARTED = "started"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user wants. `untagged`: manifests that no tag, index or referrer reaches go too, through the API."""

    untagged: bool = False
    keep_out: KeepOut = KeepOut.STOP
    remove_empty: bool = False
    """Repositories in which nothing is left go while pushes are kept out: those that the forecast names."""
    upload_minutes: int | None = None
    """Uploads to which nothing came for so long go then, too; None: none do."""
    verify_all: bool = False
    """Every tag is checked afterwards, also above the number from which a sample is."""


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """One that was begun and not ended. `idle`: seconds since its last byte; `bytes`: what it holds."""

    repository: str
    id: str
    idle: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found on the host. Empty texts and None where it can't be told.

    `place`: the host in words. `runtime`: `docker`, `podman`, `docker compose`, `kubectl`, `systemd` or `command`.
    `unit`: the container's, service's, deployment's or systemd unit's name. `version`: the registry's, as its binary
    says. `root`: where its storage is, as the collector sees it. `driver`: `filesystem`, `s3` …
    `uploads`: uploads in progress. `used`, `free`: bytes on the storage's disk; `used` are those of its blobs.
    """

    place: str
    runtime: str
    unit: str
    version: str = ""
    config: str = ""
    root: str = ""
    driver: str = ""
    delete_enabled: bool | None = None
    uploads: int | None = None
    used: int | None = None
    free: int | None = None
    pending: tuple[PendingUpload, ...] = ()
    """Those uploads, the longest idle first; empty where the host can't tell more than their number."""
    disk: int | None = None
    """Bytes of the storage's disk, used and free together."""
    blob_cache: str = ""
    """`inmemory` needs a restart after the sweep; `redis`; empty for none."""
    keep_out: tuple[KeepOut, ...] = (KeepOut.STOP, KeepOut.ONLINE)
    """How pushes can be kept out there; the first is what is taken unless the user chooses another. None: it can't be
    collected."""
    obstacle: str = ""
    """Why the registry can't be stopped for it, with what to do."""
    remedy: str = ""
    """What there is beside doing away with the obstacle; empty where nothing is."""
    no_restart: str = ""
    """Why it can't be restarted after the sweep, where its cache may need that."""
    no_stand_in: str = ""
    """Why nothing can serve pulls while it is stopped; empty where a stand-in can."""


@dataclass(frozen=True, slots=True)
class UsedManifests:
    """What runs somewhere, and needs no tag to stay: `named`, by their digests, in whatever repository. `unread`: why
    not all of it is known, in a sentence; empty where it is."""

    named: frozenset[Digest] = frozenset()
    unread: str = ""


@dataclass(frozen=True, slots=True)
class UntaggedManifest:
    """A manifest that nothing reaches: no tag, no index, no referrer of its repository."""

    repository: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a collection would free, by a dry run. `blobs`: digest → size, None where the storage didn't tell.

    `by_repository`: bytes of the blobs that were linked in it, each blob in the first one alone, largest first.
    `at_risk`: sentences about what a naive run with --delete-untagged would break here; empty where nothing.
    `in_use`: untagged manifests that something runs, and that stay.
    `untagged`: what `Choices.untagged` deletes before; their blobs are among `blobs` only where that was chosen, else
    `held` says how many bytes they keep. `unsought`: they weren't looked for, as there are so many manifests.
    `deleting`: seconds that deleting them takes the registry.
    `seconds`: the collector's own; the real run takes a bit more.
    `nothing`: why there is nothing to collect, where the storage is empty.
    """

    marked: int
    blobs: Mapping[Digest, int | None] = field(hash=False)
    by_repository: tuple[tuple[str, int], ...] = ()
    untagged: tuple[UntaggedManifest, ...] = ()
    at_risk: tuple[str, ...] = ()
    seconds: float = 0.0
    nothing: str = ""
    held: int = 0
    unsought: bool = False
    deleting: float = 0.0
    empty: tuple[str, ...] = ()
    """Repositories in which nothing is left, or will be: `Choices.remove_empty` removes their directories."""
    by_manifests: bool = False
    """Sizes are those that manifests name: the storage can't be asked."""
    in_use: tuple[UntaggedManifest, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(size or 0 for size in self.blobs.values())

    @property
    def is_exact(self) -> bool:
        """Whether the size of every blob is known."""
        return all(size is not None for size in self.blobs.values())


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `text` may be server text: whoever shows it cleans it.

    With a `status`, the stage began or ended (`text`: why it failed or was skipped); without one, `text` is a line of
    its log, or `blobs` and `bytes` say how far it is. Those are what was freed so far in all, `seconds` are counted
    from the stage's begin.
    """

    stage: Stage
    status: StageStatus | None = None
    text: str = ""
    blobs: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TagsVerified:
    """After the registry was brought back: which of the tags that existed before have manifest, platform images,
    configs and layers."""

    checked: int
    total: int
    broken: tuple[str, ...] = ()
    """References (`NAME:TAG`) that the collection broke, with what is missing."""
    broken_before: tuple[str, ...] = ()
    """Likewise, but nothing that the collection took is what they miss."""

    @property
    def is_whole(self) -> bool:
        """Whether it shows that the collection broke nothing. No tag that could be asked about shows nothing."""
        return not self.broken and (self.checked > 0 or self.total == 0)


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """What came of it. `freed`: bytes, by comparing the blobs before and after; None where it never got so far.

    `is_up`: whether the registry answers again. `trouble`: sentences, each with what to do; empty where all went well.
    """

    place: str
    stages: tuple[tuple[Stage, StageStatus], ...]
    blobs: int = 0
    freed: int | None = None
    predicted: int | None = None
    seconds: float = 0.0
    is_up: bool | None = None
    verified: TagsVerified | None = None
    empty_repositories: tuple[str, ...] = ()
    """Listed, though no manifest, tag or upload is left in them: their directories can be removed."""
    removed_repositories: tuple[str, ...] = ()
    by_manifests: bool = False
    """`freed` is what manifests name of the blobs that went, so far as they are known: the storage can't be asked."""
    was_pushed_to: bool = False
    """While it was collected something came: by the storage less went than by the collector, that is believed."""
    removed_uploads: int = 0
    """Abandoned ones; their bytes aren't among those that were freed."""
    trouble: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.trouble and (self.verified is None or self.verified.is_whole)


class HostQuestion(Enum):
    """What the script on the host can't see, and waits to be told."""

    REFUSES_PUSHES = "whether the registry refuses pushes"
    IS_SILENT = "whether nothing answers at the registry's address"


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A collection that was begun before, and lost its connection or its regtui. `log`: its last lines."""

    started: str
    """UTC, RFC 3339."""
    stage: Stage
    is_running: bool
    log: tuple[str, ...] = ()
    is_whole: bool = False
    """It came to its end: the collector succeeded, and the registry was up again."""
    was_killed: bool = False
    """It was killed, and so was what watches over it: the registry may be down, and a collector at work."""
    who: str = ""
    """Who began it: `ci@laptop as deploy`; empty where that isn't known."""
    is_ours: bool = True
    """Whether it was begun by the same login there: else its log can't be read."""
    run: str = ""
    """What its host calls it; empty where that isn't known."""
    waits_for: HostQuestion | None = None
    """What it waits to be told by the regtui that began it, which may be gone."""
    is_cut: bool = False
    """It ended, and its log doesn't say so: there was no room to write it to its end."""

    @property
    def is_well(self) -> bool:
        """It is going on, or came to a good end."""
        return self.is_running or self.is_whole

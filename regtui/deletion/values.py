"""What a deletion is made of: the contents it was planned on, the plan, what came of it. All immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from regtui.deletion.reasons import Reason, in_words
from regtui.oci.digest import Digest
from regtui.oci.manifest import AnyManifest, Manifest
from regtui.oci.media_type import FOREIGN_LAYERS
from regtui.registry.identity import RegistryId
from regtui.registry.values import Deletion


class Action(Enum):
    UNTAG = "untag"
    DELETE = "delete"
    RESTORE = "restore"
    TAG = "tag"
    """Moving a tag, which takes it from another manifest."""


class Status(Enum):
    DONE = "done"
    PLANNED = "planned"
    SKIPPED = "skipped"
    FAILED = "failed"


class Method(Enum):
    """How a tag is removed alone."""

    BY_TAG = "by tag"
    """`DELETE …/manifests/<tag>`: distribution 3.x, zot."""
    PLACEHOLDER = "placeholder"
    """An empty index is put to the tag, and deleted by its own digest: works on 2.x too, needs push rights."""

    @classmethod
    def at(cls, support: Deletion) -> Self:
        """The one for a registry that lets so much be deleted."""
        return cls.BY_TAG if support is Deletion.BY_TAG else cls.PLACEHOLDER


class Manifests(Enum):
    """What becomes of manifests that lose their last tag."""

    IN_TIME = "in time"
    """Deleted, unless that takes the registry longer than somebody waits for (regtui.deletion.cost)."""
    DELETED = "deleted"
    LEFT = "left"
    """For a collection of untagged images, which deletes them."""


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest of the repository, with its exact bytes.

    `media_type`: what it is put back with; its own, where it names one. `children`: of an index, the entries that are
    manifests by their media type. `blobs`: digest → size in bytes, config included; of an index, the entries that are
    no manifests (a BuildKit cache is an index of layers).
    """

    digest: Digest
    media_type: str
    body: bytes = field(repr=False)
    manifest: AnyManifest = field(repr=False)
    children: tuple[Digest, ...] = ()
    blobs: Mapping[Digest, int] = field(default_factory=dict, hash=False, repr=False)
    subject: Digest | None = None

    @property
    def named(self) -> tuple[Digest, ...]:
        """Everything that it needs: children and blobs."""
        return (*self.children, *self.blobs)

    @property
    def needed_blobs(self) -> tuple[Digest, ...]:
        """Those without which no registry takes it. Layers that name where else they are (Windows' base layers) are not
        among them."""
        if isinstance(self.manifest, Manifest):
            return tuple(dict.fromkeys(blob.digest for blob in self.manifest.own_blobs()))
        return tuple(self.blobs)

    @property
    def wanted_blobs(self) -> tuple[Digest, ...]:
        """Those, and the ones without which some registries don't take it."""
        if not isinstance(self.manifest, Manifest):
            return self.needed_blobs
        foreign = FOREIGN_LAYERS.get(self.manifest.media_type, ())
        others = (blob.digest for blob in self.manifest.blobs() if blob.urls and blob.media_type not in foreign)
        return tuple(dict.fromkeys((*self.needed_blobs, *others)))


@dataclass(frozen=True, slots=True)
class KnownBlobs:
    """What was looked at of the blobs that undo will need.

    `kept`: configs, with their bytes. `gone`: blobs that can't be had, with the registry's words, or none where it says
    that there is no such blob. `too_large`: configs that are not kept for their size. `unchecked`: how many blobs were
    not looked at.
    """

    kept: Mapping[Digest, bytes] = field(default_factory=dict, hash=False, repr=False)
    gone: Mapping[Digest, str] = field(default_factory=dict, hash=False)
    too_large: frozenset[Digest] = frozenset()
    unchecked: int = 0


@dataclass(frozen=True, slots=True)
class Contents:
    """A repository as it was read: what every tag points at, and every manifest that was found from there.

    `tags`: None for a tag whose manifest is gone. `unread`: tags that couldn't be read, with the reason: as long as
    there are any, no manifest may be deleted by digest, because they might share it. `unread_manifests`: the same of
    manifests that an index or a user named; no manifest that they might use may be deleted. `damaged`: those of the
    unread tags that the registry's storage has nothing whole of (regtui.deletion.damage).
    """

    repository: str
    tags: Mapping[str, Digest | None] = field(hash=False)
    manifests: Mapping[Digest, StoredManifest] = field(hash=False)
    unread: Mapping[str, str] = field(default_factory=dict, hash=False)
    unread_manifests: Mapping[Digest, str] = field(default_factory=dict, hash=False)
    blobs: KnownBlobs = field(default_factory=KnownBlobs, hash=False)
    damaged: frozenset[str] = frozenset()
    registry: RegistryId | None = None
    """Where it was read; a plan made of it is carried out there and nowhere else. None where it was made up."""
    used: frozenset[Digest] = frozenset()
    """What runs somewhere, by whatever digest it is known there: it needs what is below it without a tag, too."""

    @property
    def tag_count(self) -> int:
        return len(self.tags.keys() | self.unread.keys())


class Cause(Enum):
    """Why something could not be put back."""

    UNREADABLE = "unreadable"
    """It can't be read, so that its bytes can't be kept."""
    DAMAGED = "damaged"
    """The same, as the registry's own file of it seems damaged."""
    CHILD_MISSING = "child missing"
    CHILD_UNREADABLE = "child unreadable"
    CONFIG_MISSING = "config missing"
    LAYER_MISSING = "layer missing"
    LAYER_ELSEWHERE = "layer elsewhere"
    """It is missing, and names where else it is: 2.x takes the manifest for that, 3.1.1 doesn't."""
    BLOB_UNREADABLE = "blob unreadable"
    SCHEMA1 = "schema 1"
    """Hardly a registry takes it any more: 2.8.2 as it is shipped doesn't, nor does 3.x."""
    NO_MEDIA_TYPE = "no media type"
    """Neither the registry nor the manifest says what it is."""
    PLACEHOLDER = "placeholder"
    """It stands in for what another deletion removes: that is in the journal of whoever began it, and nowhere else."""
    INVALID = "invalid"
    """It isn't what its media type says: 2.8.2 and 3.1.1 send such a one, and refuse it."""


@dataclass(frozen=True, slots=True)
class Loss:
    """`of`: the part that is missing or can't be read, with the registry's words for it in `detail`. `at`: the manifest
    below to which that happens; None where it is the manifest itself."""

    cause: Cause
    of: Digest | None = None
    detail: str = ""
    at: Digest | None = None


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """A tag that goes. `digest` is None where its manifest is gone already, or can't be read: then `unread` says why.
    `stays_as`: the other tags, which keep the manifest. `attached_to`: the image it is a signature, attestation or
    SBOM of. `loss`: why undo could not put it back; None where it can. `in_use`: where, in words."""

    tag: str
    digest: Digest | None
    stays_as: tuple[str, ...] = ()
    protected: bool = False
    attached_to: Digest | None = None
    unread: str = ""
    loss: Loss | None = None
    in_use: tuple[str, ...] = ()

    @property
    def is_broken(self) -> bool:
        """Whether nothing is behind it."""
        return self.digest is None and not self.unread


@dataclass(frozen=True, slots=True)
class PlannedManifest:
    """A manifest that is deleted by digest. `label` says what it is: `index`, `linux/amd64`, `attestation` …

    `loss`: why undo could not put it back; None where it can.
    """

    digest: Digest
    label: str
    tags: tuple[str, ...] = ()
    parent: Digest | None = None
    attached_to: Digest | None = None
    """The image that it is a signature, attestation or SBOM of, without a tag of its own."""
    loss: Loss | None = None
    in_use: tuple[str, ...] = ()
    """Where, in words: of one that was named by its digest."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """Why nobody replaces a tag unasked: the config protects it, or it is in use: where, in words."""

    protected: bool
    in_use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that would happen, before anything does.

    `staying`: tags outside the selection that share a digest with it, and stay. `freed`: bytes that become
    collectable within the repository, each blob once ("up to": other repositories may hold the same blobs).
    `obstacle`: why it can't be carried out as it stands, empty where it can.
    """

    repository: str
    removed: tuple[PlannedTag, ...]
    manifests: tuple[PlannedManifest, ...]
    staying: tuple[str, ...]
    attached: tuple[str, ...]
    """Tags of signatures, attestations and SBOMs that would be left without their image (not part of `removed`)."""
    attached_manifests: tuple[Digest, ...]
    """The same that have no tag of their own."""
    unknown: tuple[str, ...]
    """Selected tags that the repository doesn't have."""
    freed: int
    method: Method
    obstacle: str = ""
    left: tuple[PlannedManifest, ...] = ()
    """Manifests that lose their last tag and are left, for a collection of untagged images: by choice, or because
    deleting them takes so long."""
    left_bytes: int = 0
    """What would become collectable with them."""
    moved: tuple[PlannedTag, ...] = ()
    """Selected tags that lead elsewhere than when they were chosen, each with what it leads to now: they stay."""
    last: tuple[PlannedTag, ...] = ()
    """Selected tags whose image had another tag besides when they were chosen, and would lose its last one: so do
    they."""
    unread_uses: tuple[str, ...] = ()
    """Sentences about what may use any of it, and could not be read."""
    guarded: Mapping[str, Guarded] = field(default_factory=dict, hash=False)
    """Damaged tags that the config protects, or that are in use: no rule replaces them, nor does anybody unasked."""
    may_push: bool = True
    """Whether this login may push, as far as is known: undo takes that."""
    goes_along: tuple[str, ...] = ()
    """Where this login can't push and so can't remove tags alone: the tags that deleting by digest would take along."""
    contents: Contents = field(repr=False, default=Contents("", {}, {}))

    @property
    def is_empty(self) -> bool:
        return not self.removed and not self.manifests

    @property
    def lost_tags(self) -> tuple[PlannedTag, ...]:
        """Those that undo could not put back."""
        return tuple(tag for tag in self.removed if tag.loss)

    @property
    def lost_manifests(self) -> tuple[PlannedManifest, ...]:
        """The same of manifests that none of those tags leads to."""
        tagged = {tag.digest for tag in self.lost_tags}
        return tuple(manifest for manifest in self.manifests if manifest.loss and manifest.digest not in tagged)

    @property
    def replaceable(self) -> frozenset[str]:
        """Damaged tags that nobody chose. Where one stands in the way, an empty index takes its place
        (regtui.deletion.damage), and what it led to can't be put back; nothing else is ever replaced so."""
        if self.method is not Method.PLACEHOLDER or self.is_empty:
            return frozenset()
        return self.contents.damaged - {tag.tag for tag in self.removed}

    @property
    def guarded_replaceable(self) -> tuple[str, ...]:
        """Those of them that need a confirmation of their own."""
        return tuple(sorted(self.replaceable & self.guarded.keys()))

    @property
    def loses_what_goes(self) -> bool:
        """Whether undo could not put back some of what is deleted."""
        return bool(self.lost_tags or self.lost_manifests)

    @property
    def has_losses(self) -> bool:
        """Whether it does anything that undo could not take back."""
        return self.loses_what_goes or bool(self.replaceable)

    @property
    def used_manifests(self) -> tuple[PlannedManifest, ...]:
        """Those that were named by their digest and are in use."""
        return tuple(manifest for manifest in self.manifests if manifest.in_use)

    @property
    def remaining(self) -> int:
        """How many tags the repository has when the manifests go."""
        return self.contents.tag_count - len(self.removed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one tag or manifest. `reference`: `NAME:TAG` or `NAME@DIGEST`. `error`: words for people; `reason`
    is the same as a value, where it is one of ours."""

    reference: str
    digest: Digest | None
    action: Action
    status: Status
    error: str = ""
    reason: Reason | None = None

    @property
    def is_left(self) -> bool:
        """A manifest that loses its last tag, and is left for later on purpose."""
        return self.reason is Reason.LEFT

    @property
    def is_as_planned(self) -> bool:
        """Done, or left as the plan said."""
        return self.status is Status.DONE or self.is_left

    @property
    def has_effect(self) -> bool:
        """Whether something is, or may be, otherwise than it was."""
        return self.status is Status.DONE or (self.reason is not None and self.reason.has_effect)


def tag_outcome(
    repository: str, tag: PlannedTag, status: Status, reason: Reason | None = None, detail: str = ""
) -> Outcome:
    """`detail`: the registry's error, or what else is known."""
    error = in_words(reason, detail) if reason else detail
    return Outcome(f"{repository}:{tag.tag}", tag.digest, Action.UNTAG, status, error, reason)


def repaired_outcome(repository: str, tag: str, digest: Digest | None) -> Outcome:
    """A damaged tag that nobody chose leads to the empty index `digest` now; None where that isn't known any more."""
    why = "it seemed damaged, and leads to an empty index now"
    return Outcome(f"{repository}:{tag}", digest, Action.TAG, Status.DONE, why)


def left_outcome(repository: str, manifest: PlannedManifest) -> Outcome:
    return manifest_outcome(repository, manifest, Status.SKIPPED, Reason.LEFT)


def manifest_outcome(
    repository: str, manifest: PlannedManifest, status: Status, reason: Reason | None = None, detail: str = ""
) -> Outcome:
    error = in_words(reason, detail) if reason else detail
    return Outcome(f"{repository}@{manifest.digest}", manifest.digest, Action.DELETE, status, error, reason)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at once all was done: so many of the `others`, the tags that weren't to go. `changed`: those of
    them that somebody else pushed meanwhile. `unknown`: those of which that can't be said, as they couldn't be read in
    the plan or now, with the reason; they don't count as looked at."""

    tags: int
    others: int
    changed: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_whole(self) -> bool:
        return self.tags == self.others


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a plan, checked against the registry afterwards. `run` names it in the journal."""

    repository: str
    outcomes: tuple[Outcome, ...]
    interrupted: bool = False
    doubts: tuple[str, ...] = ()
    """What the check found that shouldn't be: tags gone that were to stay, tags still there that were to go."""
    run: str = ""
    left_bytes: int = 0
    """What would become collectable with the manifests that are left without a tag."""
    notices: tuple[str, ...] = ()
    """What else was done, in sentences: all is well for that."""
    looked: Looked | None = None

    @property
    def has_effect(self) -> bool:
        """Whether anything may have been changed: more than left alone."""
        return any(outcome.status is not Status.SKIPPED for outcome in self.outcomes)

    @property
    def leaves_something(self) -> bool:
        """Whether undo finds something that it could put back, or finish: behind a broken tag there was nothing, and
        what was refused is as it was."""
        changed = [outcome for outcome in self.outcomes if outcome.has_effect and outcome.action is not Action.TAG]
        return any(outcome.digest is not None or outcome.status is Status.FAILED for outcome in changed)

    @property
    def left(self) -> int:
        """Manifests that are left without a tag, as planned."""
        return sum(1 for outcome in self.outcomes if outcome.is_left)

    @property
    def moved(self) -> tuple[str, ...]:
        """Tags that were left alone because they point elsewhere since the plan was shown."""
        return tuple(o.reference.rpartition(":")[2] for o in self.outcomes if o.reason is Reason.MOVED)

    @property
    def removed(self) -> tuple[str, ...]:
        """Tags that are gone."""
        done = (o for o in self.outcomes if o.action is Action.UNTAG and o.status is Status.DONE)
        return tuple(outcome.reference.rpartition(":")[2] for outcome in done)

    def count(self, action: Action, status: Status) -> int:
        return sum(1 for outcome in self.outcomes if outcome.action is action and outcome.status is status)

    @property
    def is_complete(self) -> bool:
        return not self.interrupted and not self.doubts and all(o.is_as_planned for o in self.outcomes)

"""The way back, planned: from a run of the journal and what the registry has now, to what can be put back. Pure.

What is never done: a tag that points elsewhere since is not overwritten unless that was chosen, and nothing is put
back that would be broken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from regtui.deletion.entry import Entry
from regtui.deletion.graph import children_first, reachable
from regtui.deletion.loss import config_of
from regtui.deletion.plan import label_of
from regtui.deletion.values import Action, Outcome, Status, StoredManifest
from regtui.names.order import in_order
from regtui.oci.digest import Digest
from regtui.oci.manifest import stands_in


@dataclass(frozen=True, slots=True)
class Situation:
    """What the registry has now of what a run touched.

    `tags`: those that exist, None for one without a manifest. `present`: manifests that can be read. `lost`: those that
    would be put, each with the blobs that the registry doesn't have. `unread`: tags and digests that couldn't be
    looked up, each with the reason.
    """

    tags: Mapping[str, Digest | None] = field(hash=False)
    present: frozenset[Digest]
    lost: Mapping[Digest, tuple[Digest, ...]] = field(hash=False)
    unread: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class PlannedTagRestore:
    """A tag that is put back. `now`: what it points at until then, None for nothing. `manifest_first`: its manifest is
    gone, too."""

    tag: str
    digest: Digest
    now: Digest | None = None
    manifest_first: bool = False


@dataclass(frozen=True, slots=True)
class PlannedManifestRestore:
    """A manifest that is put back by its digest, children before their index. `label` says what it is."""

    digest: Digest
    label: str
    parent: Digest | None = None


@dataclass(frozen=True, slots=True)
class Restoration:
    """What undoing a run would put back.

    `there`: tags that are as they were already. `moved`: tags that were pushed anew since, with what they point at;
    they are in `tags` too where they are to be overwritten. `lost`: what can't be put back, `NAME:TAG` or
    `NAME@DIGEST`, with the reason. `incomplete`: what lacked something when it was deleted, and is tried nevertheless.
    `stored`: every manifest's bytes; `blobs`: those of the configs that were kept; `uploads`: of these, the ones that
    the registry hasn't got any more. `unread`: what of `lost` is so only because it couldn't be looked up.
    """

    entry: Entry
    tags: tuple[PlannedTagRestore, ...]
    manifests: tuple[PlannedManifestRestore, ...]
    there: tuple[str, ...]
    moved: Mapping[str, Digest] = field(hash=False)
    lost: Mapping[str, str] = field(hash=False)
    obstacle: str = ""
    stored: Mapping[Digest, StoredManifest] = field(repr=False, hash=False, default_factory=dict)
    blobs: Mapping[Digest, bytes] = field(repr=False, hash=False, default_factory=dict)
    uploads: frozenset[Digest] = frozenset()
    incomplete: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()

    @property
    def repository(self) -> str:
        return self.entry.repository

    @property
    def is_empty(self) -> bool:
        return not self.tags and not self.manifests

    @property
    def kept(self) -> tuple[str, ...]:
        """Tags that were pushed anew since, and stay so."""
        overwritten = {tag.tag for tag in self.tags}
        return tuple(tag for tag in in_order(self.moved) if tag not in overwritten)


def make_restoration(
    entry: Entry,
    situation: Situation,
    stored: Mapping[Digest, StoredManifest],
    blobs: Mapping[Digest, bytes],
    *,
    overwrite: bool = False,
    obstacle: str = "",
) -> Restoration:
    """What undoing `entry` puts back: of a deletion its tags and manifests, of a restore what it overwrote.

    `stored`, `blobs`: the manifests of the entry, and the configs that were kept. `overwrite`: also tags that were
    pushed anew since. `obstacle`: why nothing can be put back here, where that is known.
    """
    wanted = wanted_tags(entry)
    lost = _lost(entry, stored, blobs, situation)
    tags: list[PlannedTagRestore] = []
    there: list[str] = []
    moved: dict[str, Digest] = {}
    reasons: dict[str, str] = {}
    for tag in in_order(wanted):
        digest = wanted[tag]
        now = situation.tags.get(tag)
        reference = f"{entry.repository}:{tag}"
        if tag in situation.unread:
            reasons[reference] = f"it could not be looked up: {situation.unread[tag]}"
        elif now == digest:
            there.append(tag)
        elif digest in lost:
            reasons[reference] = lost[digest]
        elif now is not None and not _is_ours(entry, tag, now):
            # What the run couldn't delete isn't its to bring back, once somebody else changed it.
            if entry.status_of(Action.UNTAG, reference) is not Status.FAILED:
                moved[tag] = now
                if overwrite:
                    tags.append(PlannedTagRestore(tag, digest, now, digest not in situation.present))
        else:
            tags.append(PlannedTagRestore(tag, digest, now, digest not in situation.present))
    # Below what can't be put back, the rest can.
    below_lost = {wanted[tag] for tag in wanted if wanted[tag] in lost and tag not in situation.unread}
    roots = {tag.digest for tag in tags} | {wanted[tag] for tag in there} | _untagged(entry, stored) | below_lost
    # Their tag is somebody else's by now, and they come back by their digest.
    put_tags = {tag.tag for tag in tags}
    roots |= _deleted(entry) & reachable(stored, {wanted[tag] for tag in moved if tag not in put_tags})
    by_digest = _by_digest(tags, roots, stored, situation, lost)
    reasons |= {f"{entry.repository}@{digest}": lost[digest] for digest in _untagged(entry, stored) if digest in lost}
    put = {tag.digest for tag in tags} | {manifest.digest for manifest in by_digest}
    return Restoration(
        entry,
        tuple(tags),
        tuple(by_digest),
        tuple(there),
        moved,
        reasons,
        obstacle,
        stored,
        blobs,
        uploads=frozenset(blob for digest in put for blob in situation.lost.get(digest, ()) if blob in blobs),
        incomplete=tuple(
            [f"{entry.repository}:{tag.tag}" for tag in tags if _lacks_child(tag.digest, stored, situation)]
            + [f"{entry.repository}@{m.digest}" for m in by_digest if _lacks_child(m.digest, stored, situation)]
        ),
        unread=_unread(entry, reasons, stored, situation),
    )


def _unread(
    entry: Entry, lost: Iterable[str], stored: Mapping[Digest, StoredManifest], situation: Situation
) -> frozenset[str]:
    """Those that can't be put back now, and perhaps later: they, or something below them, couldn't be looked up."""
    roots = {f"{entry.repository}:{tag}": digest for tag, digest in wanted_tags(entry).items()}
    roots |= {f"{entry.repository}@{digest}": digest for digest in _untagged(entry, stored)}
    names = {f"{entry.repository}:{tag}" for tag in situation.unread}
    return frozenset(
        reference
        for reference in lost
        if reference in names or not situation.unread.keys().isdisjoint(reachable(stored, [roots[reference]]))
    )


def _lacks_child(digest: Digest, stored: Mapping[Digest, StoredManifest], situation: Situation) -> bool:
    """Whether it names a manifest that wasn't there when it was deleted, and isn't now."""
    children = stored[digest].children if digest in stored else ()
    return any(child not in stored and child not in situation.present for child in children)


def wanted_tags(entry: Entry) -> dict[str, Digest]:
    """The tags that undoing `entry` concerns, with what they pointed at before it."""
    moved = {tag: digest for tag, digest in entry.before.items() if digest is not None} if entry.puts_tags else {}
    return moved | {
        tag: digest
        for tag, digest in entry.taken_tags.items()
        if digest is not None and entry.status_of(Action.UNTAG, f"{entry.repository}:{tag}") is not Status.SKIPPED
    }


def broken_before(entry: Entry) -> list[str]:
    """The tags that had no manifest when they were removed."""
    return in_order(tag for tag, digest in entry.tags.items() if digest is None and not entry.puts_tags)


def wanted_manifests(entry: Entry, stored: Mapping[Digest, StoredManifest]) -> set[Digest]:
    """The manifests that have to be there for that: to be looked for."""
    return reachable(stored, {*wanted_tags(entry).values(), *_untagged(entry, stored)})


def _untagged(entry: Entry, stored: Mapping[Digest, StoredManifest]) -> set[Digest]:
    """The manifests that were deleted by themselves: no tag that the run removed leads to them. A tag that somebody
    had moved elsewhere by then was left alone, and its manifest went for all that."""
    return _deleted(entry) - reachable(stored, wanted_tags(entry).values())


def _deleted(entry: Entry) -> set[Digest]:
    """The manifests that the run deleted, or may have."""
    return {
        digest
        for digest in entry.taken_manifests
        if entry.status_of(Action.DELETE, f"{entry.repository}@{digest}") is not Status.SKIPPED
    }


def _is_ours(entry: Entry, tag: str, now: Digest) -> bool:
    """Whether the run itself left the tag so: at its placeholder, or at what it put there. Of an undo that was
    interrupted: whether it is what the undo was to overwrite."""
    return now in entry.placeholders or now == (entry.tags if entry.puts_tags else entry.before).get(tag)


def _by_digest(
    tags: Iterable[PlannedTagRestore],
    roots: Iterable[Digest],
    stored: Mapping[Digest, StoredManifest],
    situation: Situation,
    lost: Mapping[Digest, str],
) -> list[PlannedManifestRestore]:
    """What isn't put back by the PUT of a tag: untagged manifests, and whatever an index needs to be there first."""
    tagged = {tag.digest for tag in tags}
    needed = {
        digest
        for digest in reachable(stored, roots)
        if digest in stored and digest not in situation.present and digest not in lost
    }
    parents = {child: digest for digest in sorted(needed) for child in stored[digest].children}
    return [
        PlannedManifestRestore(digest, label_of(stored, digest, parents.get(digest)), parents.get(digest))
        for some in children_first(stored, needed)
        for digest in some
        if digest not in tagged or digest in parents
    ]


def _lost(
    entry: Entry,
    stored: Mapping[Digest, StoredManifest],
    blobs: Mapping[Digest, bytes],
    situation: Situation,
) -> dict[Digest, str]:
    """Manifests that can't be put back, each with the reason: its blobs are gone, or those of one below it.

    A child that was missing already when its index was deleted doesn't count: some registries take an index without.
    """
    reasons: dict[Digest, str] = {}
    # Whatever is wrong with them, their index can be put.
    passable = set(situation.present)
    sources: dict[Digest, tuple[Digest, str]] = {}
    damaged = entry.damaged()
    for some in children_first(stored, wanted_manifests(entry, stored)):
        for digest in some:
            if digest in stored and stands_in(stored[digest].manifest):
                reasons[digest] = "it was an empty index of another deletion: regtui undo where that was begun has more"
                continue
            gone = [blob for blob in situation.lost.get(digest, ()) if blob not in blobs]
            if digest in situation.present:
                if gone:
                    reasons[digest] = _collected(stored[digest], gone)
                continue
            below = stored[digest].children if digest in stored else ()
            if digest in situation.unread:
                reasons[digest] = f"{digest.short} could not be looked up: {situation.unread[digest]}"
            elif digest in damaged:
                reasons[digest] = f"what the journal has of {digest.short} is damaged: it isn't what its digest says"
            elif digest not in stored:
                reasons[digest] = f"the manifest {digest.short} was missing already when it was deleted"
                passable.add(digest)
            elif gone:
                reasons[digest] = _collected(stored[digest], gone)
            elif lost := next((child for child in below if child in reasons and child not in passable), None):
                # However deep it is, the one that is to blame is named.
                at, why = sources[digest] = sources.get(lost, (lost, reasons[lost]))
                parent = digest if at in below else None
                reasons[digest] = f"of {label_of(stored, at, parent)} below it {why}"
    return reasons


def _collected(manifest: StoredManifest, blobs: Sequence[Digest]) -> str:
    config = config_of(manifest)
    layers = [blob.short for blob in blobs if blob != config]
    names = [f"config {config.short}"] if config is not None and config in blobs else []
    if layers:
        more = f" and {len(layers) - 3} more" if len(layers) > 3 else ""
        names.append(f"{'layer' if len(layers) == 1 else 'layers'} {', '.join(layers[:3])}{more}")
    verb = "is" if len(blobs) == 1 else "are"
    return f"its {' and '.join(names)} {verb} gone from the registry, as after a garbage collection"


def put_back_already(restoration: Restoration) -> list[Outcome]:
    """What is there of that: of an undo that was interrupted, what it had put back."""
    name, entry = restoration.repository, restoration.entry
    wanted = wanted_tags(entry)
    planned = {manifest.digest for manifest in restoration.manifests}
    manifests = [
        digest
        for digest in entry.manifests_changed
        if digest not in wanted.values() and digest not in planned and f"{name}@{digest}" not in restoration.lost
    ]
    return [
        *(Outcome(f"{name}:{tag}", wanted[tag], Action.RESTORE, Status.DONE) for tag in restoration.there),
        *(Outcome(f"{name}@{digest}", digest, Action.RESTORE, Status.DONE) for digest in manifests),
    ]


def planned_rows(restoration: Restoration) -> list[Outcome]:
    """Each tag, then each manifest in the order in which it is put back, then what can't be or isn't."""
    name = restoration.repository
    rows = [Outcome(f"{name}:{t.tag}", t.digest, Action.RESTORE, Status.PLANNED) for t in restoration.tags]
    rows += [Outcome(f"{name}@{m.digest}", m.digest, Action.RESTORE, Status.PLANNED) for m in restoration.manifests]
    return rows + left_out(restoration)


def left_out(restoration: Restoration) -> list[Outcome]:
    """What undoing leaves as it is, with the reason."""
    wanted = wanted_tags(restoration.entry)
    rows = [
        Outcome(
            f"{restoration.repository}:{tag}",
            wanted[tag],
            Action.RESTORE,
            Status.SKIPPED,
            f"it was pushed anew since, and stays as it is ({restoration.moved[tag].short})",
        )
        for tag in restoration.kept
    ]
    for reference, reason in restoration.lost.items():
        tag = reference.removeprefix(f"{restoration.repository}:")
        digest = wanted.get(tag) or Digest.or_none(reference.rpartition("@")[2])
        rows.append(Outcome(reference, digest, Action.RESTORE, Status.FAILED, reason))
    return rows

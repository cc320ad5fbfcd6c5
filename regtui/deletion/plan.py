"""The plan: from marked tags and a repository's contents to what goes and what stays. Pure: values in, a value out.

What is never deleted: a tag outside the selection, and any manifest that a tag outside the selection reaches, directly
or through an index. So a tag that shares its manifest is removed alone, and a platform's manifest stays as long as any
index of the repository that stays names it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from regtui.deletion.cost import seconds_to_delete
from regtui.deletion.graph import outer_first, reachable
from regtui.deletion.loss import losses
from regtui.deletion.request import Request
from regtui.deletion.used import UsedPlaces, with_indexes
from regtui.deletion.values import (
    Cause,
    Contents,
    Guarded,
    Loss,
    Manifests,
    Method,
    Plan,
    PlannedManifest,
    PlannedTag,
    StoredManifest,
)
from regtui.names.order import in_order
from regtui.oci.digest import Digest
from regtui.oci.manifest import Index, is_attestation, platform_of
from regtui.oci.media_type import MediaKind, kind_of

# OCI distribution-spec 1.1, "Referrers Tag Schema", and cosign's tags beside it.
_ATTACHED_TAG: Final = re.compile(r"(sha256|sha512)-([0-9a-f]{64}|[0-9a-f]{128})(?:\.(?:sig|att|sbom))?")


def make_plan(contents: Contents, request: Request, *, method: Method, obstacle: str = "") -> Plan:
    """What doing as `request` says means. `obstacle`: why nothing can be deleted here, if that is known."""
    contents = replace(contents, used=frozenset(request.used.digests))
    by_digest = _tags_by_digest(contents)
    moved = _moved(contents, request)
    last = _last(contents, by_digest, request, moved)
    chosen = _choose(contents, by_digest, replace(request, tags=set(request.tags) - moved - last))
    doomed = doomed_manifests(contents, chosen.tags, chosen.named | chosen.along)
    if request.only is not None:
        doomed &= request.only
    # What was named itself isn't left.
    left = doomed - reachable(contents.manifests, chosen.named)
    seconds = seconds_to_delete(len(left), contents.tag_count - len(chosen.tags))
    untagged = request.untagged
    if untagged is Manifests.DELETED or (untagged is Manifests.IN_TIME and seconds <= request.patience):
        left = set()
    parents = _parents(contents, doomed)
    tagged = {digest for tag in chosen.tags if (digest := contents.tags.get(tag))}
    lost = losses(contents, tagged, doomed - left, request.own)
    used = UsedPlaces(contents, request.used)

    def planned(digests: Collection[Digest]) -> tuple[PlannedManifest, ...]:
        return tuple(
            PlannedManifest(
                digest,
                label_of(contents.manifests, digest, parents.get(digest)),
                tuple(in_order(by_digest.get(digest, ()))),
                parents.get(digest),
                chosen.referring.get(digest),
                lost.get(digest),
                used.of_digest(digest) if digest in request.digests else (),
            )
            for digest in outer_first(contents.manifests, digests)
        )

    def planned_tags(tags: Collection[str]) -> tuple[PlannedTag, ...]:
        return tuple(
            _planned_tag(contents, by_digest, tag, chosen, request.protect, lost, used) for tag in in_order(tags)
        )

    sharing = {t for tag in chosen.tags for t in by_digest.get(contents.tags.get(tag) or _NOTHING, ())}
    return Plan(
        repository=contents.repository,
        removed=planned_tags(chosen.tags),
        manifests=planned(doomed - left),
        staying=tuple(in_order(sharing - chosen.tags)),
        attached=tuple(in_order(chosen.attached.keys() - chosen.tags)),
        attached_manifests=tuple(sorted(chosen.referring.keys() - chosen.along - doomed)),
        unknown=tuple(in_order(set(request.tags) - chosen.tags - moved - last)),
        freed=bytes_of(contents, doomed - left),
        method=method,
        obstacle=obstacle or _obstacle(contents, chosen, doomed, by_digest),
        left=planned(left),
        left_bytes=bytes_of(contents, doomed) - bytes_of(contents, doomed - left),
        moved=planned_tags(moved),
        last=planned_tags(last),
        unread_uses=request.used.unread,
        contents=contents,
        guarded={tag: why for tag in contents.damaged if (why := _guarded(tag, request.protect, used))},
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """`tags` go, and the manifests that were `named` by digest. `attached` and `referring` are what is attached to an
    image that goes, with that image: tags, and manifests without one; of the latter those `along` go too."""

    tags: set[str]
    named: set[Digest]
    along: set[Digest]
    attached: dict[str, Digest]
    referring: dict[Digest, Digest]


def _moved(contents: Contents, request: Request) -> set[str]:
    """The tags that lead to something else than when they were chosen."""
    seen = request.seen
    return {tag for tag in request.tags if tag in seen and contents.tags.get(tag) not in (None, seen[tag])}


def _last(
    contents: Contents, by_digest: Mapping[Digest, list[str]], request: Request, moved: Collection[str]
) -> set[str]:
    """The tags of images that another tag was to keep when they were chosen, and that none does by now."""
    going = set(request.tags) - set(moved)
    kept = {digest for tag, digest in request.seen.items() if digest is not None and tag not in request.tags}
    alone = {digest for digest in kept if going.issuperset(by_digest.get(digest, ()))}
    return {tag for tag in going if contents.tags.get(tag) in alone}


def _choose(contents: Contents, by_digest: Mapping[Digest, list[str]], request: Request) -> _Chosen:
    chosen = {tag for tag in request.tags if tag in contents.tags or tag in contents.unread}
    named = set(request.digests)
    if request.whole_manifests:
        named |= {digest for tag in chosen if (digest := contents.tags.get(tag))}
        chosen |= {tag for digest in named for tag in by_digest.get(digest, ())}
    # Attached manifests that go along aren't named, and may be left as their image is.
    along: set[Digest] = set()
    while True:
        attached = attached_tags(contents, chosen, named | along)
        referring = attached_manifests(contents, chosen, named | along)
        # What goes along may have something attached itself.
        if not request.with_attached or not (attached.keys() - chosen or referring.keys() - along):
            return _Chosen(chosen, named, along, attached, referring)
        chosen |= attached.keys()
        along |= referring.keys()


_NOTHING: Final = Digest("sha256:" + "0" * 64)


def doomed_manifests(contents: Contents, chosen: Collection[str], targets: Collection[Digest]) -> set[Digest]:
    """The manifests that go when the tags `chosen` do: what they reach and nothing that stays reaches, nor what is in
    use without having been chosen.

    None at all while a tag couldn't be read, or an index below a tag that stays: it might use one of them.
    """
    if contents.unread:
        return set()
    reached, held = _reached_and_held(contents, chosen, targets)
    if hidden_indexes(contents, held):
        return set()
    # An entry of another media type isn't looked below, and isn't taken away either.
    named = {digest for d in held if (manifest := contents.manifests.get(d)) for digest in manifest.named}
    return (reached - held - named) & contents.manifests.keys()


def _reached_and_held(
    contents: Contents, chosen: Collection[str], targets: Collection[Digest]
) -> tuple[set[Digest], set[Digest]]:
    """What those tags and manifests reach, and what all reaches that stays, or is in use without being among them."""
    chosen = set(chosen)
    going = {digest for tag in chosen if (digest := contents.tags.get(tag)) is not None} | set(targets)
    staying = {digest for tag, digest in contents.tags.items() if digest is not None and tag not in chosen}
    reached = reachable(contents.manifests, going)
    running = with_indexes(contents.manifests, contents.used).keys() - reached if contents.used else set()
    return reached, reachable(contents.manifests, staying | running)


def hidden_beside(plan: Plan) -> set[Digest]:
    """What couldn't be read below that which stays, and keeps each manifest of the plan: it may lead to any."""
    named = [manifest.digest for manifest in (*plan.manifests, *plan.left)]
    _, held = _reached_and_held(plan.contents, [tag.tag for tag in plan.removed], named)
    return hidden_indexes(plan.contents, held)


def hidden_indexes(contents: Contents, held: Collection[Digest]) -> set[Digest]:
    """Those among `held` that couldn't be read and may lead to anything: all but what an index calls an image."""
    unread = contents.unread_manifests.keys() & set(held)
    if not unread:
        return set()
    entries = [
        entry
        for digest in held
        if (stored := contents.manifests.get(digest)) and isinstance(stored.manifest, Index)
        for entry in stored.manifest.manifests
    ]
    images = {entry.digest for entry in entries if kind_of(entry.media_type) is MediaKind.IMAGE}
    others = {entry.digest for entry in entries if kind_of(entry.media_type) is not MediaKind.IMAGE}
    return unread - (images - others)


def attached_tags(contents: Contents, chosen: Collection[str], targets: Collection[Digest]) -> dict[str, Digest]:
    """Tags of signatures, attestations and SBOMs → the image that goes, and leaves them behind."""
    doomed = doomed_manifests(contents, chosen, targets)
    found: dict[str, Digest] = {}
    for tag, digest in contents.tags.items():
        manifest = contents.manifests.get(digest) if digest else None
        named = _named_by(tag)
        if named in doomed:
            found[tag] = named
        elif manifest and manifest.subject in doomed and manifest.subject is not None:
            found[tag] = manifest.subject
    return found


def attached_manifests(
    contents: Contents, chosen: Collection[str], targets: Collection[Digest]
) -> dict[Digest, Digest]:
    """Manifests without a tag, that are signatures, attestations or SBOMs → the image that goes, and leaves them
    behind. None that a tag which stays reaches, nor what was named itself."""
    doomed = doomed_manifests(contents, chosen, targets)
    staying = [digest for tag, digest in contents.tags.items() if digest is not None and tag not in chosen]
    held = reachable(contents.manifests, staying) | {digest for digest in contents.tags.values() if digest}
    return {
        digest: manifest.subject
        for digest, manifest in contents.manifests.items()
        if manifest.subject is not None and manifest.subject in doomed and digest not in held
    }


def _named_by(tag: str) -> Digest:
    """The digest in a tag like `sha256-<hex>.sig`; one that names nothing for any other tag."""
    match = _ATTACHED_TAG.fullmatch(tag)
    return (Digest.or_none(f"{match[1]}:{match[2]}") if match else None) or _NOTHING


def needs_untagging(plan: Plan) -> tuple[PlannedTag, ...]:
    """The tags that no DELETE by digest removes: their manifest stays, or is gone already."""
    deleted = {manifest.digest for manifest in plan.manifests}
    return tuple(tag for tag in plan.removed if tag.digest not in deleted)


def without_push(plan: Plan) -> Plan:
    """The same where this login may delete, but not push: then undo takes another login, and no tag is removed alone by
    a registry that deletes by digest only. Says what deleting by digest would take along."""
    plan = replace(plan, may_push=False)
    needed = needs_untagging(plan)
    if plan.obstacle or plan.method is not Method.PLACEHOLDER or not needed:
        return plan
    along = in_order({tag for planned in needed for tag in planned.stays_as})
    why = "This login may delete, but not push, which removing a tag alone needs on this registry."
    if not along:
        return replace(plan, obstacle=f"{why} {needed[0].tag} can't be removed.")
    named = ", ".join(along)
    return replace(
        plan,
        obstacle=f"{why} Deleting whole manifests (--manifest) would remove these tags as well: {named}.",
        goes_along=tuple(along),
    )


def is_protected(tag: str, protect: Collection[str]) -> bool:
    """`protect`: shell patterns."""
    return any(fnmatchcase(tag, pattern) for pattern in protect)


def _guarded(tag: str, protect: Collection[str], used: UsedPlaces) -> Guarded | None:
    is_one, places = is_protected(tag, protect), used.of_tag(tag)
    return Guarded(is_one, places) if is_one or places else None


def _planned_tag(
    contents: Contents,
    by_digest: Mapping[Digest, list[str]],
    tag: str,
    chosen: _Chosen,
    protect: tuple[str, ...],
    lost: Mapping[Digest, Loss],
    used: UsedPlaces,
) -> PlannedTag:
    unread = contents.unread.get(tag, "")
    cause = Cause.DAMAGED if tag in contents.damaged else Cause.UNREADABLE
    digest = contents.tags.get(tag)
    others = [other for other in by_digest.get(digest, ()) if other not in chosen.tags] if digest else []
    return PlannedTag(
        tag=tag,
        digest=digest,
        stays_as=tuple(in_order(others)),
        protected=is_protected(tag, protect),
        attached_to=chosen.attached.get(tag),
        unread=unread,
        loss=Loss(cause, detail=unread) if unread else lost.get(digest) if digest else None,
        in_use=used.of_tag(tag),
    )


def _tags_by_digest(contents: Contents) -> dict[Digest, list[str]]:
    tags: dict[Digest, list[str]] = {}
    for tag, digest in contents.tags.items():
        if digest is not None:
            tags.setdefault(digest, []).append(tag)
    return tags


def _parents(contents: Contents, doomed: Collection[Digest]) -> dict[Digest, Digest]:
    """child → an index that goes with it."""
    return {child: digest for digest in doomed for child in contents.manifests[digest].children if child in doomed}


def label_of(manifests: Mapping[Digest, StoredManifest], digest: Digest, parent: Digest | None) -> str:
    """What a manifest is, in the specifications' words: `index`, `linux/amd64`, `attestation`, `manifest`."""
    index = manifests[parent].manifest if parent and parent in manifests else None
    child = next((c for c in index.manifests if c.digest == digest), None) if isinstance(index, Index) else None
    if child is not None and is_attestation(child):
        return "attestation"
    if child is not None and (platform := platform_of(child)):
        return platform.details
    return "index" if digest in manifests and isinstance(manifests[digest].manifest, Index) else "manifest"


def bytes_of(contents: Contents, doomed: Collection[Digest]) -> int:
    """Bytes, each blob once: what the doomed manifests use, themselves included, and no other manifest does."""
    used = {blob for digest, m in contents.manifests.items() if digest not in doomed for blob in m.blobs}
    blobs = {b: size for d in doomed for b, size in contents.manifests[d].blobs.items() if b not in used}
    return sum(blobs.values()) + sum(len(contents.manifests[digest].body) for digest in doomed)


def _obstacle(
    contents: Contents,
    chosen: _Chosen,
    doomed: Collection[Digest],
    by_digest: Mapping[Digest, list[str]],
) -> str:
    for digest in sorted(chosen.named):
        if outside := [tag for tag in by_digest.get(digest, ()) if tag not in chosen.tags]:
            return (
                f"{digest.short} has tags that would go with it: {', '.join(in_order(outside))}. "
                "Delete the whole manifest (--manifest), or name the tags."
            )
        if digest in contents.unread_manifests:
            why = contents.unread_manifests[digest]
            return f"{digest.short} can't be read, so that nothing of it could be kept: {why}"
        if digest in contents.manifests and digest not in doomed:
            return f"{digest.short} {_held_by(contents, chosen, digest)}."
    return ""


def _held_by(contents: Contents, chosen: _Chosen, digest: Digest) -> str:
    """Why a manifest that was named itself can't go."""
    staying = {tag: d for tag, d in contents.tags.items() if d and tag not in chosen.tags}
    if holders := [tag for tag, d in staying.items() if digest in reachable(contents.manifests, [d])]:
        return f"is part of {', '.join(in_order(holders)[:3])}: deleting it would break that index"
    if naming := [tag for tag, d in staying.items() if digest in _everything_below(contents, d)]:
        return f"is named by {', '.join(in_order(naming)[:3])}: deleting it would break that index"
    unread = [*in_order(contents.unread), *(d.short for d in sorted(contents.unread_manifests))]
    return f"may be used by {', '.join(unread[:3])}, which can't be read"


def _everything_below(contents: Contents, digest: Digest) -> set[Digest]:
    below = reachable(contents.manifests, [digest])
    return {named for d in below if (manifest := contents.manifests.get(d)) for named in manifest.named}

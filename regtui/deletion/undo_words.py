"""An undo in sentences, and the journal's runs in words: the same in the app and in the commands. Tags are server text:
whoever shows them cleans them."""

from collections.abc import Collection, Iterable
from typing import Final

from regtui.deletion.entry import Entry, Kind, PruneSummary
from regtui.deletion.proposal import DeletionProposal
from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.restoration import Restoration, broken_before
from regtui.deletion.undo import Undo, shown_rest
from regtui.deletion.values import Action, Outcome, Plan, Status
from regtui.deletion.words import (
    FOREVER,
    TYPED_FROM,
    counted,
    kind_note,
    names,
    plan_notes,
    plan_sentences,
    typed_confirmation,
)
from regtui.names.order import in_order
from regtui.text import plural, size, time_utc

# References that can't be put back, each with its reason; of more, how many.
_LOST_NAMED: Final = 3
_VERBS: Final = {
    Kind.DELETION: "delete",
    Kind.RESTORE: "restore",
    Kind.MOVE: "move",
    Kind.COLLECTION: "collect",
    Kind.REPAIR: "repair",
    Kind.PRUNE: "prune",
}


def undo_sentences(undo: Undo, *, in_several: bool = False) -> list[str]:
    """What would be put back, what can't be, and what stays as it is. `in_several`: repositories, so that each tag is
    named with its own."""
    if undo.obstacle:
        return [undo.obstacle]
    restoration = undo.restoration
    deletion = undo.shown_deletion
    if undo.finishes and restoration.is_empty and not restoration.lost and deletion is None:
        return ["All of it was put back before."]
    lines = [_put_back_before(restoration)] if undo.finishes else []
    prefix = f"{undo.repository}:" if in_several else ""
    lines += _about_tags(restoration, prefix) + _about_no_way_back(undo, prefix)
    lines += _about_manifests(restoration) + _about_parts(restoration, prefix)
    lines += _about_rest(restoration, prefix, finishes=undo.finishes)
    if deletion is not None:
        lines += ["What was put back then is deleted again:", *plan_sentences(deletion)]
    if undo.is_empty:
        lines = ["Nothing to put back.", *lines]
    return lines


def _put_back_before(restoration: Restoration) -> str:
    tags = restoration.entry.tags
    if not tags:
        manifests = restoration.entry.manifests_changed
        done = len(manifests) - len(restoration.manifests)
        return f"Before it was interrupted: {done:,} of {plural(len(manifests), 'manifest')} put back."
    return f"Before it was interrupted: {len(restoration.there):,} of {plural(len(tags), 'tag')} put back."


def rest_sentences(entry: Entry, rest: Plan) -> list[str]:
    """What an interrupted deletion had done already, as the registry shows it, and what is left of it."""
    if rest.obstacle:
        return [rest.obstacle]
    standing = sum(1 for tag in entry.tags if rest.contents.tags.get(tag) in entry.placeholders)
    rest = shown_rest(entry, rest)
    listed = rest.contents.tags.keys() | rest.contents.unread.keys()
    gone = sum(1 for tag in entry.tags if tag not in listed)
    deleted = sum(1 for digest in entry.manifests_changed if digest not in rest.contents.manifests)
    done = [f"{gone:,} of {plural(len(entry.tags), 'tag')} removed"] if entry.tags else []
    if manifests := len(entry.manifests_changed):
        done.append(f"{deleted:,} of {plural(manifests, 'manifest')} deleted")
    instead = f"; {plural(standing, 'tag')} put on an empty index, to be removed" if standing else ""
    lines = [f"Before it was interrupted: {', '.join(done)}{instead}."]
    going = {tag.tag for tag in rest.removed}
    staying = [tag for tag in entry.tags if tag in listed and tag not in going]
    if moved := in_order(tag for tag in staying if tag not in rest.contents.unread):
        lines.append(f"{names(moved)} changed since, and stay{'s' if len(moved) == 1 else ''}.")
    if unread := in_order(tag for tag in staying if tag in rest.contents.unread):
        lines.append(f"{names(unread)} can't be read now, and stay{'s' if len(unread) == 1 else ''}.")
    return lines + (plan_sentences(rest) if not rest.is_empty else ["Nothing of it is left to do."])


def _names(prefix: str, tags: Iterable[str]) -> str:
    return names([f"{prefix}{tag}" for tag in tags])


def _about_tags(restoration: Restoration, prefix: str) -> list[str]:
    lines = []
    tried = {tag.tag for tag in restoration.tags} & set(_tags_of(restoration, restoration.incomplete))
    if whole := len(restoration.tags) - len(tried):
        lines.append(f"{plural(whole, 'tag')} of {restoration.repository} will be put back.")
    if overwritten := [tag for tag in restoration.moved if tag not in restoration.kept]:
        verb = "was" if len(overwritten) == 1 else "were"
        lines.append(f"{_names(prefix, overwritten)} {verb} pushed anew since, and will be overwritten.")
    return lines


def _about_no_way_back(undo: Undo, prefix: str) -> list[str]:
    """What can't be put back of what this overwrites in its turn."""
    now = {tag.tag: tag.now.short for tag in undo.restoration.tags if tag.now}
    return [
        f"Undo could not move {prefix}{tag} back to {now[tag]}, as {why}."
        for tag, why in list(undo.no_way_back.items())[:_LOST_NAMED]
    ] + (
        [f"The same is true of {plural(len(undo.no_way_back) - _LOST_NAMED, 'other tag')}."]
        if len(undo.no_way_back) > _LOST_NAMED
        else []
    )


def _about_manifests(restoration: Restoration) -> list[str]:
    if not restoration.manifests:
        return []
    what = plural(len(restoration.manifests), "manifest")
    if not any(manifest.parent for manifest in restoration.manifests):
        return [f"{what} will be stored by digest, without a tag."]
    how = " first" if restoration.tags else ", without a tag of theirs"
    return [f"{what} will be stored by digest{how}: children before the index that names them."]


def _about_parts(restoration: Restoration, prefix: str) -> list[str]:
    """What comes from the journal, too, and what is tried although it lacks something."""
    lines = []
    if restoration.uploads:
        what = plural(len(restoration.uploads), "config")
        lines.append(f"{what} will be uploaded again from the journal: the registry has no such blob any more.")
    if some := _tags_of(restoration, restoration.incomplete):
        lack, it, them = ("lacks", "it", "it") if len(some) == 1 else ("lack", "they", "them")
        lacking = f"{_names(prefix, some)} {lack} a manifest, so that undo can't promise {them}"
        lines.append(f"{lacking}: {it} will be tried, and most registries refuse {them}.")
    return lines


def _tags_of(restoration: Restoration, references: Iterable[str]) -> list[str]:
    return [reference.removeprefix(f"{restoration.repository}:") for reference in references]


def _about_rest(restoration: Restoration, prefix: str, *, finishes: bool) -> list[str]:
    lines = []
    if restoration.there and not finishes:
        verb = "is" if len(restoration.there) == 1 else "are"
        lines.append(f"{_names(prefix, restoration.there)} {verb} there already.")
    if kept := restoration.kept:
        verb = "was" if len(kept) == 1 else "were"
        stay = "stays" if len(kept) == 1 else "stay"
        lines.append(f"{_names(prefix, kept)} {verb} pushed anew since, and {stay} as pushed.")
    if (repaired := in_order(restoration.entry.repaired)) and not restoration.entry.is_unfinished:
        verb, lead, stay = ("was", "leads", "stays") if len(repaired) == 1 else ("were", "lead", "stay")
        named = _names(prefix, repaired)
        lines.append(f"{named} {verb} damaged then, and {lead} to an empty index since: that {stay} as it is.")
    if broken := broken_before(restoration.entry):
        verb, it = ("was", "it") if len(broken) == 1 else ("were", "them")
        named = _names(prefix, broken)
        lines.append(f"{named} {verb} broken before: no manifest was behind {it} that could be put back.")
    if restoration.lost:
        lost = [f"{reference}, as {why}" for reference, why in restoration.lost.items()]
        more = f"; and {len(lost) - _LOST_NAMED:,} more" if len(lost) > _LOST_NAMED else ""
        lines.append(f"{plural(len(lost), 'reference')} can't be put back: {'; '.join(lost[:_LOST_NAMED])}{more}.")
    return lines


def earlier_sentence(command: str) -> str:
    """How to go on where the last deletion has nothing to put back: by the `command` that takes back the one before."""
    return f"The deletion before it: {command}"


def offers_overwriting(*undos: Undo) -> str:
    """What may be chosen besides, in all of them; empty where there is nothing to choose."""
    moved = [
        (f"{undo.repository}:" if len(undos) > 1 else "") + tag
        for undo in undos
        if not undo.obstacle
        for tag in in_order(undo.restoration.moved)
    ]
    return f"also overwrite {names(moved)}, pushed anew since" if moved else ""


def undo_confirmation(undo: Undo) -> str:
    """What has to be typed: what overwriting asks for, and for what is deleted again what its deletion takes by itself;
    nothing where `y` does."""
    for_good = bool(undo.no_way_back)
    if undo.deletion is None:
        return typed_for_overwriting(overwritten_by(undo), for_good=for_good)
    words = typed_confirmation(undo.deletion, besides=overwritten_by(undo)).split()
    return " ".join([*words, FOREVER] if for_good and FOREVER not in words else words)


def undo_question(undo: Undo, where: object) -> str:
    """What is asked before it is done. `where`: the registry."""
    expected = undo_confirmation(undo)
    if not expected:
        return f"{'Put back' if undo.deletion is None else 'Undo it'} at {where}? [y/N]"
    going = len(undo.deletion.removed) if undo.deletion is not None else 0
    manifests = len(undo.deletion.manifests) if undo.deletion is not None else 0
    over = overwritten_by(undo)
    what = [f"delete {plural(going, 'tag') if going else plural(manifests, 'manifest')}"] if going or manifests else []
    what += [f"overwrite {plural(over, 'tag')}"] if over else []
    return f"To {' and '.join(what)} of {undo.repository} at {where}, type {expected}:"


def is_undo_confirmed_by(undo: Undo, answer: str) -> bool:
    expected = undo_confirmation(undo)
    return answer == expected if expected else answer.lower() in ("y", "yes")


def typed_for_overwriting(tags: int, *, for_good: bool) -> str:
    """What has to be typed where nothing is deleted, and so many tags are overwritten; `for_good`: another undo could
    not move all of them back."""
    words = [str(tags)] if tags >= TYPED_FROM else []
    return " ".join([*words, FOREVER] if for_good else words)


def overwritten_by(undo: Undo) -> int:
    """How many tags."""
    return sum(1 for tag in undo.restoration.tags if tag.tag in undo.restoration.moved)


def not_unasked(undo: Undo) -> str:
    """Why it isn't done where nobody can be asked, as it overwrites or deletes what somebody has to confirm by typing;
    empty where nothing stands against that."""
    if undo.no_way_back:
        names_of = names(in_order(undo.no_way_back))
        return f"What would be overwritten in {undo.repository} could not be moved back: {names_of}."
    if undo.deletion is None:
        return ""
    again = DeletionProposal(Request(undo.repository), undo.deletion)
    if held := in_order(tag.tag for tag in undo.deletion.removed if tag.protected or tag.in_use):
        are, it = ("is", "it") if len(held) == 1 else ("are", "they")
        return f"{names(held)} of {undo.repository} {are} protected or in use, and {it} would be deleted again."
    return again.guarded or again.used_manifests or again.loss


def undo_button(undo: Undo) -> str:
    """What is done in one word and its count: `Put back 3 tags`."""
    tags, manifests = len(undo.restoration.tags), len(undo.restoration.manifests)
    if (deletion := undo.shown_deletion) is not None:
        return f"Delete {plural(len(deletion.removed) + len(deletion.manifests), 'reference')} again"
    return f"Put back {plural(tags, 'tag') if tags else plural(manifests, 'manifest')}"


def undo_notes(undo: Undo) -> dict[str, str]:
    """What to add to each row: beside its reference."""
    name = undo.repository
    notes = plan_notes(deletion) if (deletion := undo.shown_deletion) is not None else {}
    notes |= {f"{name}@{m.digest}": kind_note(m.label) for m in undo.restoration.manifests}
    for tag in undo.restoration.tags:
        over = f", over {tag.now.short}" if tag.tag in undo.restoration.moved and tag.now else ""
        notes[f"{name}:{tag.tag}"] = f"{tag.digest.short}{over}"
    return notes


def title_of(entry: Entry) -> str:
    """`Deletion of 2026-11-24 12:31 UTC`."""
    return f"{entry.kind.value.capitalize()} of {time_utc(entry.time)}"


def what_of(entry: Entry) -> str:
    """What a run was about: `0.0.42, 0.0.43 and 2 more`, `2 manifests`, `12 blobs, 340 MB on ssh://host`."""
    if (collection := entry.collection) is not None:
        blobs = plural(collection.blobs, "blob") if collection.blobs is not None else "blobs"
        return f"{blobs}, {size(collection.bytes)} on {collection.host}"
    if entry.kind is Kind.PRUNE:
        return prune_words(entry.prune)
    if tags := {**entry.tags, **entry.removed_tags}:
        more = f"; {names(in_order(entry.repaired))} to an empty index" if entry.repaired else ""
        return names(in_order(tags)) + more
    return plural(len(entry.manifests_changed), "blob" if entry.kind is Kind.REPAIR else "manifest")


def prune_words(summary: PruneSummary | None) -> str:
    """`12 tags and 9 manifests in 3 repositories, up to 340 MB`."""
    if summary is None or summary.declined:
        return "what its rules select"
    if not summary.tags and not summary.manifests:
        return "nothing to delete"
    what = f"{plural(summary.tags, 'tag')} and {plural(summary.manifests, 'manifest')}"
    where = plural(summary.repositories, "repository", "repositories")
    return f"{what} in {where}" + (f", up to {size(summary.bytes)}" if summary.bytes else "")


def result_of(entry: Entry, taken_back: Collection[str] = ()) -> str:
    """How it ended: `done`, `2 failed`, `stopped`, `interrupted`, `running`, `undone`."""
    if entry.collection is not None:
        return entry.collection.result
    if entry.is_running:
        return "running"
    if entry.ended is None or (entry.is_unfinished and not entry.only_leaves_placeholders):
        # A prune that was killed is never ended: its parts are, and are put back. Nor is a move without an answer.
        is_over = entry.kind in (Kind.PRUNE, Kind.MOVE) and entry.name in taken_back
        return "undone" if is_over else "interrupted"
    if (prune := entry.prune) is not None:
        return _prune_result(prune, entry.interrupted, entry.name in taken_back)
    failed = sum(1 for outcome in entry.results if outcome.status is Status.FAILED)
    told = [f"{failed} failed"] if failed else []
    is_stopped = any(outcome.reason is Reason.STOPPED for outcome in entry.results)
    told += [] if not entry.interrupted else ["stopped"] if is_stopped else ["reverted"]
    told += ["undone"] if entry.name in taken_back else []
    return ", ".join(told) or "done"


def _prune_result(prune: PruneSummary, interrupted: bool, is_undone: bool) -> str:
    told = ["not confirmed"] if prune.declined else []
    told += [f"{plural(prune.stopped, 'repository', 'repositories')} left"] if prune.stopped else []
    told += ["failed"] if prune.error else []
    told += ["stopped"] if interrupted else []
    told += ["undone"] if is_undone else []
    return ", ".join(told) or "done"


def verb_of(entry: Entry) -> str:
    """What was done: `delete`, `restore`, `move`, `collect`, `repair`, `prune`."""
    return _VERBS[entry.kind]


def who_of(entry: Entry) -> str:
    """`root`, or `root as ci` where somebody was logged in to the registry."""
    return f"{entry.by} as {entry.user}" if entry.user else entry.by


def not_to_finish(entry: Entry) -> tuple[str, str]:
    """Why nothing of a run that has ended is left to be finished, and what to do about it; the remedy is empty where
    what it took back has to be taken back again (`entry.undoes`), or nothing has to be done."""
    left = [outcome for outcome in entry.results if outcome.status is not Status.DONE]
    if entry.kind is Kind.MOVE:
        return f"{entry.name} moved a tag, in one step: there is nothing to finish.", ""
    if entry.interrupted and not any(o.reason is Reason.STOPPED for o in left):
        return f"{entry.name} was interrupted, and put back since: nothing of it is left to finish.", ""
    if not left or all(outcome.is_left for outcome in left):
        return f"{entry.name} was not interrupted: it is complete.", ""
    stopped = [outcome for outcome in left if outcome.reason is Reason.STOPPED]
    some = stopped or [outcome for outcome in left if outcome.status is Status.FAILED] or left
    what = counted(some)
    were = "was" if len(some) == 1 else "were"
    if stopped:
        how = f"it was stopped, and {what} {were} left alone"
    else:
        how = f"it ended, and {what} " + ("failed" if some[0].status is Status.FAILED else f"{were} left alone")
    return f"{entry.name} was not interrupted: {how}.", _what_deletes(some) if entry.kind is Kind.DELETION else ""


def _what_deletes(left: Collection[Outcome]) -> str:
    tags = [outcome.reference.rpartition(":")[2] for outcome in left if outcome.action is Action.UNTAG]
    if not tags:
        return "regtui gc --untagged deletes what is left."
    return f"regtui rm deletes what is left: {names(in_order(tags))}."


def interrupted_sentence(entry: Entry) -> str:
    """That a run never ended, and what that may mean."""
    run = "A deletion" if entry.kind is Kind.DELETION else "An undo"
    run += f" in {entry.repository} ({what_of(entry)})"
    if entry.ended is None:
        lines = f"{run} was interrupted on {time_utc(entry.time)}."
    else:
        lines = f"{run} of {time_utc(entry.time)} is not over: an empty index of its own is left."
    if entry.standing and not entry.only_leaves_placeholders:
        lines += " Its tags may point at an empty index." if entry.ended is None else " Its tags may point at that."
    if entry.repaired:
        them = "It leads" if len(entry.repaired) == 1 else "They lead"
        damaged = names(in_order(entry.repaired))
        lines += f" Damaged in the registry's storage: {damaged}. {them} to an empty index since."
    return lines

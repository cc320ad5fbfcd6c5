"""A plan and a report in sentences, the same in the app and in the commands. Tags are server text: whoever shows them
cleans them."""

from collections.abc import Collection, Sequence
from typing import Final

from regtui.deletion.cost import about, seconds_to_delete
from regtui.deletion.plan import hidden_beside
from regtui.deletion.reasons import Reason
from regtui.deletion.values import (
    Action,
    Cause,
    Looked,
    Loss,
    Method,
    Outcome,
    Plan,
    PlannedManifest,
    Report,
    Status,
    left_outcome,
    manifest_outcome,
    tag_outcome,
)
from regtui.names.order import in_order
from regtui.text import plural, size

FOREVER: Final = "forever"
"""Typed to confirm that something can't be put back."""
# From so many tags on the number is typed: a slip of the hand doesn't delete them.
TYPED_FROM: Final = 10
# Names that are typed one by one; of more, their number and what they are.
_TYPED_NAMES: Final = 3
_NAMED: Final = 4
# Of those that stay: "all but the newest five" is a usual wish.
_ALL_NAMED: Final = 10
_PLACES: Final = 3
LEAVE: Final = "leave"
"""What people are told is done to a manifest that is left; to programs it is a deletion that was skipped."""
LEFT_FOR: Final = "for gc --untagged"
_LATER: Final = "regtui gc --untagged, or ctrl+g in the app with untagged images ticked"
# Seconds from which on it is said how long it takes.
_LONG: Final = 10.0


def plan_sentences(plan: Plan) -> list[str]:
    """What would happen, to what, and what would not."""
    if plan.obstacle:
        return [plan.obstacle]
    if plan.is_empty:
        return ["Nothing to delete.", *_about_changed(plan)]
    lines: list[str] = []
    if plan.removed:
        lines.append(f"{plural(len(plan.removed), 'tag')} will be removed from {plan.repository}. {_about_rest(plan)}")
    lines += _about_changed(plan)
    lines += _about_manifests(plan) + _about_left(plan)
    if plan.staying:
        lines.append(_about_staying(plan))
    broken = [tag.tag for tag in plan.removed if tag.is_broken]
    if broken:
        lines.append(f"{names(broken)} {'is' if len(broken) == 1 else 'are'} broken: there is no manifest.")
    if attached := len(plan.attached) + len(plan.attached_manifests):
        what = plural(attached, "attached artifact")
        lines.append(f"{what} (signatures, attestations, SBOMs) would be left without their image: not deleted.")
    if protected := [tag.tag for tag in plan.removed if tag.protected]:
        lines.append(f"{names(protected)} {'is' if len(protected) == 1 else 'are'} protected by the config file.")
    return lines + _about_uses(plan) + _about_unread(plan) + _about_losses(plan)


def _about_changed(plan: Plan) -> list[str]:
    """What was chosen and stays, as it isn't any more what it was then."""
    lines = []
    if moved := [tag.tag for tag in plan.moved]:
        lines.append(f"{pushed_anew_words(moved)}: {_it(moved)} stay{_s(moved)}.")
    if last := [tag.tag for tag in plan.last]:
        are, of = ("is the last tag", "its image") if len(last) == 1 else ("are the last tags", "their images")
        lines.append(f"{names(last)} {are} of {of}, which had more when listed: {_it(last)} stay{_s(last)}.")
    return lines


def pushed_anew_words(tags: Sequence[str]) -> str:
    """Reads on: that they lead elsewhere than they were shown to, or were judged by."""
    were, they = ("was", "it was") if len(tags) == 1 else ("were", "they were")
    return f"{names(tags)} {were} pushed anew since {they} listed"


def _about_uses(plan: Plan) -> list[str]:
    """What runs somewhere, by name; and where it isn't known."""
    used = [(tag.tag, tag.in_use) for tag in plan.removed if tag.in_use]
    used += [(f"{manifest.label} {manifest.digest.short}", manifest.in_use) for manifest in plan.used_manifests]
    lines = [f"{name} is in use: {use_words(places)}." for name, places in used[:_NAMED]]
    if more := len(used) - _NAMED:
        lines += [f"{more:,} more {'is' if more == 1 else 'are'} in use, marked below."] if more > 0 else []
    if plan.unread_uses:
        lines.append(f"Whether any of it is in use is not known. {plan.unread_uses[0].rstrip('.')}.")
    return lines


def use_words(places: Sequence[str]) -> str:
    """`runs on app1 as web, named by prod: deployment shop/web, and 3 more`."""
    shown = ", ".join(places[:_PLACES])
    return f"{shown}, and {len(places) - _PLACES:,} more" if len(places) > _PLACES else shown


def _about_rest(plan: Plan) -> str:
    """Which tags there are afterwards, the newest versions first."""
    contents = plan.contents
    going = {tag.tag for tag in plan.removed}
    rest = in_order((contents.tags.keys() | contents.unread.keys()) - going)[::-1]
    at_risk = in_order(plan.replaceable)
    rest = [tag for tag in rest if tag not in plan.replaceable]
    if not rest and not at_risk:
        return "No tag stays."
    named = ", ".join(rest) if len(rest) <= _ALL_NAMED else names(rest)
    told = [f"{plural(len(rest), 'tag')} stay{_s(rest)}: {named}"] if rest else []
    if at_risk:
        told.append(f"{names(at_risk)} stay{_s(at_risk)} or lead{_s(at_risk)} to an empty index afterwards")
    return f"{'; '.join(told)}."


def _about_staying(plan: Plan) -> str:
    tags = plan.staying
    images = {plan.contents.tags.get(tag) for tag in tags}
    if len(images) > 1:
        return f"{names(tags)} are other tags of the same images, and stay."
    return f"{names(tags)} {_stay(tags)} the same image, and stay{_s(tags)}."


def _about_unread(plan: Plan) -> list[str]:
    """What could not be read, and what stays because of it."""
    contents, chosen = plan.contents, {tag.tag for tag in plan.removed}
    # Why is said where it is said that undo can't put them back.
    going = [tag.tag for tag in plan.removed if tag.unread]
    lines = [f"What {names(going)} used stays, as {_it(going)} can't be read."] if going else []
    others = in_order(contents.unread.keys() - chosen)
    damaged = [tag for tag in others if tag in contents.damaged]
    stays = "so that nothing {} is lost, only tags are removed, and no manifest."
    if damaged:
        seem = "seems" if len(damaged) == 1 else "seem"
        is_last = len(damaged) == len(others)
        lines.append(
            f"{names(damaged)} {seem} damaged in the registry's storage, and can't be read"
            + (f": {stays.format(_they(damaged))}" if is_last else ".")
        )
    if others := [tag for tag in others if tag not in contents.damaged]:
        why = _detail(contents.unread[others[0]])
        lines.append(f"{names(others)} could not be read ({why}): {stays.format(_they(others))}")
    if replaceable := in_order(plan.replaceable):
        lines.append(f"{_in_the_way(replaceable)}. {_way_out(replaceable)}")
    lines += _about_guarded(plan)
    if contents.unread_manifests and not contents.unread:
        shorts = [digest.short for digest in sorted(contents.unread_manifests)]
        why = _detail(contents.unread_manifests[min(contents.unread_manifests)])
        unread = f"{names(shorts)} could not be read ({why})"
        if hidden_beside(plan):
            lines.append(f"{unread}: so that nothing {_they(shorts)} is lost, only tags are removed, and no manifest.")
        else:
            lines.append(f"Below them, {unread}: what {_they(shorts)} stays.")
    return lines


def _about_losses(plan: Plan) -> list[str]:
    """What undo could not put back, by name; what was not looked at; what is too large to be kept for it."""
    lost = [f"{name}, as {why}" for name, why in losses_of(plan)]
    lines = []
    if lost:
        more = f"; and {len(lost) - _NAMED:,} more, marked below" if len(lost) > _NAMED else ""
        lines.append(f"Undo can't put back {'; '.join(lost[:_NAMED])}{more}.")
    if unchecked := plan.contents.blobs.unchecked:
        what = plural(unchecked, "config or layer", "configs and layers")
        lines.append(f"Whether all {what} are there was not checked: what lacks one can't be put back.")
    if large := plan.contents.blobs.too_large:
        what = plural(len(large), "config")
        verb = "is" if len(large) == 1 else "are"
        lines.append(f"{what} {verb} too large to be kept: undo works as long as the registry has {_them(large)}.")
    if not plan.may_push:
        lines.append("This login may delete, but not push: undo takes a login that may.")
    return lines


def _in_the_way(damaged: Sequence[str]) -> str:
    make, its = ("makes", "its place") if len(damaged) == 1 else ("make", "their places")
    stand = "stands" if len(damaged) == 1 else "stand"
    return (
        f"{names(damaged)} {make} deletions by digest fail: where {_it(damaged)} {stand} in the way of this one, an "
        f"empty index takes {its}, and undo can't take that back"
    )


def _way_out(damaged: Sequence[str]) -> str:
    them, they = _them(damaged), "it isn't" if len(damaged) == 1 else "they aren't"
    return f"Push {names(damaged)} again, or delete {them}, first: then {they} replaced."


def losses_of(plan: Plan) -> list[tuple[str, str]]:
    """(tag or manifest, why undo can't put it back): `its config 0a1b2c3d4e5f is missing`."""
    tags = [(tag.tag, loss_reason(tag.loss)) for tag in plan.lost_tags if tag.loss]
    return tags + [(f"{m.label} {m.digest.short}", loss_reason(m.loss)) for m in plan.lost_manifests if m.loss]


def loss_reason(loss: Loss) -> str:
    """Reads on after `as`."""
    what = loss.of.short if loss.of else ""
    detail = f" ({_detail(loss.detail)})" if loss.detail else ""
    reason = {
        Cause.UNREADABLE: f"it can't be read{detail}",
        Cause.DAMAGED: "it seems damaged in the registry's storage, and can't be read",
        Cause.CHILD_MISSING: f"{what}, a manifest that it names, is missing",
        Cause.CHILD_UNREADABLE: f"{what}, a manifest that it names, can't be read{detail}",
        Cause.CONFIG_MISSING: f"its config {what} is missing",
        Cause.LAYER_MISSING: f"its layer {what} is missing",
        Cause.LAYER_ELSEWHERE: f"its layer {what} is missing, and not every registry takes it for its `urls`",
        Cause.BLOB_UNREADABLE: f"{what}, which it needs, can't be read{detail}",
        Cause.SCHEMA1: "it is of schema 1, which registries don't take any more",
        Cause.NO_MEDIA_TYPE: "nothing says what kind of manifest it is",
        Cause.PLACEHOLDER: (
            "it is an empty index of another deletion, by another user or machine, that isn't over: what stood there "
            "only the journal there has, and regtui undo there puts it back"
        ),
        Cause.INVALID: "it isn't what its media type says",
    }[loss.cause]
    return f"of {loss.at.short} below it, {reason}" if loss.at else reason


def guarded_sentence(plan: Plan) -> str:
    """That a damaged tag stands in the way which is protected, or in use; empty where none does."""
    guarded = plan.guarded_replaceable
    if not guarded:
        return ""
    seem, it, its = ("seems", "it", "its") if len(guarded) == 1 else ("seem", "they", "their")
    return (
        f"{names(guarded)} of {plan.repository} {seem} damaged in the registry's storage: deleting others could put an "
        f"empty index into {its} place, and {it} could not be put back. {' '.join(_about_guarded(plan))}"
    )


def _about_guarded(plan: Plan) -> list[str]:
    """Which of the damaged tags are protected, and which are in use, and where."""
    tags = plan.guarded_replaceable
    protected = [tag for tag in tags if plan.guarded[tag].protected]
    used = [(tag, places) for tag in tags if (places := plan.guarded[tag].in_use)]
    lines = [f"{names(protected)} {_stay(protected)} protected by the config file."] if protected else []
    lines += [f"{tag} is in use: {use_words(places)}." for tag, places in used[:_NAMED]]
    if rest := [tag for tag, _ in used[_NAMED:]]:
        lines.append(f"{names(rest)} {_stay(rest)} in use, too.")
    return lines


GUARDED_REMEDY: Final = "Push {} again first. Or name the tags that go, without --yes: then it is asked for by name."


def losses_sentence(plan: Plan) -> str:
    """That something is not deleted without somebody who confirms it; empty where all of it can be taken back."""
    lost = [f"{name}, as {why}" for name, why in losses_of(plan)]
    told = []
    if lost:
        more = f"; and {len(lost) - _NAMED:,} more" if len(lost) > _NAMED else ""
        told.append(f"Undo could not put back {'; '.join(lost[:_NAMED])}{more} ({plan.repository}).")
    return " ".join(told + ([replaced] if (replaced := replaced_sentence(plan)) else []))


def replaced_sentence(plan: Plan) -> str:
    """Which damaged tags, that nobody chose, stand in the way, and what is done with them; empty where none does."""
    damaged = in_order(plan.replaceable)
    if not damaged:
        return ""
    are, seem = ("wasn't", "seems") if len(damaged) == 1 else ("weren't", "seem")
    its = "its place" if len(damaged) == 1 else "their places"
    return (
        f"{names(damaged)} of {plan.repository}, which {are} chosen, {seem} damaged in the registry's storage: that "
        f"makes deletions by digest fail there until an empty index takes {its}, which undo can't take back."
    )


def replaced_remedy(plan: Plan) -> str:
    """Of that sentence, where nobody can be asked."""
    damaged = in_order(plan.replaceable)
    if not damaged:
        return ""
    goes = "" if plan.loses_what_goes else f" What is deleted can be put back then, and {names(damaged)} can't."
    return f"{_way_out(damaged)} Or go ahead with --without-undo.{goes}"


def replacing(plan: Plan) -> str:
    """Reads on in a question, after what is deleted: what is lost that isn't to be deleted."""
    damaged = in_order(plan.replaceable)
    if not damaged:
        return ""
    stand = "stands" if len(damaged) == 1 else "stand"
    return f"put {names(damaged)} on an empty index for good where {_it(damaged)} {stand} in the way"


def _about_manifests(plan: Plan) -> list[str]:
    if not plan.manifests:
        if plan.left:
            return []
        if all(tag.is_broken for tag in plan.removed):
            return ["Nothing becomes collectable."]
        if plan.contents.unread or hidden_beside(plan):
            # What is said about those tells why.
            return ["No manifest is deleted: nothing becomes collectable."]
        return ["No manifest is deleted, as all of them are still in use: nothing becomes collectable."]
    children = sum(1 for manifest in plan.manifests if manifest.parent)
    above = len(plan.manifests) - children
    what = plural(above, "manifest")
    them = "it" if above == 1 else "them"
    below = f", and {plural(children, 'manifest')} below {them}," if children else ""
    why = " that nothing else in the repository uses" if plan.removed else ""
    return [
        f"{what}{below}{why} will be deleted by digest.",
        f"Up to {size(plan.freed)} become collectable; garbage collection frees them.",
        *([f"That takes {about(_seconds(plan))}: {_why_slow(plan)}."] * (_seconds(plan) > _LONG)),
    ]


def _about_left(plan: Plan) -> list[str]:
    """What stays behind without a tag, why, and what deletes it: nobody is to wonder later why nothing was freed."""
    if not plan.left:
        return []
    count = len(plan.left)
    them = "it" if count == 1 else "them"
    held = size(plan.left_bytes)
    lines = [f"{plural(count, 'manifest')} that no tag leads to any more will be left, with up to {held}."]
    if (seconds := seconds_to_delete(count, plan.remaining)) > _LONG:
        lines.append(f"Deleting {them} now would take {about(seconds)}: {_why_slow(plan)}.")
    return [*lines, f"Nothing of that is freed before {_LATER}."]


def _why_slow(plan: Plan) -> str:
    others = plural(plan.remaining, "other tag")
    return f"the {others} are looked at first, and for each manifest the registry searches them"


def _seconds(plan: Plan) -> float:
    return seconds_to_delete(len(plan.manifests), plan.remaining)


def now_offer(plan: Plan) -> str:
    """What may be chosen where manifests are left; empty where none are."""
    if not plan.left:
        return ""
    seconds = seconds_to_delete(len(plan.left), plan.remaining)
    return f"delete {_the(len(plan.left))} now as well, {about(seconds)}"


def later_offer(plan: Plan) -> str:
    """What may be chosen where deleting manifests takes long; empty where it doesn't."""
    if not plan.removed or _seconds(plan) <= _LONG:
        return ""
    return f"remove the tags alone, and leave {_the(len(plan.manifests))} to regtui gc --untagged"


def _the(count: int) -> str:
    return "the manifest" if count == 1 else f"the {count:,} manifests"


def whole_offer(plan: Plan) -> str:
    """What may be chosen where tags can't be removed alone."""
    return f"delete by digest, together with {names(plan.goes_along)}" if plan.goes_along else ""


def report_sentences(report: Report) -> list[str]:
    """What came of it: what went, what stayed, what failed."""
    untagged = report.count(Action.UNTAG, Status.DONE)
    deleted = report.count(Action.DELETE, Status.DONE)
    restored = report.count(Action.RESTORE, Status.DONE)
    failed = [outcome for outcome in report.outcomes if outcome.status is Status.FAILED]
    left_alone = [o for o in report.outcomes if o.status is Status.SKIPPED and not o.is_as_planned]
    gone = [o for o in left_alone if o.reason is Reason.GONE_BEFORE]
    skipped = [o for o in left_alone if o.reason is not Reason.GONE_BEFORE]
    restoring = any(outcome.action is Action.RESTORE for outcome in report.outcomes)
    done = [f"{plural(untagged, 'tag')} removed"] if untagged or not restoring else []
    done += [f"{plural(deleted, 'manifest')} deleted"] if deleted else []
    restored_all = [o for o in report.outcomes if o.action is Action.RESTORE and o.status is Status.DONE]
    there = [o for o in restored_all if o.reason is Reason.THERE_BEFORE]
    put_back = [o for o in restored_all if o.reason is not Reason.THERE_BEFORE]
    done += [f"{counted(put_back)} put back"] if restoring else []
    lines = [f"{report.repository}: {', '.join(done)}."]
    if report.left:
        what = f"{plural(report.left, 'manifest')} without a tag {'is' if report.left == 1 else 'are'} left"
        lines.append(f"{what}, with up to {size(report.left_bytes)}: freed by {_LATER}.")
    if there:
        was = "was" if len(there) == 1 else "were"
        lines.append(f"{counted(there)} {was} there already, put back meanwhile.")
    if failed:
        lines.append(f"{counted(failed)} failed.")
    if skipped:
        lines.append(f"{counted(skipped)} {'was' if len(skipped) == 1 else 'were'} left alone.")
    if gone:
        was = "was" if len(gone) == 1 else "were"
        lines.append(f"{counted(gone)} {was} gone already: somebody else removed {_them(gone)}.")
    if report.moved:
        lines.append(f"{names(report.moved)} changed since the plan was shown: plan again to delete what is there now.")
    if report.interrupted:
        lines.append("It was stopped before the end: what is not listed as done was not touched.")
    lines += report.notices
    if report.doubts:
        # Of several parts the same may hold.
        lines += dict.fromkeys(report.doubts)
    elif restored:
        is_all = all(o.status is Status.DONE for o in report.outcomes if o.action is Action.RESTORE)
        what = "Each" if is_all else "What was put back"
        lines.append(f"{what} was read back from the registry: the same digests as before.")
    elif report.looked is not None:
        lines.append(_looked(report, report.looked))
        lines += _about_unknown(report.looked)
    return lines


def _looked(report: Report, looked: Looked) -> str:
    """What was checked, and no more than that."""
    checked = "Checked against the registry:"
    if looked.is_whole and looked.changed:
        tag = "tag" if len(looked.changed) == 1 else "tags"
        return f"{checked} besides, only the {tag} {names(looked.changed)} changed, pushed by somebody else."
    if looked.is_whole:
        return f"{checked} all else is as it was." if report.notices else f"{checked} nothing else changed."
    listed = f"{checked} all of the other {plural(looked.others, 'tag')} are listed"
    if not looked.tags:
        return f"{listed}; what they lead to was not looked at."
    if looked.changed:
        return (
            f"{listed}; of the {looked.tags:,} that were looked at {names(looked.changed)} changed, by somebody else."
        )
    same = "but for that are the same" if report.notices else "are the same"
    return f"{listed}, {looked.tags:,} of them were looked at, and {same}."


def _about_unknown(looked: Looked) -> list[str]:
    """The tags of which nobody knows whether they changed."""
    tags = list(looked.unknown)
    if not tags:
        return []
    why, it = _detail(looked.unknown[tags[0]]), _it(tags)
    return [f"{names(tags)} could not be read ({why}): whether {it} changed is not known."]


def pushed_again_sentence(tags: Sequence[str]) -> str:
    """Of tags that went, and are listed at the end."""
    was, them, they = ("was", "it", "it stays") if len(tags) == 1 else ("were", "them", "they stay")
    return f"{names(tags)} {was} removed, and somebody else pushed {them} again since: {they}."


def gone_before_sentence(tags: Sequence[str]) -> str:
    """Of tags that were to stay, and weren't listed any more before anything was changed."""
    are, them = ("is", "it") if len(tags) == 1 else ("are", "them")
    return f"{names(tags)} {are} gone since the plan was shown: somebody else removed {them}."


def counted(outcomes: Sequence[Outcome]) -> str:
    """`351 tags and 600 manifests`: nobody knows what 951 are."""
    manifests = sum(1 for outcome in outcomes if "@" in outcome.reference)
    tags = len(outcomes) - manifests
    told = [plural(tags, "tag")] if tags or not manifests else []
    return " and ".join(told + ([plural(manifests, "manifest")] if manifests else []))


def typed_confirmation(plan: Plan, *, without_undo: bool = False, besides: int = 0) -> str:
    """What has to be typed: the words that the plan asks for, with the number from ten tags on where no name is among
    them; nothing where `y` is enough. `besides`: so many tags are changed as well."""
    words = typed_words(plan, without_undo=without_undo)
    is_named = any(tag.protected or tag.in_use for tag in plan.removed) or bool(plan.used_manifests)
    count = len(plan.removed) + besides
    return " ".join([str(count), *words] if count >= TYPED_FROM and not is_named else words)


def typed_words(plan: Plan, *, without_undo: bool = False) -> list[str]:
    """The names of tags that are protected or in use; the names of such tags that may be replaced; `forever` where undo
    can't put something back, unless that was said: `without_undo`."""
    guarded = [tag.tag for tag in plan.removed if tag.protected or tag.in_use]
    guarded += [manifest.digest.short for manifest in plan.used_manifests]
    words = []
    if guarded:
        words.append(_typed_names(guarded, "protected" if any(tag.protected for tag in plan.removed) else "in use"))
    if replaced := plan.guarded_replaceable:
        words.append(_typed_names(replaced, "damaged"))
    if plan.has_losses and not without_undo:
        words.append(FOREVER)
    return words


def _typed_names(tags: Sequence[str], what: str) -> str:
    """Of many, what nobody types for other tags: a bare number would do for those, too."""
    return " ".join(tags) if len(tags) <= _TYPED_NAMES else f"{len(tags)} {what}"


def planned_outcomes(plan: Plan) -> list[Outcome]:
    """The rows of the plan: each tag, then each manifest in the order in which it goes, then those that are left, and
    the tags that stay though they were chosen."""
    tags = [tag_outcome(plan.repository, tag, Status.PLANNED, detail=_lost(tag.loss)) for tag in plan.removed]
    going = [manifest_outcome(plan.repository, m, Status.PLANNED, detail=_lost(m.loss)) for m in plan.manifests]
    left = [left_outcome(plan.repository, manifest) for manifest in plan.left]
    return tags + going + left + staying_outcomes(plan)


def staying_outcomes(plan: Plan) -> list[Outcome]:
    """Of the tags that were chosen and stay, as what they lead to changed since."""
    moved = [tag_outcome(plan.repository, tag, Status.SKIPPED, Reason.PUSHED_ANEW) for tag in plan.moved]
    return moved + [tag_outcome(plan.repository, tag, Status.SKIPPED, Reason.LAST) for tag in plan.last]


def _lost(loss: Loss | None) -> str:
    return f"can't be put back: {loss_reason(loss)}" if loss else ""


def plan_notes(plan: Plan) -> dict[str, str]:
    """Why each row is there, and what stays: by its reference."""
    notes: dict[str, str] = {}
    for tag in plan.removed:
        reasons = [f"stays as {', '.join(tag.stays_as)}"] if tag.stays_as else []
        reasons += ["broken"] if tag.is_broken else []
        reasons += ["protected"] if tag.protected else []
        reasons += [f"in use: {use_words(tag.in_use)}"] if tag.in_use else []
        reasons += [f"attached to {tag.attached_to.short}"] if tag.attached_to else []
        reasons += [_lost(tag.loss)] if tag.loss else []
        notes[f"{plan.repository}:{tag.tag}"] = "; ".join(reasons)
    for manifest in (*plan.manifests, *plan.left):
        reasons = [_what_it_is(manifest)]
        reasons += [f"attached to {manifest.attached_to.short}"] if manifest.attached_to else []
        reasons += [f"in use: {use_words(manifest.in_use)}"] if manifest.in_use else []
        reasons += [_lost(manifest.loss)] if manifest.loss else []
        notes[f"{plan.repository}@{manifest.digest}"] = "; ".join(reason for reason in reasons if reason)
    return notes


def _what_it_is(manifest: PlannedManifest) -> str:
    """Beside `manifest 0a1b2c3d4e5f`: `0.0.43, latest`, `index of 1.0`, `linux/amd64 below 0a1b2c3d4e5f`."""
    kind = kind_note(manifest.label)
    tags = ", ".join(manifest.tags)
    words = [kind] if kind else []
    words += [f"below {manifest.parent.short}"] if manifest.parent else []
    words += [f"of {tags}" if words else tags] if tags else []
    return " ".join(words)


def kind_note(label: str) -> str:
    """What a manifest is, where it is called a manifest already: nothing for one that is no more than that."""
    return "" if label == "manifest" else label


def attached_offer(plan: Plan) -> str:
    """What may go along; empty where nothing would be left behind."""
    count = len(plan.attached) + len(plan.attached_manifests)
    if not count:
        return ""
    what = plural(count, "signature or SBOM", "signatures and SBOMs")
    return f"also delete {what} that would be left without their image"


def method_sentence(plan: Plan) -> str:
    """How tags are removed here: for those who want to know."""
    if plan.method is Method.BY_TAG:
        return "This registry can delete a tag without its image."
    sharing = [tag.tag for tag in plan.removed if tag.stays_as]
    theirs = "its place" if len(sharing) == 1 else "their places"
    return (
        f"This registry deletes by digest only: so that {names(sharing)} can go alone, an empty index takes {theirs} "
        "first, and is deleted."
    )


def names(tags: Sequence[str]) -> str:
    """`a, b, c, d and 3 more`."""
    shown = ", ".join(tags[:_NAMED])
    return f"{shown} and {len(tags) - _NAMED:,} more" if len(tags) > _NAMED else shown


def _detail(error: str) -> str:
    """A registry's error within a sentence: without what to do about it, which follows in sentences of its own."""
    return error.partition(". ")[0].rstrip(".")


def _them(things: Collection[object]) -> str:
    return "it" if len(things) == 1 else "them"


def _it(things: Sequence[object]) -> str:
    return "it" if len(things) == 1 else "they"


def _they(things: Sequence[object]) -> str:
    return "it uses" if len(things) == 1 else "they use"


def _stay(tags: Sequence[str]) -> str:
    return "is" if len(tags) == 1 else "are"


def _s(tags: Sequence[object]) -> str:
    return "s" if len(tags) == 1 else ""

"""A plan and a report in sentences, the same in the app and in the commands. Tags are server text: whoever shows them
cleans them."""

from collections.abc import Sequence
from typing import Final

from regtui.deletion.values import (
    Action,
    Method,
    Outcome,
    Plan,
    Report,
    Status,
    manifest_outcome,
    tag_outcome,
)
from regtui.text import plural, size

# From so many tags on the number is typed: a slip of the hand doesn't delete them.
TYPED_FROM: Final = 10
_NAMED: Final = 4
# Seconds from which on it is said how long it takes.
_LONG: Final = 45.0


def plan_sentences(plan: Plan) -> list[str]:
    """What would happen, to what, and what would not."""
    if plan.obstacle:
        return [plan.obstacle]
    if plan.is_empty:
        return ["Nothing to delete."]
    lines: list[str] = []
    if plan.removed:
        lines.append(f"{plural(len(plan.removed), 'tag')} will be removed from {plan.repository}.")
    lines += _about_manifests(plan)
    if plan.staying:
        lines.append(f"{names(plan.staying)} {_stay(plan.staying)} the same image, and stay{_s(plan.staying)}.")
    broken = [tag.tag for tag in plan.removed if tag.digest is None]
    if broken:
        lines.append(f"{names(broken)} {'is' if len(broken) == 1 else 'are'} broken: no manifest is behind.")
    if plan.attached:
        what = plural(len(plan.attached), "attached artifact")
        lines.append(f"{what} (signatures, attestations, SBOMs) would be left without their image: not deleted.")
    protected = [tag.tag for tag in plan.removed if tag.protected]
    if protected:
        lines.append(f"{names(protected)} {'is' if len(protected) == 1 else 'are'} protected by the config file.")
    if plan.contents.unread:
        lines.append(
            f"{plural(len(plan.contents.unread), 'other tag')} could not be read: so that nothing they use is lost, "
            "only tags are removed, and no manifest."
        )
    return lines


def _about_manifests(plan: Plan) -> list[str]:
    if plan.left:
        what = plural(plan.left, "manifest")
        return [f"{what} without a tag will be left: a collection of untagged manifests takes them."]
    if not plan.manifests:
        if all(tag.digest is None for tag in plan.removed):
            return ["Nothing becomes collectable by it."]
        return ["No manifest is deleted, as all of them are still in use: nothing becomes collectable."]
    children = sum(1 for manifest in plan.manifests if manifest.parent)
    what = plural(len(plan.manifests) - children, "manifest")
    below = f" and {plural(children, 'manifest')} below" if children else ""
    why = "that nothing else in the repository uses" if plan.removed else "named by digest"
    return [
        f"{what}{below} {why} will be deleted by digest.",
        f"Up to {size(plan.freed)} become collectable; garbage collection frees them.",
        *(
            [f"That takes about {_minutes(plan)}: for each manifest the registry searches all its tags."]
            * _is_slow(plan)
        ),
    ]


def _seconds(plan: Plan) -> float:
    """What the DELETEs by digest take: measured 35 µs for each tag that is there then, on 2.7.1, 2.8.2 and 3.1.1."""
    staying = len(plan.contents.tags) - len(plan.removed)
    return len(plan.manifests) * max(staying, 0) * 35e-6


def _is_slow(plan: Plan) -> bool:
    return _seconds(plan) > _LONG


def _minutes(plan: Plan) -> str:
    return plural(max(round(_seconds(plan) / 60), 1), "minute")


def tags_only_offer(plan: Plan) -> str:
    """What may be chosen where deleting manifests takes long; empty where it doesn't."""
    if not _is_slow(plan):
        return ""
    what = plural(len(plan.manifests), "manifest")
    return f"remove the tags alone, and leave their {what} to the collection of untagged ones"


def whole_offer(plan: Plan) -> str:
    """What may be chosen where tags can't be removed alone."""
    return f"delete by digest, together with {names(plan.goes_along)}" if plan.goes_along else ""


def report_sentences(report: Report) -> list[str]:
    """What came of it: what went, what stayed, what failed."""
    untagged = report.count(Action.UNTAG, Status.DONE)
    deleted = report.count(Action.DELETE, Status.DONE)
    restored = report.count(Action.RESTORE, Status.DONE)
    failed = sum(1 for outcome in report.outcomes if outcome.status is Status.FAILED)
    skipped = sum(1 for outcome in report.outcomes if outcome.status is Status.SKIPPED)
    restoring = any(outcome.action is Action.RESTORE for outcome in report.outcomes)
    done = [f"{plural(untagged, 'tag')} removed"] if untagged or not restoring else []
    done += [f"{plural(deleted, 'manifest')} deleted"] if deleted else []
    done += [f"{_restored(report)} put back"] if restoring else []
    lines = [f"{report.repository}: {', '.join(done)}."]
    if failed:
        lines.append(f"{failed} failed.")
    if skipped:
        lines.append(f"{skipped} {'was' if skipped == 1 else 'were'} left alone.")
    if report.moved:
        lines.append(f"{names(report.moved)} changed since the plan was shown: plan again to delete what is there now.")
    if report.interrupted:
        lines.append("It was stopped before the end: what is not listed as done was not touched.")
    if report.doubts:
        lines += report.doubts
    elif restored:
        lines.append("Each was read back from the registry: the same digests as before.")
    elif report.outcomes and not restoring and not any("could not be checked" in line for line in lines):
        lines.append("Checked against the registry: nothing else changed.")
    return lines


def _restored(report: Report) -> str:
    back = [o.reference for o in report.outcomes if o.action is Action.RESTORE and o.status is Status.DONE]
    manifests = sum(1 for reference in back if "@" in reference)
    told = [plural(len(back) - manifests, "tag")] if len(back) > manifests or not manifests else []
    return " and ".join(told + ([plural(manifests, "manifest")] if manifests else []))


def typed_confirmation(plan: Plan) -> str:
    """What has to be typed: a protected tag's name, the number from ten tags on, nothing where `y` is enough."""
    protected = [tag.tag for tag in plan.removed if tag.protected]
    if len(protected) == 1:
        return protected[0]
    if protected or len(plan.removed) >= TYPED_FROM:
        return str(len(plan.removed))
    return ""


def planned_outcomes(plan: Plan) -> list[Outcome]:
    """The rows of the plan: each tag, then each manifest in the order in which it goes."""
    tags = [tag_outcome(plan.repository, tag, Status.PLANNED) for tag in plan.removed]
    return tags + [manifest_outcome(plan.repository, manifest, Status.PLANNED) for manifest in plan.manifests]


def plan_notes(plan: Plan) -> dict[str, str]:
    """Why each row is there, and what stays: by its reference."""
    notes: dict[str, str] = {}
    for tag in plan.removed:
        reasons = [f"stays as {', '.join(tag.stays_as)}"] if tag.stays_as else []
        reasons += ["broken"] if tag.digest is None else []
        reasons += ["protected"] if tag.protected else []
        reasons += [f"attached to {tag.attached_to.short}"] if tag.attached_to else []
        notes[f"{plan.repository}:{tag.tag}"] = "; ".join(reasons)
    for manifest in plan.manifests:
        below = f" of {manifest.parent.short}" if manifest.parent else ""
        tags = f" ({', '.join(manifest.tags)})" if manifest.tags else ""
        notes[f"{plan.repository}@{manifest.digest}"] = f"{manifest.label}{below}{tags}"
    return notes


def attached_offer(plan: Plan) -> str:
    """What may go along; empty where nothing would be left behind."""
    if not plan.attached:
        return ""
    what = plural(len(plan.attached), "signature or SBOM", "signatures and SBOMs")
    return f"also delete {what} that would be left without their image"


def method_sentence(plan: Plan) -> str:
    """How tags are removed here: for those who want to know."""
    if plan.method is Method.BY_TAG:
        return "This registry deletes tags alone."
    return "This registry deletes by digest only: a tag that shares its image is replaced by an empty index first."


def names(tags: Sequence[str]) -> str:
    """`a, b, c, d and 3 more`."""
    shown = ", ".join(tags[:_NAMED])
    return f"{shown} and {len(tags) - _NAMED:,} more" if len(tags) > _NAMED else shown


def _stay(tags: Sequence[str]) -> str:
    return "is" if len(tags) == 1 else "are"


def _s(tags: Sequence[str]) -> str:
    return "s" if len(tags) == 1 else ""

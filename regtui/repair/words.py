"""What a check found and what would mend it, in sentences: the same in the app and in the command. Names are server
text: whoever shows them cleans them."""

from collections.abc import Iterable

from regtui.deletion.values import Outcome, Status
from regtui.oci.digest import Digest
from regtui.repair.values import BlobOrigin, BlobSource, CheckedReference, RepairPlan
from regtui.text import plural


def remedy_of(checked: CheckedReference, plan: RepairPlan) -> str:
    """What would mend it: what can be put back, or that it can only be pushed again or deleted. Empty where it is
    whole."""
    if not checked.is_broken:
        return ""
    found = [digest for digest in checked.lost if digest in plan.sources]
    parts = [f"{_what(checked, digest)} can be {_how(plan.sources[digest])}" for digest in found]
    if len(found) < len(checked.lost):
        gone = [_what(checked, digest) for digest in checked.lost if digest not in plan.sources]
        parts.append(f"{_listed(gone)} {'was' if len(gone) == 1 else 'were'} found nowhere{_where(plan)}")
    if checked.has_cut:
        # Registries keep what they have of a blob, whatever is pushed under its digest.
        parts.append("what isn't whole stays as it is when it is pushed: delete the image, collect, and push it again")
    elif not found or len(found) < len(checked.lost):
        parts.append("push the image again, or delete it")
    return "; ".join(parts)


def effect_beside(checked: CheckedReference) -> str:
    """What can't be pulled, where the problem doesn't say that already."""
    return "" if checked.effect in checked.problem else checked.effect


def sentence(text: str) -> str:
    """With a capital letter and a full stop; a platform's name keeps its own."""
    first = text.partition(" ")[0]
    return f"{text if '/' in first else text[:1].upper() + text[1:]}."


def repair_sentences(plan: RepairPlan, checked: Iterable[CheckedReference]) -> list[str]:
    """What a repair would send, a line each."""
    configs = {config for each in checked for config in each.configs}
    return [
        f"{'The config' if digest in configs else 'The layer'} {digest.short} will be {_how(source)}."
        for digest, source in plan.sources.items()
    ]


def put_back_sentence(outcome: Outcome) -> str:
    """What came of one blob."""
    short = outcome.digest.short if outcome.digest is not None else outcome.reference
    if outcome.status is Status.DONE:
        return f"{short} was put back into {outcome.reference.partition('@')[0]}, and read."
    return f"{short} could not be put back: {outcome.error.rstrip('.')}."


def _what(checked: CheckedReference, digest: Digest) -> str:
    return f"the {'config' if digest in checked.configs else 'layer'} {digest.short}"


def _how(source: BlobSource) -> str:
    match source.origin:
        case BlobOrigin.REPOSITORY:
            return f"mounted from {source.place}"
        case BlobOrigin.JOURNAL:
            return f"uploaded from the journal's {source.place}"
        case BlobOrigin.CACHE:
            return "uploaded from the cache of this machine, which read it before"


def _where(plan: RepairPlan) -> str:
    others = plural(plan.searched, "other repository", "other repositories")
    if not plan.is_whole:
        return f": not in the journal, not in the cache, and not in {others}, which may not be all"
    return f": not in the journal, not in the cache, and not in {others}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown

"""Entries of the config file that don't do what they look like: they never count, overlap, or name nothing. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from regtui.retention.policy import RetentionEntry, entry_for


@dataclass(frozen=True, slots=True)
class EntryProblem:
    """What is to be said of `entry`, in words that stand below it. `is_wrong`: it surely isn't what was meant; one that
    takes what an earlier entry left may be."""

    entry: RetentionEntry
    words: str
    is_wrong: bool = True


def entry_problems(entries: Sequence[RetentionEntry], repositories: Iterable[str] | None) -> list[EntryProblem]:
    """`repositories`: all that there are now; None where that isn't known, and only what the patterns say is told. An
    entry that names one which an earlier entry has is told once, with the first of those."""
    names = list(repositories or ())
    problems = []
    for place, entry in enumerate(entries):
        if hidden := _hidden_by(entries[:place], entry):
            problems.append(EntryProblem(entry, f"never counts: {hidden.place} names everything that it names"))
            continue
        if repositories is None:
            continue
        meant = [name for name in names if entry.names(name)]
        counting = [name for name in meant if entry_for(entries, name) is entry]
        if not meant:
            problems.append(EntryProblem(entry, "names no repository that there is now"))
        elif not counting:
            earlier = entry_for(entries, meant[0])
            where = earlier.place if earlier is not None else "an earlier entry"
            problems.append(EntryProblem(entry, f"counts for none now: {where} names {meant[0]}{_more(meant)} before"))
        elif len(counting) < len(meant):
            taken = [name for name in meant if name not in set(counting)]
            earlier = entry_for(entries, taken[0])
            where = earlier.place if earlier is not None else "an earlier entry"
            words = f"overlaps {where}, which counts for {taken[0]}{_more(taken)}"
            problems.append(EntryProblem(entry, words, is_wrong=False))
    return problems


def _hidden_by(earlier: Sequence[RetentionEntry], entry: RetentionEntry) -> RetentionEntry | None:
    """An entry before it that has all of its patterns: the same one, or one that takes in whatever that one does."""
    return next(
        (
            each
            for each in earlier
            if all(any(_takes_in(wide, pattern) for wide in each.repositories) for pattern in entry.repositories)
        ),
        None,
    )


def _takes_in(wide: str, narrow: str) -> bool:
    """Whether a pattern surely matches all that another does."""
    if wide in ("*", narrow):
        return True
    start, star, end = wide.partition("*")
    if not star or set("?[*") & set(start + end) or len(narrow) < len(start + end):
        return False
    return narrow.startswith(start) and narrow.endswith(end)


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 1:,} more" if len(names) > 1 else ""

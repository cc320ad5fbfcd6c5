"""Names of repositories in the order of a tree, which is that of their parts: what is below a name follows it.

`a`, `a/b`, `a/b/c`, `a-b`: a slash comes before all that a part can hold. All functions take names in this order, each
once, and find by bisection.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise


def place(names: Sequence[str], name: str) -> int:
    """Where `name` is, or the first below it; where it would be, if there is neither."""
    return bisect_left(names, _key(name), key=_key)


def is_among(names: Sequence[str], name: str) -> bool:
    at = place(names, name)
    return at < len(names) and names[at] == name


def has_below(names: Sequence[str], name: str) -> bool:
    at = place(names, name)
    at += at < len(names) and names[at] == name
    return at < len(names) and names[at].startswith(f"{name}/")


def end(names: Sequence[str], name: str, at: int, high: int) -> int:
    """The end of `name`, which is at `at` or begins the name there, and of all below it; at most `high`."""
    prefix = f"{name}/"
    known, step = at, 1
    # Most have little below them: by steps that double, nobody pays for the length of the list.
    while known + step < high and names[known + step].startswith(prefix):
        known, step = known + step, 2 * step
    if step == 1:
        return known + 1
    return bisect_right(names, 0, known + 1, min(known + step, high), key=lambda each: not each.startswith(prefix))


def add(names: list[str], more: Sequence[str]) -> int:
    """Adds those of `more`, in any order, that aren't there. Where the first change is; the length, where there is
    none."""
    # Registries list in this order, or nearly: no page is sorted that need not be, with a key for each name in memory.
    is_sorted = all(_key(one) < _key(other) for one, other in pairwise(more))
    fresh = more if is_sorted else sorted(set(more), key=_key)
    if not fresh:
        return len(names)
    if not names or _key(names[-1]) < _key(fresh[0]):
        names += fresh
        return len(names) - len(fresh)
    first = place(names, fresh[0])
    behind = names[first:]
    merged = sorted({*behind, *fresh}, key=_key)
    changed = next((at for at, (old, new) in enumerate(zip(behind, merged, strict=False)) if old != new), len(behind))
    names[first:] = merged
    return first + changed


def parts(names: Iterable[str]) -> set[str]:
    """The names, and all that is above them."""
    found: set[str] = set()
    for name in names:
        above = name
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def _key(name: str) -> str:
    # Most have few slashes, and one without any is not copied.
    return name.replace("/", "\0")

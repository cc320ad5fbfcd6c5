"""A long answer in parts, so that what is seen first is painted before the rest has found its place."""

from collections.abc import Iterator, Sequence
from typing import Final

# A screen of names, many times over; then as many as keep nobody waiting who presses a key.
_FIRST: Final = 1_000
_MORE: Final = 10_000


def in_parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """All of `names`, in order; the first part is short. None for an empty answer."""
    first, start = _FIRST, 0
    while start < len(names):
        yield names[start : start + first]
        start += first
        first = _MORE

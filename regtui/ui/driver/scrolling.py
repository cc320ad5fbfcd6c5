"""Whether rows that changed are others that moved."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import ne, or_
from typing import Final

from regtui.ui.driver.grid import Grid
from regtui.ui.driver.pens import DEFAULT

# Fewer rows are written as quickly.
_FEWEST: Final = 4
# Cells that the sequences are worth, and what each row costs that has to be moved to.
_SEQUENCES: Final = 24
_ROW: Final = 6

_Row = tuple[Sequence[str | None], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Scroll:
    """Rows `top` to before `bottom` move up by `lines`, down where negative."""

    top: int
    bottom: int
    lines: int


def find_scroll(shown: Grid, wanted: Grid, rows: Sequence[int]) -> Scroll | None:
    """The one after which least is left to write; None where none is worth it. `rows` are those that differ.

    A pane beside others scrolls too, where writing its neighbours anew costs less than writing it.
    """
    if len(rows) < _FEWEST:
        return None
    region = range(rows[0], rows[-1] + 1)
    if any(None in grid.characters[y] for grid in (shown, wanted) for y in region):
        return None
    lines = _likely_distance(shown, wanted, rows)
    if lines is None:
        return None
    blank: _Row = ([" "] * wanted.width, [DEFAULT] * wanted.width)
    still = moved = 0
    for y in region:
        still += _cost(_row(shown, y), _row(wanted, y))
        moved += _cost(_row(shown, y + lines) if y + lines in region else blank, _row(wanted, y))
    return Scroll(region.start, region.stop, lines) if moved + _SEQUENCES < still else None


def _likely_distance(shown: Grid, wanted: Grid, rows: Sequence[int]) -> int | None:
    """By how many lines most of the rows have moved, in the columns that changed."""
    columns = _changed_columns(shown, wanted, rows)

    def part(grid: Grid, y: int) -> tuple[object, ...]:
        return (*grid.characters[y][columns], *grid.pens[y][columns])

    before = [(part(shown, y), y) for y in rows]
    count = Counter(content for content, _ in before)
    # What is there twice, blank rows above all, says nothing.
    origins = {content: y for content, y in before if count[content] == 1}
    votes = Counter(origins[content] - y for y in rows if (content := part(wanted, y)) in origins)
    del votes[0]
    lines, supporters = votes.most_common(1)[0] if votes else (0, 0)
    return lines if supporters >= max(2, len(rows) // 4) else None


def _changed_columns(shown: Grid, wanted: Grid, rows: Sequence[int]) -> slice:
    first, last = wanted.width, 0
    for y in rows:
        differs = list(_differences(_row(shown, y), _row(wanted, y)))
        first = min(first, differs.index(True))
        last = max(last, wanted.width - differs[::-1].index(True))
    return slice(first, last)


def _row(grid: Grid, y: int) -> _Row:
    return grid.characters[y], grid.pens[y]


def _differences(one: _Row, other: _Row) -> "map[bool]":
    return map(or_, map(ne, one[0], other[0]), map(ne, one[1], other[1]))


def _cost(before: _Row, after: _Row) -> int:
    cells = sum(_differences(before, after))
    return cells + _ROW if cells else 0

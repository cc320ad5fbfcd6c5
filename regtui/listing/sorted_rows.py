"""The tags of a list in the order of one column, kept sorted while rows and their values come."""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Final

from regtui.listing.columns import SortColumn
from regtui.listing.tag_row import TagRow

# Where more than one row of so many has news, sorting all of them is quicker than putting each in its place.
_FEW: Final = 25
by_version: Final[Callable[[TagRow], str]] = attrgetter("key")
"""The key that sorts rows by the versions that their names say."""


class SortedRows:
    """Rows whose value for the column isn't known come last, in both directions; equal values are in the order of
    versions."""

    def __init__(self, column: SortColumn, reverse: bool) -> None:
        self.column = column
        self.reverse = reverse
        # All ascending: all by version; those with a value by (value, version), those without by version.
        self._by_version: list[TagRow] = []
        self._known: list[TagRow] = []
        self._unknown: list[TagRow] = []

    def all(self) -> list[TagRow]:
        if self.reverse:
            return self._known[::-1] + self._unknown[::-1]
        return self._known + self._unknown

    def add(self, new: Collection[TagRow]) -> None:
        """Rows of none of which a value is known."""
        # Those that are there are sorted already: merging costs little.
        self._by_version = sorted([*self._by_version, *new], key=by_version)
        if self.column is SortColumn.VERSION:
            self._known = self._by_version
        else:
            self._unknown = sorted([*self._unknown, *new], key=by_version) if self._known else self._by_version[:]

    def remove(self, going: Collection[TagRow]) -> None:
        going = set(going)
        self._by_version = [row for row in self._by_version if row not in going]
        if self.column is SortColumn.VERSION:
            self._known = self._by_version
        else:
            self._known = [row for row in self._known if row not in going]
            self._unknown = [row for row in self._unknown if row not in going]

    def sort(self, column: SortColumn, reverse: bool) -> None:
        self.reverse = reverse
        if column is not self.column:
            self.column = column
            self._sort()

    @contextmanager
    def changing(self, rows: Collection[TagRow]) -> Iterator[None]:
        """Within it these rows, and no others, get other values."""
        if self.column is SortColumn.VERSION:
            yield
        elif len(rows) * _FEW <= len(self._by_version):
            for row in rows:
                self._take_out(row)
            yield
            for row in rows:
                self._put_in(row)
        else:
            yield
            self._sort()

    def _sort(self) -> None:
        if self.column is SortColumn.VERSION:
            self._known, self._unknown = self._by_version, []
        else:
            self._known, self._unknown = self.column.sorted(self._by_version)

    def _take_out(self, row: TagRow) -> None:
        if self.column.of(row) is None:
            del self._unknown[bisect_left(self._unknown, row.key, key=by_version)]
        else:
            place = self.column.place
            del self._known[bisect_left(self._known, place(row), key=place)]

    def _put_in(self, row: TagRow) -> None:
        if self.column.of(row) is None:
            insort(self._unknown, row, key=by_version)
        else:
            insort(self._known, row, key=self.column.place)

"""The tags of one repository as a person sees them: rows, order, filter, marks and cursor.

Made for 100,000 rows: a list of slotted rows and a list of what is shown; nothing is copied for a row.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from regtui.listing.columns import SortColumn
from regtui.listing.summary import Summary
from regtui.listing.tag_row import TagRow, digest_tag_subject, new_row
from regtui.listing.usage import BlobUses
from regtui.oci import Digest

# Where more than one row of so many has news, sorting all of them is quicker than putting each in its place.
_FEW: Final = 25
_key: Final[Callable[[TagRow], str]] = attrgetter("key")


@dataclass(frozen=True, slots=True)
class Changed:
    """What to repaint: these lines, or all of them where rows moved (then `lines` is empty)."""

    lines: tuple[int, ...]
    reordered: bool


class TagList:
    """Rows in `shown` have line numbers from 0. The cursor stays on its tag whatever moves the lines.

    Rows whose value for the sort column isn't known come last, in both directions; equal values are in the
    order of versions. Marks survive filtering and sorting.
    """

    def __init__(
        self, *, column: SortColumn = SortColumn.CREATED, reverse: bool = True, show_hidden: bool = False
    ) -> None:
        self.column = column
        self.reverse = reverse
        self.show_hidden = show_hidden
        """Whether digest tags (`sha256-….sig`) are shown."""
        self.filter_text = ""
        self.shown: Sequence[TagRow] = []
        self.filled = 0
        self.marked_count = 0
        self._rows: dict[str, TagRow] = {}
        # All ascending: all by version; those with a value by (value, version), those without by version.
        self._by_version: list[TagRow] = []
        self._known: list[TagRow] = []
        self._unknown: list[TagRow] = []
        self._words: tuple[str, ...] = ()
        self._digest_tags: dict[Digest, list[str]] = {}
        self._same: dict[Digest, list[TagRow]] = {}
        self._uses = BlobUses()
        self._marked_free: int | None = None
        self._lines_counted = False
        self._cursor: TagRow | None = None
        self._line = 0
        self._is_touched = False
        self.is_listed = False
        """Whether the registry has named all of them."""
        self._remembered_count = 0
        # Where the cursor was before the filter hid it: it returns there, unless it was moved meanwhile.
        self._left: TagRow | None = None

    # -- rows

    @property
    def total(self) -> int:
        """How many tags there are, shown or not."""
        return len(self._rows)

    @property
    def rows(self) -> Sequence[TagRow]:
        """All of them as listed, those too that the filter hides."""
        return self._ordered()

    def add(self, names: Iterable[str]) -> None:
        """Adds tags, in any order; those that are there already stay as they are."""
        rows = self._rows
        new = []
        for name in names:
            if name not in rows:
                row = rows[name] = self._new(name)
                new.append(row)
        if new:
            self._marked_free = None
            # Those that are there are sorted already: merging costs little.
            self._by_version = sorted([*self._by_version, *new], key=_key)
            if self.column is SortColumn.VERSION:
                self._known = self._by_version
            else:
                # Of none of them a value is known.
                self._unknown = sorted([*self._unknown, *new], key=_key) if self._known else self._by_version[:]
            self._show()
            if not self._is_touched and self.shown:
                self._cursor = None  # Nobody chose the first tag of the first page.
            self._place()

    def remove(self, names: Iterable[str]) -> None:
        """Takes tags out, after their deletion. A cursor among them goes to the tag that follows."""
        going = [row for name in names if (row := self._rows.pop(name, None)) is not None]
        if not going:
            return
        self._by_version = []
        for row in going:
            self._forget(row)
            self.marked_count -= row.is_marked
            if row.is_digest_tag and (subject := digest_tag_subject(row.tag)):
                self._digest_tags[subject].remove(row.tag)
            if row is self._left:
                self._left = None
        self._sort()
        self._place()

    def replace(self, names: Iterable[str]) -> None:
        """After a reload: these are the tags now. What stays keeps its summary, its mark and the cursor."""
        names = dict.fromkeys(names)
        self.is_listed = True
        if names.keys() == self._rows.keys():
            return
        self.remove([name for name in self._rows if name not in names])
        self.add(names)

    def fill(self, batch: Iterable[tuple[str, Summary]]) -> Changed:
        """Takes summaries in. Tags that left the list meanwhile are passed over."""
        news = {row: summary for tag, summary in batch if (row := self._rows.get(tag)) is not None}
        news = {row: summary for row, summary in news.items() if row.summary != summary}
        touched: set[Digest] = set()
        in_place = len(news) * _FEW <= len(self._rows) and self.column is not SortColumn.VERSION
        for row, summary in news.items():
            if in_place:
                self._take_out(row)
            touched.update(self._forget(row), self._learn(row, summary))
            if in_place:
                self._put_in(row)
        if self.column is not SortColumn.VERSION and news:
            before = self.shown
            if in_place:
                self._show()
            else:
                self._sort()
            if self.shown != before:
                if not self._is_touched:
                    self._cursor = None  # Nobody chose the tag that was first while nothing was known.
                self._place()
                return Changed((), True)
        rows = set(news).union(*(self._same.get(digest, ()) for digest in touched))
        return Changed(tuple(sorted(line for row in rows if (line := self.line_of(row)) is not None)), False)

    def recall(self, batch: Iterable[tuple[str, Summary]]) -> Changed:
        """Takes in what was known in an earlier run, as far as nothing newer is. Tags are added only while the
        registry hasn't listed them: afterwards those that it didn't name are gone."""
        news, before = dict(batch), len(self._rows)
        if not self.is_listed:
            self.add(news)
        rows = self._rows
        changed = self.fill([(tag, s) for tag, s in news.items() if tag in rows and rows[tag].summary is None])
        return Changed((), True) if len(rows) > before else changed

    @property
    def remembered_count(self) -> int:
        return self._remembered_count

    def row(self, line: int) -> TagRow:
        """Raises IndexError."""
        return self.shown[line]

    def find(self, tag: str) -> TagRow | None:
        return self._rows.get(tag)

    def line_of(self, row: TagRow) -> int | None:
        """The line that shows `row`; None where it isn't shown."""
        if not self._lines_counted:
            for line, shown in enumerate(self.shown):
                shown.line = line
            self._lines_counted = True
        shown_there = 0 <= row.line < len(self.shown) and self.shown[row.line] is row
        return row.line if shown_there else None

    def unfilled(self) -> list[str]:
        """Tags without a summary, or with one worth another try; as listed."""
        return [row.tag for row in self._ordered() if not row.is_filled]

    def same_image(self, tag: str) -> tuple[str, ...]:
        """The other tags with the same digest, as far as known, in the order of versions."""
        row = self._rows.get(tag)
        if row is None or row.summary is None or row.summary.digest is None:
            return ()
        same = self._same[row.summary.digest]
        return tuple(other.tag for other in sorted(same, key=_key) if other is not row) if len(same) > 1 else ()

    def attached(self, tag: str) -> tuple[str, ...]:
        """The digest tags that belong to the image of `tag`: signatures, SBOMs, attestations."""
        row = self._rows.get(tag)
        digest = row.summary.digest if row is not None and row.summary is not None else None
        return tuple(sorted(self._digest_tags.get(digest, ()))) if digest is not None else ()

    # -- order and filter

    def sort(self, column: SortColumn, reverse: bool | None = None) -> None:
        """Sorts by `column`; where no direction is given, the one that puts the interesting ones first."""
        is_other = column is not self.column
        self.column, self.reverse = column, column.starts_reversed if reverse is None else reverse
        if is_other:
            self._sort()
        else:
            self._show()
        self._place()

    def next_sort(self) -> None:
        self.sort(self.column.next)

    @property
    def order_words(self) -> str:
        """`by created, newest first`."""
        return self.column.words(self.reverse)

    def filter(self, text: str) -> None:
        """Shows the tags that have every word of `text` in them, in any case; all for an empty text."""
        # Another letter only takes tags away: then what is shown is all there is to look through.
        narrows = bool(self.filter_text) and text.startswith(self.filter_text)
        self.filter_text = text
        self._words = tuple(dict.fromkeys(text.lower().split()))
        self._show(self.shown if narrows else None)
        self._place()

    def set_show_hidden(self, show: bool) -> None:
        self.show_hidden = show
        self._show()
        self._place()

    # -- cursor

    @property
    def cursor(self) -> str | None:
        """The tag under the cursor; None where nothing is shown."""
        return self._cursor.tag if self._cursor is not None and self.shown else None

    @property
    def line(self) -> int:
        """The line of the cursor; 0 where nothing is shown."""
        return self._line

    def move(self, lines: int) -> None:
        """Down for positive numbers; stops at the ends."""
        self.move_to(self._line + lines)

    def move_to(self, line: int) -> None:
        self._left, self._is_touched = None, True
        if self.shown:
            self._line = min(max(line, 0), len(self.shown) - 1)
            self._cursor = self.shown[self._line]

    def select(self, tag: str) -> bool:
        """Puts the cursor on `tag`; False where it isn't shown."""
        row = self._rows.get(tag)
        line = self.line_of(row) if row is not None else None
        if line is not None:
            self.move_to(line)
        return line is not None

    # -- marks

    @property
    def marked(self) -> list[str]:
        """Marked tags, as listed, also those that the filter hides."""
        return [row.tag for row in self._ordered() if row.is_marked] if self.marked_count else []

    def mark(self, tags: Iterable[str]) -> None:
        self._mark((self._rows[tag] for tag in tags if tag in self._rows), True)

    def unmark(self, tags: Iterable[str]) -> None:
        self._mark((self._rows[tag] for tag in tags if tag in self._rows), False)

    def toggle(self, tag: str) -> None:
        row = self._rows.get(tag)
        if row is not None:
            self._mark((row,), not row.is_marked)

    def mark_range(self, first: int, last: int) -> None:
        """Marks the lines from one to the other, both included, whichever stands higher."""
        first, last = sorted((first, last))
        self._mark(self.shown[max(first, 0) : last + 1], True)

    def mark_shown(self) -> None:
        self._mark(self.shown, True)

    def invert(self) -> None:
        """Of what is shown: marked becomes unmarked, and the other way round."""
        self._marked_free = None
        for row in self.shown:
            row.is_marked = not row.is_marked
            self.marked_count += 1 if row.is_marked else -1

    def clear_marks(self) -> None:
        """Also those that the filter hides."""
        self._mark(self._rows.values(), False)

    def frees_up_to(self, tags: Iterable[str]) -> int | None:
        """Bytes of the blobs that only `tags` use, each once; None until all tags are filled in.

        "Up to": another repository may use them too, and untagged manifests of this one.
        """
        if self.filled < len(self._rows):
            return None
        return self._uses.freed_by(row.blobs for tag in tags if (row := self._rows.get(tag)) is not None)

    def marked_free_up_to(self) -> int | None:
        """The same of the marked tags; told again at no cost until a mark or a summary changes."""
        if self._marked_free is None and self.filled >= len(self._rows):
            self._marked_free = self._uses.freed_by(row.blobs for row in self._rows.values() if row.is_marked)
        return self._marked_free

    # -- within

    def _new(self, name: str) -> TagRow:
        subject = digest_tag_subject(name) if name.startswith("sha") else None
        if subject is not None:
            self._digest_tags.setdefault(subject, []).append(name)
        return new_row(name, subject is not None)

    def _learn(self, row: TagRow, summary: Summary) -> Iterable[Digest]:
        row.summary = replace(summary, blobs=self._uses.add(summary.blobs)) if summary.blobs else summary
        self.filled += row.is_filled
        self._marked_free = None
        self._remembered_count += row.is_being_checked
        if summary.digest is None:
            return ()
        self._same.setdefault(summary.digest, []).append(row)
        return (summary.digest,)

    def _forget(self, row: TagRow) -> Iterable[Digest]:
        if row.summary is None:
            return ()
        self.filled -= row.is_filled
        self._marked_free = None
        self._remembered_count -= row.is_being_checked
        self._uses.remove(row.blobs)
        digest = row.summary.digest
        if digest is None:
            return ()
        same = self._same[digest]
        same.remove(row)
        if not same:
            del self._same[digest]
        return (digest,)

    def _mark(self, rows: Iterable[TagRow], mark: bool) -> None:
        self._marked_free = None
        for row in rows:
            if row.is_marked is not mark:
                row.is_marked = mark
                self.marked_count += 1 if mark else -1

    def _sort(self) -> None:
        if len(self._by_version) != len(self._rows):
            self._by_version = sorted(self._rows.values(), key=_key)
        if self.column is SortColumn.VERSION:
            self._known, self._unknown = self._by_version, []
        else:
            self._known, self._unknown = self.column.sorted(self._by_version)
        self._show()

    def _take_out(self, row: TagRow) -> None:
        if self.column.of(row.summary) is None:
            del self._unknown[bisect_left(self._unknown, row.key, key=_key)]
        else:
            place = self.column.place
            del self._known[bisect_left(self._known, place(row), key=place)]

    def _put_in(self, row: TagRow) -> None:
        if self.column.of(row.summary) is None:
            insort(self._unknown, row, key=_key)
        else:
            insort(self._known, row, key=self.column.place)

    def _ordered(self) -> list[TagRow]:
        return self._known[::-1] + self._unknown[::-1] if self.reverse else self._known + self._unknown

    def _show(self, among: Sequence[TagRow] | None = None) -> None:
        rows = self._ordered() if among is None else among
        if among is None and self._digest_tags and not self.show_hidden:
            rows = [row for row in rows if not row.is_digest_tag]
        for word in self._words:
            rows = [row for row in rows if word in row.folded]
        self.shown, self._lines_counted = rows, False

    def _place(self) -> None:
        """Finds the cursor's line again after `shown` changed."""
        for row in (self._left, self._cursor):
            # By identity, in C: much quicker than counting all lines.
            if row is not None and row in self.shown:
                self._cursor, self._line = row, self.shown.index(row)
                if row is self._left:
                    self._left = None
                return
        gone = self._cursor is not None and self._cursor.tag not in self._rows
        if self._left is None and not gone:
            self._left = self._cursor
        if not self.shown:
            self._line = 0
            return
        # Deleted: the tag that follows takes its line. Hidden by the filter: the first that is shown.
        self._line = min(self._line, len(self.shown) - 1) if gone else 0
        self._cursor = self.shown[self._line]

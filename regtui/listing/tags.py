"""The tags of one repository as a person sees them: rows, order, filter, marks and cursor.

Made for 100,000 rows: a list of slotted rows and a list of what is shown; nothing is copied for a row.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from regtui.listing.by_image import ByImage
from regtui.listing.columns import SortColumn
from regtui.listing.cursor import Cursor
from regtui.listing.row_facts import FactsOf
from regtui.listing.sorted_rows import SortedRows
from regtui.listing.summary import Summary
from regtui.listing.tag_row import TagRow, new_row
from regtui.oci.digest import Digest


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
        self.show_hidden = show_hidden
        """Whether digest tags (`sha256-….sig`) are shown."""
        self.filter_text = ""
        self.shown: Sequence[TagRow] = []
        self.marked_count = 0
        self.is_listed = False
        """Whether the registry has named all of them."""
        self._rows: dict[str, TagRow] = {}
        self._sorted = SortedRows(column, reverse)
        self._images = ByImage()
        self._cursor = Cursor()
        self._words: tuple[str, ...] = ()
        self._lines_counted = False
        self._marked_free: int | None = None
        # What marked tags led to when they were marked, as far as that was known.
        self._marked_as: dict[str, Digest | None] = {}
        self._facts_of: FactsOf | None = None
        self.known_facts: frozenset[SortColumn] = frozenset()
        """Which facts beside the registry are known of any tag."""

    # -- rows

    @property
    def total(self) -> int:
        """How many tags there are, shown or not."""
        return len(self._rows)

    @property
    def filled(self) -> int:
        """How many of them there is nothing to ask for any more."""
        return self._images.filled

    @property
    def rows(self) -> Sequence[TagRow]:
        """All of them as listed, those too that the filter hides."""
        return self._sorted.all()

    def add(self, names: Iterable[str]) -> None:
        """Adds tags, in any order; those that are there already stay as they are."""
        rows = self._rows
        new = []
        for name in names:
            if name not in rows:
                row = rows[name] = new_row(name)
                new.append(row)
                if row.is_digest_tag:
                    self._images.add(row)
        if new:
            self._marked_free = None
            self._sorted.add(new)
            if (facts_of := self._facts_of) is not None:
                with self._sorted.changing(new):
                    for row in new:
                        row.facts = facts_of(row.tag, None)
            self._show(afresh=True)

    def remove(self, names: Iterable[str]) -> None:
        """Takes tags out, after their deletion. A cursor among them goes to the tag that follows."""
        going = [row for name in names if (row := self._rows.pop(name, None)) is not None]
        if not going:
            return
        self._marked_free = None
        for row in going:
            self._images.remove(row)
            self.marked_count -= row.is_marked
            self._marked_as.pop(row.tag, None)
        self._sorted.remove(going)
        self._show()

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
        if not news:
            return Changed((), False)
        self._marked_free = None
        touched: set[Digest] = set()
        with self._sorted.changing(news):
            for row, summary in news.items():
                touched.update(self._images.forget(row), self._images.learn(row, summary))
                if self._facts_of is not None:
                    row.facts = self._facts_of(row.tag, summary)
        if self.column is not SortColumn.VERSION:
            before = self.shown
            self._find_shown()
            if self.shown != before:
                self._place(afresh=True)
                return Changed((), True)
        rows = set(news).union(*(self._images.rows(digest) for digest in touched))
        return Changed(tuple(sorted(line for row in rows if (line := self.line_of(row)) is not None)), False)

    def learn(self, facts_of: FactsOf, known: Collection[SortColumn]) -> Changed:
        """What is known of the tags besides the registry, from now on. `known`: which of the facts of any tag."""
        self._facts_of, self.known_facts = facts_of, frozenset(known)
        news = {row: facts for row in self._rows.values() if (facts := facts_of(row.tag, row.summary)) != row.facts}
        with self._sorted.changing(news):
            for row, facts in news.items():
                row.facts = facts
        before = self.shown
        self._find_shown()
        self._place(afresh=self.shown != before)
        return Changed((), True)

    def recall(self, batch: Iterable[tuple[str, Summary]]) -> Changed:
        """Takes in what was known in an earlier run, as far as nothing newer is. Tags are added only while the
        registry hasn't listed them: afterwards those that it didn't name are gone."""
        news, before = dict(batch), len(self._rows)
        if not self.is_listed:
            self.add(news)
        rows = self._rows
        changed = self.fill([(tag, s) for tag, s in news.items() if tag in rows and rows[tag].summary is None])
        return Changed((), True) if len(rows) > before else changed

    def ask_again(self, tags: Iterable[str]) -> Changed:
        """These lead elsewhere by now: what is known of them is shown until they are read again, and what was marked
        isn't there any more."""
        rows = [row for tag in tags if (row := self._rows.get(tag)) is not None]
        self._mark(rows, False)
        return self.fill([(row.tag, replace(row.summary, is_remembered=True)) for row in rows if row.summary])

    @property
    def remembered_count(self) -> int:
        """How many are shown as they were when last seen."""
        return self._images.remembered

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
        return [row.tag for row in self.rows if not row.is_filled]

    def same_image(self, tag: str) -> tuple[str, ...]:
        """The other tags with the same digest, as far as known, in the order of versions."""
        row = self._rows.get(tag)
        return self._images.beside(row) if row is not None else ()

    def attached(self, tag: str) -> tuple[str, ...]:
        """The digest tags that belong to the image of `tag`: signatures, SBOMs, attestations."""
        row = self._rows.get(tag)
        return self._images.attached(row) if row is not None else ()

    # -- order and filter

    @property
    def column(self) -> SortColumn:
        """What they are sorted by."""
        return self._sorted.column

    @property
    def reverse(self) -> bool:
        return self._sorted.reverse

    def sort(self, column: SortColumn, reverse: bool | None = None) -> None:
        """Sorts by `column`; where no direction is given, the one that puts the interesting ones first."""
        self._sorted.sort(column, column.starts_reversed if reverse is None else reverse)
        self._show()

    def next_sort(self) -> None:
        self.sort(self.column.next_of(self.known_facts))

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
        self._find_shown(self.shown if narrows else None)
        self._place()

    def set_show_hidden(self, show: bool) -> None:
        self.show_hidden = show
        self._show()

    # -- cursor

    @property
    def cursor(self) -> str | None:
        """The tag under the cursor; None where nothing is shown."""
        row = self._cursor.row
        return row.tag if row is not None and self.shown else None

    @property
    def line(self) -> int:
        """The line of the cursor; 0 where nothing is shown."""
        return self._cursor.line

    def move_to(self, line: int) -> None:
        self._cursor.move_to(line, self.shown)

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
        return [row.tag for row in self.rows if row.is_marked] if self.marked_count else []

    def seen(self, tags: Iterable[str]) -> dict[str, Digest | None]:
        """What each of them led to when it was marked, or else is shown to lead to; None where nothing is behind it.
        Without those of which that isn't known."""
        shown = {row.tag: digest for tag in tags if (row := self._rows.get(tag)) for digest in _shown(row)}
        return shown | {tag: self._marked_as[tag] for tag in tags if tag in self._marked_as}

    def mark(self, tags: Iterable[str]) -> None:
        self._mark((self._rows[tag] for tag in tags if tag in self._rows), True)

    def mark_as(self, judged: Mapping[str, Digest | None]) -> list[str]:
        """Marks tags for what they lead to; those that are shown to lead elsewhere are named instead, and aren't
        marked."""
        shown = self.seen(judged)
        fits = [tag for tag, digest in judged.items() if shown.get(tag, digest) == digest]
        self.mark(fits)
        self._marked_as |= {tag: judged[tag] for tag in fits if tag in self._rows}
        return [tag for tag in judged if tag in shown and shown[tag] != judged[tag]]

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
        marked = [row for row in self.shown if row.is_marked]
        self._mark([row for row in self.shown if not row.is_marked], True)
        self._mark(marked, False)

    def clear_marks(self) -> None:
        """Also those that the filter hides."""
        self._mark(self._rows.values(), False)

    def _mark(self, rows: Iterable[TagRow], mark: bool) -> None:
        self._marked_free = None
        for row in rows:
            if row.is_marked is not mark:
                row.is_marked = mark
                self.marked_count += 1 if mark else -1
                if not mark:
                    self._marked_as.pop(row.tag, None)
                for digest in _shown(row) if mark else ():
                    self._marked_as[row.tag] = digest

    @property
    def marked_shown(self) -> int:
        """How many of the marked ones are shown."""
        if not self.marked_count or len(self.shown) == self.total:
            return self.marked_count
        return sum(row.is_marked for row in self.shown)

    def marked_free_up_to(self) -> int | None:
        """Bytes of the blobs that only the marked tags use, each once; None until all tags are filled in. Told again at
        no cost until a mark or a summary changes.

        "Up to": another repository may use them too, and untagged manifests of this one.
        """
        if self._marked_free is None and self.filled >= self.total:
            self._marked_free = self._images.freed_by(row for row in self._rows.values() if row.is_marked)
        return self._marked_free

    # -- within

    def _show(self, *, afresh: bool = False) -> None:
        self._find_shown()
        self._place(afresh=afresh)

    def _find_shown(self, among: Sequence[TagRow] | None = None) -> None:
        rows = self.rows if among is None else among
        if among is None and self._images.has_digest_tags and not self.show_hidden:
            rows = [row for row in rows if not row.is_digest_tag]
        for word in self._words:
            rows = [row for row in rows if word in row.folded]
        self.shown, self._lines_counted = rows, False

    def _place(self, *, afresh: bool = False) -> None:
        self._cursor.place(self.shown, self._rows, afresh=afresh)


def _shown(row: TagRow) -> tuple[Digest | None, ...]:
    """What it is shown to lead to, None for nothing; empty where that isn't known."""
    summary = row.summary
    return () if summary is None or (summary.digest is None and summary.is_retryable) else (summary.digest,)

"""The tag that a person looks at in a list."""

from collections.abc import Mapping, Sequence

from regtui.listing.tag_row import TagRow


class Cursor:
    """Stays on its row whatever moves the lines; comes back to one that was hidden, unless it was moved meanwhile."""

    def __init__(self) -> None:
        self.row: TagRow | None = None
        self.line = 0
        self.is_touched = False
        """Whether somebody chose where it is."""
        # Where it was before its row was hidden.
        self._left: TagRow | None = None

    def move_to(self, line: int, shown: Sequence[TagRow]) -> None:
        """Stops at the ends."""
        self._left, self.is_touched = None, True
        if shown:
            self.line = min(max(line, 0), len(shown) - 1)
            self.row = shown[self.line]

    def place(self, shown: Sequence[TagRow], listed: Mapping[str, TagRow], *, afresh: bool = False) -> None:
        """Finds its line after others are shown, of those that are listed. `afresh`: where nobody chose it, it goes to
        the first."""
        if afresh and not self.is_touched and shown:
            self.row = None
        if self._left is not None and self._left.tag not in listed:
            self._left = None
        for row in (self._left, self.row):
            # By identity, in C: much quicker than counting all lines.
            if row is not None and row in shown:
                self.row, self.line = row, shown.index(row)
                if row is self._left:
                    self._left = None
                return
        is_gone = self.row is not None and self.row.tag not in listed
        if self._left is None and not is_gone:
            self._left = self.row
        if not shown:
            self.line = 0
            return
        # Deleted: the tag that follows takes its line. Hidden by the filter: the first that is shown.
        self.line = min(self.line, len(shown) - 1) if is_gone else 0
        self.row = shown[self.line]

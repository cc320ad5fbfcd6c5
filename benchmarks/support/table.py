"""A table of results, as text for a terminal and as Markdown for docs/."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Table:
    """Rows of text; the first column is what was measured, the others are numbers. `note` explains, below it."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    note: str = ""

    def row(self, *cells: str) -> None:
        self.rows.append(cells)

    def text(self) -> str:
        widths = self._widths()
        lines = [self.title, "", _aligned(self.columns, widths), "  ".join("-" * width for width in widths)]
        lines += [_aligned(row, widths) for row in self.rows]
        return "\n".join([*lines, *(("", self.note) if self.note else ())])

    def markdown(self) -> str:
        rule = ["---", *("---:" for _ in self.columns[1:])]
        rows = [_piped(self.columns), _piped(rule), *map(_piped, self.rows)]
        return "\n".join([f"**{self.title}**", "", *rows, *(("", self.note) if self.note else ())])

    def _widths(self) -> list[int]:
        return [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

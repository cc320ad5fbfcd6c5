"""What the tabs have in common: labelled values, headings, wrapped text, JSON. All server text is cleaned here."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import accumulate, pairwise
from typing import Final, TypeVar

from rich.cells import cell_len, chop_cells
from rich.highlighter import JSONHighlighter
from rich.text import Text

from regtui import bounds
from regtui.bounded_json import parse_json
from regtui.oci.digest import Digest
from regtui.text import clean, one_line, size

T = TypeVar("T")

DIM: Final = "dim"
HEADING: Final = "bold"
WRONG: Final = "bold yellow"
_LABEL: Final = 12
_HIGHLIGHTER: Final = JSONHighlighter()
# A piece is coloured by what stands in all of its line, each time it is painted: of a longer one that takes too long.
_LONGEST_COLOURED: Final = 4_000
# Strings, structure, and everything else (numbers, literals): what JSON is made of, to the letter.
_OPENS: Final = frozenset("{[")
_CLOSES: Final = frozenset("}]")
# Possessive: what could be tried again costs a hundred bytes a character, and a string may have 8 million.
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s"{}\[\],:]++')


@dataclass(frozen=True, slots=True)
class JsonLine:
    """A piece of a line of JSON, coloured when it is painted: a manifest may have 200,000 of them."""

    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        return self.text[self.start : self.end]

    def drawn(self) -> Text:
        if len(self.text) > _LONGEST_COLOURED:
            return Text(self.plain, no_wrap=True)
        text = Text(self.text, no_wrap=True)
        _HIGHLIGHTER.highlight(text)
        return text[self.start : self.end]


class ItemLine(Text):
    """The first line of what has a digest of its own: the cursor goes from one to the next."""

    __slots__ = ("digest",)

    def __init__(self, digest: Digest, text: str, style: str = "") -> None:
        super().__init__(text, style, no_wrap=True)
        self.digest = digest


Line = Text | JsonLine


def field(label: str, value: str, width: int, style: str = "") -> list[Text]:
    """`label      value`, the value on as many lines as it needs."""
    first, *rest = chop_cells(one_line(value), max(width - _LABEL, 10)) or [""]
    # The label's style is its own: a text's base style would hold for the value, too.
    lines = [Text(no_wrap=True).append(f"{label:<{_LABEL}}", DIM).append(first, style)]
    return lines + [Text(" " * _LABEL, no_wrap=True).append(more, style) for more in rest]


def heading(text: str) -> Text:
    return Text(clean(text), HEADING, no_wrap=True)


def wrapped(text: str, width: int, style: str = "") -> list[Text]:
    """Server text over as many lines as it needs, cut at the cell where it would run over."""
    lines: list[Text] = []
    for line in clean(text, limit=20_000, keep="\n").expandtabs(4).split("\n"):
        lines += [Text(piece, style, no_wrap=True) for piece in chop_cells(line, max(width, 10)) or [""]]
    return lines


def prose(text: str, width: int, style: str = "") -> list[Text]:
    """A sentence over as many lines as it needs, broken between words."""
    room = max(width, 10)
    lines = [""]
    for word in one_line(text, limit=20_000).split(" "):
        for piece in chop_cells(word, room):
            joined = f"{lines[-1]} {piece}" if lines[-1] else piece
            if cell_len(joined) <= room:
                lines[-1] = joined
            else:
                lines.append(piece)
    return [Text(line, style, no_wrap=True) for line in lines]


def json_lines(body: bytes, width: int) -> list[Line]:
    """Indented, to the letter otherwise; as it is where it isn't JSON, or has more values than are read. Long lines go
    on below; of more lines than are shown it is said how much there is."""
    text = body.decode("utf-8", "replace")
    try:
        parse_json(body, bounds.VALUES)
        lines: Iterable[tuple[str, int]] = _indented(text)
    except ValueError:
        # One after the other: there may be millions.
        lines = _as_they_are(text)
    room, shown, begin = max(width, 20), list[Line](), 0
    for line, end in lines:
        cleaned = clean(line, limit=20_000)
        for first, last in _pieces(cleaned, room):
            if len(shown) >= bounds.SHOWN_LINES:
                return [*shown, _more(size(len(text[begin:].encode("utf-8", "replace"))))]
            shown.append(JsonLine(cleaned, first, last))
        begin = end
    return shown


def items_lines(items: Iterable[T], count: int, draw: Callable[[T], Iterable[Text]]) -> list[Text]:
    """The lines of one item after the other, as many as are shown, and how many of `count` items there are more."""
    lines: list[Text] = []
    for number, item in enumerate(items):
        if len(lines) >= bounds.SHOWN_LINES:
            return [*lines, _more(f"{count - number:,}")]
        lines += draw(item)
    return lines


def _more(amount: str) -> Text:
    return Text(f"{amount} more, not shown here.", DIM, no_wrap=True)


def _pieces(line: str, room: int) -> Iterator[tuple[int, int]]:
    """Where to cut a line so that each piece fits so many cells."""
    if line.isascii():
        return ((start, start + room) for start in range(0, max(len(line), 1), room))
    return pairwise(accumulate(map(len, chop_cells(line, room)), initial=0))


def _as_they_are(text: str) -> Iterator[tuple[str, int]]:
    """The lines of a text, each with the place of its end in it."""
    end = 0
    for line in StringIO(text, newline="\n"):
        end += len(line)
        yield line.removesuffix("\n"), end


def _indented(text: str) -> Iterator[tuple[str, int]]:
    """The tokens of a JSON text, one member or element a line: keys that come twice and the forms of numbers stay. Each
    with the place of its end in `text`."""
    depth, line, before = 0, "", ""
    for found in _TOKEN.finditer(text):
        part = found[0]
        if part in _CLOSES:
            depth -= 1
        is_empty = before in _OPENS and part in _CLOSES
        if not is_empty and (before == "," or before in _OPENS or part in _CLOSES):
            yield line, found.start()
            line = "  " * depth
        elif before == ":":
            line += " "
        line += part
        depth += part in _OPENS
        before = part
    yield line, len(text)


def blank_between(blocks: Iterable[list[Text]]) -> list[Line]:
    """The blocks that have lines, with an empty line between them."""
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += ([Text()] if lines else []) + block
    return lines

"""What the tabs have in common: labelled values, headings, JSON in colours. All server text is cleaned here."""

import json
from collections.abc import Iterable
from typing import Final

from rich.highlighter import JSONHighlighter
from rich.text import Text

from regtui.text import clean, one_line

DIM: Final = "dim"
HEADING: Final = "bold"
WRONG: Final = "bold yellow"
_LABEL: Final = 12
# Lines of an attested build's manifest stay far below; what is longer is no line that anybody reads.
_LONGEST: Final = 4000


def field(label: str, value: str, style: str = "") -> Text:
    """`label      value`, on one line."""
    return Text(f"{label:<{_LABEL}}", DIM, no_wrap=True).append(one_line(value), style)


def heading(text: str) -> Text:
    return Text(clean(text), HEADING, no_wrap=True)


def wrapped(text: str, width: int, style: str = "", indent: int = 0) -> list[Text]:
    """Server text over as many lines as it needs, cut at the cell where it would run over."""
    room = max(width - indent, 10)
    lines: list[Text] = []
    for line in clean(text, limit=20_000, keep="\n").expandtabs(4).split("\n"):
        for start in range(0, max(len(line), 1), room):
            lines.append(Text(" " * indent + line[start : start + room], style, no_wrap=True))
    return lines


def json_lines(body: bytes) -> list[Text]:
    """Indented and coloured; as it is where it isn't JSON."""
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
    return [_coloured(line) for line in text.split("\n")]


_HIGHLIGHTER: Final = JSONHighlighter()


def _coloured(line: str) -> Text:
    text = Text(clean(line, limit=_LONGEST), no_wrap=True)
    _HIGHLIGHTER.highlight(text)
    return text


def blank_between(blocks: Iterable[list[Text]]) -> list[Text]:
    """The blocks that have lines, with an empty line between them."""
    lines: list[Text] = []
    for block in blocks:
        if block:
            lines += ([Text()] if lines else []) + block
    return lines

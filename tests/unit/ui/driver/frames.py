"""Frames as Textual writes them, of anything."""

from dataclasses import dataclass

from hypothesis import strategies as st
from rich.cells import cell_len

STYLES = st.sampled_from(
    [
        "",
        "1",
        "1;3;38;2;200;10;10",
        "4;48;2;1;2;3",
        "7;31;42",
        "9;38;5;200",
        "48;2;1;2;3",
        "38;2;9;9;9;48;2;1;2;3",
        "1;38;2;9;9;9;48;2;1;2;3",
        "97;100",
    ]
)
PIECES = st.one_of(
    st.text("abc ", min_size=1, max_size=12),
    st.integers(1, 60).map(lambda count: " " * count),
    st.integers(1, 60).map(lambda count: "─" * count),
    st.sampled_from(["│", "╭──╮", "▁▂▃", "✓ done", "…"]),
    st.sampled_from(["名前", "a名b", "한국어", "名"]),
    # Never alone: on what they then fall, terminals disagree.
    st.sampled_from(["e\u0301", "ae\u0301o\u0308x"]),
)


@dataclass(frozen=True)
class Size:
    width: int
    height: int


def run(style: str, text: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style else text


def cut(text: str, width: int) -> str:
    """As much as fits, as Textual cuts it."""
    while cell_len(text) > width:
        text = text[:-1]
    return text


@st.composite
def chops(draw: st.DrawFn, size: Size) -> str:
    """Some pieces at some places: a partial update."""
    parts = []
    for _ in range(draw(st.integers(1, 6))):
        x, y = draw(st.integers(0, size.width - 1)), draw(st.integers(0, size.height - 1))
        parts.append(f"\x1b[{y + 1};{x + 1}H")
        for _ in range(draw(st.integers(1, 4))):
            text = cut(draw(PIECES), size.width - x)
            if text:
                parts.append(run(draw(STYLES), text))
            x += cell_len(text)
        if y < size.height - 1:
            parts.append("\n")
    return "".join([*parts, draw(cursors(size))])


@st.composite
def lists(draw: st.DrawFn, size: Size) -> str:
    """Numbered lines from some number on, from one column to another: what scrolls."""
    left = draw(st.sampled_from([0, 0, size.width // 3]))
    right = draw(st.sampled_from([size.width, size.width, size.width - 2]))
    first, cursor = draw(st.integers(0, 12)), draw(st.integers(0, size.height))
    parts = []
    for y in range(size.height):
        text = f"line {first + y} {'名' * (first + y & 1)}".ljust(size.width)
        style = "7" if y == cursor else draw(st.sampled_from(["", "48;2;1;2;3"]))
        parts.append(f"\x1b[{y + 1};{left + 1}H{run(style, cut(text, right - left))}")
    return "".join([*parts, draw(cursors(size))])


@st.composite
def cursors(draw: st.DrawFn, size: Size) -> str:
    return f"\x1b[{draw(st.integers(1, size.height))};{draw(st.integers(1, size.width))}H"


def frames(size: Size) -> st.SearchStrategy[str]:
    return st.one_of(chops(size), lists(size))


def blank(size: Size) -> str:
    """A whole screen, as after each change of size."""
    rows = [f"\x1b[{y + 1};1H" + run("48;2;1;2;3", " " * size.width) for y in range(size.height)]
    return "\n".join(rows) + "\x1b[1;1H"

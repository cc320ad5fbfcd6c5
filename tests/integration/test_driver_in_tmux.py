"""The second opinion on the driver: tmux, a terminal that nobody here wrote."""

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from regtui.ui.driver.picture import Picture
from regtui.ui.driver.sequences import tokens
from regtui.ui.driver.terminal import Terminal
from tests.support.patience import PATIENCE
from tests.support.programs import find_program

pytestmark = pytest.mark.integration

WIDTH, HEIGHT = 60, 12
# What Textual has set by then.
SET_UP = "\x1b[?1049h\x1b[?7l\x1b[?25l"
STYLES = ["", "1", "2", "3;38;2;200;10;10", "4;48;2;1;2;3", "7;31;42", "9;38;5;200", "21", "53", "48;2;1;2;3", "97;100"]
PIECES = ["abc", " ", "─" * 20, " " * 30, "│", "名前", "e\u0301x", "line", "x" * 12]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    configuration = tmp_path / "tmux.conf"
    configuration.write_text("set -g status off\nset -g default-terminal tmux-256color\nset -g remain-on-exit on\n")
    command = [str(find_program("tmux")), "-S", str(tmp_path / "tmux.socket"), "-f", str(configuration)]
    subprocess.run(
        [*command, "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "sleep 1000"],
        check=True,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color", "SHELL": "/bin/sh"},
    )
    yield command
    subprocess.run([*command, "kill-server"], check=True)


def shown(tmux: list[str], file: Path) -> str:
    """The screen with its styles, after a terminal has read `file`."""
    subprocess.run([*tmux, "respawn-pane", "-k", f"cat {file}; echo done > {file}.done; sleep 1000"], check=True)
    give_up = time.monotonic() + PATIENCE
    while not Path(f"{file}.done").exists():
        assert time.monotonic() < give_up
        time.sleep(0.01)
    captured = [*tmux, "capture-pane", "-e", "-p", "-N"]
    before = ""
    while before != (now := subprocess.run(captured, check=True, capture_output=True, text=True).stdout):
        before = now
        time.sleep(0.03)
    return now


def frame(chance: random.Random) -> str:
    """What Textual might write: some rows, or a list that has scrolled.

    Whole rows: of half an overwritten wide character, each terminal makes something else.
    """
    if chance.random() < 0.4:
        first, style = chance.randrange(20), chance.choice(STYLES)
        return "".join(row(y, style, f"row {first + y} {'名' * (first + y & 1)}") for y in range(HEIGHT)) + "\x1b[1;1H"
    rows = chance.sample(range(HEIGHT), chance.randrange(1, HEIGHT))
    return "".join(row(y, *(chance.choice(choices) for choices in (STYLES, PIECES, STYLES, PIECES))) for y in rows)


def row(y: int, *styles_and_texts: str) -> str:
    parts, width = [f"\x1b[{y + 1};1H"], 0
    for style, text in zip(styles_and_texts[::2], styles_and_texts[1::2], strict=True):
        parts.append(f"\x1b[{style}m{text}\x1b[0m")
        width += cell_len(text)
    return "".join([*parts, " " * (WIDTH - width)])


@pytest.mark.parametrize("seed", range(12))
def test_tmux_shows_the_same(tmux: list[str], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    picture = Picture(Terminal(erases_in_color=True, erases_cells=True, scrolls=True))
    picture.start(WIDTH, HEIGHT)
    stock, ours = [SET_UP], [SET_UP]
    blank = "".join(f"\x1b[{y + 1};1H\x1b[48;2;9;9;9m{' ' * WIDTH}\x1b[0m" for y in range(HEIGHT))
    for data in [blank, *(frame(chance) for _ in range(chance.randrange(1, 8)))]:
        stock.append(data)
        picture.take(tokens(data))
        if chance.random() < 0.8:
            ours.append(picture.difference())
    ours.append(picture.difference())
    # tmux doesn't tell of erased cells at the end of a row, whatever their colour: so they are not at its end.
    ends = "".join(f"\x1b[{y + 1};{WIDTH}H|" for y in range(HEIGHT))
    for name, parts in (("stock", stock), ("ours", ours)):
        (tmp_path / name).write_text("".join([*parts, ends]), encoding="utf-8")
    pairs = zip(styled(shown(tmux, tmp_path / "ours")), styled(shown(tmux, tmp_path / "stock")), strict=True)
    for y, (one, other) in enumerate(pairs):
        differing = [x for x, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs]
        assert one == other, (y, differing)


def styled(screen: str) -> list[list[tuple[str, object]]]:
    """Each character with its style: tmux writes the same style in several ways."""
    from regtui.ui.driver.pens import DEFAULT, Pens
    from regtui.ui.driver.sequences import SequenceKind

    pens = Pens()
    rows = []
    pen = DEFAULT
    for line in screen.splitlines():
        row: list[tuple[str, object]] = []
        for token in tokens(line):
            if token.kind is SequenceKind.STYLE:
                # tmux has subparameters for a double underline, and for an overline.
                pen = pens.after(pen, token.value.replace("4:2", "21").replace("5:3", "53"))
            elif token.kind is SequenceKind.TEXT:
                row += [(character, pens[pens.of_blank(pen) if character == " " else pen]) for character in token.value]
        rows.append(row)
    return rows

import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from regtui.cli.fitting import cell_width, cut
from regtui.cli.output import Form, Output, OutputFailed, _fitting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, os.strerror(28))


def test_form_is_what_was_asked_for_else_what_stdout_is() -> None:
    assert Output.chosen(True, Terminal()).form is Form.JSON
    assert Output.chosen(False, Terminal()).form is Form.TABLE
    assert Output.chosen(False, io.StringIO()).form is Form.FIELDS


def test_fields_are_separated_by_tabs_and_hold_none() -> None:
    stream = io.StringIO()
    Output(Form.FIELDS, stream).fields("a\tb", "c\x1b]52;c;x\x07", "")
    assert stream.getvalue() == "a b\tc�]52;c;x�\t\n"


def test_json_is_one_valid_ascii_line_whatever_is_in_it() -> None:
    stream = io.StringIO()
    nasty = "\x1b[31m\n\u2028\u202e\x9b\x7f\ud800é"
    Output(Form.JSON, stream).json({"error": nasty, "none": None})
    line = stream.getvalue()
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert line.isascii()
    assert json.loads(line) == {"error": nasty, "none": None}


def test_columns_are_aligned_by_what_the_terminal_shows() -> None:
    stream = io.StringIO()
    Output(Form.TABLE, stream).table(
        ("TAG", "SIZE", "DIGEST"), [("漢字", "1 B", "aa"), ("b", "999 kB", "bb")], right=frozenset({"SIZE"})
    )
    assert stream.getvalue().splitlines() == [
        "TAG      SIZE   DIGEST",
        "漢字      1 B   aa",
        "b      999 kB   bb",
    ]


def test_a_last_column_without_content_is_left_out() -> None:
    stream = io.StringIO()
    Output(Form.TABLE, stream).table(("A", "B", ""), [("1", "2", "")])
    assert stream.getvalue() == "A   B\n1   2\n"


def test_the_last_column_is_cut_at_the_terminal_s_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    stream = io.StringIO()
    Output(Form.TABLE, stream).table(("A", "B"), [("1", "x" * 100)])
    assert stream.getvalue().splitlines()[1] == "1   " + "x" * 25 + "…"


@pytest.mark.parametrize("width", [30, 80])
def test_a_note_is_read_whole_beside_its_row_or_below_it(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    stream = io.StringIO()
    note = "the config is gone, and with it the image"
    Output(Form.TABLE, stream).table(("TAG", "SIZE", ""), [("1.0", "1 MB", ""), ("1.1", "2 MB", note)])
    lines = stream.getvalue().splitlines()
    if width == 80:
        assert lines[2] == f"1.1   2 MB   {note}"
    else:
        assert lines[1:3] == ["1.0   1 MB", "1.1   2 MB"]
        assert all(cell_len(line) <= width for line in lines)
        assert " ".join(" ".join(lines[3:]).split()) == note


def test_no_rows_are_only_a_header() -> None:
    stream = io.StringIO()
    Output(Form.TABLE, stream).table(("A", "B"), [])
    assert stream.getvalue() in ("", "A   B\n")


@pytest.mark.parametrize(
    ("no_color", "term", "coloured"), [("", "xterm", True), ("1", "xterm", False), ("", "dumb", False)]
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, no_color: str, term: str, coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", term)
    stream = Terminal()
    Output(Form.TABLE, stream).line("text", "bold")
    assert ("\x1b[" in stream.getvalue()) is coloured


def test_a_full_disk_is_told() -> None:
    with pytest.raises(OutputFailed, match="can't be written: no space left"):
        Output(Form.FIELDS, FullDisk()).fields("a")


def test_cut_counts_columns_not_characters() -> None:
    assert cut("漢字漢字", 5) == "漢字…"
    assert cell_width(cut("漢字漢字", 5)) == 5


@given(st.lists(st.integers(0, 300), max_size=4), st.integers(-20, 200))
def test_columns_are_made_narrower_the_widest_first(widths: list[int], room: int) -> None:
    fitted = _fitting(widths, room)
    assert all(new <= old for new, old in zip(fitted, widths, strict=True))
    assert all(new >= min(old, 20) for new, old in zip(fitted, widths, strict=True))
    assert sum(fitted) <= max(room, sum(min(width, 20) for width in widths))
    if sum(widths) <= room:
        assert fitted == widths


def test_a_long_name_leaves_room_for_what_stands_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = io.StringIO()
    Output(Form.TABLE, stream).table(("TAG", "SIZE", "DIGEST"), [("漢" * 60, "1 MB", "sha256:0123456789ab")])
    lines = stream.getvalue().splitlines()
    assert all(cell_len(line) <= 80 for line in lines)
    assert "…   1 MB   sha256:0123456789ab" in lines[1]


@given(st.lists(st.integers(1, 40), min_size=2, max_size=7))
def test_a_table_fits_wherever_its_columns_can_be_read(widths: list[int]) -> None:
    """None of them narrower than twenty cells, or than what it holds, and two cells between each two."""
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as terminal:
        terminal.setenv("COLUMNS", "80")
        names = [chr(ord("A") + number) for number in range(len(widths))]
        Output(Form.TABLE, stream).table(names, [tuple("x" * width for width in widths)])
    needed = sum(min(width, 20) for width in widths) + 2 * (len(widths) - 1)
    assert needed > 80 or all(cell_len(line) <= 80 for line in stream.getvalue().splitlines())

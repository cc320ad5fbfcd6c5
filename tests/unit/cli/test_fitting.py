"""Sentences on a terminal: broken between words, and never within a command."""

from hypothesis import given
from hypothesis import strategies as st

from regtui.cli.fitting import cell_width, wrapped

UNDO = "regtui undo 20261128T211326Z.1-127.0.0.1_40583-11289b3d"


def test_lines_end_between_words() -> None:
    said = "4 blobs can be freed, 508 MB of 16.5 GB; 719 blobs are in use."
    assert wrapped(said, 30).splitlines() == ["4 blobs can be freed, 508 MB", "of 16.5 GB; 719 blobs are in", "use."]
    assert wrapped(said, len(said)) == said


def test_a_command_is_copied_as_one_line() -> None:
    assert wrapped(f"3 tags removed. To put them back: {UNDO}", 70).splitlines() == [
        "3 tags removed. To put them back:",
        UNDO,
    ]
    told = "Not logged in to registry.example.com. Run: regtui login registry.example.com. Then try it again."
    assert wrapped(told, 60).splitlines() == [
        "Not logged in to registry.example.com. Run:",
        "regtui login registry.example.com. Then try it again.",
    ]


def test_what_is_said_of_a_subject_stays_below_it() -> None:
    said = " ✓ deletion  on, by digest; a tag is removed by pointing it elsewhere"
    assert wrapped(said, 40, hang=13).splitlines() == [
        " ✓ deletion  on, by digest; a tag is",
        "             removed by pointing it",
        "             elsewhere",
    ]


@given(st.lists(st.text("ab漢.:;", min_size=1, max_size=30)), st.integers(1, 100), st.integers(0, 20))
def test_nothing_is_lost_and_only_what_has_no_space_is_longer(words: list[str], width: int, hang: int) -> None:
    text = " ".join(words)
    lines = wrapped(text, width, hang).splitlines()
    assert " ".join(line.strip() for line in lines) == text
    assert all(cell_width(line) <= width or " " not in line.strip() for line in lines)
    assert all(line.startswith(" " * hang) for line in lines[1:])

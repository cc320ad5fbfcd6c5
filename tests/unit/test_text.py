"""Server text made harmless, and values in words."""

import subprocess
import sys
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui import text
from regtui.oci.digest import Digest

NOW = datetime(2026, 11, 23, 9, 17, tzinfo=UTC)
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Unicode's Default_Ignorable_Code_Point, and the three anchors of interlinear annotations: none takes any room.
IGNORABLE = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
    *((0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
# hypothesis leaves surrogates out unless they are asked for.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def is_harmless(character: str) -> bool:
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in BIDI:
        return False
    return not any(first <= ord(character) <= last for first, last in IGNORABLE)


@given(ANY_TEXT, st.integers(0, 50))
def test_clean_text_is_harmless_and_capped(given_text: str, limit: int) -> None:
    cleaned = text.clean(given_text, limit=limit)
    assert all(map(is_harmless, cleaned))
    assert len(cleaned) <= max(limit, 1)


@given(ANY_TEXT)
def test_clean_changes_nothing_but_the_harmful(given_text: str) -> None:
    cleaned = text.clean(given_text)
    assert len(cleaned) == len(given_text)
    assert all(a == b or (b == "\ufffd" and not is_harmless(a)) for a, b in zip(given_text, cleaned, strict=True))


@given(ANY_TEXT)
def test_one_line_is_one_line(given_text: str) -> None:
    assert all(map(is_harmless, text.one_line(given_text)))


def test_clean_stops_escape_sequences_and_marks_what_is_cut() -> None:
    assert text.clean("\x1b]52;c;aGk=\x07\x9b31m") == "\ufffd]52;c;aGk=\ufffd\ufffd31m"
    assert text.clean("abcdef", limit=4) == "abc…"


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u3164", "\U000e0041"])
def test_what_takes_no_room_is_made_visible(hidden: str) -> None:
    """A name would look like another one."""
    assert text.clean(f"late{hidden}st") == "late\ufffdst" == text.one_line(f"late{hidden}st")


def test_visible_writes_out_what_a_terminal_could_act_on() -> None:
    assert text.visible('{\n\t"a": "\x1b]52;c;aGk=\x07\x9b"\r\n\u200b\U000e0041}') == (
        '{\n\t"a": "\\x1b]52;c;aGk=\\x07\\x9b"\\x0d\n\\u200b\\U000e0041}'
    )


@given(ANY_TEXT)
def test_visible_is_harmless_and_nothing_of_it_is_lost(given_text: str) -> None:
    shown = text.visible(given_text)
    assert all(is_harmless(char) or char in "\n\t" for char in shown)
    assert len(shown) >= len(given_text)


def test_newline_and_tab_only_where_wanted_and_nothing_else_ever() -> None:
    assert text.clean("a\n\tb") == "a\ufffd\ufffdb"
    assert text.clean("a\n\tb\x1b", keep="\n\t\x1b") == "a\n\tb\ufffd"
    assert text.one_line(" a\r\n\tb  c ") == "a b c"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (1_500, "1.5 kB"),
        (12_340, "12.3 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (14_000_000, "14 MB"),
        (128_004_113, "128 MB"),
        (1_230_000_000, "1.23 GB"),
        (10**21, "1000 EB"),
    ],
)
def test_sizes_as_docker_says_them(count: int | None, words: str) -> None:
    assert text.size(count) == words


@given(st.integers(0, 10**19))
def test_sizes_fit_a_column(count: int) -> None:
    assert len(text.size(count)) <= len("9.99 MB")


def test_exact_sizes_and_plurals() -> None:
    assert text.exact_size(128_004_113) == "128,004,113 bytes"
    assert text.exact_size(1) == "1 byte"
    assert text.exact_size(None) == "–"
    assert text.plural(1, "tag") == "1 tag"
    assert text.plural(1_240, "tag") == "1,240 tags"
    assert text.plural(0, "repository", "repositories") == "0 repositories"


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=40), "40 seconds ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=13), "13 days ago"),
        (timedelta(days=36), "5 weeks ago"),
        (timedelta(days=90), "3 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(hours=-2), "2 hours from now"),
    ],
)
def test_ages(passed: timedelta, words: str) -> None:
    assert text.age(NOW - passed, NOW) == words


def test_the_age_of_nothing_is_a_dash() -> None:
    assert text.age(None, NOW) == "–"


def test_times_are_told_in_utc() -> None:
    elsewhere = datetime(2026, 11, 21, 11, 17, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    assert text.time_utc(elsewhere) == "2026-11-21 09:17 UTC"
    assert text.rfc3339(elsewhere) == "2026-11-21T09:17:00Z"
    assert text.rfc3339(None) == ""
    assert text.time_utc(None) == "–"


def test_digests_are_shortened_as_docker_does() -> None:
    assert text.short_digest(Digest("sha256:" + "23ffb64a5f8c" + "0" * 52)) == "23ffb64a5f8c"
    assert text.short_digest(None) == "–"


def test_importing_it_does_not_import_humanize() -> None:
    code = "import regtui.text, sys; sys.exit('humanize' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_range_of_sizes_names_the_unit_once() -> None:
    assert text.size_range(None) == "–"
    assert text.size_range((12_000_000, 12_000_001)) == "12 MB"
    assert text.size_range((12_000_000, 14_000_000)) == "12–14 MB"
    assert text.size_range((980_000, 1_200_000)) == "980 kB–1.2 MB"

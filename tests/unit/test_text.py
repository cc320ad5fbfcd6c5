"""Server text made harmless, and values in words."""

import subprocess
import sys
import tomllib
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

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
    # Blank, but no spaces; and what puts hieroglyphs together.
    *((0x13430, 0x1343F), (0x13441, 0x13442), (0x16FE4, 0x16FE4), (0x1D159, 0x1D159)),
)
MARK = st.characters(categories=["Mn", "Me"]).filter(lambda char: is_harmless(char))
# Vowels and last consonants of Korean syllables: no marks, and yet drawn over what stands before.
JAMO = frozenset(map(chr, (*range(0x1160, 0x1200), *range(0xD7B0, 0xD800)))) - {"\u1160"}
# "hello world" or the like, as it is written in each; decomposed, where that is another way.
WORDS = {
    "Latin": "Vietnamese tiếng Việt, naïve façade, Ångström, Łódź, ʒɛ̃̀",
    "Greek": "Γειά σου Κόσμε, ᾧ ἄνδρα μοι ἔννεπε",
    "Cyrillic": "Привет, мир, їжак, бе́лка",
    "Hebrew": "שלום עולם, בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים",
    "Arabic": "مرحبا بالعالم, ٱللَّٰهُ, السَّلَامُ عَلَيْكُمْ",
    "Devanagari": "नमस्ते दुनिया, क्षत्रिय, हिन्दी",
    "Bengali": "ওহে বিশ্ব, শ্রীমঙ্গল",
    "Tamil": "வணக்கம் உலகம்",
    "Thai": "สวัสดีชาวโลก, น้ำ, ผู้ใหญ่",
    "Tibetan": "བོད་སྐད་, བསྒྲུབས་, རྒྱལ་པོ",
    "Burmese": "မင်္ဂလာပါကမ္ဘာလောက, မြန်မာ",
    "Khmer": "សួស្តីពិភពលោក, ស្រ្តី",
    "Han": "你好,世界 (容器)",
    "Japanese": "こんにちは世界、がぎぐ、パピプ",
    "Korean": "안녕하세요 세계",
    "Georgian": "გამარჯობა მსოფლიო",
    "Amharic": "ሰላም ዓለም",
    "Sinhala": "ශ්‍රී ලංකාව",
    "Persian": "می‌خواهم, خانه‌ها, نِمی‌شود",
    "Kannada": "ಕನ್ನಡ, ನಮಸ್ಕಾರ",
    "Braille": "⠓⠑⠇⠇⠕⠀⠺⠕⠗⠇⠙",
    "signs": "→ ✓ ● ½ € – “a” … ▁▂▃ 🐳 📦",
}
# hypothesis leaves surrogates out unless they are asked for.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def may_be_replaced(character: str) -> bool:
    is_drawn_over = unicodedata.category(character) in ("Mn", "Me") or character in JAMO
    return not is_harmless(character) or is_drawn_over or character == "\u2800"


def is_harmless(character: str) -> bool:
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in BIDI:
        return False
    return not any(first <= ord(character) <= last for first, last in IGNORABLE)


def is_all_harmless(shown: str) -> bool:
    """But for joiners where words have them: behind a virama, or within Arabic."""
    return all(is_harmless(char) or is_within_word(shown, at) for at, char in enumerate(shown))


def is_within_word(shown: str, at: int) -> bool:
    if shown[at] not in "\u200c\u200d" or at == 0:
        return False
    arabic = unicodedata.name(shown[at + 1 : at + 2] or " ").startswith("ARABIC")
    return "VIRAMA" in unicodedata.name(shown[at - 1], "") or unicodedata.combining(shown[at - 1]) == 9 or arabic


@given(ANY_TEXT, st.integers(0, 50))
def test_clean_text_is_harmless_and_capped(given_text: str, limit: int) -> None:
    cleaned = text.clean(given_text, limit=limit)
    assert is_all_harmless(cleaned)
    assert len(cleaned) <= max(limit, 1)


@given(ANY_TEXT)
def test_clean_changes_nothing_but_the_harmful(given_text: str) -> None:
    cleaned = text.clean(given_text)
    assert len(cleaned) == len(given_text)
    assert all(a == b or (b == "\ufffd" and may_be_replaced(a)) for a, b in zip(given_text, cleaned, strict=True))


@given(ANY_TEXT)
def test_one_line_is_one_line(given_text: str) -> None:
    assert is_all_harmless(text.one_line(given_text))


def test_clean_stops_escape_sequences_and_marks_what_is_cut() -> None:
    assert text.clean("\x1b]52;c;aGk=\x07\x9b31m") == "\ufffd]52;c;aGk=\ufffd\ufffd31m"
    assert text.clean("abcdef", limit=4) == "abc…"


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u3164", "\U000e0041"])
def test_what_takes_no_room_is_made_visible(hidden: str) -> None:
    """A name would look like another one."""
    assert text.clean(f"late{hidden}st") == "late\ufffdst" == text.one_line(f"late{hidden}st")


def test_what_has_no_look_of_its_own_is_made_visible_by_its_category() -> None:
    """Each character there is. Of Cf, some signs of numbers are seen: they are marks of a text, as in a Koran."""
    seen = {0x70F, 0x6DD, 0x8E2, 0x890, 0x891, 0x110BD, 0x110CD, *range(0x600, 0x606)}
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    found = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in hidden and text.clean(f"a{chr(code)}b") != "a\ufffdb"
    ]
    assert set(found) == seen


@pytest.mark.parametrize("script", WORDS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_words_of_all_scripts_stay_as_they_are(script: str, form: Literal["NFC", "NFD"]) -> None:
    words = unicodedata.normalize(form, WORDS[script])
    assert text.clean(words) == text.visible(words) == words
    assert text.one_line(words) == " ".join(words.split())
    for word in words.split():
        assert text.clean(word) == word


@given(st.sampled_from("aЖ中"), st.lists(MARK | st.sampled_from(sorted(JAMO)), min_size=5, max_size=60).map("".join))
def test_marks_don_t_pile_up(base: str, marks: str) -> None:
    shown = text.clean(base + marks)
    assert shown == base + marks[:4] + "\ufffd" * (len(marks) - 4)
    written = text.visible(base + marks)
    assert written.startswith(base + marks[:4] + "\\")
    assert len(written) >= len(base + marks) + 3 * (len(marks) - 4)


@pytest.mark.parametrize(
    "name",
    [
        *(f"late{joiner}st" for joiner in "\u200c\u200d"),
        *(f"{letter}{joiner}{letter}" for letter in "aЖ中क" for joiner in "\u200c\u200d"),
        *("م\u200d", "\u200cم", "م\u200c", "م\u200ca", "a\u200cم", "م\u200c\u200cم", "क्\u200d\u200d", "क्\u200ba"),
        *("\U0001f468\u200d\U0001f469", "\u200c", "\u200d"),
    ],
)
def test_a_joiner_that_no_word_has_is_made_visible(name: str) -> None:
    assert "\ufffd" in text.clean(name)
    assert "\\u200" in text.visible(name)


def test_no_mark_is_passed_over() -> None:
    drawn_over = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if (unicodedata.category(char) in ("Mn", "Me") and is_harmless(char)) or char in JAMO
    ]
    assert len(drawn_over) > 1_900
    assert [char for char in drawn_over if text.clean(char) != "\ufffd"] == []


@pytest.mark.parametrize("before", ["", "\n", "a\n", "\t"])
def test_a_mark_is_not_drawn_over_what_stands_before_a_text(before: str) -> None:
    assert text.clean(f"{before}\u0301x", keep="\n\t") == f"{before}\ufffdx"
    # This is how it is written by itself.
    assert text.clean(f"{before} \u0301x", keep="\n\t") == f"{before} \u0301x"


@pytest.mark.parametrize("blank", ["\u2800", "\U0001d159", "\U00016fe4", "\u3164", "\uffa0", "\u115f"])
def test_a_blank_that_is_no_space_is_made_visible(blank: str) -> None:
    for name in (f"1.0{blank}", f"{blank}1.0", f"1{blank}0", blank, blank * 3):
        assert blank not in text.clean(name)
        assert blank not in text.one_line(name)
        assert blank not in text.visible(name)


def test_visible_writes_out_what_a_terminal_could_act_on() -> None:
    assert text.visible('{\n\t"a": "\x1b]52;c;aGk=\x07\x9b"\r\n\u200b\U000e0041}') == (
        '{\n\t"a": "\\x1b]52;c;aGk=\\x07\\x9b"\\x0d\n\\u200b\\U000e0041}'
    )


@given(ANY_TEXT)
def test_visible_is_harmless_and_nothing_of_it_is_lost(given_text: str) -> None:
    shown = text.visible(given_text)
    assert is_all_harmless(shown.replace("\n", " ").replace("\t", " "))
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


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.sampled_from(["", "host", "in_use"]))
def test_the_heading_of_a_table_is_toml_whatever_the_registry_is_called(name: str, part: str) -> None:
    table = tomllib.loads(f"{text.config_table(name, part)}\na = 1\n")["registries"][name]
    assert (table[part] if part else table) == {"a": 1}
    assert tomllib.loads(f"{text.config_table(name, 'retention', is_list=True)}\na = 1\n")["registries"][name] == {
        "retention": [{"a": 1}]
    }

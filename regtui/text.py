"""Server text made harmless; sizes, ages, times and counts in words. For both faces."""

import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from regtui.oci.digest import Digest

LONGEST: Final = 4096
"""Characters of server text shown unless a caller asks for more: no label needs more, and none may flood."""

_REPLACEMENT: Final = "\ufffd"
# Categories Cc, Cs, Zl, Zp, and Cf but for its signs that are seen; what takes no room (Unicode's
# Default_Ignorable_Code_Point); and fillers and signs that are blank, but no space. A terminal acts on the first, UTF-8
# has no room for the second, and the rest let a name look like another one.
_HARMFUL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U00013441\U00013442\U00016fe4\U0001bca0-\U0001bca3\U0001d159"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# What takes no room, and yet is how words are written, and seen, where Unicode's RFC 5892 has it (A.1, A.2): after a
# virama, and the second also within Arabic script.
_JOINERS: Final = frozenset("\u200d\u200c")
_NON_JOINER: Final = "\u200c"
_VIRAMA: Final = 9
# Between Braille it is the space there; anywhere else a blank that is none.
_BLANK: Final = "\u2800"
_LONE_BLANK: Final = re.compile("(?<![\u2801-\u28ff])\u2800|\u2800(?![\u2801-\u28ff])")
# Marks on one character: no language needs more (Unicode's UTS #39, "Optional Detection"), and a hundred of them reach
# over the lines above and below.
_MOST_MARKS: Final = 4
_FIRST_MARK: Final = "\u0300"
# Where there may be any: most texts, Chinese and Japanese among them, are passed over at once.
_NEAR_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u1dff\u20d0-\u20ff\u2800\u2cef-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\uabff"
    "\ud7b0-\ud7ff\ufb1e\ufe20-\ufe2f\U000101fd-\U0001efff]"
)
_MARKS: Final = frozenset({"Mn", "Me"})
# Vowels and last consonants of Korean syllables that are written apart: no marks, but drawn over what stands before.
_JAMO: Final = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff]")
_KEEPABLE: Final = frozenset("\n\t")
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def clean(text: str, *, limit: int = LONGEST, keep: str = "") -> str:
    """`text` with everything that a terminal could act on, that can't be seen, or that is piled up on one character,
    replaced by U+FFFD, at most `limit` characters.

    `keep` may name newline and tab; nothing else is ever kept. What was cut off is marked by an ellipsis.
    """
    text = _capped(text, limit)
    kept = _KEEPABLE.intersection(keep)
    if not kept and (text.isascii() or _JOINERS.isdisjoint(text)):
        # Nearly all of it is so, and there is much of it.
        return _unpiled(_HARMFUL.sub(_REPLACEMENT, text), _replacement)
    return _shown(text, kept, _replacement)


def visible(text: str) -> str:
    """`text`, all of it, with everything that `clean` replaces written out: ESC as `\x1b`. Line breaks and tabs stay as
    they are."""
    return _shown(text, _KEEPABLE, _written_out)


def _shown(text: str, kept: Collection[str], shown: Callable[[str], str]) -> str:
    """`text`, what is harmful in it as `shown` says, unless it is `kept`, or joins letters as words do."""

    def one(match: re.Match[str]) -> str:
        return match[0] if match[0] in kept or _joins(match) else shown(match[0])

    return _unpiled(_HARMFUL.sub(one, text), shown)


def _joins(match: re.Match[str]) -> bool:
    """Whether it is a joiner, or a non-joiner, where such a one is part of a word."""
    if match[0] not in _JOINERS:
        return False
    before = match.string[: match.start()][-_MOST_MARKS - 1 :]
    if before and unicodedata.combining(before[-1]) == _VIRAMA:
        return True
    letters = [char for char in before if unicodedata.category(char) not in _MARKS]
    around = [*letters[-1:], *match.string[match.end() : match.end() + 1]]
    return match[0] == _NON_JOINER and [unicodedata.bidirectional(char) for char in around] == ["AL", "AL"]


def _replacement(_: str) -> str:
    return _REPLACEMENT


def _unpiled(text: str, shown: Callable[[str], str]) -> str:
    """`text` with as many marks on a character as languages need, none without one to stand on (it would be drawn over
    what stands before the text), and no blank of Braille alone. All others as `shown` says."""
    if text.isascii() or not _NEAR_MARKS.search(text):
        return text
    if _BLANK in text:
        text = _LONE_BLANK.sub(lambda match: shown(match[0]), text)
    made = []
    marks = _MOST_MARKS
    for char in text:
        if char < _FIRST_MARK:
            marks = _MOST_MARKS if char in _KEEPABLE else 0
        elif unicodedata.category(char) in _MARKS or _JAMO.match(char):
            marks += 1
        else:
            marks = 0
        made.append(shown(char) if marks > _MOST_MARKS else char)
    return "".join(made)


def _written_out(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str, *, limit: int = LONGEST) -> str:
    """`text` on one line and harmless: runs of white space, line breaks included, become one space."""
    # Names mostly are so, and lists are long: a fifth of the time.
    if text.isascii() and text.isprintable() and " " not in text and len(text) <= limit:
        return text
    # Cut first, so that a flood isn't split into words; twice the length leaves room for what shrinks.
    return clean(" ".join(text[: 2 * limit + 1].split()), limit=limit)


def size(count: int | None) -> str:
    """Bytes in decimal units with three digits, as Docker shows them: `128 MB`; a dash for None."""
    if count is None:
        return "–"
    value, unit = float(count), 0
    # 999.5 would be rounded to four digits: it is one of the next unit.
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    number = f"{value:.{digits}f}"
    return f"{number.rstrip('0').rstrip('.') if digits else number} {_UNITS[unit]}"


def byte_count(text: str) -> int | None:
    """The bytes that `5G`, `500MB`, `1 TB` are, in decimal units as `size` shows them; None where it is no size."""
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kMGT]?)B?", text)
    return int(float(match[1]) * 1000 ** " kMGT".index(match[2] or " ")) if match else None


def size_range(sizes: tuple[int, int] | None) -> str:
    """`12 MB`, or from the smallest to the largest: `12–14 MB`, `980 kB–1.2 MB`; a dash for None."""
    if sizes is None:
        return "–"
    smallest, largest = map(size, sizes)
    if smallest == largest:
        return largest
    number, _, unit = smallest.partition(" ")
    return f"{number if largest.endswith(f' {unit}') else smallest}–{largest}"


def exact_size(count: int | None) -> str:
    """`128,004,113 bytes`; a dash for None."""
    return "–" if count is None else plural(count, "byte")


def age(time: datetime | None, now: datetime) -> str:
    """How long before `now` it was: `2 days ago`, `5 weeks ago`; a dash for None. Both with a time zone."""
    if time is None:
        return "–"
    passed = now - time
    days = passed.days
    # Units are as coarse as Docker's, so that a column stays narrow: humanize says "1 year, 2 months ago".
    if days >= 730:
        return f"{plural(days // 365, 'year')} ago"
    if days >= 60:
        return f"{plural(days // 30, 'month')} ago"
    if days >= 14:
        return f"{plural(days // 7, 'week')} ago"
    if abs(passed) < timedelta(seconds=1):
        return "now"
    # Not above: it costs 22 ms, and `--version` says nothing about ages.
    import humanize

    return humanize.naturaltime(passed)


def short_age(time: datetime | None, now: datetime) -> str:
    """`5m`, `3h`, `12d`, `4y`, for narrow columns; empty for None."""
    if time is None:
        return ""
    minutes = max(int((now - time).total_seconds()) // 60, 0)
    if minutes < 60:
        return f"{minutes}m"
    if minutes < 24 * 60:
        return f"{minutes // 60}h"
    days = minutes // (24 * 60)
    return f"{days}d" if days < 1000 else f"{days // 365}y"


def time_utc(time: datetime | None) -> str:
    """`2026-11-21 09:17 UTC`; a dash for None."""
    return "–" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def rfc3339(time: datetime | None) -> str:
    """`2026-11-21T09:17:00Z`, to the second; empty for None."""
    if time is None:
        return ""
    return time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def short_digest(digest: "Digest | None") -> str:
    """The first twelve characters; a dash for None."""
    return "–" if digest is None else digest.short


def plural(count: int, singular: str, several: str = "") -> str:
    """`1 tag`, `1,240 tags`. `several` where an -s doesn't make the plural."""
    return f"{count:,} {singular if count == 1 else several or singular + 's'}"


def _capped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def config_table(name: str, part: str = "", *, is_list: bool = False) -> str:
    """The heading of the config file's table of the registry called `name`, or of a `part` of it: bare where TOML has
    bare keys, whatever else it holds is quoted as JSON does it, as a dot would begin another table."""
    import json

    quoted = json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
    key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted
    heading = f"registries.{key}.{part}".rstrip(".")
    return f"[[{heading}]]" if is_list else f"[{heading}]"

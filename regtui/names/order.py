"""The natural order of tags: versions as people count them, then words.

The key is one string, made of pieces that compare as wanted: comparing strings is what Python does fastest, and
100,000 keys are made and sorted within the time of a key press.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from regtui.names.words import LETTER_STAGES, REVISIONS, STAGES

# Ascending, behind the numbers of a version: its prereleases, its variants, itself, what it was built again as, its
# next patch. Behind a word what is longer comes later: main, main-2, main-arm64.
_PRERELEASE, _VARIANT, _END, _REVISION, _NUMBER, _WORD = "\x01", "\x02", "\x03", "\x04", "\x05", "\x06"
_VERSIONS, _WORDS = "\x01", "\x02"

# Characters below \x07 are the key's own: taken for separators, they can't imitate a piece.
_SEPARATOR: Final = r"[._+\-\x00-\x06]"
_LETTER: Final = r"[^._+\-\x00-\x060-9]"
# `a1` and `b2` say alpha and beta only right after a number (3.13.0a4), `m1` anywhere (6.0.0-M1).
_STAGE: Final = (
    rf"(?<![a-z])(?:{'|'.join(sorted(STAGES.keys() - LETTER_STAGES, key=len, reverse=True))})(?![a-z])"
    r"|(?<=[0-9])[ab](?=[0-9])|(?<![a-z])m(?=[0-9])"
)
# `-r4`, `_build5`; and the letter of OpenSSL's 1.1.1w.
_REBUILT: Final = (
    rf"(?<![a-z])(?:{'|'.join(sorted(REVISIONS, key=len, reverse=True))})(?={_SEPARATOR}?[0-9])"
    r"|(?<=[0-9])[a-z](?![a-z0-9])"
)
# (separators, number, stage, its number, revision, its number, word); one of number, stage, revision and word is there.
_PIECES: Final = re.compile(
    rf"({_SEPARATOR}*)(?:([0-9]+)|({_STAGE})(?:{_SEPARATOR}*([0-9]+))?|({_REBUILT})(?:{_SEPARATOR}?([0-9]+))?"
    rf"|({_LETTER}+))"
)
# Short or full commit ids: words even where they start with a digit, and nothing in them counts.
_COMMIT: Final = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{7,64}\Z")
# Tags have 128 characters at most; what a server sends may not keep to it. The rest compares as text.
_LONGEST: Final = 512
_SIZED: Final = [_NUMBER + chr(length) for length in range(_LONGEST + 1)]
# (numbers, the rest); and what ends a first word.
_VERSION_PARTS: Final = re.compile(r"v?([0-9](?:[0-9.]*[0-9])?)(.*)\Z", re.DOTALL)
_FIRST_WORD: Final = re.compile(r"[._+\-\x00-\x060-9]")
_POINTS: Final = ("", ".")


def in_order(tags: Iterable[str]) -> list[str]:
    """`tags`, oldest version first, as all lists of tags show them."""
    return sorted(tags, key=order_key)


def order_key(tag: str) -> str:
    """The key that sorts `tag`, for any text: ascending, versions by number, then words.

    Different tags have different keys; `v1.0` stands beside `1.0`.
    """
    text = tag[:_LONGEST].lower()
    if "." not in text and _COMMIT.match(text):
        return f"{_WORDS}{text}\x00{_END}{tag}"
    parts = _VERSION_PARTS.match(text)
    if parts is not None:
        numbers, rest = parts.groups()
        start = _VERSIONS + "".join(
            # As _number does; written out, since this is most of the time that 100,000 tags take.
            [f"{_SIZED[len(part)]}{part}" for part in [part.lstrip("0") for part in numbers.split(".")]]
        )
    else:
        # The first word is taken apart, so that a tag `dev` sorts by its letters.
        word = _FIRST_WORD.split(text, 1)[0]
        start, rest = f"{_WORDS}{word}\x00", text[len(word) :]
    return f"{start}{_rest(rest, parts is not None)}{_END}{tag}" if rest else f"{start}{_END}{tag}"


# Of 100,000 tags, the variants behind the version are a few: -alpine, -rc1 ...
@lru_cache(maxsize=16_384)
def _rest(text: str, is_version: bool) -> str:
    # The digit stands for the version before it: whether letters are a stage depends on what precedes them.
    pieces = _PIECES.findall("0" + text, 1)
    if not is_version:
        return "".join(map(_behind_word, pieces))
    keys = [_behind_version(piece) for piece in pieces]
    # What number a stage has, or was built again by, may stand before it (9.5.0-112233pre): it's a prerelease for that.
    keys.sort(key=lambda key: key[0] != _PRERELEASE)
    return "".join(keys)


def _behind_version(piece: tuple[str, ...]) -> str:
    separators, number, stage, stage_number, revision, revision_number, word = piece
    if number:
        return f"{_NUMBER if separators in _POINTS else _REVISION}{_number(number)}"
    if stage:
        return f"{_PRERELEASE}{STAGES[stage]}{_number(stage_number)}"
    if revision:
        # A letter comes after all numbers of one digit.
        return f"{_REVISION}{_number(revision_number)}" if revision_number else f"{_REVISION}\x01{revision}"
    return f"{_VARIANT}{word}\x00"


def _behind_word(piece: tuple[str, ...]) -> str:
    separators, number, stage, stage_number, revision, revision_number, word = piece
    if number:
        return f"{_NUMBER if separators in _POINTS else _REVISION}{_number(number)}"
    counted = stage_number or revision_number
    return f"{_WORD}{stage or revision or word}\x00{_NUMBER + _number(counted) if counted else ''}"


def _number(digits: str) -> str:
    """Compares as the number does: how many digits it has, then these."""
    digits = digits.lstrip("0")
    return chr(len(digits)) + digits

"""The natural order of tags: versions as people count them, then words.

The key is one string, made of pieces that compare as wanted: comparing strings is what Python does fastest, and
100,000 keys are made and sorted within the time of a key press.
"""

import re
from functools import lru_cache
from typing import Final

# Ascending: a version's prereleases come before it, its variants after it, then its next patch.
_PRERELEASE, _END, _REVISION, _WORD, _NUMBER = "\x01", "\x02", "\x03", "\x04", "\x05"
_VERSIONS, _WORDS = "\x01", "\x02"

# In the order of a release's life. Only these: `-alpine` is a variant, not something unfinished.
_STAGES: Final = {
    word: str(stage)
    for stage, words in enumerate(
        (
            ("dev", "develop"),
            ("snapshot", "nightly", "canary"),
            ("alpha", "a"),
            ("beta", "b"),
            ("milestone", "m"),
            ("preview", "pre"),
            ("rc", "cr"),
        )
    )
    for word in words
}
# Characters below \x06 are the key's own: taken for separators, they can't imitate a piece.
_SEPARATOR: Final = r"[._+\-\x00-\x05]"
_LETTER: Final = r"[^._+\-\x00-\x050-9]"
# `a1` and `b2` say alpha and beta only right after a number (3.13.0a4), `m1` anywhere (6.0.0-M1).
_STAGE: Final = (
    r"(?<![a-z])(?:develop|dev|snapshot|nightly|canary|alpha|beta|milestone|preview|pre|rc|cr)(?![a-z])"
    r"|(?<=[0-9])[ab](?=[0-9])|(?<![a-z])m(?=[0-9])"
)
# (separators, number, stage, its number, word); one of number, stage and word is there.
_PIECES: Final = re.compile(rf"({_SEPARATOR}*)(?:([0-9]+)|({_STAGE})(?:{_SEPARATOR}*([0-9]+))?|({_LETTER}+))")
# Short or full commit ids: words even where they start with a digit, and nothing in them counts.
_COMMIT: Final = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{7,64}\Z")
_UNFINISHED: Final = re.compile(rf"[0-9].*?(?:{_STAGE})")
# Tags have 128 characters at most; what a server sends may not keep to it. The rest compares as text.
_LONGEST: Final = 512
_SIZED: Final = [_NUMBER + chr(length) for length in range(_LONGEST + 1)]
# (numbers, the rest); and what ends a first word.
_VERSION_PARTS: Final = re.compile(r"v?([0-9](?:[0-9.]*[0-9])?)(.*)\Z", re.DOTALL)
_FIRST_WORD: Final = re.compile(r"[._+\-\x00-\x050-9]")
_POINTS: Final = ("", ".")


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
    return f"{start}{_rest(rest)}{_END}{tag}" if rest else f"{start}{_END}{tag}"


def is_commit(text: str) -> bool:
    """Whether `text`, in lower case, is a short or full commit id: hexadecimal, with a letter, without a point."""
    return _COMMIT.match(text) is not None


def is_prerelease(tag: str) -> bool:
    """Whether a number in `tag` is followed by alpha, beta, rc, dev, snapshot, nightly or the like."""
    text = tag[:_LONGEST].lower()
    return _UNFINISHED.search(text) is not None and not _COMMIT.match(text)


# Of 100,000 tags, the variants behind the version are a few: -alpine, -rc1 ...
@lru_cache(maxsize=16_384)
def _rest(text: str) -> str:
    # The digit stands for the version before it: whether letters are a stage depends on what precedes them.
    return "".join(
        [
            f"{_NUMBER if separators in _POINTS else _REVISION}{_number(number)}"
            if number
            else f"{_PRERELEASE}{_STAGES[stage]}{_number(stage_number)}"
            if stage
            else f"{_WORD}{word}\x00"
            for separators, number, stage, stage_number, word in _PIECES.findall("0" + text, 1)
        ]
    )


def _number(digits: str) -> str:
    """Compares as the number does: how many digits it has, then these."""
    digits = digits.lstrip("0")
    return chr(len(digits)) + digits

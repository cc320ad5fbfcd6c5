"""What the name of a tag is: a version, a prerelease, a variant of either, a number, a date, a commit, a moving name.

The one definition: rules, the order of versions and the app all ask here. docs/tag-names.md says it for users, and
tests/unit/names/tag-names.tsv is its test.

    version      numbers with points (`1.4.2`, `v1.4`, `2024.11.1`), a small number alone (`16`, not `1234`), also
                 behind a word for it (`release-1.0`) or behind the repository's own prefix (`app-1.4.2`)
    prerelease   a version, and right behind it alpha, beta, rc, dev, snapshot … (`1.2.3-rc.1`, `3.13.0a2`)
    variant      a version or prerelease, and what image of it this is (`1.2.3-alpine`, `17-jdk-jammy`)
    number       counted up by a machine: `1234`, `build-57`, `pr-812`
    date         `20241115`, `2024-11-15T0930`, `nightly-20241115`, seconds since 1970
    commit       hexadecimal digits, alone or behind anything else: `9c1f6d0`, `main-9c1f6d0`, `1.4.2-12-g9c1f6d0`
    moving       a word that the next push takes with it: `latest`, `prod`, `alpine`, `main-arm64`
    other        all else. Nothing is known of it.

Seven or eight digits that are no date are a commit: one in 27 of those has no letter. Where a name could be two things
it is the one that rules touch less.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from regtui.names.order import order_key
from regtui.names.words import (
    BASES,
    BRANCHES,
    COMMITS,
    LETTER_STAGES,
    MOVING,
    NUMBERED,
    PLACES,
    RELEASED,
    REVISIONS,
    STAGES,
    VARIANTS,
    VERSION_WORDS,
)


class NameKind(IntEnum):
    """The larger, the better as the one name of an image: says more, moves less."""

    OTHER = 0
    COMMIT = 1
    MOVING = 2
    DATE = 3
    NUMBER = 4
    PRERELEASE = 5
    VERSION = 6


@dataclass(frozen=True, slots=True)
class TagName:
    """`version`: in lower case, without its prefix, empty where there is none. `prefix`: a word before it that isn't
    one for versions (`app-`), else empty. `numbers`: how many the version has."""

    kind: NameKind
    is_variant: bool = False
    version: str = ""
    prefix: str = ""
    numbers: int = 0


# What a name longer than any tag says isn't looked at.
_LONGEST: Final = 512
# Debian 12, Node 25, Fedora 43 are versions; what has counted up to fifty may as well be the builds of a pipeline.
_LARGEST_ALONE: Final = 49
# 2024.11.1 is a version, 1234567.1 is nobody's.
_MOST_DIGITS: Final = 6

_SEPARATORS: Final = re.compile(r"[-_.+#/]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\Z")
_HEX: Final = re.compile(r"[0-9a-f]{7,64}\Z")
_DIGITS: Final = re.compile(r"[0-9]+\Z")
_DAY: Final = r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_ONLY_DAY: Final = re.compile(rf"{_DAY}\Z")
_DATE: Final = re.compile(
    r"(?:[a-z][a-z0-9]*[-_.])*[a-z]*"
    rf"(?:{_DAY}(?:t?[0-9]{{4}}(?:[0-9]{{2}})?z?)?"
    r"|20[0-9]{2}[-_](?:0[1-9]|1[0-2])[-_](?:0[1-9]|[12][0-9]|3[01])(?:t[0-9a-z]*)?"
    r"|20[0-9]{2}[-_]?w[0-5][0-9])"
    r"(?![0-9a-z])"
    # These alone: behind a word they may be anything.
    r"|20[0-9]{2}[-_]?(?:0[1-9]|1[0-2])\Z"
    r"|1[3-9][0-9]{8}\Z|[23][0-9]{9}\Z|1[3-9][0-9]{11}\Z"
)
_PLAIN: Final = re.compile(rf"v?([0-9]{{1,{_MOST_DIGITS}}}(?:\.[0-9]{{1,9}})+)\Z")
# (word for versions, numbers, the rest)
_VERSION: Final = re.compile(rf"(?:({'|'.join(VERSION_WORDS)})[-_.]?v?)?([0-9]+(?:\.[0-9]+)*)(.*)\Z", re.DOTALL)
# (prefix, numbers, the rest): numbers with a point, since `team-42` is nobody's version.
_PREFIXED: Final = re.compile(r"((?:[a-z][a-z0-9]*[-_])+)v?([0-9]+(?:\.[0-9]+)+)(.*)\Z", re.DOTALL)
# (number, word, number) of a piece; 112233pre, rc2, alpine3, armv7l
_PIECE: Final = re.compile(r"([0-9]*)([a-z]+)([0-9]*)[a-z0-9]*\Z")
_WORD: Final = re.compile(r"([a-z]+)[0-9]*(?:[a-z][0-9]*)?\Z")
_NUMBER: Final = re.compile(r"(?:([a-z]+)[-_.]?|#)?([0-9]+)((?:[-_.][a-z0-9]+)*)\Z")
# (numbers, zeros that a shorter form leaves out)
_ZEROS: Final = re.compile(r"([0-9]+(?:\.[0-9]+)*?)((?:\.0+)+)(?!\.?[0-9])")
_GIT_DESCRIBE: Final = re.compile(r"g[0-9a-f]{6,64}\Z")
_SHORT_HEX: Final = re.compile(r"[0-9a-f]{5,64}\Z")


def tag_name(tag: str) -> TagName:
    """What `tag` is, by itself; any text has an answer."""
    text = tag[:_LONGEST].lower()
    plain = _PLAIN.match(text)
    if plain is not None:
        return TagName(NameKind.VERSION, version=plain[1], numbers=plain[1].count(".") + 1)
    if _UUID.match(text):
        return TagName(NameKind.OTHER)
    if _DATE.match(text):
        return TagName(NameKind.COMMIT if _has_commit(_pieces(text)[1:]) else NameKind.DATE)
    if _is_commit(text):
        return TagName(NameKind.COMMIT)
    return _version(text) or TagName(_without_version(text))


def name_rank(tag: str) -> tuple[int, int, bool, str]:
    """Larger for the better name of an image: no two are equal. The more numbers a version has the less it moves."""
    name = tag_name(tag)
    return name.kind, name.numbers, not name.is_variant, order_key(tag)


class Versions:
    """The versions among the tags of one repository.

    A prefix that at least two of its tags share is taken off: `app-1.4.2` beside `app-1.5.0` are versions 1.4.2 and
    1.5.0. A word of a single tag is no prefix: nothing is known of `customer-2.0.1`.
    """

    def __init__(self, tags: Iterable[str]) -> None:
        """`tags`: all of the repository's, not those alone that are asked for."""
        prefixes = Counter(name.prefix for name in map(tag_name, tags) if name.prefix)
        self._shared = frozenset(prefix for prefix, count in prefixes.items() if count > 1)

    def key(self, tag: str) -> str | None:
        """Sorts by version, ascending, as `order_key` does without the prefix, and with zeros for the numbers that a
        shorter form leaves out; None where it is no version."""
        name = self._known(tag)
        if name is None:
            return None
        # 3 is 3.0.0, and newer than 3.0.0-rc.1. Of all that are the same the longest moves least, and counts as newest.
        zeros = _ZEROS.match(name.version)
        short = zeros[1] + name.version[zeros.end() :] if zeros is not None else name.version
        return f"{order_key(short)}\x00{chr(name.numbers)}"

    def is_prerelease(self, tag: str) -> bool:
        name = self._known(tag)
        return name is not None and name.kind is NameKind.PRERELEASE

    def _known(self, tag: str) -> TagName | None:
        name = tag_name(tag)
        if not name.version or (name.prefix and name.prefix not in self._shared):
            return None
        return name


def _version(text: str) -> TagName | None:
    """None where it is no version. A commit behind one is a commit."""
    match = _VERSION.match(text)
    prefix = ""
    if match is not None:
        is_named, numbers, rest = bool(match[1]), match[2], match[3]
        if match[1] == "r" and "." not in numbers:
            return None
    else:
        match = _PREFIXED.match(text)
        if match is None or not _is_prefix(match[1]):
            return None
        is_named, (prefix, numbers, rest) = True, match.groups()
    parts = numbers.split(".")
    if len(parts) == 1 and rest[:1] == "u" and rest[1:2].isdecimal():
        # Java 8u432: two numbers with another point.
        parts.append(rest)
    if len(parts[0]) > (4 if len(parts) == 1 else _MOST_DIGITS):
        return None
    if len(parts) == 1 and not is_named and int(numbers) > _LARGEST_ALONE:
        return None
    return _by_rest(numbers, rest, prefix, len(parts))


def _is_prefix(prefix: str) -> bool:
    words = [word.rstrip("0123456789") for word in _pieces(prefix)]
    taken = (MOVING - PLACES) | STAGES.keys() | VARIANTS | BRANCHES | NUMBERED
    return not any(word in taken for word in words)


def _by_rest(numbers: str, rest: str, prefix: str, count: int) -> TagName | None:
    """By what stands behind the numbers: a stage right behind them, revisions, what variant it is."""
    pieces = _pieces(rest)
    if _has_commit(pieces, and_digits=True):
        return TagName(NameKind.COMMIT)
    read = _Rest(pieces, is_attached=bool(rest) and rest[0].isalpha(), has_point=count > 1)
    if not read.is_understood:
        return None
    kind = NameKind.PRERELEASE if read.is_prerelease else NameKind.VERSION
    return TagName(kind, read.is_variant, numbers + rest, prefix, count)


class _Rest:
    """Reads the pieces behind a version's numbers. Words that nobody knows make a variant of a version with a point,
    and take `42-beta-signup` for no version at all; never do they leave a prerelease."""

    def __init__(self, pieces: Sequence[str], *, is_attached: bool, has_point: bool) -> None:
        self.is_variant = False
        self._has_stage = False
        self._is_known = True
        self._has_point = has_point
        self._is_legible = True
        for number, piece in enumerate(pieces):
            if not _DIGITS.match(piece):
                follows = pieces[number + 1] if number + 1 < len(pieces) else ""
                self._read(piece, is_attached=is_attached and number == 0, is_counted=bool(_DIGITS.match(follows)))

    @property
    def is_prerelease(self) -> bool:
        return self._has_stage and self._is_known

    @property
    def is_understood(self) -> bool:
        return self._is_legible and (self._has_point or self._is_known)

    def _read(self, piece: str, *, is_attached: bool, is_counted: bool) -> None:
        match = _PIECE.match(piece)
        if match is None or piece == "x":  # 1.x, any other script
            self._is_legible = False
            return
        word, has_number = match[2], bool(match[3]) or is_counted
        if self._is_stage(word, is_attached=is_attached, has_number=has_number):
            self._has_stage = True
        elif (word in REVISIONS and has_number) or word in RELEASED:
            pass
        elif is_attached:
            # OpenSSL's 1.1.1w is a release; 2fa-login isn't one, nor is 3d.
            self._is_legible = self._is_legible and self._has_point and len(word) == 1
        else:
            self.is_variant = True
            self._is_known = self._is_known and (word in VARIANTS or piece in VARIANTS)

    def _is_stage(self, word: str, *, is_attached: bool, has_number: bool) -> bool:
        if word not in STAGES or (self.is_variant and not (self._is_known and has_number)):
            return False
        if word == "m":
            return has_number and not self.is_variant
        return word not in LETTER_STAGES or (is_attached and has_number)


def _without_version(text: str) -> NameKind:
    pieces = _pieces(text)
    if _has_commit(pieces):
        return NameKind.COMMIT
    number = _NUMBER.match(text)
    if number is not None:
        word, _, rest = number.groups()
        is_named = word is None or word in NUMBERED or word in MOVING or word in VERSION_WORDS
        if is_named and all(_is_variant(piece) or _DIGITS.match(piece) for piece in _pieces(rest)):
            return NameKind.NUMBER
    words = [piece for piece in pieces if not _DIGITS.match(piece)]
    if words and not _DIGITS.match(pieces[0]) and all(_is_variant(word) or word in MOVING for word in words):
        return NameKind.MOVING if any(_bare(word) in BASES or word in MOVING for word in words) else NameKind.OTHER
    return NameKind.OTHER


def _is_variant(piece: str) -> bool:
    return piece in VARIANTS or _bare(piece) in VARIANTS


def _bare(piece: str) -> str:
    """`alpine` of `alpine3`."""
    match = _WORD.match(piece)
    return match[1] if match else piece


def _has_commit(pieces: Sequence[str], *, and_digits: bool = False) -> bool:
    """Whether a piece of a name is a commit. `and_digits`: also one of digits alone, wherever it stands."""
    for number, piece in enumerate(pieces):
        before = pieces[number - 1] if number else ""
        if _DIGITS.match(piece):
            if (and_digits or before in MOVING or before in COMMITS) and _is_commit(piece):
                return True
        elif _HEX.match(piece) or _GIT_DESCRIBE.match(piece) or (before in COMMITS and _SHORT_HEX.match(piece)):
            return True
    return False


def _is_commit(text: str) -> bool:
    """Whether all of it is a short or full commit."""
    if not _HEX.match(text):
        return False
    return not _DIGITS.match(text) or (len(text) in (7, 8, 40, 64) and not _ONLY_DAY.match(text))


def _pieces(text: str) -> list[str]:
    return [piece for piece in _SEPARATORS.split(text) if piece]

"""How well a tag's name tells what its image is.

Several tags of one image, and one name is to be left: it should be the one that says most and moves least.

1. A release's version, `1.4.2` or `v1.4.2-alpine`; the more numbers the better, since `1.4` and `1` move on to the next
   patch while `1.4.2` stays. With as many numbers, the plain one: `1.4.2` before `1.4.2-alpine`.
2. A prerelease's, `1.4.2-rc1`: once released, the image is 1.4.2.
3. A word: `prod`, `feature-login`. A person chose it.
4. A word that moves by its nature: `latest`, `stable`, `main`. The next push takes it anyway.
5. A commit or build id: `9c1f6d0`, `sha-9c1f6d0`, `main-9c1f6d0`. A machine made it, for each build.

Among equals the later in the order of versions.
"""

import re
from enum import IntEnum
from typing import Final

from regtui.listing.order import is_commit, is_prerelease, order_key


class NameKind(IntEnum):
    """The larger the better."""

    HASH = 0
    MOVING = 1
    WORD = 2
    PRERELEASE = 3
    RELEASE = 4


# (numbers, the rest). Behind the numbers comes an end, a separator or the letters of a stage (`3.13.0a4`).
_VERSION: Final = re.compile(r"(?:version|ver|v|release|rel|r)?[-_.]?([0-9]+(?:[._][0-9]+)*)(.*)\Z", re.DOTALL)
_UUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\Z")
_PIECES: Final = re.compile(r"[-_.+]")
_MOVING: Final = frozenset(
    (
        *("latest", "stable", "edge", "main", "mainline", "master", "trunk", "head", "tip", "current", "next", "lts"),
        *("rolling", "dev", "develop", "development", "nightly", "canary", "snapshot", "testing", "unstable"),
        *("experimental", "alpha", "beta"),
    )
)
# What a name longer than any tag says isn't looked at.
_LONGEST: Final = 512


def is_version(tag: str) -> bool:
    """Whether it is named by a version, finished or not."""
    return name_kind(tag) >= NameKind.PRERELEASE


def name_kind(tag: str) -> NameKind:
    text = tag[:_LONGEST].lower()
    pieces = _PIECES.split(text)
    if is_commit(text) or _UUID.match(text):
        return NameKind.HASH
    if _numbers(text):
        return NameKind.PRERELEASE if is_prerelease(text.lstrip("v")) else NameKind.RELEASE
    # git describe writes a g before the commit.
    if is_commit(pieces[-1]) or (pieces[-1].startswith("g") and is_commit(pieces[-1][1:])):
        return NameKind.HASH
    if not any(char.isdecimal() for char in text) and (pieces[0] in _MOVING or pieces[-1] in _MOVING):
        return NameKind.MOVING
    return NameKind.WORD


def name_rank(tag: str) -> tuple[int, int, bool, str]:
    """Larger for the better name."""
    kind = name_kind(tag)
    numbers, is_plain = 0, False
    if kind >= NameKind.PRERELEASE and (version := _VERSION.match(tag[:_LONGEST].lower())):
        numbers, is_plain = len(_PIECES.split(version[1])), not version[2]
    return kind, numbers, is_plain, order_key(tag)


def _numbers(text: str) -> bool:
    """Whether it begins as a version does: numbers, and no word that merely begins with a digit."""
    version = _VERSION.match(text)
    if version is None:
        return False
    rest = version[2]
    return not rest or not rest[0].isalnum() or is_prerelease(f"{version[1]}{rest}")

"""Patterns of `protect` that protect nothing: expressions instead of shell patterns, or what no tag can be called."""

import re
from typing import Final

_FIRST: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_OTHERS: Final = _FIRST | frozenset(".-")
_LONGEST: Final = 128
# (set of characters, any other); `*` is left out before. An open bracket without its end is itself.
_PARTS: Final = re.compile(r"(\[!?\]?[^\]]*\])|(.)", re.DOTALL)
_OF_EXPRESSIONS: Final = re.compile(r"[\^$|()\\+{}]|\.\*|\.\+")


def matches_no_tag(pattern: str) -> bool:
    """Whether a shell pattern can't match any tag: one has up to 128 letters, digits, `_`, `.` and `-`, and begins with
    none of the last two."""
    places: list[frozenset[str]] = []
    is_open = False
    for number, part in enumerate(pattern.split("*")):
        is_open = is_open or number > 0
        for characters, other in _PARTS.findall(part):
            # What a `*` before it stands for may be the first character.
            allowed = _OTHERS if places or is_open else _FIRST
            places.append(allowed & _meant(characters, other))
    if not places:
        return not is_open
    return len(places) > _LONGEST or not all(places)


def _meant(characters: str, other: str) -> frozenset[str]:
    if other:
        return _OTHERS if other == "?" else frozenset(other)
    from fnmatch import fnmatchcase

    return frozenset(each for each in _OTHERS if fnmatchcase(each, characters))


def told(pattern: str, place: str) -> str:
    """What is wrong with a pattern at `place` of the config file, and what is meant instead; empty where nothing is."""
    if not matches_no_tag(pattern):
        return ""
    shell = _as_shell(pattern)
    instead = f' Write "{shell}".' if shell else ""
    if _OF_EXPRESSIONS.search(pattern):
        return (
            f'{place} protects nothing by "{pattern}": shell patterns are meant (* ? [a-z]), not expressions.{instead}'
        )
    return f'{place} protects nothing by "{pattern}": no tag can be called that.'


def _as_shell(expression: str) -> str:
    """The shell pattern that a simple expression means; empty where there is none."""
    start = "" if expression.startswith("^") else "*"
    end = "" if expression.endswith("$") else "*"
    text = (
        expression.removeprefix("^").removesuffix("$").replace(".*", "*").replace("\\.", ".").replace("\\d+", "[0-9]*")
    )
    pattern = re.sub(r"\*+", "*", f"{start}{text}{end}")
    return "" if _OF_EXPRESSIONS.search(pattern) or matches_no_tag(pattern) else pattern

"""The entries of `[[registries.NAME.retention]]`."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from regtui.errors import UsageError
from regtui.settings.table_reader import TableReader

if TYPE_CHECKING:
    from regtui.retention.policy import RetentionEntry

_KEY: Final = "retention"
_TEXTS: Final = ("match", "keep_by", "keep_match", "older_than", "not_pulled_for")
_NUMBERS: Final = ("keep", "keep_images")
_FLAGS: Final = ("prereleases", "duplicates")
_KEYS: Final = ("repositories", *_TEXTS, *_NUMBERS, *_FLAGS)


def read_retention(profile: TableReader, name: str) -> "tuple[RetentionEntry, ...]":
    """Those of a profile called `name`, in their order. Raises SettingsError."""
    tables = profile.lists_of_tables(_KEY)
    lines = _lines_of(profile.text, name, len(tables))
    return tuple(_entry(each, number, line) for number, (each, line) in enumerate(zip(tables, lines, strict=True), 1))


def _entry(table: TableReader, number: int, line: int) -> "RetentionEntry":
    # What reads expressions is loaded for who has rules.
    from regtui.retention.policy import entry_of

    # A misspelt `keep_match` would let go what it was to keep.
    table.check_keys(_KEYS)
    patterns = table.strings("repositories")
    if not patterns or not all(patterns):
        table.wrong("repositories", 'a list of shell patterns of repositories, as ["team/*"]')
    if table.has("keep_by"):
        table.choice("keep_by", ("created", "version"))
    values: Mapping[str, str] = {key: table.string(key) for key in _TEXTS} | {
        key: table.whole_number(key) for key in _NUMBERS
    }
    for key in _TEXTS:
        if table.has(key) and not values[key]:
            table.wrong(key, "a text that isn't empty")
    flags = [key for key in _FLAGS if table.boolean(key)]
    try:
        entry = entry_of(values, patterns, flags=flags, number=number, line=line)
    except UsageError as error:
        table.refused(error)
    if not entry.rule.selects and any(table.has(key) for key in _KEYS[1:]):
        table.wrong(
            "repositories",
            "followed by what goes (match, older_than, keep, not_pulled_for …), or by nothing where all is to stay",
        )
    return entry


def _lines_of(text: str, registry: str, count: int) -> list[int]:
    """Where the entries of a registry begin; 0 for all where that can't be told for sure."""
    header = re.compile(
        rf"""\s*\[\[\s*registries\s*\.\s*(["']?){re.escape(registry)}\1\s*\.\s*{_KEY}\s*\]\]\s*(?:#.*)?"""
    )
    lines = [number for number, line in enumerate(text.split("\n"), 1) if header.fullmatch(line)]
    return lines if len(lines) == count else [0] * count

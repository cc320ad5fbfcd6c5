"""Reads a table of the config file by the types of its keys: what is wrong is one clear error with the key's name."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from regtui.errors import SettingsError, UsageError
from regtui.host.profile import RUNTIMES, HostSettings
from regtui.oci.reference import is_repository
from regtui.registry.address import Address
from regtui.text import byte_count

T = TypeVar("T")

# More connections than that are nobody's wish.
_MOST_AT_ONCE: Final = 256
# How like a key's name has to be to be taken for it misspelt, of 1.
_ALIKE: Final = 0.75


class TableReader:
    """Reads a table's keys by type; a wrong type is one clear error with the key's name."""

    def __init__(self, file: Path, table: Mapping[str, object], prefix: str = "", text: str = "") -> None:
        """`text`: of the whole file."""
        self._file = file
        self._text = text
        self._table = table
        self._prefix = prefix
        self._known: list[str] = []

    def _get(self, key: str, default: object = None) -> object:
        self._known.append(key)
        return self._table.get(key, default)

    def end(self) -> None:
        """All keys that there are were asked for. Others may stand in the file, but none that is like one of them: what
        a misspelt `protect` or `read_only` was to keep would be deleted."""
        from difflib import get_close_matches

        for key in self._table.keys() - set(self._known):
            if near := get_close_matches(key, self._known, 1, _ALIKE):
                raise SettingsError(
                    f"The config file {self._file} has something wrong at {self._prefix}{key}: there is no such key.",
                    f"Is {near[0]} meant?",
                )

    def string(self, key: str) -> str:
        value = self._get(key, "")
        if not isinstance(value, str):
            self.wrong(key, "a text")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """The first where there is none."""
        value = self.string(key) or choices[0]
        if value not in choices:
            self.wrong(key, " or ".join(f'"{choice}"' for choice in choices))
        return value

    def colors(self, key: str) -> int | None:
        value = self._get(key)
        if value not in (None, 16, 256) or isinstance(value, bool | float):
            self.wrong(key, "16 or 256")
        return value

    def address(self, key: str, default: str) -> Address:
        return self.parsed(key, Address.parse, default) or Address.parse(default)

    def parsed(self, key: str, parse: Callable[[str], T], default: str = "") -> T | None:
        """None where there is neither the key nor a default."""
        text = self.string(key) or default
        try:
            return parse(text) if text else None
        except UsageError as error:
            self.refused(UsageError(f"{key}: {error.message}", error.remedy))

    def repositories(self, key: str) -> tuple[str, ...]:
        names = self.strings(key)
        if not all(is_repository(name) for name in names):
            self.wrong(key, "a list of repositories' names, without the registry")
        return names

    def boolean(self, key: str) -> bool:
        value = self._get(key, False)
        if not isinstance(value, bool):
            self.wrong(key, "true or false")
        return value

    def number(self, key: str) -> float | None:
        value = self._get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            self.wrong(key, "a number of seconds above 0")
        return float(value)

    def count(self, key: str) -> int | None:
        value = self._get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_AT_ONCE:
            self.wrong(key, f"a whole number from 1 to {_MOST_AT_ONCE}")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(key, "a list of texts")
        return tuple(value)

    def lists_of_tables(self, key: str) -> "list[TableReader]":
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.wrong(key, f"a list of tables, each below [[{self._prefix}{key}]]")
        return [
            TableReader(self._file, table, f"{self._prefix}{key}[{number}].", self._text)
            for number, table in enumerate(value, 1)
        ]

    def check_keys(self, keys: Collection[str]) -> None:
        """There are no others."""
        for key in self._table:
            if key not in keys:
                self.wrong(key, f"one of {', '.join(keys)}")

    def has(self, key: str) -> bool:
        return key in self._table

    @property
    def text(self) -> str:
        """Of the whole file."""
        return self._text

    def host(self, key: str) -> HostSettings | None:
        table = self._get(key)
        if table is None:
            return None
        if not isinstance(table, dict):
            self.wrong(key, "a table")
        reader = TableReader(self._file, table, f"{self._prefix}{key}.")
        names = [field.name for field in fields(HostSettings)]
        for name in table:
            if name not in names:
                # A misspelt `sudo` or `container` would send the collection to the wrong place.
                reader.wrong(name, f"one of {', '.join(names)}")
        settings = HostSettings(
            **{name: reader.string(name) for name in names if name != "sudo"}, sudo=reader.boolean("sudo")
        )
        if settings.runtime and settings.runtime not in RUNTIMES:
            reader.wrong("runtime", f"one of {', '.join(RUNTIMES)}")
        return settings

    def table(self, key: str) -> "TableReader | None":
        table = self._get(key)
        if table is None:
            return None
        if not isinstance(table, dict):
            self.wrong(key, "a table")
        return TableReader(self._file, table, f"{self._prefix}{key}.", self._text)

    def tables(self, key: str) -> "list[tuple[str, TableReader]]":
        value = self._get(key, {})
        if not isinstance(value, dict):
            self.wrong(key, "a table")
        for name, entry in value.items():
            if not isinstance(entry, dict):
                self.wrong(f"{key}.{name}", "a table")
        return [(name, TableReader(self._file, entry, f"{key}.{name}.", self._text)) for name, entry in value.items()]

    def addresses(self, key: str) -> tuple[str, ...]:
        """Names of one registry, as references carry them: without a scheme."""
        found = []
        for text in self.strings(key):
            try:
                address = Address.parse(text)
            except UsageError as error:
                self.wrong(key, f"a list of HOST[:PORT][/PREFIX]: {error.message}")
            if address.scheme:
                self.wrong(key, "a list of HOST[:PORT][/PREFIX], without http:// or https://")
            found.append(address.name)
        return tuple(found)

    def size(self, key: str) -> int | None:
        """Bytes."""
        text = self.string(key)
        count = byte_count(text) if text else None
        if text and count is None:
            self.wrong(key, 'a size: "500 MB", "5 GB", "1 TB"')
        return count

    def command(self, key: str) -> tuple[str, ...]:
        words = self.strings(key)
        if key in self._table and not (words and words[0]):
            self.wrong(key, "a program and its arguments, as a list of texts")
        return words

    def whole_number(self, key: str) -> str:
        """As it is typed; empty where there is none."""
        value = self._get(key)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(key, "a whole number")
        return str(value)

    def refused(self, error: UsageError) -> NoReturn:
        """What is wrong with a value, whose key `error` names first."""
        raise SettingsError(
            f"The config file {self._file} has something wrong at {self._prefix}{error.message}", error.remedy
        ) from None

    def wrong(self, key: str, expected: str) -> NoReturn:
        raise SettingsError(
            f"The config file {self._file} has something wrong at {self._prefix}{key}: it should be {expected}."
        )

"""How each registry was left, for the next time: the state file, not the configuration. Nothing breaks without it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from regtui.bounded_json import without_halves
from regtui.oci.reference import is_repository
from regtui.private_files import read_private, write_private
from regtui.registry.identity import RegistryId
from regtui.settings.paths import state_dir

_MOST_TYPED: Final = 50
_MOST_REGISTRIES: Final = 100


@dataclass(frozen=True, slots=True)
class Left:
    """`repository` was open, `sort` and `reverse` were its order. `typed`: repositories that the user named and that
    were there, the latest first. `deletion`: what was found out of it, by its name; empty for nothing."""

    repository: str = ""
    sort: str = ""
    reverse: bool = True
    typed: tuple[str, ...] = ()
    deletion: str = ""

    def with_typed(self, repository: str) -> "Left":
        return replace(self, typed=tuple(dict.fromkeys((repository, *self.typed)))[:_MOST_TYPED])


class History:
    """By registry. `name`: what earlier versions kept it under, the profile's name or the address."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or state_dir() / "history.json"

    def of(self, registry: RegistryId, name: str = "") -> Left:
        known = self._read()
        return _left(known.get(str(registry), known.get(name)))

    def registries(self) -> list[str]:
        """Those that were open, the latest first: `HOST[:PORT]`, with ` via DESTINATION` where it is reached so."""
        return [name for name in reversed(self._read()) if "." in name or ":" in name or name == "localhost"]

    def keep(self, registry: RegistryId, left: Left) -> None:
        """Written at once; another window's registries stay. A disk that is full is no reason to fail."""
        known = self._read()
        known.pop(str(registry), None)
        latest = dict([*known.items(), (str(registry), asdict(left))][-_MOST_REGISTRIES:])
        try:
            write_private(self._file, json.dumps(latest, indent=1))
        except OSError:
            return

    def _read(self) -> dict[str, Any]:
        try:
            value = json.loads(without_halves(read_private(self._file, closes=True).decode()))
        except (OSError, ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


def _left(value: object) -> Left:
    """What makes sense of it: the file may be of another version, or edited."""
    if not isinstance(value, Mapping):
        return Left()

    def text(key: str) -> str:
        found = value.get(key)
        return found if isinstance(found, str) else ""

    typed = value.get("typed")
    names = [name for name in typed if isinstance(name, str)] if isinstance(typed, list) else []
    repository = text("repository")
    return Left(
        repository if is_repository(repository) else "",
        text("sort"),
        value.get("reverse") is not False,
        tuple(filter(is_repository, names)),
        text("deletion"),
    )

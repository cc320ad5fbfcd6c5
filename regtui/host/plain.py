"""What a host, a container or a config tells, before it goes back to the host as a word of a command."""

import re
from typing import Any, Final

from regtui.host.errors import NotOnHost
from regtui.text import one_line

LONGEST: Final = 4096
"""Characters of a path or a name: as long as the longest path that Linux opens."""

_LARGEST: Final = 1 << 64
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def plain(value: str, what: str) -> str:
    """`value` as it is. Raises NotOnHost where it holds control characters, or is too long to be `what`."""
    if _CONTROL.search(value):
        raise NotOnHost(
            f"{what} holds control characters: {one_line(value)[:80]}.", "No registry needs them: look who set it."
        )
    if len(value) > LONGEST:
        raise NotOnHost(f"{what} is longer than {LONGEST:,} characters.", "Look who set it.")
    return value


def plain_secret(value: str, what: str) -> str:
    """As `plain`, and it isn't shown."""
    if _CONTROL.search(value):
        raise NotOnHost(f"{what} holds control characters.", "No registry needs them: look who set it.")
    return plain(value, what)


def plain_name(value: str, what: str) -> str:
    """As `plain`; nor does a name begin with a hyphen, as options do."""
    if value.startswith("-"):
        raise NotOnHost(f"{what} begins with a hyphen, as an option would: {one_line(value)[:80]}.", "Rename it.")
    return plain(value, what)


def at(value: object, *keys: str | int) -> Any:
    """What is at a place in JSON or YAML; None where there is no such place."""
    for key in keys:
        if isinstance(key, str):
            value = value.get(key) if isinstance(value, dict) else None
        else:
            value = value[key] if isinstance(value, list) and -len(value) <= key < len(value) else None
    return value


def text_at(value: object, *keys: str | int) -> str:
    """As `at`, where it is a text or a number; else empty."""
    found = at(value, *keys)
    if isinstance(found, int) and abs(found) > _LARGEST:
        # It has more digits than Python writes, and means nothing.
        return ""
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def list_at(value: object, *keys: str | int) -> list[Any]:
    found = at(value, *keys)
    return found if isinstance(found, list) else []


def table_at(value: object, *keys: str | int) -> dict[str, Any]:
    found = at(value, *keys)
    return {key: entry for key, entry in found.items() if isinstance(key, str)} if isinstance(found, dict) else {}

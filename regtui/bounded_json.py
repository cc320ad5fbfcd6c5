"""JSON from outside, bounded by what it becomes in memory: 60 MB of `{}` are 1.3 GB of objects."""

import json
from typing import Any, Final, NoReturn

from regtui.bounds import VALUES

_SEPARATORS: Final = (b",", b":", b"[", b"{")
_BOM: Final = b"\xef\xbb\xbf"


def parse_json(text: bytes, values: int = VALUES, encoding: str = "utf-8") -> Any:
    """The document in `text`. What isn't UTF-8 becomes U+FFFD, as for Go.

    Raises ValueError where it isn't JSON (NaN and Infinity aren't), has more than `values` values, or is nested deeper
    than Python's stack.
    """
    if len(text) > values and sum(map(text.count, _SEPARATORS)) > values:
        raise ValueError(f"it has more than {values:,} values")
    try:
        return json.loads(text.removeprefix(_BOM).decode(encoding, "replace"), parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")

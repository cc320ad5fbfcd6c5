"""JSON from outside, bounded by what it becomes in memory: 60 MB of `{}` are 1.3 GB of objects.

Its texts can be stored and sent again: JSON can write halves of a character (`"\\ud800"`), for which UTF-8 has no
bytes. Those that stand alone are U+FFFD from here on, as for Go, in keys as in values.

Nothing that a registry, a host or a helper sent is read by `json` itself: tests/unit/test_imports.py sees to that.
"""

import json
import re
from math import isfinite
from typing import Any, Final, NoReturn

from regtui.bounds import VALUES

_SEPARATORS: Final = (",", ":", "[", "{")
# To its end, or to that of the text: nothing is looked at twice.
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BYTES: Final = tuple(separator.encode() for separator in _SEPARATORS)
_BOM: Final = b"\xef\xbb\xbf"
# Every escape, so that none is looked for within another one: a pair of halves, one half, any.
_ESCAPE: Final = re.compile(
    r"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_HALF: Final = re.compile("[\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"


class _NotJson(ValueError):
    """Says itself why."""


def _no_number(name: str) -> NoReturn:
    raise _NotJson(f"it has {name} in place of a number")


def _finite(number: str) -> float | None:
    return value if isfinite(value := float(number)) else None


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)
_FINITE: Final = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite)


def without_halves(text: str) -> str:
    """The same JSON, as long as it was, without any half of a character that stands alone, written out or escaped."""
    if not text.isascii():
        text = _HALF.sub(_REPLACEMENT, text)
    if "\\ud" in text or "\\uD" in text:
        text = _ESCAPE.sub(lambda found: "\\ufffd" if found["half"] else found[0], text)
    return text


def count_values(text: bytes) -> int:
    """No fewer values than the document in `text` has, and less than its bytes."""
    return sum(map(text.count, _BYTES))


def parse_json(text: bytes, values: int = VALUES, encoding: str = "utf-8") -> Any:
    """The document in `text`. What isn't UTF-8 becomes U+FFFD, as for Go.

    Raises ValueError where it isn't JSON (NaN and Infinity aren't), has more than `values` values, or is nested deeper
    than Python's stack.
    """
    return _parsed(_text(text, values, encoding), _DECODER)


def parse_first_json(text: bytes) -> Any:
    """The first of the documents in `text`, whatever follows it. Raises as `parse_json`."""
    try:
        return _DECODER.raw_decode(without_halves(_text(text, VALUES, "utf-8")).lstrip())[0]
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _no_json(error) from None


def parse_writable_json(text: bytes) -> Any:
    """The document as JSON can hold it again: NaN, Infinity, and what is too large for a number, are None. Raises as
    `parse_json`."""
    return _parsed(_text(text, VALUES, "utf-8"), _FINITE)


def parse_json_text(text: str, values: int = VALUES) -> Any:
    """The document in `text`, which is decoded already: what a host printed, where anybody may write
    a label of commas. Raises as `parse_json`."""
    if len(text) > values and _separators(text) > values and _separators(_STRING.sub("", text)) > values:
        raise _too_many(values)
    return _parsed(text, _DECODER)


def _separators(text: str) -> int:
    return sum(map(text.count, _SEPARATORS))


def _text(text: bytes, values: int, encoding: str) -> str:
    if len(text) > values and count_values(text) > values:
        raise _too_many(values)
    return text.removeprefix(_BOM).decode(encoding, "replace")


def _parsed(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(without_halves(text))
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _no_json(error) from None


def _no_json(error: ValueError) -> ValueError:
    """In our words: Python's are about Python. All read on after "can't be read as JSON: "."""
    if isinstance(error, _NotJson):
        return error
    if not isinstance(error, json.JSONDecodeError):
        return ValueError("a number in it has thousands of digits")
    if not error.doc.strip():
        return ValueError("it is empty")
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        return ValueError("it breaks off")
    return ValueError(f"something else stands in line {error.lineno}, column {error.colno}")


def _too_many(values: int) -> ValueError:
    return ValueError(f"it has more than {values:,} values")


def _too_deep() -> ValueError:
    return ValueError("it is nested too deep")

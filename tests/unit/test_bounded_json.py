"""JSON can write halves of a character. No text that was read holds one: none can be stored, or sent."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regtui.bounded_json import parse_first_json, parse_json, parse_json_text, parse_writable_json, without_halves

# Halves in every neighbourhood: as themselves, escaped, in pairs, behind other escapes, and what only looks like one.
PARTS = st.sampled_from(
    ["\\ud83d", "\\uDE00", "\\ud83d\\ude00", "\\uD83D\\\\", "\\\\ud800", "\\\\", '\\"', "\\u00e9", "ud800", "é", "😀"]
)
TEXTS = st.lists(PARTS | st.sampled_from(["\ud83d", "\udc00", "\udcff"]), max_size=12).map("".join)
HALF = re.compile("[\ud800-\udfff]")


def replaced(value: Any) -> Any:
    """The same by another way: after it was read."""
    match value:
        case str():
            return HALF.sub("\ufffd", value)
        case list():
            return [replaced(item) for item in value]
        case dict():
            return {replaced(key): replaced(item) for key, item in value.items()}
    return value


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_no_text_holds_half_a_character(pairs: list[tuple[str, str]]) -> None:
    text = "[" + ",".join(f'{{"{key}":["{value}"]}}' for key, value in pairs) + "]"
    expected = replaced(json.loads(text))
    assert parse_json_text(text) == expected
    json.dumps(expected, ensure_ascii=False).encode()
    body = HALF.sub("x", text).encode()
    expected = replaced(json.loads(body))
    assert parse_json(body) == parse_first_json(body + b" {}") == parse_writable_json(body) == expected


def test_a_place_in_it_stays_where_it_was() -> None:
    """Errors name the column."""
    text = '{"\\ud800": "\\uDFFF\ud800" x'
    assert without_halves(text) == '{"\\ufffd": "\\ufffd\ufffd" x'

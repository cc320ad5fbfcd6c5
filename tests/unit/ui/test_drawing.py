"""JSON as it is shown: indented, and otherwise to the letter."""

import asyncio
import json
import re
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from regtui import bounds
from regtui.listing.details import Details, load_details
from regtui.oci.digest import Digest
from regtui.oci.media_type import OCI_MANIFEST
from regtui.ui.widgets.details.drawing import JsonLine, field, json_lines, prose, wrapped
from regtui.ui.widgets.details.tabs import TABS, bar, labelled
from tests.unit.listing.contents import LAYER, MemorySource

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


def shown(body: bytes, width: int = 10_000) -> list[str]:
    return [line.plain for line in json_lines(body, width)]


@given(JSON)
def test_json_is_indented_like_everybody_does(value: object) -> None:
    plain = json.dumps(value)
    assert "\n".join(shown(plain.encode())) == json.dumps(json.loads(plain), indent=2)


def test_keys_that_come_twice_and_forms_of_numbers_stay() -> None:
    assert shown(b'{"a":1.0e3,"a":{},"b":[]}') == ["{", '  "a": 1.0e3,', '  "a": {},', '  "b": []', "}"]


def test_what_is_no_json_is_shown_as_it_is_and_made_harmless() -> None:
    assert shown(b"<html>\n\x1b[2J[/]") == ["<html>", "\ufffd[2J[/]"]


def test_long_lines_go_on_below_and_nothing_is_lost() -> None:
    body = json.dumps({"digest": "x" * 300}).encode()
    lines = shown(body, 40)
    assert all(len(line) <= 40 for line in lines)
    assert "x" * 300 in "".join(lines)
    assert "".join(line.plain[12:] for line in field("digest", "y" * 100, 40)) == "y" * 100
    assert "".join(line.plain for line in wrapped("z" * 95, 30)) == "z" * 95


def test_a_sentence_is_broken_between_words() -> None:
    text = "! the config is gone: the image can't be pulled, though its manifest is there"
    lines = [line.plain for line in prose(text, 20)]
    assert " ".join(lines) == text
    assert all(len(line) <= 20 for line in lines)
    long = "sha256:" + "0123456789abcdef" * 4
    assert "".join(line.plain for line in prose(long, 20)) == long


def test_a_label_goes_on_below_indented_and_nothing_is_lost() -> None:
    key, value = "org.example.long", "0123456789" * 20
    first, *rest = [line.plain for line in labelled([(key, value)], 40)]
    assert all(len(line) <= 40 for line in (first, *rest))
    assert first.startswith(f"  {key} 0")
    assert first.removeprefix(f"  {key} ") + "".join(line.removeprefix("    ") for line in rest) == value


def test_wide_characters_of_json_go_on_below_too() -> None:
    body = json.dumps({"title": "日本語" * 30}, ensure_ascii=False).encode()
    lines = shown(body, 40)
    assert all(cell_len(line) <= 40 for line in lines)
    assert "日本語" * 30 in "".join(lines)


def test_a_coloured_piece_has_the_text_of_its_line() -> None:
    for line in json_lines(b'{"key": "a long value that is cut somewhere"}', 24):
        assert isinstance(line, JsonLine)
        assert line.drawn().plain == line.plain


@pytest.mark.parametrize(
    "body",
    [b"[" + b"{}," * 5_000 + b"{}]", b"\n" * 5_000, b"[" * 100_000, b"[0]" + b" \n" * 5_000],
    ids=["values", "lines", "depth", "space"],
)
def test_no_more_lines_are_made_than_are_shown(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds of what is no JSON: 8 MB of line breaks would be a gigabyte of lines."""
    monkeypatch.setattr(bounds, "SHOWN_LINES", 1_000)
    lines = json_lines(body, 80)
    assert len(lines) <= 1_001
    if len(lines) == 1_001:
        assert re.fullmatch(r"[\d.]+ kB more, not shown here\.", lines[-1].plain)


def test_how_much_isn_t_shown_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SHOWN_LINES", 3)
    assert shown(b"[" + b"1," * 100 + b"2]") == ["[", "  1,", "  1,", "198 B more, not shown here."]
    assert shown(b"a\nb\nc\nd\ne\n") == ["a", "b", "c", "4 B more, not shown here."]
    assert shown(b"[1,2") == ["[1,2"]
    assert shown(b"[1]") == ["[", "  1", "]"]
    digests = [Digest.of(b"%d" % number) for number in range(9)]
    made = {f"k{number}": "v" for number in range(9)}
    config = {
        "os": "linux",
        "architecture": "amd64",
        "config": {"Labels": made, "Env": [f"A={number}" for number in range(9)]},
        "history": [{"created_by": f"RUN {number}"} for number in range(9)],
    }
    layer = {"mediaType": LAYER, "size": 1}
    details = _details(config, [{**layer, "digest": digest} for digest in digests], annotations=made)
    for name, rest in (("Layers", 6), ("History", 6)):
        lines = _tab(details, name)
        assert lines[-1] == f"{rest} more, not shown here."
        assert sum("not shown" in line for line in lines) == 1
    lines = _tab(details, "Overview")
    # Variables, labels, annotations.
    assert [line for line in lines if "not shown" in line] == ["6 more, not shown here."] * 3
    assert sum(line.startswith("  k") for line in lines) == 2 * 3


def test_what_is_laid_out_of_three_hundred_thousand_values_is_bounded() -> None:
    labels = {f"k{number}": "v" for number in range(150_000)}
    details = _details({"os": "linux", "architecture": "amd64", "config": {"Labels": labels}}, [])
    for name, _ in TABS:
        assert len(_tab(details, name)) < bounds.SHOWN_LINES + 50


def _details(config: dict[str, Any], layers: list[dict[str, Any]], **more: Any) -> Details:
    source = MemorySource()
    named = source.put_config(json.dumps(config).encode())
    source.put_json("x", {"mediaType": OCI_MANIFEST, "config": named, "layers": layers, **more}, OCI_MANIFEST)
    return asyncio.run(load_details(source, "a", "x"))


def _tab(details: Details, name: str) -> list[str]:
    tab = dict(TABS)[name]
    return [line.plain for line in tab(details, details.platforms[0], 80, datetime(2026, 1, 1, tzinfo=UTC))]


@given(st.text(), st.integers(20, 200))
def test_whatever_it_is_it_can_be_drawn(text: str, width: int) -> None:
    for line in json_lines(text.encode("utf-8", "surrogatepass"), width):
        assert isinstance(line, JsonLine)
        assert line.drawn().plain == line.plain


def test_the_largest_layer_fills_the_bar_and_the_smallest_still_shows() -> None:
    assert bar(100, 100) == "█" * 10
    assert bar(1, 1_000_000).strip() != ""
    assert bar(0, 100).strip() == ""
    assert {len(bar(value, 97)) for value in range(98)} == {10}


@pytest.mark.parametrize("piece", ["y", "\\u001b", "\u202e"])
def test_a_string_of_megabytes_takes_little_more_memory_than_it_has(piece: str) -> None:
    body = f'{{"annotations":{{"x":"{piece * 200_000}"}}}}'.encode()
    tracemalloc.start()
    try:
        shown(body, 118)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The text itself (four bytes a character where one isn't Latin), what is read of it, and what is shown.
    assert most < 16 * len(body)

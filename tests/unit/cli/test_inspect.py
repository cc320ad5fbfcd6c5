"""What `inspect --json` makes of a manifest or a config."""

import json

import pytest

from regtui.cli.inspect import _parsed


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"size": 12, "share": 0.5}', {"size": 12, "share": 0.5}),
        (b'{"x": 1e309}', {"x": None}),
        (b'{"x": [-1e400, NaN, Infinity]}', {"x": [None, None, None]}),
        (b"1" * 5_000, None),
        ('{"x": 1}'.encode("utf-16"), None),
        (b"<html>", None),
        pytest.param(b'{"x": [' + b"[]," * 400_000 + b"0]}", None, id="many values"),
    ],
)
def test_what_it_shows_is_json_again(body: bytes, value: object) -> None:
    assert _parsed(body) == value
    json.dumps(_parsed(body), allow_nan=False)

"""`WWW-Authenticate` as it is found in the wild."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.registry.challenge import Challenge, parse_challenges

REALM = "https://auth.example.com/token?a=b,c"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Basic realm="Registry Realm"'], [("basic", {"realm": "Registry Realm"})]),
        # zot: lower case, no quotes.
        (["basic realm=zot"], [("basic", {"realm": "zot"})]),
        (["BEARER Realm=x,SERVICE=y"], [("bearer", {"realm": "x", "service": "y"})]),
        # Commas and equals signs within quotes.
        (
            [f'Bearer realm="{REALM}",service="s",scope="repository:a:pull,push registry:catalog:*"'],
            [("bearer", {"realm": REALM, "service": "s", "scope": "repository:a:pull,push registry:catalog:*"})],
        ),
        # Several in one header, and several headers.
        (
            ['Basic realm="a", Bearer realm="b", service="c"', "Negotiate"],
            [("basic", {"realm": "a"}), ("bearer", {"realm": "b", "service": "c"}), ("negotiate", {})],
        ),
        (["Negotiate, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})]),
        ([r'Basic realm="say \"hi\", please"'], [("basic", {"realm": 'say "hi", please'})]),
        (['Bearer realm = "x" , service = y'], [("bearer", {"realm": "x", "service": "y"})]),
        (['realm="nobody asked"'], []),
        ([""], []),
        ([], []),
    ],
)
def test_challenges(headers: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    assert parse_challenges(headers) == tuple(Challenge(*pair) for pair in expected)


@given(st.lists(st.text() | st.text('Bearer realm="x",=\\ ')))
def test_nonsense_is_passed_over(headers: list[str]) -> None:
    for challenge in parse_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower()
        assert challenge.get("no such parameter") == ""


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(st.characters(codec="ascii")), min_size=1))
def test_quoted_parameters_are_read_back(parameters: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = "Bearer " + ", ".join(f"{name}={quoted(value)}" for name, value in parameters.items())
    assert parse_challenges([header]) == (Challenge("bearer", parameters),)

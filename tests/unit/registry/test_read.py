"""Reads that are written out once are those that httpx would send; who looks at one sees httpx's view of it."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.registry.address import Address
from regtui.registry.direct import _written
from regtui.registry.read import Reads

HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "regtui/1"}
TIMEOUT = {"connect": 8.0, "read": 30.0, "write": 30.0, "pool": None}

addresses = st.builds(
    Address,
    st.sampled_from(["http", "https", ""]),
    st.sampled_from(["registry.example.com", "10.0.0.1", "::1"]),
    st.sampled_from([None, 80, 443, 5000]),
    st.sampled_from(["", "/registry", "/a/b-c"]),
)
paths = st.one_of(
    st.from_regex(r"/v2/[a-z0-9]+(/[a-z0-9]+){0,2}/manifests/[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True),
    st.text(st.characters(exclude_characters="?#\\", exclude_categories=["C", "Z"]), max_size=20).map("/v2/a".__add__),
)


def reads(address: Address) -> Reads:
    return Reads(address, HEADERS, TIMEOUT)


def expected(method: str, url: str, headers: dict[str, str]) -> httpx.Request:
    return httpx.Request(method, url, headers=headers)


@given(addresses, paths, st.sampled_from(["GET", "HEAD"]))
def test_what_is_sent_is_what_httpx_would_send(address: Address, path: str, method: str) -> None:
    read = reads(address).read(method, path, {}, None)
    assert _written(read) == _written(expected(method, address.url + path, HEADERS))


def test_headers_of_one_request_take_the_place_of_those_of_all() -> None:
    made = reads(Address.parse("registry.example.com"))
    read = made.read("GET", "/v2/a/manifests/b", {"accept": "application/json"}, "Bearer abc")
    assert read.headers.get_list("Accept") == ["application/json"]
    assert b"Authorization: Bearer abc\r\n" in _written(read)
    assert b"abc" not in _written(made.read("GET", "/v2/a/manifests/b", {"accept": "application/json"}, None))


def test_who_looks_at_one_sees_a_request_of_httpx() -> None:
    read = reads(Address.parse("http://localhost:5000/prefix")).read("HEAD", "/v2/a/manifests/b", {}, "Basic eDp5")
    assert (read.method, str(read.url)) == ("HEAD", "http://localhost:5000/prefix/v2/a/manifests/b")
    assert read.headers["authorization"] == "Basic eDp5"
    assert read.headers["host"] == "localhost:5000"
    assert read.extensions["timeout"] == TIMEOUT
    assert read.read() == b""


def test_what_is_done_to_one_stays_with_it() -> None:
    made = reads(Address.parse("registry.example.com"))
    made.read("GET", "/v2/", {}, None).headers["Authorization"] = "Basic eDp5"
    assert "Authorization" not in made.read("GET", "/v2/", {}, None).headers


@pytest.mark.parametrize("line_break", ["\r", "\n", "\0"])
def test_a_token_with_a_line_break_is_no_second_header(line_break: str) -> None:
    read = reads(Address.parse("registry.example.com")).read("GET", "/v2/", {}, f"Bearer a{line_break}X-Other: b")
    for _ in range(2):
        with pytest.raises(httpx.LocalProtocolError):
            _written(read)

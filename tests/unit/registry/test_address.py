"""Registries' addresses: what is one, how it is called, what it is asked at."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import USAGE, UsageError
from regtui.registry.address import Address


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("registry.example.com", "registry.example.com", "https://registry.example.com"),
        ("Registry.Example.com:5000", "registry.example.com:5000", "https://registry.example.com:5000"),
        ("http://10.0.0.1:5000/", "10.0.0.1:5000", "http://10.0.0.1:5000"),
        ("HTTPS://h", "h", "https://h"),
        ("h/reg/", "h/reg", "https://h/reg"),
        ("h/reg/v2/", "h/reg", "https://h/reg"),
        ("h/v2", "h", "https://h"),
        ("[::1]:5000", "[::1]:5000", "https://[::1]:5000"),
        ("http://[fe80::1]/a", "[fe80::1]/a", "http://[fe80::1]/a"),
        (" h \n", "h", "https://h"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("1.2.3", "1.2.3", "https://1.2.3"),
        ("my_registry", "my_registry", "https://my_registry"),
    ],
)
def test_addresses(text: str, name: str, url: str) -> None:
    address = Address.parse(text)
    assert (address.name, address.url) == (name, url)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://h",
        "h:port",
        "h:70000",
        "h:0",
        "::1",
        "[::1",
        "[nonsense]",
        "h?x=1",
        "h#x",
        "a..b",
        "-h",
        "h h",
        "h/../x",
        "h/./x",
        "h//x",
        "h/\x00",
        "h/a b",
        "h\\x",
        "xn--",
        "xn--a.example",
        "https://xn--zzzzzz99999.example:5000",
        "1.2.3.999",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Address.parse(text)
    assert caught.value.exit_code == USAGE
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("text", ["user@h", "user:secret@h", "https://user:secret@h:5000/x"])
def test_a_password_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="no user name or password") as caught:
        Address.parse(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("localhost:5000", True),
        ("demo.localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8:1", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_loopback(text: str, loopback: bool) -> None:
    assert Address.parse(text).is_loopback is loopback


def test_the_scheme_is_only_what_was_given() -> None:
    assert Address.parse("h").scheme == ""
    assert Address.parse("http://h").is_plain
    assert str(Address.parse("h:1").over("http")) == "http://h:1"


@given(
    st.text()
    | st.text("ah.:/[]%@1-_?#", max_size=20)
    | st.text("xn-.a09", max_size=20)
    | st.builds("h/{}".format, st.text(max_size=8))
    | st.builds("xn--{}".format, st.text("abz019-.", max_size=12))
    | st.builds("{}.{}.{}.{}".format, *[st.integers(0, 999)] * 4)
    | st.builds("[{}]".format, st.text("0123456789abcdef:.%v", max_size=20))
)
def test_whatever_is_taken_can_be_asked(text: str) -> None:
    try:
        address = Address.parse(text)
    except UsageError:
        return
    url = httpx.URL(address.url + "/v2/")
    assert url.path.endswith("/v2/")
    assert url.host
    assert url.raw_host.decode("ascii") == address.host
    # As the system's calls take it.
    assert address.host.encode("idna")
    assert Address.parse(str(address)) == address

"""Which proxy leads where: as Docker reads the environment."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import SettingsError
from regtui.registry.address import has_port
from regtui.registry.proxies import proxy_for

BOTH = {"HTTP_PROXY": "http://plain:3128", "HTTPS_PROXY": "secure:3129"}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://registry.example.com/v2/", "http://plain:3128"),
        ("https://registry.example.com/v2/", "http://secure:3129"),
        ("http://127.0.0.1:5000/", ""),
        ("http://127.0.0.2:5000/", ""),
        ("https://localhost:5000/", ""),
        ("https://app.localhost/", ""),
        ("https://[::1]:5000/", ""),
    ],
)
def test_by_scheme_and_never_to_this_machine(url: str, proxy: str) -> None:
    assert proxy_for(httpx.URL(url), BOTH) == proxy


def test_lower_case_wins_and_all_proxy_is_for_the_rest() -> None:
    url = httpx.URL("https://registry.example.com")
    assert proxy_for(url, {**BOTH, "https_proxy": "http://lower:1"}) == "http://lower:1"
    assert proxy_for(url, {"ALL_PROXY": "http://all:1"}) == "http://all:1"
    assert proxy_for(url, {"HTTP_PROXY": "http://plain:1"}) == ""
    assert proxy_for(url, {}) == ""


@pytest.mark.parametrize(
    ("no_proxy", "excepted"),
    [
        ("*", True),
        ("example.com", True),
        ("EXAMPLE.com", True),
        (".example.com", True),
        ("*.example.com", True),
        ("other.org, registry.example.com", True),
        ("registry.example.com:443", True),
        ("registry.example.com:5000", False),
        ("ample.com", False),
        (".registry.example.com", False),
        ("10.0.0.0/8", False),
        ("", False),
        (",,", False),
    ],
)
def test_no_proxy_of_names(no_proxy: str, excepted: bool) -> None:
    proxy = proxy_for(httpx.URL("https://registry.example.com/v2/"), {**BOTH, "NO_PROXY": no_proxy})
    assert (proxy == "") is excepted


@pytest.mark.parametrize(
    ("host", "no_proxy", "excepted"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:5000", True),
        ("10.1.2.3", "10.1.2.3:5001", False),
        ("10.1.2.3", "192.168.0.0/16", False),
        ("10.1.2.3", "2.3", False),
        ("[fd00::1]", "fd00::/8", True),
        ("[fd00::1]", "[fd00::1]:5000", True),
        ("[fd00::1]", "fd00::1", True),
        ("[fd00::1]", "10.0.0.0/8", False),
    ],
)
def test_no_proxy_of_addresses(host: str, no_proxy: str, excepted: bool) -> None:
    proxy = proxy_for(httpx.URL(f"http://{host}:5000/v2/"), {**BOTH, "no_proxy": no_proxy})
    assert (proxy == "") is excepted


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://user:s3cret@host:1080",
        "http://user:s3cret@host:none",
        "http://user:s3cret@host:99999",
        "http://",
        "http://xn--",
        "xn--a:3128",
        "http://\udcff:3128",
        "http://a..b:3128",
        f"http://{'a' * 64}:3128",
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_by_its_variable_and_without_its_password(
    proxy: str, variable: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        proxy_for(httpx.URL("https://registry.example.com"), {variable: proxy})
    assert caught.value.message == f"The proxy that {variable} names can't be used."
    assert "s3cret" not in str(caught.value)


@given(
    st.text()
    | st.builds("http://{}".format, st.text())
    | st.builds("http://xn--{}".format, st.text("abz019-.:", max_size=12))
    | st.builds("https://{}@h:{}".format, st.text(), st.integers()),
    st.text() | st.builds("registry.example.com:{}".format, st.text("0123456789", max_size=6_000)),
)
def test_whatever_is_taken_for_a_proxy_can_be_used(proxy: str, no_proxy: str) -> None:
    environment = {"HTTPS_PROXY": proxy, "NO_PROXY": no_proxy}
    try:
        made = proxy_for(httpx.URL("https://registry.example.com"), environment)
    except SettingsError:
        return
    if made:
        url = httpx.Proxy(made).url
        assert url.host
        assert url.host.encode("idna")
        assert has_port(url.port)

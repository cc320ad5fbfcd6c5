"""What is an SSH destination."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import UsageError
from regtui.ssh.destination import Destination

HOST = Destination("host", "ci", 2222)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", Destination("host")),
        ("ci@registry.example.com", Destination("registry.example.com", "ci")),
        ("ci@host:2222", HOST),
        ("ssh://ci@host:2222/", HOST),
        ("john@corp.com@jump", Destination("jump", "john@corp.com")),
        ("ci@[fe80::1%eth0]:22", Destination("fe80::1%eth0", "ci", 22)),
        ("ci@[::1]", Destination("::1", "ci")),
    ],
)
def test_a_destination_is_what_ssh_takes(text: str, expected: Destination) -> None:
    assert Destination.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "@host", "ci@", "-oProxyCommand=x", "-x@host", "ci@-host", "host:0", "host:70000", "host:ssh"),
        *(
            "a b",
            "host;id",
            "$(id)",
            "`id`@host",
            "host\nProxyCommand x",
            "ci@host/path",
            "%h",
            "[host]",
            "http://host",
        ),
    ],
)
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no SSH destination"):
        Destination.parse(text)


@given(st.text(max_size=30))
def test_nothing_that_is_taken_looks_like_an_option_or_shell(text: str) -> None:
    try:
        destination = Destination.parse(text)
    except UsageError:
        return
    for part in (destination.argument, destination.host):
        assert not part.startswith("-")
        assert not set(part) & set(" \t\n;|&$`'\"<>(){}*?!")

"""Which addresses are the same registry, and which are not."""

import pytest

from regtui.registry.address import Address
from regtui.registry.identity import RegistryId
from regtui.ssh.destination import Destination


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("registry.example.com", "registry.example.com"),
        ("https://registry.example.com", "registry.example.com"),
        ("http://registry.example.com", "registry.example.com"),
        ("HTTPS://Registry.Example.COM", "registry.example.com"),
        ("registry.example.com.", "registry.example.com"),
        ("registry.example.com/", "registry.example.com"),
        ("registry.example.com/v2/", "registry.example.com"),
        ("https://registry.example.com:443", "registry.example.com"),
        ("http://registry.example.com:80", "registry.example.com"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("http://registry.example.com:05000/", "registry.example.com:5000"),
        ("registry.example.com/team/", "registry.example.com/team"),
        ("registry.example.com/Team", "registry.example.com/Team"),
        ("localhost", "localhost"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("http://[::1]:5000", "[::1]:5000"),
        ("http://[0:0:0:0:0:0:0:1]:5000", "[::1]:5000"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
    ],
)
def test_an_address_is_the_same_registry_however_it_is_written(written: str, canonical: str) -> None:
    registry = RegistryId.parse(written)
    assert registry == RegistryId(canonical)
    assert str(registry) == canonical
    # What is shown and remembered is understood again.
    assert RegistryId.parse(str(registry)) == registry
    assert RegistryId.parse(registry.spoken) == registry


@pytest.mark.parametrize(
    "other",
    [
        RegistryId.parse("127.0.0.1:5001"),
        RegistryId.parse("localhost:5000"),
        RegistryId.parse("127.0.0.1:5000/team"),
        RegistryId.parse("127.0.0.1:5000", "admin@a.example.com"),
        RegistryId.parse("127.0.0.1:5000", "admin@b.example.com"),
        RegistryId.parse("127.0.0.1:5000", "a.example.com"),
        RegistryId.parse("127.0.0.1:5000", "admin@a.example.com:2222"),
    ],
)
def test_what_differs_in_port_prefix_or_way_is_another_registry(other: RegistryId) -> None:
    here = RegistryId.parse("http://127.0.0.1:5000")
    assert here != other
    assert len({here, other, RegistryId.parse("127.0.0.1:5000/")}) == 2


def test_the_host_that_it_is_reached_from_is_part_of_it() -> None:
    registry = RegistryId.of(
        Address.parse("http://127.0.0.1:5000"), Destination.parse("ssh://admin@Bastion.example.com")
    )
    assert registry == RegistryId("127.0.0.1:5000", "admin@bastion.example.com")
    assert str(registry) == "127.0.0.1:5000 via admin@bastion.example.com"
    assert registry.in_full == "http://127.0.0.1:5000 via admin@bastion.example.com"

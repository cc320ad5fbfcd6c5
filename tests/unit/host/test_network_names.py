"""Where an address of a container's config leads: never to what only the host takes it for."""

import json
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.host.containers import read_containers
from regtui.host.network_names import means_another, reach

OURS: dict[str, Any] = {
    "Id": "a1",
    "Name": "/registry",
    "Config": {"Hostname": "cache"},
    "HostConfig": {"NetworkMode": "app", "ExtraHosts": ["Added:10.0.0.9", "gate:host-gateway", "six=[fd00::9]"]},
    "NetworkSettings": {"Networks": {"app": {"IPAddress": "10.1.0.2"}, "bridge": {"IPAddress": "10.0.1.1"}}},
    "Mounts": [{"Source": "/srv", "Destination": "/var/lib/registry"}],
}


def other(name: str, address: str, *aliases: str, network: str = "app") -> dict[str, Any]:
    settings = {"IPAddress": address, "Aliases": list(aliases)}
    return {"Id": name, "Name": f"/{name}", "NetworkSettings": {"Networks": {network: settings}}}


BESIDE = (
    other("redis", "10.1.0.3"),
    other("one", "10.1.0.4", "twice", "cache", "added", "localhost"),
    other("two", "10.1.0.5", "twice"),
    other("plain", "10.0.1.7", network="bridge"),
    other("elsewhere", "10.2.0.7", network="else"),
    other("stopped", ""),
)


def led_to(name: str, ours: dict[str, Any] = OURS) -> tuple[str, str]:
    text = json.dumps([*BESIDE, ours])
    (container,) = (found for found in read_containers(text) if found.id == "a1")
    found = reach(name, container, text)
    assert bool(found.address) != bool(found.why_not)
    return found.address, found.why_not


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("redis", "10.1.0.3"),
        ("Redis", "10.1.0.3"),
        ("added", "10.0.0.9"),
        ("six", "fd00::9"),
        ("10.3.0.1", "10.3.0.1"),
        ("::ffff:10.3.0.1", "10.3.0.1"),
        ("fd00::1", "fd00::1"),
    ],
)
def test_what_the_container_reaches_there_the_host_does_too(name: str, address: str) -> None:
    assert led_to(name) == (address, "")


LOOPBACK = (
    *("localhost", "LOCALHOST.", "a.localhost", "ip6-localhost", "ip6-loopback"),
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "::", "::1", "0:0::1", "::ffff:7f00:1", "::FFFF:127.0.0.1"),
)


@pytest.mark.parametrize("name", LOOPBACK)
def test_the_containers_own_loopback(name: str) -> None:
    assert led_to(name) == ("", "it is at the container's own loopback")


@pytest.mark.parametrize(
    "name",
    [
        *("twice", "cache", "gate", "plain", "elsewhere", "stopped", "redis.example.com"),
        # As a C library's resolver would have them, addresses as well.
        *("127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.000.000.001", "fe80::1%eth0", "::1%lo", "169.254.0.1"),
    ],
)
def test_what_cannot_be_told_is_not_guessed(name: str) -> None:
    assert led_to(name)[0] == ""


@pytest.mark.parametrize("place", ["/etc/hosts", "/etc", "/etc/resolv.conf"])
def test_where_names_come_from_a_mount_nobody_else_knows_them(place: str) -> None:
    mounted = {**OURS, "Mounts": [{"Source": "/srv/names", "Destination": place}]}
    assert led_to("redis", mounted)[0] == ""
    assert led_to("10.3.0.1", mounted) == ("10.3.0.1", "")


@pytest.mark.parametrize("name", ["redis", "10.3.0.1", "127.0.0.1"])
def test_a_container_without_a_network_reaches_nothing(name: str) -> None:
    alone = {**OURS, "HostConfig": {"NetworkMode": "none"}}
    assert led_to(name, alone) == ("", "the container has no network of its own, and reaches none")


ON_HOST: dict[str, Any] = {
    "Id": "a1",
    "Name": "/registry",
    "Config": {"Hostname": "prod"},
    "HostConfig": {"NetworkMode": "host", "Dns": []},
    "HostsPath": "/var/lib/docker/hosts",
    "ResolvConfPath": "/var/lib/docker/resolv.conf",
}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, True),
        ({"HostConfig": {"NetworkMode": "host", "ExtraHosts": ["redis:10.9.9.9"]}}, False),
        ({"HostConfig": {"NetworkMode": "host", "Dns": ["10.9.9.9"]}}, False),
        ({"HostConfig": {"NetworkMode": "host", "DnsSearch": ["b.example"]}}, False),
        ({"Mounts": [{"Source": "/srv/hosts", "Destination": "/etc/hosts"}]}, False),
        ({"HostsPath": ""}, False),
        ({"Config": {"Hostname": "redis"}}, False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_on_the_hosts_network_a_name_is_the_hosts_where_both_have_the_same_names(
    changes: dict[str, Any], names: bool
) -> None:
    """An address is the host's in any case."""
    ours = {**ON_HOST, **changes}
    assert led_to("redis", ours)[0] == ("redis" if names else "")
    assert led_to("127.0.0.1", ours) == ("127.0.0.1", "")


@pytest.mark.parametrize("option", [{"Dns": ["10.9.9.9"]}, {"DnsOptions": ["ndots:1"]}, {"Links": ["/a:/b/redis"]}])
def test_what_resolves_names_for_the_container_alone_isnt_there_beside_it(option: dict[str, Any]) -> None:
    text = json.dumps([*BESIDE, {**OURS, "HostConfig": {**OURS["HostConfig"], **option}}])
    (container,) = (found for found in read_containers(text) if found.id == "a1")
    assert means_another("redis", container, text)


@given(st.ip_addresses())
def test_any_address_is_itself_or_refused(address: object) -> None:
    found, _ = led_to(str(address))
    assert not found or not ip_address(found).is_loopback


@pytest.mark.parametrize(
    ("name", "is_another"), [("redis", False), ("10.3.0.1", False), ("cache", True), ("ADDED", True), ("gate", True)]
)
def test_a_name_of_the_container_alone_is_not_asked_from_beside_it(name: str, is_another: bool) -> None:
    text = json.dumps([*BESIDE, OURS])
    (container,) = (found for found in read_containers(text) if found.id == "a1")
    assert means_another(name, container, text) == is_another
    assert means_another(name, container, "") == (name != "10.3.0.1")

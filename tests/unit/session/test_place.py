"""Where a registry ends and a repository begins."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from regtui.oci.reference import Reference
from regtui.registry.address import Address
from regtui.registry.settings import HttpSettings
from regtui.session.opening import is_registry
from regtui.session.place import Place, place_of
from regtui.session.resolving import split_reference
from regtui.session.target import demo_target
from regtui.settings.config import Config, Profile

CONFIG = Config(
    Path("/nowhere"),
    profiles={
        name: Profile(name, Address.parse(address))
        for name, address in {
            "prod": "https://registry.example.com",
            "reg": "https://apps.example.com/reg",
            "deep": "https://apps.example.com/reg/deep",
            "plain": "http://10.0.0.1:5000/reg",
        }.items()
    },
)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("prod", Place("prod")),
        ("registry.example.com", Place("registry.example.com")),
        ("http://localhost:5000", Place("http://localhost:5000")),
        ("prod/team/app:1.4.2", Place("prod", "team/app", "1.4.2")),
        ("prod/team/app", Place("prod", "team/app")),
        ("other.example.com/team/app:1.0", Place("other.example.com", "team/app", "1.0")),
        ("other.example.com/team/app", Place("other.example.com", "team/app", "", False)),
        ("http://localhost:5000/team/app:1.0", Place("http://localhost:5000", "team/app", "1.0")),
        # A profile has it as its address, prefix included.
        ("apps.example.com/reg", Place("apps.example.com/reg")),
        ("https://apps.example.com/reg/", Place("https://apps.example.com/reg/")),
        ("apps.example.com/reg/team/app", Place("reg", "team/app")),
        ("https://apps.example.com/reg/deep/team/app:2", Place("deep", "team/app", "2")),
        # For the address to complain about.
        ("other.example.com/UPPER", Place("other.example.com/UPPER")),
        ("team/app", Place("team/app")),
    ],
)
def test_places(text: str, place: Place) -> None:
    assert place_of(text, CONFIG) == place


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("apps.example.com/reg/app:1", Reference("reg", "app", "1")),
        ("apps.example.com/register/app:1", Reference("apps.example.com", "register/app", "1")),
        ("http://10.0.0.1:5000/reg/a/b", Reference("plain", "a/b")),
        # Another scheme is another way.
        ("https://10.0.0.1:5000/reg/a/b", Reference("https://10.0.0.1:5000", "reg/a/b")),
    ],
)
def test_a_reference_may_begin_with_a_profile_s_address(text: str, reference: Reference) -> None:
    assert split_reference(text, CONFIG) == reference


def test_with_the_registry_apart_all_of_it_is_the_name() -> None:
    found = split_reference("apps.example.com/reg/app:1", CONFIG, by_prefix=False)
    assert found == Reference("apps.example.com", "reg/app", "1")


@pytest.mark.parametrize(("status", "expected"), [(200, True), (401, True), (404, False), (403, False), (500, True)])
async def test_a_prefix_is_one_where_a_registry_answers(status: int, expected: bool) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json={}))
    target = replace(
        demo_target(), address=Address.parse("http://localhost/team/app"), http=HttpSettings(transport=transport)
    )
    assert await is_registry(target) is (expected if status != 500 else False)

"""Where a registry ends and a repository begins."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from regtui.errors import UsageError
from regtui.oci.reference import Reference
from regtui.registry.address import Address
from regtui.registry.settings import HttpSettings
from regtui.session.opening import is_registry
from regtui.session.place import Place, check_registry, is_registry_alone, place_of, prefix_hint
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


DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("prod", Place("prod")),
        ("registry.example.com", Place("registry.example.com")),
        ("http://localhost:5000", Place("http://localhost:5000")),
        ("prod/team/app:1.4.2", Place("prod", "team/app", "1.4.2")),
        ("prod/team/app", Place("prod", "team/app")),
        (f"prod/team/app@{DIGEST}", Place("prod", "team/app", DIGEST)),
        (f"other.example.com/team/app:1@{DIGEST}", Place("other.example.com", "team/app", "1")),
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
    ("text", "says"),
    [
        ("prod/team/app", "prod/team/app is a repository, not a registry. Its registry is prod."),
        ("prod/team/app:1", "prod/team/app:1 is an image, not a registry."),
        (f"apps.example.com/reg/app@{DIGEST}", "Its registry is reg. To see it: regtui inspect apps.example.com/reg/"),
        ("other.example.com/team/app:1", "Its registry is other.example.com."),
    ],
)
def test_what_is_at_a_registry_is_no_registry(text: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_registry(text, CONFIG)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    "text",
    ["prod", "demo", "registry.example.com", "apps.example.com/reg", "other.example.com/team/app", "localhost:5000"],
)
def test_a_registry_is_one_and_so_is_what_may_be(text: str) -> None:
    check_registry(text, CONFIG)


@pytest.mark.parametrize(
    ("text", "certain", "possible"),
    [
        ("registry.example.com:5000", True, True),
        ("localhost:5000/", True, True),
        ("http://anything", True, True),
        ("[::1]:5000", True, True),
        ("apps.example.com/reg", True, True),
        ("https://apps.example.com/reg/", True, True),
        # A repository may be called so, too.
        ("prod", False, True),
        ("demo", False, True),
        ("registry.example.com", False, True),
        ("app", False, False),
        ("app:5000", False, False),
        ("team/app", False, False),
        ("prod/team/app", False, False),
        ("other.example.com/team/app", False, False),
        ("apps.example.com/register", False, False),
    ],
)
def test_a_registry_alone(text: str, certain: bool, possible: bool) -> None:
    assert is_registry_alone(text, CONFIG, is_certain=True) is certain
    assert is_registry_alone(text, CONFIG, is_certain=False) is possible


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("h.example.com/reg/team/app:1", "-r h.example.com/reg team/app:1"),
        ("http://h.example.com/reg/app", "-r http://h.example.com/reg app"),
        ("h.example.com/reg", "-r h.example.com/reg NAME"),
        (f"h.example.com/reg/app@{DIGEST}", f"-r h.example.com/reg app@{DIGEST}"),
    ],
)
def test_a_path_may_be_that_of_the_registry(text: str, options: str) -> None:
    place = place_of(text, CONFIG)
    hint = f"If reg is the path below which it is served: {options}"
    assert prefix_hint(place.registry, place.repository, place.identifier) == hint
    target = replace(demo_target(), address=Address.parse("h.example.com"), name="h.example.com")
    assert place.on(target).prefix_hint == hint
    # A profile tells what is whose.
    assert place.on(replace(target, name="prod")).prefix_hint == ""


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

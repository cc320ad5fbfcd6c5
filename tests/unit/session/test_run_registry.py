"""From a run to the profile that leads to its registry, and to the command that takes it back as it is printed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regtui.deletion.entry import Belonging, Entry, Kind
from regtui.errors import UsageError
from regtui.registry.address import Address
from regtui.registry.identity import RegistryId
from regtui.session.resolving import Options, resolve_target
from regtui.session.run_registry import registry_of
from regtui.settings.config import Config, Profile
from regtui.settings.credentials import Credentials
from regtui.settings.paths import config_file
from regtui.ssh.destination import Destination

RUN = "20261124T101112Z-host-0123abcd"
PROD = Profile("prod", Address.parse("https://registry.example.com"))
STAGING = Profile("staging", Address.parse("http://127.0.0.1:5000"), via=Destination.parse("admin@staging.example.com"))
LIVE = Profile("live", Address.parse("http://127.0.0.1:5000"), via=Destination.parse("admin@live.example.com"))
HERE = Profile("here", Address.parse("http://127.0.0.1:5000"))


def config(*profiles: Profile, path: Path | None = None) -> Config:
    return Config(path or config_file(), default="prod", profiles={p.name: p for p in (PROD, *profiles)})


def run_of(registry: RegistryId, *, knows_via: bool = True) -> Entry:
    return Entry(RUN, Kind.DELETION, datetime.now(UTC), registry, knows_via=knows_via)


@pytest.mark.parametrize(
    ("profiles", "made_at", "name"),
    [
        ((STAGING, LIVE), STAGING, "staging"),
        ((STAGING, LIVE), LIVE, "live"),
        ((STAGING, LIVE, HERE), HERE, "here"),
        ((STAGING, LIVE, HERE), PROD, "prod"),
        # As it was written then.
        ((), Profile("", Address.parse("http://REGISTRY.example.com:80/")), "prod"),
        # No profile: by what the run says.
        ((STAGING, LIVE), HERE, "127.0.0.1:5000"),
        ((STAGING,), LIVE, "127.0.0.1:5000 via admin@live.example.com"),
    ],
)
def test_the_profile_of_the_run_is_taken_whatever_the_default_is(
    profiles: tuple[Profile, ...], made_at: Profile, name: str
) -> None:
    found = registry_of(run_of(made_at.identity), config(*profiles))
    assert found.profile.name == name
    assert found.profile.identity == made_at.identity
    assert bool(found.note) == (name not in ("prod", *(profile.name for profile in profiles)))


def test_several_profiles_of_one_registry_are_named() -> None:
    other = replace(STAGING, name="again", username="root")
    with pytest.raises(UsageError) as caught:
        registry_of(run_of(STAGING.identity), config(STAGING, other))
    assert "staging, again" in caught.value.message
    assert f"regtui undo {RUN} -r staging" in caught.value.remedy


@pytest.mark.parametrize(
    ("profiles", "name", "belongs"),
    [
        ((HERE, STAGING), "here", Belonging.HERE),
        ((STAGING,), "staging", Belonging.UNKNOWN),
        ((), "127.0.0.1:5000", Belonging.HERE),
    ],
)
def test_a_run_of_an_earlier_version_is_of_the_registry_without_via_or_it_is_asked(
    profiles: tuple[Profile, ...], name: str, belongs: Belonging
) -> None:
    entry = run_of(RegistryId.parse("http://127.0.0.1:5000"), knows_via=False)
    profile = registry_of(entry, config(*profiles)).profile
    assert profile.name == name
    assert entry.belongs_to(profile.identity) is belongs
    assert entry.made_at(profile.identity).belongs_to(profile.identity) is Belonging.HERE


def test_a_run_of_an_earlier_version_that_may_be_of_several() -> None:
    entry = run_of(RegistryId.parse("http://127.0.0.1:5000"), knows_via=False)
    with pytest.raises(UsageError, match="staging, live"):
        registry_of(entry, config(STAGING, LIVE))


AGAIN = replace(STAGING, name="again", username="root")


@pytest.mark.parametrize(
    ("profiles", "registry", "options", "expected"),
    [
        ((STAGING,), "staging", Options(), f"regtui undo {RUN}"),
        ((STAGING, AGAIN), "again", Options(), f"regtui undo {RUN} -r again"),
        ((), "http://other.example.com", Options(), f"regtui undo {RUN}"),
        ((), "other.example.com", Options(plain_http=True), f"regtui undo {RUN} --plain-http"),
        # Another way to a registry that has a profile.
        ((), "http://registry.example.com", Options(), f"regtui undo {RUN} -r http://registry.example.com"),
        (
            (),
            "prod",
            Options(username="ci", ca_file=Path("/my ca.pem"), insecure=True),
            f"regtui undo {RUN} -u ci --ca-file '/my ca.pem' --insecure",
        ),
    ],
)
def test_the_command_that_is_printed_opens_the_same_registry(
    profiles: tuple[Profile, ...], registry: str, options: Options, expected: str
) -> None:
    target = resolve_target(registry, config(*profiles), Credentials({}), options, {})
    assert target.undo_command(RUN) == expected
    if "-r" not in expected:
        assert registry_of(run_of(target.identity), config(*profiles)).profile.identity == target.identity


def test_another_config_file_is_named_in_the_command() -> None:
    target = resolve_target("prod", config(path=Path("/other.toml")), Credentials({}), environment={})
    assert target.undo_command(RUN, "--finish") == f"regtui undo {RUN} --config /other.toml --finish"

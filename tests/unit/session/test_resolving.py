"""Which registry is meant, by which name, with whose credential."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from regtui.errors import UsageError
from regtui.registry.address import Address
from regtui.registry.tls import TlsSettings
from regtui.registry.values import Credential
from regtui.session.resolving import Options, profile_for, resolve_target, split_reference, target_for
from regtui.settings.config import Config, Profile
from regtui.settings.credentials import Credentials, FoundLogin, LoginSource
from regtui.settings.logout import log_out
from regtui.ssh.destination import Destination
from tests.support.patience import PATIENCE

PROD = Profile("prod", Address.parse("https://registry.example.com"), "ci", TlsSettings(Path("/ca.pem")), timeout=5.0)
LAB = Profile("lab", Address.parse("lab.example.com:5000"), read_only=True, protect=("v*",))
PLAIN = Profile("plain", Address.parse("http://10.0.0.1:5000"))
CONFIG = Config(Path("config.toml"), default="prod", protect=("v*",), profiles={p.name: p for p in (PROD, LAB, PLAIN)})
NOTHING = Config(Path("config.toml"))


@pytest.fixture
def credentials() -> Credentials:
    """What was typed in this session, and no keyring."""
    known = Credentials({}, keyring_timeout=PATIENCE)
    known.use_for_session("registry.example.com", Credential("ci", "x"))
    return known


@pytest.mark.parametrize(
    ("registry", "environment", "expected"),
    [
        ("lab", {"REGTUI_REGISTRY": "plain"}, LAB),
        (None, {"REGTUI_REGISTRY": "plain"}, PLAIN),
        (None, {}, PROD),
        (None, {"REGTUI_REGISTRY": ""}, PROD),
        # By its address it is the same registry, with the same certificates.
        ("registry.example.com", {}, PROD),
        ("https://registry.example.com", {}, PROD),
        ("lab.example.com:5000", {}, LAB),
        ("https://lab.example.com:5000", {}, LAB),
        ("10.0.0.1:5000", {}, PLAIN),
        ("http://10.0.0.1:5000", {}, PLAIN),
    ],
)
def test_profiles(registry: str | None, environment: dict[str, str], expected: Profile) -> None:
    assert profile_for(registry, CONFIG, environment) == expected


@pytest.mark.parametrize(
    "address", ["http://registry.example.com", "https://10.0.0.1:5000", "registry.example.com:5000", "lab.example.com"]
)
def test_another_scheme_or_port_is_another_registry(address: str) -> None:
    profile = profile_for(address, CONFIG, {})
    assert (profile.address, profile.username, profile.tls) == (Address.parse(address), "", TlsSettings())
    assert profile.protect == CONFIG.protect


def test_what_is_behind_a_host_is_another_registry_than_what_has_its_address_here(credentials: Credentials) -> None:
    address, hosts = Address.parse("http://127.0.0.1:5000"), ("a.example.com", "b.example.com")
    profiles = {host: Profile(host, address, via=Destination(host)) for host in hosts}
    config = Config(Path("config.toml"), profiles=profiles)
    assert profile_for("127.0.0.1:5000", config, {}).via is None
    for user, name in (("a", "a.example.com"), ("b", "b.example.com"), ("here", "127.0.0.1:5000")):
        credentials.use_for_session(profile_for(name, config, {}).login_name, Credential(user, "x"))
    for user, name in (("a", "a.example.com"), ("b", "b.example.com"), ("here", "127.0.0.1:5000")):
        lookup = resolve_target(name, config, credentials, environment={}).lookup
        assert lookup is not None
        assert lookup.find().credential == Credential(user, "x")


@pytest.mark.parametrize("kept_as", ["registry.example.com:443", "registry.example.com"])
@pytest.mark.parametrize("written", ["https://registry.example.com:443", "https://Registry.example.com:443/"])
def test_a_login_is_found_however_the_address_was_written_when_it_was_kept(
    credentials: Credentials, kept_as: str, written: str
) -> None:
    known = Credentials({}, keyring_timeout=PATIENCE)
    known.use_for_session(kept_as, Credential("ci", "x"))
    lookup = resolve_target(written, NOTHING, known, environment={}).lookup
    assert lookup is not None
    assert lookup.find().credential == Credential("ci", "x")
    log_out(known, profile_for(written, NOTHING, {}).login_names)
    assert known.find(kept_as).credential is None


def test_what_one_profile_of_a_registry_protects_another_does_not_give_away(credentials: Credentials) -> None:
    ci = Profile("ci", LAB.address, username="ci", protect=("nightly",))
    config = replace(NOTHING, profiles={profile.name: profile for profile in (LAB, ci, PLAIN)})
    for name in ("lab", "ci", "lab.example.com:5000", "http://lab.example.com:5000"):
        target = resolve_target(name, config, credentials, environment={})
        assert set(target.protect) == {"v*", "nightly"}, name
    assert resolve_target("plain", config, credentials, environment={}).protect == ()


def test_no_registry_at_all() -> None:
    with pytest.raises(UsageError, match="No registry is named"):
        profile_for(None, NOTHING, {})


def test_options_lie_over_the_profile(credentials: Credentials) -> None:
    options = Options(insecure=True, timeout=9.0, client_cert=Path("/c.pem"), read_only=True)
    target = resolve_target("prod", CONFIG, credentials, options, {})
    assert target.http.tls == TlsSettings(Path("/ca.pem"), Path("/c.pem"), None, insecure=True)
    assert (target.http.timeout, target.read_only, target.name) == (9.0, True, "prod")
    assert target_for(PROD, None).http.timeout == 5.0
    assert target_for(LAB, None).http.timeout == 30.0
    assert target_for(LAB, None).read_only
    assert target_for(LAB, None, Options(plain_http=True)).address.is_plain


def test_credentials(credentials: Credentials) -> None:
    def found(options: Options | None = None) -> FoundLogin:
        target = resolve_target("prod", CONFIG, credentials, options, {})
        assert target.lookup is not None
        assert (target.credential, target.lookup.found) == (None, None), "nobody wanted it so far"
        return target.lookup.find()

    assert found() == FoundLogin(Credential("ci", "x"), LoginSource.SESSION)
    assert found(Options(password="y")) == FoundLogin(
        Credential("ci", "y"), LoginSource.GIVEN, "the profile and --password-stdin"
    )
    assert found(Options(username="bob")) == FoundLogin(None, LoginSource.NONE)
    with pytest.raises(UsageError, match="without a user name"):
        resolve_target("lab", CONFIG, credentials, Options(password="y"), {})


@pytest.mark.parametrize(
    ("registry", "environment", "config"),
    [
        ("demo", {}, NOTHING),
        (None, {"REGTUI_REGISTRY": "demo"}, NOTHING),
        (None, {}, Config(Path("config.toml"), default="demo")),
    ],
)
def test_the_demo_registry(
    registry: str | None, environment: dict[str, str], config: Config, credentials: Credentials
) -> None:
    target = resolve_target(registry, config, credentials, Options(read_only=True), environment)
    assert (target.name, target.ephemeral, target.read_only) == ("demo", True, True)


def test_a_profile_called_demo_is_that_profile(credentials: Credentials) -> None:
    config = Config(Path("config.toml"), profiles={"demo": Profile("demo", Address.parse("demo.example.com"))})
    assert not resolve_target("demo", config, credentials, environment={}).ephemeral


def test_references() -> None:
    assert split_reference("prod/team/app:x", CONFIG).registry == "prod"
    assert split_reference("team/app:x", CONFIG).registry is None
    with pytest.raises(UsageError) as caught:
        split_reference("Team/app", CONFIG)
    assert str(caught.value) == (
        "A repository's name has no capitals: 'Team/app'. Expected [REGISTRY/]NAME[:TAG|@DIGEST]."
    )


VARIABLES = {"REGTUI_USERNAME": "var", "REGTUI_PASSWORD": "x"}
NOBODY = {"REGTUI_PASSWORD": "x"}


@pytest.mark.parametrize(
    ("options", "environment", "registry", "words"),
    [
        # The profile prod names ci, lab nobody. In the file there is another one, and in the session ci.
        (Options(username="opt", password="y"), {}, "lab", "opt, from -u and --password-stdin"),
        (Options(username="opt", password="y"), VARIABLES, "prod", "opt, from -u and --password-stdin"),
        (Options(password="y"), VARIABLES, "prod", "var, from REGTUI_USERNAME and --password-stdin"),
        (Options(password="y"), {"REGTUI_USERNAME": "var"}, "lab", "var, from REGTUI_USERNAME and --password-stdin"),
        (Options(password="y"), NOBODY, "prod", "ci, from the profile and --password-stdin"),
        (Options(), VARIABLES, "prod", "var, from REGTUI_USERNAME and REGTUI_PASSWORD"),
        (Options(username="var"), VARIABLES, "prod", "var, from -u and REGTUI_PASSWORD"),
        (Options(username="opt"), NOBODY, "prod", "opt, from -u and REGTUI_PASSWORD"),
        # Nobody's, or another's: it is passed over.
        (Options(), NOBODY, "prod", "ci, typed in this session"),
        (Options(username="ci"), VARIABLES, "prod", "ci, typed in this session"),
        (Options(username="filed"), VARIABLES, "lab", "filed, from DOCKER_AUTH_CONFIG"),
        (Options(username="filed"), {}, "lab", "filed, from DOCKER_AUTH_CONFIG"),
        (Options(), {"REGTUI_USERNAME": "var"}, "lab", "filed, from DOCKER_AUTH_CONFIG"),
    ],
)
def test_each_source_is_named_truly(options: Options, environment: dict[str, str], registry: str, words: str) -> None:
    auths = {LAB.address.name: {"username": "filed", "password": "z"}}
    found_in_file = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": auths})}
    credentials = Credentials({**environment, **found_in_file}, keyring_timeout=PATIENCE)
    for name in PROD.login_names:
        credentials.use_for_session(name, Credential("ci", "x"))
    lookup = resolve_target(registry, CONFIG, credentials, replace(options, environment_login=True), {}).lookup
    assert lookup is not None
    assert lookup.find().words == words


def test_a_password_that_goes_unused_is_told_with_its_reason() -> None:
    assert "neither REGTUI_USERNAME nor -u says" in Credentials(NOBODY).unused_password()
    other = "REGTUI_PASSWORD is that of var, as REGTUI_USERNAME says, and -u names opt: it isn't used."
    assert Credentials(VARIABLES).unused_password("opt") == other
    for credentials, username in ((Credentials(VARIABLES), ""), (Credentials(NOBODY), "opt"), (Credentials({}), "opt")):
        assert credentials.unused_password(username) == ""


def test_the_way_out_names_what_was_given() -> None:
    def correction(environment: dict[str, str], username: str) -> str:
        found = Credentials(environment).of_environment(username)
        assert found is not None
        return found.correction

    assert "REGTUI_USERNAME" not in correction(NOBODY, "opt")
    assert correction(NOBODY, "opt").startswith("Correct REGTUI_PASSWORD, or unset it")
    assert correction(VARIABLES, "").startswith("Correct REGTUI_USERNAME and REGTUI_PASSWORD")


def test_who_logs_out_hears_of_the_password_in_the_environment() -> None:
    environment = {"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": "a-secret-of-ci"}
    said = log_out(Credentials(environment, keyring_timeout=PATIENCE), ["registry.example.com"])
    assert "REGTUI_USERNAME and REGTUI_PASSWORD are still set" in said[-1]
    assert "a-secret-of-ci" not in "".join(said)

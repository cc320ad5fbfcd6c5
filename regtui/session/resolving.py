"""Which registry is meant, and how it is opened: from a name, the config file, the options and the credentials.

REGISTRY is a profile's name or an address; REPOSITORY and REFERENCE may begin with one (docs/interface.md).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from regtui.errors import UsageError
from regtui.host.profile import HostSettings
from regtui.oci.reference import InvalidReference, Reference
from regtui.registry.address import Address
from regtui.registry.identity import RegistryId
from regtui.registry.settings import HttpSettings
from regtui.registry.tls import TlsSettings
from regtui.registry.values import Credential
from regtui.session.target import Target, demo_target
from regtui.settings.config import Config, Profile
from regtui.settings.credentials import Credentials, FoundLogin, LoginSource, Lookup
from regtui.settings.paths import config_file


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about reaching a registry. Empty means: as the profile has it."""

    username: str = ""
    password: str | None = field(default=None, repr=False)
    environment_login: bool = False
    """Whether REGTUI_USERNAME and REGTUI_PASSWORD are for this registry: the one that the command is about."""
    plain_http: bool = False
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    insecure: bool = False
    insecure_hosts: tuple[str, ...] = ()
    timeout: float | None = None
    read_only: bool = False
    no_cache: bool = False

    @property
    def of_the_run(self) -> "Options":
        """What holds for whichever registry is opened later; the rest was said of the one that was named."""
        return Options(timeout=self.timeout, read_only=self.read_only, no_cache=self.no_cache)


def split_reference(text: str, config: Config, *, by_prefix: bool = True) -> Reference:
    """REFERENCE or REPOSITORY with an optional registry before it. `by_prefix`: that may be a profile's address with a
    path. Raises UsageError."""
    if by_prefix:
        text = _with_profile(text, config)
    try:
        return Reference.parse(text, frozenset(config.profiles))
    except InvalidReference as error:
        reason = str(error)
        raise UsageError(f"{reason[0].upper()}{reason[1:]}.", "Expected [REGISTRY/]NAME[:TAG|@DIGEST].") from None


def _with_profile(text: str, config: Config) -> str:
    """`HOST/PREFIX/NAME` as `PROFILE/NAME`, where a profile has that address: nothing else tells where it ends."""
    fitting = [
        (len(base), f"{name}/{text[len(base) + 1 :]}")
        for name, profile in config.profiles.items()
        if profile.address.prefix
        for base in (profile.address.name, str(profile.address), profile.address.url)
        if text.startswith(f"{base}/")
    ]
    return max(fitting)[1] if fitting else text


def profile_for(registry: str | None, config: Config, environment: Mapping[str, str] | None = None) -> Profile:
    """The profile meant by `registry`; an address becomes a profile of its own. Without one: $REGTUI_REGISTRY,
    then the config's default. Raises UsageError where there is none at all."""
    name = _named(registry, config, environment)
    if not name:
        raise UsageError(
            "No registry is named.",
            "Name one (regtui ls HOST[:PORT]), set REGTUI_REGISTRY, or set default in the config file.",
        )
    if profile := config.profiles.get(name):
        return profile
    address = Address.parse(name)
    for known in config.profiles.values():
        # The same registry, called by its address: what its profile says about it still holds.
        if known.identity == RegistryId.of(address) and _is_same_way(address, known.address):
            return known
    return Profile(name=address.name, address=address, protect=config.protect)


def _is_same_way(typed: Address, known: Address) -> bool:
    """Whether what was typed leads where the profile leads: another scheme or port is another way to the registry."""
    return typed.scheme in ("", known.scheme or "https") and typed.port == known.port


def _named(registry: str | None, config: Config, environment: Mapping[str, str] | None) -> str:
    environment = os.environ if environment is None else environment
    return registry or environment.get("REGTUI_REGISTRY", "") or config.default


def resolve_target(
    registry: str | None,
    config: Config,
    credentials: Credentials,
    options: Options | None = None,
    environment: Mapping[str, str] | None = None,
) -> Target:
    """The target to open. Its credential is looked for when the registry asks for one. `demo` is the demo registry.

    Raises UsageError, SettingsError.
    """
    options = options or Options()
    name = _named(registry, config, environment)
    if name == "demo" and "demo" not in config.profiles:
        return replace(demo_target(), read_only=options.read_only, protect=config.protect)
    return target_of(profile_for(name, config, environment), config, credentials, options)


def target_of(profile: Profile, config: Config, credentials: Credentials, options: Options | None = None) -> Target:
    """The target of a profile, which need not be one of `config`. Raises UsageError."""
    options = options or Options()
    return replace(
        target_for(profile, None, options),
        protect=protected_at(profile, config),
        lookup=lookup_for(profile, credentials, options),
        repeat=_repeated(profile, config, options),
    )


def profiles_of(registry: RegistryId, config: Config) -> list[Profile]:
    """The profiles that lead to that registry, each in its own way."""
    return [profile for profile in config.profiles.values() if profile.identity == registry]


def protected_at(profile: Profile, config: Config) -> tuple[str, ...]:
    """The patterns of the tags that are protected there: what one profile protects, another of the same registry, with
    another login, doesn't give away."""
    others = [pattern for known in profiles_of(profile.identity, config) for pattern in known.protect]
    return tuple(dict.fromkeys([*profile.protect, *others]))


def _repeated(profile: Profile, config: Config, options: Options) -> tuple[str, ...]:
    """The options that open the registry of a run as it was opened now."""
    known = profiles_of(profile.identity, config)
    is_found = not known or known == [profile]
    values = {
        # A profile of the config is called by its name, everything else by its address.
        "-r": "" if is_found else profile.name if profile in known else str(profile.address),
        "--config": "" if config.path == config_file() else str(config.path),
        "-u": options.username,
        "--ca-file": str(options.ca_file or ""),
        "--client-cert": str(options.client_cert or ""),
        "--client-key": str(options.client_key or ""),
    }
    flags = {"--plain-http": options.plain_http, "--insecure": options.insecure}
    return (
        *(word for option, value in values.items() if value for word in (option, value)),
        *(word for host in options.insecure_hosts for word in ("--insecure-host", host)),
        *(option for option, is_given in flags.items() if is_given),
    )


def target_for(profile: Profile, credential: Credential | None, options: Options | None = None) -> Target:
    """A profile with the options laid over it."""
    options = options or Options()
    tls = TlsSettings(
        ca_file=options.ca_file or profile.tls.ca_file,
        client_cert=options.client_cert or profile.tls.client_cert,
        client_key=options.client_key or profile.tls.client_key,
        insecure=options.insecure or profile.tls.insecure,
        insecure_hosts=(*profile.tls.insecure_hosts, *options.insecure_hosts),
    )
    defaults = HttpSettings(tls=tls)
    http = replace(
        defaults,
        timeout=options.timeout or profile.timeout or defaults.timeout,
        in_flight=profile.concurrency or defaults.in_flight,
    )
    return Target(
        address=profile.address.over("http") if options.plain_http else profile.address,
        credential=credential,
        http=http,
        name=profile.name,
        read_only=options.read_only or profile.read_only,
        protect=profile.protect,
        cache=not options.no_cache,
        runs_at=profile.host or _behind(profile),
        via=profile.via,
        known_repositories=profile.repositories,
        in_use=profile.in_use,
        retention=profile.retention,
        also_known_as=profile.also_known_as,
        gc_when=profile.gc_when,
        notify=profile.notify,
        given_user=options.username,
    )


def _behind(profile: Profile) -> HostSettings | None:
    """What is reached at a host's own loopback runs there."""
    return HostSettings(ssh=str(profile.via)) if profile.via and profile.address.is_loopback else None


def lookup_for(profile: Profile, credentials: Credentials, options: Options | None = None) -> Lookup:
    """How the credential of a profile is found. Raises UsageError where a password is given without a user."""
    options = options or Options()
    username = options.username or profile.username
    if options.password is None:
        given_before = credentials.of_environment(options.username) if options.environment_login else None
        return Lookup(lambda: given_before or credentials.find_by_any(profile.login_names, username))
    named = {
        "-u": options.username,
        "REGTUI_USERNAME": credentials.environment_user if options.environment_login else "",
        "the profile": profile.username,
    }
    where = next((where for where, name in named.items() if name), "")
    if not where:
        raise UsageError("A password without a user name.", "Give it with -u NAME.")
    given = Credential(named[where], options.password)
    return Lookup(lambda: FoundLogin(given, LoginSource.GIVEN, f"{where} and --password-stdin"))

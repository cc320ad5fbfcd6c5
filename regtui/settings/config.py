"""The config file: profiles of registries, and the few choices that are remembered. It holds no secrets.

default = "prod"                  # opened when no registry is named
theme = "nord"                    # as chosen in the app
driver = "stock"                  # Textual's own way to write to the terminal; "difference" sends what changed
colors = 256                      # or 16: fewer bytes over a slow line; needs the driver "difference"
protect = ["latest", "v*"]        # tags that rules never delete (shell patterns, of the whole name)

[registries.prod]
address = "https://registry.example.com"
via = "admin@example.com"         # through SSH: as the address is seen from there
username = "ci"                   # the password is in the keyring, or where Docker has it
repositories = ["team/app"]       # shown where the registry doesn't list its own
ca_file = "~/certs/internal.pem"
client_cert = "…"                 # and client_key
insecure = false                  # true: the registry's own certificate isn't checked
insecure_hosts = ["auth.internal"]  # nor those of these, such as its token service's
read_only = false                 # true: nothing that changes the registry is offered
protect = ["stable"]              # on top of those above
timeout = 30                      # seconds
concurrency = 8                   # the most requests at once; without it, as many as the registry answers well

[registries.prod.host]            # where it runs, for garbage collection; what is left out is found there
ssh = "deploy@registry.internal"  # any OpenSSH destination; left out: this machine
runtime = "docker"                # docker, podman, compose, kubectl, systemd or command
container = "registry"            # or the compose service, the deployment, the systemd unit
sudo = false                      # true: the runtime is called by sudo, which must not ask for a password
config = "/etc/registry.yml"      # as the registry sees it; binary, likewise, is its program
directory = "/srv/registry"       # compose: where the compose file is
namespace = "infra"               # kubectl
read_only = "…"                   # and read_write: commands that switch it, to collect while it answers pulls
command = "…"                     # runtime "command": runs the registry's program, with its arguments in place of {}
stop = "…"                        # and start: likewise; storage is where its root directory is on the host
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from regtui.errors import SettingsError, UsageError
from regtui.host.profile import RUNTIMES, HostSettings
from regtui.oci.reference import is_repository
from regtui.private_files import read_given
from regtui.registry.address import Address
from regtui.registry.identity import RegistryId
from regtui.registry.tls import TlsSettings
from regtui.settings.paths import config_file, write_following
from regtui.settings.protection import told
from regtui.ssh.destination import Destination

T = TypeVar("T")

# More connections than that are nobody's wish.
_MOST_AT_ONCE: Final = 256
# How like a key's name has to be to be taken for it misspelt, of 1.
_ALIKE: Final = 0.75


@dataclass(frozen=True, slots=True)
class Profile:
    """One registry as the config file has it. `timeout` in seconds, `concurrency` the most
    requests at once; None for the default."""

    name: str
    address: Address
    username: str = ""
    tls: TlsSettings = field(default_factory=TlsSettings)
    read_only: bool = False
    protect: tuple[str, ...] = ()
    timeout: float | None = None
    concurrency: int | None = None
    host: HostSettings | None = None
    """Where it runs; None where nothing is said."""
    via: Destination | None = None
    repositories: tuple[str, ...] = ()

    @property
    def identity(self) -> RegistryId:
        return RegistryId.of(self.address, self.via)

    @property
    def login_name(self) -> str:
        """What the registry's credential is kept under: many hosts have one at their own 127.0.0.1:5000."""
        return str(self.identity)

    @property
    def login_names(self) -> tuple[str, ...]:
        """The same, and the name as the address is written, where that differs: earlier versions, Docker and Podman
        keep it under that."""
        via = f" via {self.via}" if self.via else ""
        return tuple(dict.fromkeys((self.login_name, f"{self.address.name}{via}")))


@dataclass(frozen=True, slots=True)
class Config:
    """The config file, read. A missing file is an empty config."""

    path: Path
    default: str = ""
    theme: str = ""
    driver: str = "difference"
    colors: int | None = None
    protect: tuple[str, ...] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    """What stands there and does nothing, in sentences."""

    @classmethod
    def load(cls, path: Path | None = None) -> "Config":
        """Raises SettingsError, naming the file and the key, where it can't be read or understood."""
        file = path or config_file()
        try:
            text = read_given(file).decode()
        except FileNotFoundError:
            if path is not None:
                raise SettingsError(f"There is no config file {file}.") from None
            return cls(file)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"The config file {file} can't be read: {_reason(error)}.") from None
        import tomllib

        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"The config file {file} is no valid TOML: {error}.") from None
        reader = _Reader(file, table)
        protect = reader.strings("protect")
        config = cls(
            path=file,
            default=reader.string("default"),
            theme=reader.string("theme"),
            driver=reader.choice("driver", ("difference", "stock")),
            colors=reader.colors("colors"),
            protect=protect,
            profiles={name: _profile(name, entry, protect) for name, entry in reader.tables("registries")},
        )
        reader.end()
        return replace(config, warnings=_warnings(config))

    def remember_theme(self, theme: str) -> "Config":
        """Keeps the theme in the file. Raises SettingsError."""
        self._edit({"theme": theme})
        return replace(self, theme=theme)

    def remember_profile(self, profile: Profile, *, as_default: bool) -> "Config":
        """Adds or changes a profile in the file; comments and unknown keys stay. Raises SettingsError."""
        values: dict[str, object] = {"registries": {profile.name: self._entry(profile)}}
        if as_default:
            values["default"] = profile.name
        self._edit(values)
        return replace(
            self,
            profiles={**self.profiles, profile.name: profile},
            default=profile.name if as_default else self.default,
        )

    def _entry(self, profile: Profile) -> dict[str, object]:
        """The keys of a profile; None for what is as it would be without the key, which then goes."""
        tls = profile.tls
        shared = len(self.protect) if profile.protect[: len(self.protect)] == self.protect else 0
        return {
            "address": str(profile.address),
            "via": str(profile.via) if profile.via else None,
            "username": profile.username or None,
            "ca_file": str(tls.ca_file) if tls.ca_file else None,
            "client_cert": str(tls.client_cert) if tls.client_cert else None,
            "client_key": str(tls.client_key) if tls.client_key else None,
            "insecure": tls.insecure or None,
            "insecure_hosts": list(tls.insecure_hosts) or None,
            "read_only": profile.read_only or None,
            "timeout": profile.timeout,
            "concurrency": profile.concurrency,
            # Never dropped: who saves a profile that is about something else must not lose what it protects.
            **({"protect": list(profile.protect[shared:])} if profile.protect[shared:] else {}),
        }

    def _edit(self, values: Mapping[str, object]) -> None:
        import tomlkit
        import tomlkit.exceptions

        try:
            text = read_given(self.path).decode() if self.path.exists() else ""
            document = tomlkit.parse(text)
            _merge(document, values)
            write_following(self.path, tomlkit.dumps(document))
        except (OSError, UnicodeDecodeError, tomlkit.exceptions.TOMLKitError) as error:
            raise SettingsError(f"The config file {self.path} can't be written: {_reason(error)}.") from None


def _warnings(config: Config) -> tuple[str, ...]:
    """Of every pattern that protects nothing, where it stands."""
    places = [("protect", config.protect)]
    for name, profile in config.profiles.items():
        places.append((f"registries.{name}.protect", profile.protect[len(config.protect) :]))
    found = [told(pattern, place) for place, patterns in places for pattern in patterns]
    return tuple(f"The config file {config.path}: {sentence}" for sentence in found if sentence)


def _merge(table: "Mapping[str, object]", values: Mapping[str, object]) -> None:
    """Puts `values` into a tomlkit table, going down into tables that are there already."""
    import tomlkit
    from tomlkit.items import Table

    assert isinstance(table, dict)
    for key, value in values.items():
        if isinstance(value, Mapping):
            if not isinstance(table.get(key), dict):
                # "[registries]" alone on a line says nothing: only its tables are written.
                table[key] = tomlkit.table(is_super_table=isinstance(next(iter(value.values()), None), Mapping))
            inner: Table = table[key]
            _merge(inner, value)
        elif value is None:
            table.pop(key, None)
        elif table.get(key) != value:
            table[key] = value


def _profile(name: str, entry: "_Reader", protect: tuple[str, ...]) -> Profile:
    def path(key: str) -> Path | None:
        text = entry.string(key)
        return Path(text).expanduser() if text else None

    tls = TlsSettings(
        path("ca_file"),
        path("client_cert"),
        path("client_key"),
        entry.boolean("insecure"),
        entry.strings("insecure_hosts"),
    )
    profile = Profile(
        name=name,
        address=entry.address("address", name),
        username=entry.string("username"),
        tls=tls,
        read_only=entry.boolean("read_only"),
        protect=(*protect, *entry.strings("protect")),
        timeout=entry.number("timeout"),
        concurrency=entry.count("concurrency"),
        host=entry.host("host"),
        via=entry.parsed("via", Destination.parse),
        repositories=entry.repositories("repositories"),
    )
    entry.end()
    return profile


class _Reader:
    """Reads a table's keys by type; a wrong type is one clear error with the key's name."""

    def __init__(self, file: Path, table: Mapping[str, object], prefix: str = "") -> None:
        self._file = file
        self._table = table
        self._prefix = prefix
        self._known: list[str] = []

    def _get(self, key: str, default: object = None) -> object:
        self._known.append(key)
        return self._table.get(key, default)

    def end(self) -> None:
        """All keys that there are were asked for. Others may stand in the file, but none that is like one of them: what
        a misspelt `protect` or `read_only` was to keep would be deleted."""
        from difflib import get_close_matches

        for key in self._table.keys() - set(self._known):
            if near := get_close_matches(key, self._known, 1, _ALIKE):
                raise SettingsError(
                    f"The config file {self._file} has something wrong at {self._prefix}{key}: there is no such key.",
                    f"Is {near[0]} meant?",
                )

    def string(self, key: str) -> str:
        value = self._get(key, "")
        if not isinstance(value, str):
            self._wrong(key, "a text")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """The first where there is none."""
        value = self.string(key) or choices[0]
        if value not in choices:
            self._wrong(key, " or ".join(f'"{choice}"' for choice in choices))
        return value

    def colors(self, key: str) -> int | None:
        value = self._get(key)
        if value not in (None, 16, 256) or isinstance(value, bool | float):
            self._wrong(key, "16 or 256")
        return value

    def address(self, key: str, default: str) -> Address:
        return self.parsed(key, Address.parse, default) or Address.parse(default)

    def parsed(self, key: str, parse: Callable[[str], T], default: str = "") -> T | None:
        """None where there is neither the key nor a default."""
        text = self.string(key) or default
        try:
            return parse(text) if text else None
        except UsageError as error:
            raise SettingsError(
                f"The config file {self._file} has something wrong at {self._prefix}{key}: {error.message}",
                error.remedy,
            ) from None

    def repositories(self, key: str) -> tuple[str, ...]:
        names = self.strings(key)
        if not all(is_repository(name) for name in names):
            self._wrong(key, "a list of repositories' names, without the registry")
        return names

    def boolean(self, key: str) -> bool:
        value = self._get(key, False)
        if not isinstance(value, bool):
            self._wrong(key, "true or false")
        return value

    def number(self, key: str) -> float | None:
        value = self._get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            self._wrong(key, "a number of seconds above 0")
        return float(value)

    def count(self, key: str) -> int | None:
        value = self._get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MOST_AT_ONCE:
            self._wrong(key, f"a whole number from 1 to {_MOST_AT_ONCE}")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._wrong(key, "a list of texts")
        return tuple(value)

    def host(self, key: str) -> HostSettings | None:
        table = self._get(key)
        if table is None:
            return None
        if not isinstance(table, dict):
            self._wrong(key, "a table")
        reader = _Reader(self._file, table, f"{self._prefix}{key}.")
        names = [field.name for field in fields(HostSettings)]
        for name in table:
            if name not in names:
                # A misspelt `sudo` or `container` would send the collection to the wrong place.
                reader._wrong(name, f"one of {', '.join(names)}")
        settings = HostSettings(
            **{name: reader.string(name) for name in names if name != "sudo"}, sudo=reader.boolean("sudo")
        )
        if settings.runtime and settings.runtime not in RUNTIMES:
            reader._wrong("runtime", f"one of {', '.join(RUNTIMES)}")
        return settings

    def tables(self, key: str) -> "list[tuple[str, _Reader]]":
        value = self._get(key, {})
        if not isinstance(value, dict):
            self._wrong(key, "a table")
        for name, entry in value.items():
            if not isinstance(entry, dict):
                self._wrong(f"{key}.{name}", "a table")
        return [(name, _Reader(self._file, entry, f"{key}.{name}.")) for name, entry in value.items()]

    def _wrong(self, key: str, expected: str) -> NoReturn:
        raise SettingsError(
            f"The config file {self._file} has something wrong at {self._prefix}{key}: it should be {expected}."
        )


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    return (error.strerror or "").lower() if isinstance(error, OSError) and error.strerror else str(error)

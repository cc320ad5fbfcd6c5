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
also_known_as = ["registry.internal:5000"]  # other names that references to it carry
gc_when = "5 GB"                  # prune --gc collects when at least that became free
notify = ["mail-admin", "prune"]  # gets the summary of a prune on its standard input, as JSON

[[registries.prod.retention]]     # a repository follows the first entry that names it; none: nothing is deleted there
repositories = ["fullstack/*"]    # shell patterns; * takes / too
keep = 10                         # and match, keep_images, keep_by, keep_match, not_pulled_for, prereleases,
older_than = "30d"                # duplicates: as the options of rm

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
access_log = "…"                  # a file there with a line for each request (nginx's, say): when images were pulled

[registries.prod.in_use]          # what must stay, whatever a rule says
docker = ["deploy@app1", "local"] # containers there, running or stopped, of docker or podman; by ssh, or here
kubectl = ["prod", "staging"]     # contexts: pods, and what deployments, jobs and old replica sets name
files = ["~/gitops/**/*.yaml"]    # compose files, manifests, anything that names images
command = "…"                     # prints a reference a line
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from regtui.errors import SettingsError, reason_of
from regtui.host.profile import HostSettings
from regtui.private_files import read_given
from regtui.registry.address import Address
from regtui.registry.identity import RegistryId
from regtui.registry.tls import TlsSettings
from regtui.retention.settings import InUseSettings
from regtui.settings.in_use import read_in_use
from regtui.settings.paths import config_file, write_following
from regtui.settings.protection import told
from regtui.settings.retention import read_retention
from regtui.settings.table_reader import TableReader
from regtui.ssh.destination import Destination

if TYPE_CHECKING:
    # What reads expressions is loaded for who has rules.
    from regtui.retention.policy import RetentionEntry


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
    in_use: InUseSettings = field(default_factory=InUseSettings)
    """What says which of its images are in use."""
    retention: "tuple[RetentionEntry, ...]" = ()
    also_known_as: tuple[str, ...] = ()
    """Other names that references to it carry: HOST[:PORT][/PREFIX]."""
    gc_when: int | None = None
    """Bytes that a prune has to free for its garbage collection; None where every prune's is enough."""
    notify: tuple[str, ...] = ()
    """A program and its arguments, told what a prune did."""

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
            raise SettingsError(f"The config file {file} is no valid TOML: {_reason(error)}.") from None
        except ValueError:
            # Python's own limit, in Python's own words.
            raise SettingsError(f"The config file {file} has a number of thousands of digits.") from None
        except RecursionError:
            raise SettingsError(f"The config file {file} is nested too deep.") from None
        reader = TableReader(file, table, text=text)
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


def _profile(name: str, entry: "TableReader", protect: tuple[str, ...]) -> Profile:
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
        in_use=read_in_use(entry),
        retention=read_retention(entry, name),
        also_known_as=entry.addresses("also_known_as"),
        gc_when=entry.size("gc_when"),
        notify=entry.command("notify"),
    )
    entry.end()
    return profile


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    if isinstance(error, OSError):
        return reason_of(error)
    words = str(error)
    return words[:1].lower() + words[1:].rstrip(".")

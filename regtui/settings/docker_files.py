"""Docker's and Podman's files of credentials: what they say about a registry, and writing one as `docker login` does.

As Docker's cli/config (28) and containers-auth.json(5) have it. Keys are hosts, in Docker's own history also URLs
(`https://index.docker.io/v1/`); Podman's may go on with a namespace or a repository.
"""

import binascii
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from regtui.errors import SettingsError, reason_of
from regtui.private_files import read_given
from regtui.registry.values import Credential, Keychain, basic_login
from regtui.settings.paths import write_following

_CORRECT: Final = "Correct it, or remove it and log in again."
# Docker Hub's names, and what it is called in the files and by the helpers.
_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HUB_KEY: Final = "https://index.docker.io/v1/"


@dataclass(frozen=True, slots=True)
class AuthFile:
    """One such file, read. `is_docker`: a path in its keys means nothing."""

    path: Path
    table: Mapping[str, Any]
    is_docker: bool

    @classmethod
    def load(cls, path: Path, *, is_docker: bool) -> "AuthFile | None":
        """None where there is no such file. Raises SettingsError, which never quotes what is in it."""
        try:
            text = read_given(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SettingsError(f"{path} can't be read: {reason_of(error)}.") from None
        return cls.parse(text, path, is_docker=is_docker)

    @classmethod
    def parse(cls, text: bytes, path: Path, *, is_docker: bool) -> "AuthFile":
        """`path`: where it stands, for what is said of it. Raises SettingsError, as `load` does."""
        try:
            table = json.loads(text)
        except (ValueError, RecursionError):
            raise SettingsError(f"{path} is no valid JSON.", _CORRECT) from None
        if not isinstance(table, dict):
            raise SettingsError(f"{path} is no such file: a JSON object is expected in it.", _CORRECT)
        return cls(path, table, is_docker)

    def helper(self, host: str) -> str:
        """NAME of the `docker-credential-NAME` that has the credential of `host`; empty for none."""
        special = _table(self.table.get("credHelpers"))
        for key, name in special.items():
            if _split(key, whole=False)[0] == _split(host, whole=False)[0] and isinstance(name, str) and name:
                return name
        general = self.table.get("credsStore")
        return general if isinstance(general, str) else ""

    @property
    def hosts(self) -> frozenset[str]:
        """The registries that it names; Docker Hub, which lists nothing, left out."""
        keys = [*_table(self.table.get("auths")), *_table(self.table.get("credHelpers"))]
        return frozenset(_split(key, whole=False)[0] for key in keys) - {"docker.io", ""}

    def keychain(self, host: str) -> Keychain:
        """What stands in the file itself about `host` (`HOST[:PORT][/PREFIX]`). Raises SettingsError."""
        wanted, prefix = _split(host, whole=True)
        general: list[tuple[int, Credential]] = []
        scoped: dict[str, Credential] = {}
        for key, entry in _table(self.table.get("auths")).items():
            name, path = _split(key, whole=not self.is_docker)
            if name != wanted:
                continue
            below = path.removeprefix(prefix).removeprefix("/") if _is_below(path, prefix) else ""
            # A key above our own prefix is about us, one beside it isn't.
            if path and not below and not _is_below(prefix, path):
                continue
            credential = self._credential(key, _table(entry))
            if credential is None:
                continue
            if below:
                scoped.setdefault(below, credential)
            else:
                # What is spelled as we spell it goes before URLs, longer paths before shorter.
                general.append((2 * len(path) + (key == host), credential))
        best = max(general, key=lambda found: found[0])[1] if general else None
        return Keychain(best, tuple(scoped.items()))

    def _credential(self, key: str, entry: Mapping[str, Any]) -> Credential | None:
        def text(name: str) -> str:
            value = entry.get(name)
            return value if isinstance(value, str) else ""

        user, password = _decoded(text("auth")) or (text("username"), text("password"))
        if text("auth") and _decoded(text("auth")) is None:
            raise SettingsError(
                f"The entry for {key} in {self.path} can't be read: its auth is no base64 of USER:PASSWORD.",
                "Correct it, or log in again.",
            )
        identity, ready = text("identitytoken"), text("registrytoken")
        if not (password or identity or ready):
            return None
        # Helpers and files write this in place of a user's name where there is a token.
        found = Credential("" if user == "<token>" else user, password, identity, ready)
        if not found.is_sendable:
            raise SettingsError(
                f"The entry for {key} in {self.path} holds characters that can't be sent.",
                "Correct it, or log in again.",
            )
        return found


def docker_file(environment: Mapping[str, str]) -> Path:
    """Docker's `config.json`."""
    folder = environment.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def auth_files(environment: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    """(path, whether it is Docker's) of all files that may be there, in the order in which they count."""
    yield docker_file(environment), True
    if named := environment.get("REGISTRY_AUTH_FILE"):
        yield Path(named), False
        return
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers/auth.json", False
    config = environment.get("XDG_CONFIG_HOME")
    yield (Path(config) if config else Path.home() / ".config") / "containers/auth.json", False


def server_of(host: str) -> str:
    """How Docker's files and helpers call the registry `host`: without a path, Docker Hub by its historic URL."""
    name = _split(host, whole=False)[0]
    return _HUB_KEY if name in _HUB else name


def write_login(path: Path, host: str, credential: Credential | None) -> None:
    """Puts a password into Docker's `config.json` at `path`, or takes it out; all else in it stays. Raises
    SettingsError. None leaves the bare entry that stands for a credential kept by a helper."""
    packed = basic_login(credential.username, credential.password) if credential else b""
    _edit(path, {server_of(host): {"auth": b64encode(packed).decode()} if credential else {}})


def remove_login(path: Path, host: str) -> bool:
    """Whether there was one. Raises SettingsError."""
    file = AuthFile.load(path, is_docker=True)
    if file is None or server_of(host) not in _table(file.table.get("auths")):
        return False
    _edit(path, {server_of(host): None})
    return True


def _edit(path: Path, changes: Mapping[str, Mapping[str, str] | None]) -> None:
    file = AuthFile.load(path, is_docker=True)
    table = dict(file.table) if file else {}
    auths = {**_table(table.get("auths")), **changes}
    table["auths"] = {key: entry for key, entry in auths.items() if key not in changes or entry is not None}
    try:
        # Tabs, and no line break at the end: as docker writes it.
        text = json.dumps(table, indent="\t", ensure_ascii=False)
        # What others wrote that UTF-8 has no bytes for stays as it was, escaped.
        write_following(path, text.encode(errors="backslashreplace").decode())
    except OSError as error:
        raise SettingsError(f"{path} can't be written: {reason_of(error)}.") from None


def shown(path: Path) -> str:
    """A path as people write it: `~/.docker/config.json`."""
    home = os.fspath(Path.home())
    text = os.fspath(path)
    return f"~{text[len(home) :]}" if text.startswith(f"{home}/") else text


def _decoded(auth: str) -> tuple[str, str] | None:
    """(user, password) in an `auth`; None where it is neither. Wrapped lines and missing padding are put up with:
    not all of them were written by docker."""
    packed = "".join(auth.split())
    try:
        text = b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password.strip("\0")) if colon else None


def _split(key: str, *, whole: bool) -> tuple[str, str]:
    """(host, path) of a key. The path of a URL, and any where not the `whole` key counts, is none."""
    scheme, separator, rest = key.partition("://")
    is_url = bool(separator) and scheme.lower() in ("http", "https")
    host, _, path = (rest if is_url else key).partition("/")
    host = host.lower()
    return "docker.io" if host in _HUB else host, path.strip("/") if whole and not is_url else ""


def _is_below(path: str, prefix: str) -> bool:
    """Whether `path` is `prefix` or goes on from it by whole components."""
    return not prefix or f"{path}/".startswith(f"{prefix}/")


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

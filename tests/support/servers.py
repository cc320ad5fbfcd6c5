"""Real registries on loopback: Debian's docker-registry (2.8.2) and distribution 3.1.1."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import httpx

from tests.support import watch
from tests.support.processes import clean_environment, running
from tests.support.programs import find_program
from tests.support.tls import TlsFiles
from tests.support.tokens import ISSUER, SERVICE, TokenService

VERSIONS = ("2.8.2", "3.1.1")

PROGRAMS = {"2.8.2": "docker-registry", "3.1.1": "registry"}

# Both write it when the socket is open. We let the kernel choose the port, so no two tests can collide.
_LISTENING = re.compile(rb"listening on (?:127\.0\.0\.1|\[::1\]):(\d+)")


@dataclass(frozen=True)
class RegistryServer:
    """A running registry. `url` has the prefix, if any; `command` and `config` are for its collector."""

    version: str
    host: str
    url: str
    storage: Path
    pid: int
    log: Path
    command: Path
    config: Path

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])


@contextmanager
def start_registry(
    version: str,
    directory: Path,
    *,
    delete: bool = True,
    readonly: bool = False,
    htpasswd: Mapping[str, str] | None = None,
    tokens: TokenService | None = None,
    tls: TlsFiles | None = None,
    client_ca: Path | None = None,
    prefix: str | None = None,
    maxentries: int | None = None,
    port: int = 0,
    interface: str = "127.0.0.1",
    caches: str | None = None,
    logs: Mapping[str, Any] | None = None,
) -> Iterator[RegistryServer]:
    """Run a registry with its files below `directory` until the block ends.

    `htpasswd` maps users to passwords, `tokens` gives the tokens that are wanted. `prefix` is like "/reg". A second
    start on the same directory finds the same content, and with `port` the same address: that is a restart.
    `logs`: what differs in its `log` table; with it each request is logged in both forms, as they do by themselves.
    `interface` may be "[::1]" as well. `caches`: the URL of the registry that this one is a pull-through cache of.
    """
    command = find_program(PROGRAMS[version])
    directory.mkdir(parents=True, exist_ok=True)
    storage, log, config = directory / "storage", directory / "registry.log", directory / "config.yml"
    storage.mkdir(exist_ok=True)
    path = f"/{prefix.strip('/')}" if prefix else ""

    settings = _settings(storage, delete=delete, readonly=readonly, port=port)
    settings["http"]["addr"] = f"{interface}:{port}"
    if logs is not None:
        settings["log"] = {"level": "info", **logs}
    if path:
        settings["http"]["prefix"] = f"{path}/"
    if tls:
        settings["http"]["tls"] = {"certificate": str(tls.cert), "key": str(tls.key)}
        if client_ca:
            settings["http"]["tls"]["clientcas"] = [str(client_ca)]
    if htpasswd is not None:
        users = write_htpasswd(directory / "htpasswd", htpasswd)
        settings["auth"] = {"htpasswd": {"realm": "Registry Realm", "path": str(users)}}
    if tokens is not None:
        settings["auth"] = {
            "token": {
                "realm": tokens.realm,
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(tokens.bundle),
            }
        }
    if caches is not None:
        settings["proxy"] = {"remoteurl": caches}
    if maxentries is not None:
        settings["catalog"] = {"maxentries": maxentries}
    # JSON is YAML, and needs no library.
    config.write_text(json.dumps(settings, indent=2))

    # A restart appends to the log: only what this run writes tells its port.
    already_logged = log.stat().st_size if log.exists() else 0
    scheme = "https" if tls else "http"

    def host() -> str | None:
        match = _LISTENING.search(log.read_bytes()[already_logged:])
        return f"{interface}:{match[1].decode()}" if match else None

    def ready() -> bool:
        address = host()
        # Who wants a client certificate doesn't answer us.
        return address is not None and (client_ca is not None or _answers(f"{scheme}://{address}{path}/v2/"))

    environment = clean_environment(
        directory,
        # 3.1.1 else reports to a collector on localhost, and fills its log with failures to.
        OTEL_TRACES_EXPORTER="none",
    )
    with running([str(command), "serve", str(config)], log=log, environment=environment, ready=ready) as pid:
        address = host()
        assert address is not None
        url = f"{scheme}://{address}{path}"
        yield RegistryServer(version, address, url, storage, pid, log, command, config)


@contextmanager
def start_referrers_registry(directory: Path) -> Iterator[str]:
    """The address of an empty registry in memory that has the referrers API, and deletes a tag alone."""
    with _start_plain("referrers_registry", directory) as url:
        yield url


@contextmanager
def start_olareg(directory: Path) -> Iterator[str]:
    """The address of an empty olareg: the referrers API, deletion by tag and by digest, files of its own."""
    storage = directory / "olareg"
    storage.mkdir(parents=True)
    with _start_plain("olareg", directory, str(storage)) as url:
        yield url


@contextmanager
def start_distribution_2_7(directory: Path, *, htpasswd: Mapping[str, str]) -> Iterator[str]:
    """The address of an empty distribution 2.7.1, that many still run. `htpasswd`: users to passwords."""
    storage = directory / "storage"
    storage.mkdir(parents=True)
    users = write_htpasswd(directory / "htpasswd", htpasswd)
    auth = {"htpasswd": {"realm": "Registry Realm", "path": str(users)}}
    config = write_config(directory / "config.yml", storage, port=0, changes={"auth": auth})
    with _start_plain("distribution_2_7", directory, str(config)) as url:
        yield url


@contextmanager
def _start_plain(name: str, directory: Path, *arguments: str) -> Iterator[str]:
    """The address of a registry that is built from Go of ours, and says by itself where it listens."""
    log = directory / f"{name}.log"

    def address() -> str | None:
        match = _LISTENING.search(log.read_bytes()) if log.exists() else None
        return f"http://127.0.0.1:{match[1].decode()}" if match else None

    command = [str(find_program(name)), *arguments]
    environment = clean_environment(directory)
    with running(command, log=log, environment=environment, ready=lambda: address() is not None):
        url = address()
        assert url is not None
        yield url


def write_config(path: Path, storage: Path, *, port: int, changes: Mapping[str, Any] | None = None) -> Path:
    """The config file of a registry that somebody else starts. `changes`: its tables, by name, with what differs; what
    is None there goes."""
    settings = _settings(storage, delete=True, readonly=False, port=port)
    for name, table in (changes or {}).items():
        changed = settings.get(name, {}) | table
        settings[name] = {key: value for key, value in changed.items() if value is not None}
    path.write_text(json.dumps(settings, indent=2))
    return path


def write_htpasswd(path: Path, users: Mapping[str, str]) -> Path:
    """A password file as registries and nginx read it. Cost 5: each request is checked anew, and takes 3 ms."""
    watch.keep_secret(users)
    lines = (
        f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)).decode()}\n" for user, password in users.items()
    )
    path.write_text("".join(lines))
    return path


def _settings(storage: Path, *, delete: bool, readonly: bool, port: int) -> dict[str, Any]:
    return {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            # As both ship it: the cache that does not notice a collection is part of what is tested.
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": delete},
            "maintenance": {"readonly": {"enabled": readonly}},
        },
        "http": {"addr": f"127.0.0.1:{port}", "secret": "only for tests"},
    }


def _answers(url: str) -> bool:
    try:
        # That it answers is enough: some tests want a certificate that nobody would accept.
        answer = httpx.get(url, verify=False, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.status_code in (200, 401)

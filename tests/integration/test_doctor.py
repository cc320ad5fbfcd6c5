"""`regtui doctor` on registries that are wrong in one way each: it names the cause and the remedy."""

import json
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Regtui
from tests.support.credential_helpers import HANGING, make_program
from tests.support.gateway import Asked, Reply, start_gateway
from tests.support.images import open_registry, push_image
from tests.support.servers import start_registry
from tests.support.ssh_host import start_ssh_host
from tests.support.sshd import start_sshd
from tests.support.tls import make_tls

SUBJECTS = ("name", "port", "TLS", "registry", "login", "catalog", "deletion", "clock", "SSH", "GC")


@dataclass
class Case:
    """A registry with something wrong, and what the doctor has to say about it."""

    registry: str
    subject: str
    cause: str
    remedy: str
    code: int
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    stdin: str = ""
    before_it_is_good: tuple[str, ...] = ()
    """What has a ✓ nevertheless."""


class World:
    """Where a case sets up what it needs."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.stack = ExitStack()

    def registry(self, **options: Any) -> Any:
        return self.stack.enter_context(start_registry("2.8.2", self.folder / "registry", **options))

    def gateway(self, **options: Any) -> Any:
        return self.stack.enter_context(start_gateway(**options))

    def profile(self, address: str, *, via: str = "", host: str = "") -> None:
        """A profile called lab; `host`: the lines of its host table."""
        lines = ["[registries.lab]", f'address = "http://{address}"', *([f'via = "{via}"'] if via else [])]
        file = self.home / ".config/regtui/config.toml"
        file.parent.mkdir(parents=True)
        file.write_text("\n".join([*lines, *(["[registries.lab.host]", host] if host else [])]))

    def docker_config(self, host: str, password: str, **more: object) -> None:
        auth = b64encode(f"ci:{password}".encode()).decode()
        file = self.home / ".docker/config.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"auths": {host: {"auth": auth}}, **more}))


def unknown_host(world: World) -> Case:
    return Case(
        "https://registry.invalid",
        "name",
        "There is no host registry.invalid: its name can't be resolved.",
        "Check the name, or the DNS.",
        3,
    )


def closed_port(world: World) -> Case:
    taken = world.stack.enter_context(socket.socket())
    # Bound, but not listening: nobody else gets it meanwhile.
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    return Case(
        f"https://localhost:{port}",
        "port",
        f"Nothing listens at localhost:{port}: the connection was refused.",
        "Check the port, and that the registry is running.",
        3,
        before_it_is_good=("name",),
    )


def https_to_http(world: World) -> Case:
    server = world.registry()
    return Case(
        f"https://{server.host}",
        "TLS",
        f"{server.host} speaks plain HTTP, not HTTPS.",
        f"If that is intended, use http://{server.host}",
        3,
        before_it_is_good=("port",),
    )


def http_to_https(world: World) -> Case:
    server = world.registry(tls=make_tls(world.folder / "tls"))
    return Case(
        f"http://{server.host}",
        "TLS",
        f"{server.host} speaks HTTPS, not plain HTTP.",
        f"Use https://{server.host}",
        3,
        before_it_is_good=("port",),
    )


def unknown_authority(world: World) -> Case:
    server = world.registry(tls=make_tls(world.folder / "tls"))
    return Case(
        server.url,
        "TLS",
        f"The certificate of {server.host} is signed by an unknown authority (",
        "Give it with --ca-file.",
        3,
        before_it_is_good=("port",),
    )


def not_a_registry(world: World) -> Case:
    gateway = world.gateway()
    return Case(
        gateway.url,
        "registry",
        f"{gateway.host} answers, but it is no registry: /v2/ does not exist there.",
        "Check the port, and the path prefix if there is one.",
        3,
        before_it_is_good=("port", "clock"),
    )


def no_credential(world: World) -> Case:
    server = world.registry(htpasswd={"ci": "right"})
    return Case(
        server.url,
        "login",
        f"Not logged in to {server.host}.",
        f"Run: regtui login {server.host}",
        4,
        before_it_is_good=("port", "registry", "clock"),
    )


def wrong_password(world: World) -> Case:
    server = world.registry(htpasswd={"ci": "right"})
    world.docker_config(server.host, "wr0ng")
    return Case(
        server.url,
        "login",
        f"{server.host} rejects the user name or password.",
        f"Tried: ci, from ~/.docker/config.json. Run: regtui login {server.host}",
        4,
        before_it_is_good=("port", "registry", "clock"),
    )


def wrong_password_given(world: World) -> Case:
    server = world.registry(htpasswd={"ci": "right"})
    return Case(
        server.url,
        "login",
        f"{server.host} rejects the user name or password.",
        "Tried: ci, from -u and --password-stdin.",
        4,
        ("-u", "ci", "--password-stdin"),
        stdin="wr0ng",
    )


def hanging_helper(world: World) -> Case:
    server = world.registry(htpasswd={"ci": "right"})
    program = make_program(world.folder / "bin", "slow", HANGING)
    # What stands in the file still counts: one broken part doesn't hide the others.
    world.docker_config(server.host, "right", credsStore="slow")
    return Case(
        server.url,
        "login",
        "docker-credential-slow did not answer within 10 seconds.",
        "It is named in ~/.docker/config.json.",
        4,
        environment={"PATH": program.path},
        before_it_is_good=("registry", "catalog", "deletion"),
    )


def missing_helper(world: World) -> Case:
    server = world.registry(htpasswd={"ci": "right"})
    world.docker_config("else.example.com", "x", credHelpers={server.host: "ecr-login"})
    return Case(
        server.url,
        "login",
        "docker-credential-ecr-login is not installed, or not on the PATH.",
        "It is named in ~/.docker/config.json.",
        4,
    )


def damaged_docker_config(world: World) -> Case:
    server = world.registry(htpasswd={"ci": "right"})
    (world.home / ".docker").mkdir()
    (world.home / ".docker/config.json").write_text('{"auths": ')
    return Case(server.url, "login", "config.json is no valid JSON.", "Correct it, or remove it", 4)


def no_catalog(world: World) -> Case:
    def refuse(asked: Asked) -> Reply | None:
        return Reply(403, {}, b'{"errors":[{"code":"DENIED"}]}') if "_catalog" in asked.path else None

    gateway = world.gateway(script=refuse, upstream=start_open(world))
    return Case(
        gateway.url,
        "catalog",
        f"{gateway.host} does not allow listing the repositories with this login.",
        'Name repositories in its profile: repositories = ["NAME"].',
        4,
        before_it_is_good=("port", "registry", "deletion", "clock"),
    )


def start_open(world: World) -> str:
    server = world.stack.enter_context(start_registry("2.8.2", world.folder / "open"))
    return str(server.host)


def deletion_disabled(world: World) -> Case:
    server = world.registry(delete=False)
    with open_registry(server.url) as client:
        push_image(client, "team/app", "1.0")
    return Case(
        server.url,
        "deletion",
        f"{server.host} refuses deletion: it is disabled there.",
        "Set storage.delete.enabled: true in its config.yml",
        6,
        before_it_is_good=("port", "registry", "catalog", "clock"),
    )


def deletion_disabled_and_empty(world: World) -> Case:
    server = world.registry(delete=False)
    return Case(server.url, "deletion", "refuses deletion", "Set storage.delete.enabled: true", 6)


def read_only(world: World) -> Case:
    server = world.registry(readonly=True)
    return Case(
        server.url,
        "deletion",
        f"{server.host} is read-only.",
        "Set storage.maintenance.readonly.enabled: false in its config.yml and restart it.",
        6,
        before_it_is_good=("port", "registry", "catalog", "clock"),
    )


def clock_ahead(world: World) -> Case:
    return _clock(world, timedelta(hours=2, minutes=5), "The registry's clock is 2 hours ahead of this machine's.")


def clock_behind(world: World) -> Case:
    return _clock(world, -timedelta(days=3, minutes=5), "The registry's clock is 3 days behind this machine's.")


def _clock(world: World, apart: timedelta, cause: str) -> Case:
    def change(asked: Asked, reply: Reply) -> Reply:
        headers = {key: value for key, value in reply.headers.items() if key.lower() != "date"}
        return replace(reply, headers={**headers, "Date": format_datetime(datetime.now(UTC) + apart, usegmt=True)})

    gateway = world.gateway(upstream=start_open(world), change=change)
    return Case(
        gateway.url,
        "clock",
        cause,
        "Set both by NTP: tokens and certificates depend on them.",
        1,
        before_it_is_good=("registry", "catalog", "deletion"),
    )


def unusable_certificate_file(world: World) -> Case:
    (world.folder / "ca.pem").write_text("no certificate")
    return Case(
        "https://localhost:5000",
        "TLS",
        "The certificate files can't be used (",
        "",
        1,
        ("--ca-file", str(world.folder / "ca.pem")),
    )


def ssh_host_unreachable(world: World) -> Case:
    server = start_open(world)
    world.profile(server, host='ssh = "admin@registry.invalid"')
    return Case(
        "lab",
        "SSH",
        "There is no host registry.invalid: its name can't be resolved.",
        "Check the name, or the DNS.",
        3,
        before_it_is_good=("registry", "catalog", "deletion", "clock"),
    )


def ssh_refuses_the_key(world: World) -> Case:
    sshd = world.stack.enter_context(start_sshd(world.folder / "sshd"))
    (sshd.directory / "authorized_keys").write_text("")
    world.profile(start_open(world), host=f'ssh = "{sshd.destination}"')
    return Case(
        "lab",
        "SSH",
        f"{sshd.destination} does not accept the SSH login. It takes: publickey.",
        f"Try: ssh {sshd.destination}",
        4,
        environment={"PATH": sshd.path},
    )


def nothing_on_the_host(world: World) -> Case:
    host = world.stack.enter_context(start_ssh_host(world.folder / "host", world.folder / "none"))
    world.profile(start_open(world), host=f'ssh = "{host.destination}"\nruntime = "podman"\ncontainer = "gone"')
    return Case(
        "lab",
        "GC",
        f"There is no container gone on {host.destination}.",
        "There is none at all.",
        5,
        environment={"PATH": host.path},
        before_it_is_good=("SSH",),
    )


def the_way_is_closed(world: World) -> Case:
    world.profile("127.0.0.1:5000", via="admin@registry.invalid")
    return Case(
        "lab",
        "SSH",
        "There is no host registry.invalid: its name can't be resolved.",
        "Check the name, or the DNS.",
        3,
    )


def nothing_listens_behind_it(world: World) -> Case:
    sshd = world.stack.enter_context(start_sshd(world.folder / "sshd"))
    taken = world.stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    world.profile(f"127.0.0.1:{port}", via=sshd.destination)
    return Case(
        "lab",
        "port",
        f"Nothing listens at 127.0.0.1:{port} on {sshd.destination}: the connection was refused.",
        "Check the port, and that the registry is running.",
        3,
        environment={"PATH": sshd.path},
        before_it_is_good=("SSH",),
    )


CASES: list[Callable[[World], Case]] = [
    *(unknown_host, closed_port, https_to_http, http_to_https, unknown_authority, unusable_certificate_file),
    *(not_a_registry, no_credential, wrong_password, wrong_password_given, hanging_helper, missing_helper),
    *(damaged_docker_config, no_catalog, deletion_disabled, deletion_disabled_and_empty, read_only),
    *(clock_ahead, clock_behind, ssh_host_unreachable, ssh_refuses_the_key, nothing_on_the_host),
    *(the_way_is_closed, nothing_listens_behind_it),
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    home = tmp_path / "home"
    home.mkdir()
    made = World(tmp_path, home)
    with made.stack:
        yield made


def diagnosis(world: World, case: Case) -> tuple[int, list[dict[str, Any]]]:
    done = Regtui(world.home)("doctor", case.registry, *case.options, "--json", stdin=case.stdin, **case.environment)
    assert done.stderr == "", done
    assert "wr0ng" not in done.stdout
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_each_failure_has_its_cause_and_its_remedy(case: Callable[[World], Case], world: World) -> None:
    expected = case(world)
    code, found = diagnosis(world, expected)
    first = next(check for check in found if check["status"] == "failed")
    assert (first["check"], first["exit_code"], code) == (expected.subject, expected.code, expected.code)
    assert expected.cause in first["message"]
    assert expected.remedy in (first["remedy"] or "")
    assert list(dict.fromkeys(check["check"] for check in found)) == list(SUBJECTS), "each is told, in this order"
    good = {check["check"] for check in found if check["status"] == "ok"}
    assert set(expected.before_it_is_good) <= good


def test_nothing_wrong(world: World) -> None:
    tls = make_tls(world.folder / "tls")
    server = world.registry(htpasswd={"ci": "right"}, tls=tls)
    with open_registry(server.url, auth=("ci", "right"), verify=tls.client_context()) as client:
        push_image(client, "team/app", "1.0")
    world.docker_config(server.host, "right")
    code, found = diagnosis(world, Case(server.url, "", "", "", 0, ("--ca-file", str(tls.ca))))
    assert code == 0
    said = {check["check"]: (check["status"], check["message"]) for check in found}
    assert said["login"] == ("ok", "ci, from ~/.docker/config.json")
    assert said["TLS"][1].startswith("the certificate is trusted, signed by O=trustme")
    assert said["catalog"] == ("ok", "1 repository on the first page")
    assert said["deletion"][1] == (
        "on, by digest; a tag is removed by pointing it elsewhere first; asked by deleting names that don't exist"
    )
    assert [check for check, (status, _) in said.items() if status == "skipped"] == ["name", "SSH", "GC"]
    # It changed nothing: crane's own list of tags is in the commands' tests, the storage's is enough here.
    assert (server.storage / "docker/registry/v2/repositories/team/app/_manifests/tags/1.0/current/link").exists()


def test_what_a_terminal_and_a_pipe_get(world: World) -> None:
    server = world.registry(delete=False)
    done = Regtui(world.home)("doctor", server.url)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == list(SUBJECTS)
    assert {len(line) for line in lines} == {4}
    assert done.returncode == 6

"""What keeps a collection from beginning, as it is told: the same sentence in the app and in the command."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.widgets import Static

from regtui.cli.main import main
from regtui.session.resolving import resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.garbage import GarbageScreen
from regtui.ui.widgets.garbage.board import Board, Phase
from tests.support.images import open_registry, push_image
from tests.support.patience import PATIENCE
from tests.support.programs import find_program
from tests.support.servers import PROGRAMS
from tests.support.ssh_host import SshHostForTests, start_ssh_host
from tests.support.sshd import make_key
from tests.support.systemd import RegistryService, start_service
from tests.support.terminal import on_terminal


@dataclass(frozen=True)
class Place:
    """A registry as a service of a host that is reached by a real sshd. `programs`: first on that host's PATH."""

    service: RegistryService
    host: SshHostForTests
    programs: Path
    config: Path

    def stand_in(self, name: str, script: str) -> str:
        """A program of the host. Its path."""
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)
        return str(self.programs / name)

    def write_config(self, **settings: str) -> None:
        keys = {"ssh": self.host.destination, "runtime": "systemd", **settings}
        lines = [f"{key} = '{value}'" for key, value in keys.items()]
        self.config.write_text(
            f"[registries.lab]\naddress = '{self.service.url}'\n[registries.lab.host]\n" + "\n".join(lines) + "\n"
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with (
        start_service("2.8.2", tmp_path / "service") as service,
        start_ssh_host(tmp_path / "host", service.bin) as host,
    ):
        monkeypatch.setenv("PATH", host.path)
        yield Place(service, host, service.bin, tmp_path / "config.toml")


def said_by_the_command(place: Place, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what is on stderr."""
    code = main(["gc", "lab", "--config", str(place.config), "--dry-run"])
    return code, capsys.readouterr().err


def said_by_the_app(place: Place) -> str:
    """The garbage screen's sentences, once it has looked."""

    async def look() -> str:
        config = Config.load(place.config)
        credentials = Credentials(environment={}, keyring_timeout=PATIENCE)
        app = RegtuiApp(config, credentials, resolve_target("lab", config, credentials))
        app.animation_level = "none"
        async with app.run_test(size=(200, 50)) as pilot, asyncio.timeout(PATIENCE):
            while not app.check_action("garbage", ()):
                await pilot.pause(0.05)
            await pilot.press("ctrl+g")
            while not isinstance(app.screen, GarbageScreen) or app.screen.query_one(Board).phase is Phase.LOOKING:
                await pilot.pause(0.05)
            return str(app.screen.query_one("#found-text", Static).content)

    return asyncio.run(look())


def _refused(place: Place) -> dict[str, str]:
    (place.host.server.directory / "authorized_keys").write_text("")
    return {}


def _changed(place: Place) -> dict[str, str]:
    directory = place.host.server.directory
    make_key(directory / "other")
    key = " ".join((directory / "other.pub").read_text().split()[:2])
    place.host.server.known_hosts.write_text(f"[127.0.0.1]:{place.host.server.port} {key}\n")
    return {}


def _no_docker(place: Place) -> dict[str, str]:
    place.stand_in("docker", "echo 'sh: docker: command not found' >&2; exit 127")
    return {"runtime": "docker"}


def _no_permission(place: Place) -> dict[str, str]:
    said = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
    place.stand_in("docker", f"echo '{said}' >&2; exit 1")
    return {"runtime": "docker"}


def _full(place: Place) -> dict[str, str]:
    with open_registry(place.service.url) as registry:
        push_image(registry, "team/app", "1.0")
    said = "failed to garbage collect: failed to mark: filesystem: write /srv/registry/x: no space left on device"
    real = find_program(PROGRAMS["2.8.2"])
    script = f'test "$1" = garbage-collect || exec {real} "$@"\necho team/app\necho "{said}" >&2\nexit 1'
    return {"binary": place.stand_in("full-registry", script)}


CASES: dict[str, tuple[Callable[[Place], dict[str, str]], int, str]] = {
    "wrong host": (lambda _: {"ssh": "deploy@registry.invalid"}, 3, "There is no host registry.invalid"),
    "refused key": (_refused, 4, "does not accept the SSH login."),
    "changed host key": (_changed, 4, "is not the one that is known"),
    "no docker, as a shell says it": (_no_docker, 5, "There is no docker on"),
    "wrong unit": (lambda _: {"container": "registry.service"}, 5, "There is no service registry.service"),
    "no permission on the socket, as docker says it": (_no_permission, 4, "its socket refuses."),
    "missing config": (lambda _: {"config": "/etc/elsewhere.yml"}, 5, "no config file /etc/elsewhere.yml"),
    "empty storage": (lambda _: {}, 0, "There is nothing to collect"),
    "full disk, as the collector says it": (_full, 1, "The disk of the storage is full"),
}


@pytest.mark.integration
@pytest.mark.parametrize("case", CASES)
def test_one_clear_sentence_in_the_app_and_in_the_command(
    place: Place, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    change, exit_code, sentence = CASES[case]
    place.write_config(**change(place))
    code, told = said_by_the_command(place, capsys)
    assert (code, sentence in told) == (exit_code, True), told
    shown = said_by_the_app(place)
    assert sentence in shown
    # The whole of it, with what to do, and not another one.
    whole = next(line for line in told.splitlines() if sentence in line).removeprefix("regtui: ")
    assert whole in " ".join(shown.splitlines())
    assert place.service.is_running()
    assert "stop" not in " ".join(place.service.calls).split()


@pytest.mark.integration
def test_what_ssh_asks_is_asked_on_the_terminal_and_the_app_comes_back(place: Place, tmp_path: Path) -> None:
    place.write_config()
    place.host.server.known_hosts.write_text("")
    environment = {"PATH": place.host.path, "HOME": str(tmp_path), "TERM": "xterm-256color", "REGTUI_DRIVER": "stock"}
    with on_terminal(["browse", "lab", "--config", str(place.config)], environment) as terminal:
        terminal.wait_for("look again")
        terminal.type("\x07")
        terminal.wait_for("Are you sure you want to continue connecting")
        # In between the app has left the terminal: what was on its screen is as it was before.
        assert terminal.shown.rindex("\x1b[?1049l") < terminal.shown.rindex("Are you sure")
        terminal.type("yes\n")
        terminal.wait_for("There is nothing to collect")
        terminal.type("q")
        assert terminal.end() == 0
    assert place.host.server.known_hosts.read_text()

"""Registries that listen on another host's loopback alone, reached by `via` in a profile."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regtui.session.resolving import resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.connect import ConnectScreen
from tests.integration.test_app import shows
from tests.integration.test_app import until as shown
from tests.support.commands import Regtui, failed
from tests.support.images import open_registry, push_image
from tests.support.patience import PATIENCE
from tests.support.servers import VERSIONS, RegistryServer, start_registry
from tests.support.sshd import SshServer, start_sshd
from tests.support.terminal import on_terminal
from tests.support.tls import make_tls
from tests.unit.ui.demo_app import settled


@pytest.fixture(params=VERSIONS)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryServer]:
    with start_registry(request.param, tmp_path / "registry") as server:
        with open_registry(server.url) as opened:
            push_image(opened, "team/app", "1.0")
        yield server


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    # Its log then tells where it forwarded to.
    with start_sshd(tmp_path / "sshd", options="LogLevel DEBUG1") as server:
        yield server


def profile(regtui: Regtui, sshd: SshServer, address: str, more: str = "") -> Regtui:
    """The profile `lab`, and an ssh that knows the host."""
    config = Path(regtui.environment["HOME"]) / ".config/regtui/config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f'[registries.lab]\naddress = "{address}"\nvia = "{sshd.destination}"\n{more}\n')
    regtui.environment["PATH"] = sshd.path
    return regtui


def forwarded_to(sshd: SshServer) -> set[int]:
    """The ports that sshd connected to for somebody."""
    return {int(port) for port in re.findall(r"direct_tcpip: .* target \S+ port (\d+)", sshd.log.read_text())}


def until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_commands_go_through_the_host_and_leave_nothing_behind(
    registry: RegistryServer, sshd: SshServer, regtui: Regtui
) -> None:
    profile(regtui, sshd, registry.url)
    assert regtui.records("ls", "lab") == [{"repository": "team/app"}]
    assert [record["tag"] for record in regtui.records("tags", "lab/team/app")] == ["1.0"]
    assert forwarded_to(sshd) == {registry.port}
    # Without a scheme: on a loopback host https is tried first, there as here.
    profile(regtui, sshd, registry.host)
    assert regtui("ls", "lab").stdout == "team/app\n"
    doctor = regtui("doctor", "lab")
    assert f"{sshd.destination} lets regtui in, and leads to the registry" in doctor.stdout
    until(lambda: not sshd.has_clients)


def test_the_certificate_is_that_of_the_registry(tmp_path: Path, sshd: SshServer, regtui: Regtui) -> None:
    tls = make_tls(tmp_path / "tls", "localhost")
    with start_registry("3.1.1", tmp_path / "registry", tls=make_tls(tmp_path / "other")) as other:
        profile(regtui, sshd, f"https://localhost:{other.port}")
        failed(regtui("ls", "lab"), 3, f"The certificate of localhost:{other.port} is signed by an unknown authority (")
    with start_registry("3.1.1", tmp_path / "registry", tls=tls) as server:
        profile(regtui, sshd, f"https://localhost:{server.port}", f'ca_file = "{tls.ca}"')
        assert regtui("ls", "lab").returncode == 0
        profile(regtui, sshd, f"https://127.0.0.1:{server.port}", f'ca_file = "{tls.ca}"')
        failed(regtui("ls", "lab"), 3, "is for another name: localhost.")
        profile(regtui, sshd, f"http://127.0.0.1:{server.port}")
        failed(regtui("ls", "lab"), 3, "speaks HTTPS, not plain HTTP")


def test_what_can_be_wrong_on_the_way(
    tmp_path: Path, registry: RegistryServer, sshd: SshServer, regtui: Regtui
) -> None:
    profile(regtui, sshd, "http://127.0.0.1:1")
    failed(regtui("ls", "lab"), 3, f"Nothing listens at 127.0.0.1:1 on {sshd.destination}")
    profile(regtui, sshd, f"https://127.0.0.1:{sshd.port}")
    failed(regtui("ls", "lab"), 3, "speaks neither HTTPS nor HTTP")
    profile(regtui, sshd, registry.url)
    sshd.known_hosts.write_text("")
    failed(regtui("ls", "lab"), 4, f"The host key of {sshd.destination} is not known yet.")
    with start_sshd(tmp_path / "closed", options="AllowTcpForwarding no") as strict:
        profile(regtui, strict, registry.url)
        # It listens on this very machine: whoever went around the tunnel would reach it.
        failed(regtui("ls", "lab"), 3, f"{strict.destination} does not allow forwarding")


def test_a_via_that_is_no_destination(sshd: SshServer, regtui: Regtui) -> None:
    profile(regtui, sshd, "http://127.0.0.1:5000")
    config = Path(regtui.environment["HOME"]) / ".config/regtui/config.toml"
    config.write_text(config.read_text().replace(sshd.destination, "-oProxyCommand=touch /tmp/x"))
    failed(regtui("ls", "lab"), 1, "has something wrong at registries.lab.via")


async def test_the_app_goes_through_the_host_and_comes_back(
    registry: RegistryServer, sshd: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", sshd.path)
    file = tmp_path / "config.toml"
    file.write_text(f'[registries.lab]\naddress = "{registry.url}"\nvia = "{sshd.destination}"\n')
    config, credentials = Config.load(file), Credentials({}, keyring_timeout=PATIENCE)
    app = RegtuiApp(config, credentials, resolve_target("lab", config, credentials))
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        svg = app.export_screenshot().replace("&#160;", " ")
        assert f"via {sshd.destination}" in svg
        assert "no TLS" not in svg
        assert app.screen.query_one("#tags").border_title is not None
    until(lambda: not sshd.has_clients)
    # An unknown host key in a test without a terminal: the connect screen says so.
    sshd.known_hosts.write_text("")
    app = RegtuiApp(config, credentials, resolve_target("lab", config, credentials))
    async with app.run_test(size=(120, 30)) as pilot:
        while not isinstance(app.screen, ConnectScreen):
            await pilot.pause(0.02)
        await pilot.pause()
        assert "is not known yet" in app.export_screenshot().replace("&#160;", " ")


async def test_a_tunnel_that_is_lost_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_registry("3.1.1", tmp_path / "registry") as registry:
        with open_registry(registry.url) as opened:
            push_image(opened, "team/app", "1.0")
        with start_sshd(tmp_path / "sshd") as sshd:
            monkeypatch.setenv("PATH", sshd.path)
            file = tmp_path / "config.toml"
            file.write_text(f'[registries.lab]\naddress = "{registry.url}"\nvia = "{sshd.destination}"\n')
            config, credentials = Config.load(file), Credentials({}, keyring_timeout=PATIENCE)
            app = RegtuiApp(config, credentials, resolve_target("lab", config, credentials))
            async with app.run_test(size=(120, 30)) as pilot:
                await shown(pilot, shows(pilot, "1 tag"))
                sshd.stop()
                await pilot.press("r")
                await shown(pilot, shows(pilot, f"{sshd.destination} refuses SSH connections"))
                with open_registry(registry.url) as opened:
                    push_image(opened, "team/web", "1.0")
                # On another port, which the client's alias leads to.
                logins = sshd.logins
                with start_sshd(tmp_path / "sshd", new_keys=False) as again:
                    await pilot.press("r")
                    await shown(pilot, shows(pilot, "2 repositories"))
                    await shown(pilot, lambda: not app.workers)
                    # Its log goes on where that of the first one ended.
                    assert again.logins - logins == 1, again.log.read_text()
            until(lambda: not again.has_clients)


def test_the_app_hands_its_terminal_to_ssh(tmp_path: Path, regtui: Regtui) -> None:
    with (
        start_registry("3.1.1", tmp_path / "registry") as registry,
        start_sshd(tmp_path / "sshd", passphrase="open sesame") as sshd,
    ):
        with open_registry(registry.url) as opened:
            push_image(opened, "team/app", "1.0")
        profile(regtui, sshd, registry.url)
        sshd.known_hosts.write_text("")
        environment = {**regtui.environment, "COLUMNS": "100", "LINES": "30", "TERM": "xterm-256color"}
        with on_terminal(["browse", "lab"], environment) as terminal:
            terminal.wait_for("Are you sure you want to continue connecting")
            terminal.type("yes\n")
            terminal.wait_for("Enter passphrase for key")
            terminal.type("open sesame\n")
            terminal.wait_for("team")
            assert "sesame" not in terminal.shown
            terminal.type("q")
            assert terminal.end() == 0
        # Ctrl+C at ssh's question is the way back, not the end.
        with on_terminal(["browse", "lab"], environment) as terminal:
            terminal.wait_for("Enter passphrase for key")
            terminal.type("\x03")
            terminal.wait_for("was interrupted")
            terminal.type("\x11")
            assert terminal.end() == 4


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_is_interrupted_takes_its_tunnel_along(
    tmp_path: Path, sshd: SshServer, regtui: Regtui, how: signal.Signals
) -> None:
    # Something that never answers: the command waits for it.
    profile(regtui, sshd, f"http://127.0.0.1:{sshd.port}")
    command = subprocess.Popen(
        [sys.executable, "-c", "from regtui.cli.main import run; run()", "ls", "lab"],
        env=regtui.environment,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: sshd.logins > 0)
    command.send_signal(how)
    command.wait()
    until(lambda: not sshd.has_clients)

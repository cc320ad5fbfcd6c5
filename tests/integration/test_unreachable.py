"""What the commands say where a registry, a certificate or a password is not what it should be."""

import os
from pathlib import Path
from socket import socket

import pytest

from tests.support.commands import Regtui, failed
from tests.support.file_keyring import FILE_KEYRING
from tests.support.servers import VERSIONS, RegistryServer, start_registry
from tests.support.terminal import on_terminal
from tests.support.tls import make_tls

pytestmark = pytest.mark.integration


def test_names_and_ports_that_answer_nothing(regtui: Regtui) -> None:
    failed(regtui("ls", "https://registry.invalid"), 3, "There is no host registry.invalid")
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        failed(regtui("ls", f"http://127.0.0.1:{port}"), 3, f"Nothing listens at 127.0.0.1:{port}")
    failed(regtui("ls", "not a host"), 2, "is not a registry's address")


@pytest.mark.parametrize("version", VERSIONS)
def test_passwords(version: str, tmp_path: Path, regtui: Regtui) -> None:
    with start_registry(version, tmp_path / "registry", htpasswd={"ci": "right"}) as server:
        login = f"Run: regtui login {server.host}"
        failed(regtui("ls", server.url), 4, f"Not logged in to {server.host}. {login}")
        wrong = f"{server.host} rejects the user name or password. {login}"
        failed(regtui("ls", server.url, "-u", "ci", "--password-stdin", stdin="wrong\n"), 4, wrong)
        failed(regtui("ls", server.url, "-u", "ci"), 2, "There is no password for ci.")
        assert regtui("ls", server.url, "-u", "ci", "--password-stdin", stdin="right\n").returncode == 0
        assert regtui("ls", server.url, REGTUI_USERNAME="ci", REGTUI_PASSWORD="right").returncode == 0
        assert regtui("ls", server.url, "-u", "ci", REGTUI_PASSWORD="right").returncode == 0

        unset = "Correct REGTUI_USERNAME and REGTUI_PASSWORD, or unset them: they go before any login that is kept."
        failed(regtui("ls", server.url, REGTUI_USERNAME="ci", REGTUI_PASSWORD="wrong"), 4, unset)

        # Not that what was just done should be done.
        again = regtui("login", server.url, "-u", "ci", "--password-stdin", stdin="wrong")
        failed(again, 4, f"{server.host} rejects the user name or password. Nothing was stored.\n")
        failed(regtui("login", server.url, "--password-stdin", stdin="right"), 2, "without a user name")
        kept = regtui("login", server.url, "-u", "ci", "--password-stdin", stdin="right")
        failed(kept, 1, "it can't be kept: this machine has no usable keyring.")
        assert "right" not in kept.stderr
        assert regtui("logout", server.url).returncode == 0


def test_a_password_is_asked_for_and_not_shown(tmp_path: Path, regtui: Regtui) -> None:
    with start_registry(VERSIONS[0], tmp_path / "registry", htpasswd={"ci": "right"}) as server:
        with on_terminal(["ls", server.url, "-u", "ci"], regtui.environment) as terminal:
            terminal.wait_for(f"Password of ci for {server.host}: ")
            terminal.type("right\n")
            assert terminal.end() == 0
        assert "right" not in terminal.shown
        with on_terminal(["login", server.url], regtui.environment) as terminal:
            terminal.wait_for(f"User name for {server.host}: ")
            terminal.type("ci\n")
            terminal.wait_for("Password of ci")
            terminal.type("wrong\n")
            assert terminal.end() == 4
        assert "rejects the user name or password" in terminal.shown


@pytest.mark.parametrize("version", VERSIONS)
def test_login_is_kept_in_the_keyring(version: str, tmp_path: Path, regtui: Regtui) -> None:
    regtui.environment |= FILE_KEYRING
    with start_registry(version, tmp_path / "registry", htpasswd={"ci": "right"}) as server:
        done = regtui("login", server.url, "-u", "ci", "--password-stdin", stdin="right\n")
        assert (done.returncode, done.stdout) == (0, "")
        assert regtui("ls", server.url).returncode == 0
        assert "was removed" in regtui("logout", server.url).stderr
        failed(regtui("ls", server.url), 4, "Not logged in")
        assert "There was no credential" in regtui("logout", server.url).stderr


def test_login_to_a_registry_that_asks_for_none(server: RegistryServer, regtui: Regtui) -> None:
    done = regtui("login", server.url, "-u", "ci", "--password-stdin", stdin="any")
    assert (done.returncode, done.stderr) == (0, f"{server.host} asks for no login. Nothing was stored.\n")


@pytest.mark.parametrize("version", VERSIONS)
def test_tls(version: str, tmp_path: Path, regtui: Regtui) -> None:
    tls = make_tls(tmp_path / "tls")
    with start_registry(version, tmp_path / "secure", tls=tls) as server:
        unknown = regtui("ls", server.url)
        failed(unknown, 3, f"The certificate of {server.host} is signed by an unknown authority (")
        assert unknown.stderr.endswith("). Give it with --ca-file.\n")
        assert regtui("ls", server.url, "--ca-file", str(tls.ca)).returncode == 0
        assert regtui("ls", server.url, "--insecure").returncode == 0
        plain = regtui("ls", f"http://{server.host}")
        failed(plain, 3, f"{server.host} speaks HTTPS, not plain HTTP. Use https://{server.host}")
        failed(regtui("ls", server.host, "--plain-http"), 3, "speaks HTTPS")
        missing = str(tmp_path / "none.pem")
        failed(regtui("ls", server.url, "--ca-file", missing), 1, "The certificate files can't be used")


def test_plain_http(server: RegistryServer, regtui: Regtui) -> None:
    failed(
        regtui("ls", f"https://{server.host}"),
        3,
        f"{server.host} speaks plain HTTP, not HTTPS. If that is intended, use http://{server.host}",
    )
    # A loopback host without a scheme is tried with both, as Docker does.
    assert regtui("ls", server.host).returncode == 0
    assert regtui("ls", server.host, "--plain-http").returncode == 0


def test_the_log_names_requests_and_no_secret(tmp_path: Path, regtui: Regtui) -> None:
    log = tmp_path / "log"
    with start_registry(VERSIONS[0], tmp_path / "registry", htpasswd={"ci": "s3cret-word"}) as server:
        regtui("ls", server.url, "-u", "ci", "--password-stdin", "--log-file", str(log), stdin="s3cret-word")
    assert "/v2/_catalog" in log.read_text()
    assert "s3cret" not in log.read_text()
    assert os.stat(log).st_mode & 0o777 == 0o600  # noqa: PTH116

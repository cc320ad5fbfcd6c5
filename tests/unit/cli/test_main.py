"""How a run ends: exit code and one line, whatever happens."""

import os
import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest

from regtui.cli.main import main
from tests.support.commands import Regtui


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "REGTUI_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """The command `ls` raises `error`."""
    module = ModuleType("regtui.cli.ls")

    def run(_: object) -> int:
        raise error

    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "regtui.cli.ls", module)


def test_usage_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--what"]) == 2
    assert capsys.readouterr().err == "regtui: Unrecognized arguments: --what. See: regtui ls --help\n"


def test_no_registry_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"]) == 2
    assert capsys.readouterr().err.startswith("regtui: No registry is named. ")


def test_ctrl_c_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert main(["ls"]) == 130
    assert capsys.readouterr().err == ""


def test_a_bug_is_one_line_and_its_trace_is_for_the_user_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_home: Path
) -> None:
    raising(monkeypatch, ZeroDivisionError("division\nby \x1b[31mzero"))
    assert main(["ls"]) == 1
    said = capsys.readouterr().err
    file = own_home / ".local/state/regtui/crash.log"
    assert said == f"regtui: internal error: ZeroDivisionError: division by �[31mzero (details in {file})\n"
    assert "Traceback" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_browser_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["registry.example.com"]) == 2
    assert (
        capsys.readouterr().err == "regtui: The browser needs a terminal. For scripts: regtui ls registry.example.com\n"
    )
    for named, command in {
        "http://localhost:5000": "ls",
        "localhost:5000/": "ls",
        "prod/team/app": "tags",
        "http://localhost:5000/app:1": "inspect",
        f"prod/app@sha256:{'a' * 64}": "inspect",
    }.items():
        assert main([named]) == 2
        assert f"For scripts: regtui {command} {named}" in capsys.readouterr().err
    assert main(["demo"]) == 2
    assert capsys.readouterr().err == "regtui: The browser needs a terminal. For scripts: regtui ls demo\n"


def test_two_registries(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "-r", "one.example.com", "two.example.com"]) == 2
    assert "Two registries are named: two.example.com and, with -r, one.example.com." in capsys.readouterr().err
    assert main(["tags", "-r", "one.example.com", "localhost:5000/a"]) == 2
    assert "Two registries are named" in capsys.readouterr().err


def test_a_missing_config_file_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["ls", "demo", "--config", str(tmp_path / "none.toml")]) == 1
    assert "There is no config file" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="NOT TESTED: there is no /dev/full here")  # noqa: PTH110
def test_a_log_file_that_takes_nothing_more_is_told_once(tmp_path: Path) -> None:
    done = Regtui(tmp_path)("ls", "demo", "--log-file", "/dev/full")
    assert done.returncode == 0
    assert "fullstack/common" in done.stdout
    assert done.stderr == "regtui: The log file /dev/full can't be written any more: no space left on device.\n"


def test_a_log_file_that_can_t_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["ls", "demo", "--log-file", str(tmp_path / "none" / "log")]) == 1
    assert "can't be written: no such file or directory." in capsys.readouterr().err


def test_references_of_two_registries_get_no_common_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rm", "--yes", "-u", "ci", "a.example.com/x:1", "b.example.com/x:1"]) == 2
    assert "of several registries" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="NOT TESTED: there is no /dev/full here")  # noqa: PTH110
def test_a_full_disk_fails(tmp_path: Path) -> None:
    import subprocess

    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "regtui", "ls", "demo"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (1, "regtui: The output can't be written: no space left on device.\n")


def test_a_name_that_is_neither_profile_nor_host_is_told_as_both(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = own_home / ".config/regtui/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[registries.production]\naddress = "127.0.0.1:9"\n')
    assert main(["ls", "prodction"]) == 3
    said = capsys.readouterr().err
    assert "There is no host prodction" in said
    assert "There is no profile prodction either; there are production." in said


def test_a_password_that_is_nobody_s_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REGTUI_PASSWORD", "secret")
    assert main(["ls", "127.0.0.1:9"]) == 3
    said = capsys.readouterr().err
    assert "REGTUI_PASSWORD is set, but neither REGTUI_USERNAME nor -u says whose it is" in said
    assert "secret" not in said
    monkeypatch.setenv("REGTUI_USERNAME", "ci")
    assert main(["ls", "127.0.0.1:9"]) == 3
    assert "REGTUI_PASSWORD" not in capsys.readouterr().err

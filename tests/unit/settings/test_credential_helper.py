"""`docker-credential-NAME`, by its protocol, with programs that keep to it and programs that don't."""

import os
import time
from pathlib import Path

import pytest

from regtui.errors import SettingsError
from regtui.registry.values import Credential
from regtui.settings.credential_helper import Helper
from tests.support.credential_helpers import HANGING, make_helper, make_program
from tests.support.patience import PATIENCE

HOST = "registry.example.com:5000"
CI = Credential("ci", "geheim")


def helper(folder: Path, name: str = "own", timeout: float = 20.0, **environment: str) -> Helper:
    return Helper(name, {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **environment}, timeout)


def test_get_store_and_erase(tmp_path: Path) -> None:
    program = make_helper(tmp_path, "own", {"else": ("x", "y")})
    own = helper(tmp_path, REGTUI_PASSWORD="not for others")
    assert own.get(HOST) is None
    own.store(HOST, CI)
    assert program.entries == {"else": ["x", "y"], HOST: ["ci", "geheim"]}
    assert own.get(HOST) == CI
    assert own.erase(HOST)
    assert not own.erase(HOST)
    assert program.entries == {"else": ["x", "y"]}
    assert [call["argv"][1:] for call in program.calls] == [["get"], ["store"], ["get"], ["erase"], ["erase"]]
    assert program.calls[0]["stdin"] == HOST, "no line break: helpers compare it as it is"
    for call in program.calls:
        assert "geheim" not in str(call["argv"]) + str(call["environment"])
        assert "REGTUI_PASSWORD" not in call["environment"]


def test_a_user_called_token_has_an_identity_token(tmp_path: Path) -> None:
    make_helper(tmp_path, "own", {HOST: ("<token>", "idt"), "empty": ("ci", "")})
    assert helper(tmp_path).get(HOST) == Credential("", identity_token="idt")
    assert helper(tmp_path).get("empty") is None


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../own", "/bin/sh", "a/b", "-own", "own get", "own;id", "$(id)", "own\n", "ówn", "\0"]
)
def test_odd_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be the name of a credential helper"):
        helper(tmp_path, name).get(HOST)


def test_one_that_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="docker-credential-own is not installed"):
        helper(tmp_path).get(HOST)


@pytest.mark.parametrize(
    "answer",
    [
        *("", "no JSON", "[]", "5", '{"Username": "ci"}', '{"Username": 1, "Secret": "geheim"}', '["geheim"]'),
        # It would break a header, or couldn't be sent at all.
        *(r'{"Username": "<token>", "Secret": "geheim\n"}', r'{"Username": "ci", "Secret": "geheim\ud800"}'),
    ],
)
def test_nonsense_is_told_and_not_quoted(answer: str, tmp_path: Path) -> None:
    make_program(tmp_path, "own", f"#!/bin/sh\nprintf '%s' '{answer}'\n")
    with pytest.raises(SettingsError, match="something that is no credential") as caught:
        helper(tmp_path).get(HOST)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("echo 'pass not initialized: exit status 1'; exit 1", "failed: pass not initialized: exit status 1."),
        ("exit 3", "failed: exit code 3."),
        ("exec /nowhere/interpreter", "failed: exit code"),
    ],
)
def test_its_own_words_when_it_fails(program: str, said: str, tmp_path: Path) -> None:
    make_program(tmp_path, "own", f"#!/bin/sh\n{program}\n")
    with pytest.raises(SettingsError) as caught:
        helper(tmp_path).get(HOST)
    assert said in str(caught.value)


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    make_program(tmp_path, "own", "#!/nowhere/interpreter\n")
    with pytest.raises(SettingsError, match="can't be started"):
        helper(tmp_path).get(HOST)


def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    make_program(tmp_path, "own", HANGING)
    started = tmp_path / "docker-credential-own.pid"
    # On a machine that is busy it takes longer to start.
    for seconds in (1, 10, int(PATIENCE)):
        with pytest.raises(SettingsError, match=f"did not answer within {seconds} seconds"):
            helper(tmp_path, timeout=seconds).get(HOST)
        if started.exists() and started.read_text().strip():
            break
    group = int(started.read_text())
    give_up = time.monotonic() + PATIENCE
    while _lives(group):
        assert time.monotonic() < give_up, "its child still runs"
        time.sleep(0.01)


def test_one_that_never_stops_talking_is_ended(tmp_path: Path) -> None:
    make_program(tmp_path, "own", '#!/bin/sh\necho $$ > "$0.pid"\nexec yes\n')
    with pytest.raises(SettingsError, match="docker-credential-own wrote more than 1 MiB"):
        helper(tmp_path).get(HOST)
    assert not _lives(int((tmp_path / "docker-credential-own.pid").read_text()))


def test_one_that_reads_nothing_and_one_that_is_given_much(tmp_path: Path) -> None:
    make_program(tmp_path, "deaf", '#!/bin/sh\nexec <&-\nprintf \'{"Username":"ci","Secret":"geheim"}\'\n')
    assert helper(tmp_path, "deaf").get(HOST) == CI
    program = make_helper(tmp_path, "own", {})
    long = Credential("ci", "x" * 200_000)
    helper(tmp_path).store(HOST, long)
    assert program.entries == {HOST: ["ci", long.password]}


def _lives(group: int) -> bool:
    """Whether anything of that process group runs: what has ended and waits for init to see it doesn't count."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False

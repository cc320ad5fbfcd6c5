"""What only happens on a terminal: tables, questions, hidden passwords, Ctrl+C. Against the registry in memory."""

import os
import re
from pathlib import Path

import pytest

from tests.support.terminal import on_terminal

_RM = ("rm", "-r", "demo")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "120"}


def test_tags_are_a_table(environment: dict[str, str]) -> None:
    """The size of a pull, as a range over the platforms, apart from that of all platforms together."""
    with on_terminal(["tags", "-r", "demo", "fullstack/gateway"], environment | {"NO_COLOR": "1"}) as terminal:
        assert terminal.end() == 0
    header, first, *_ = terminal.shown.splitlines()
    assert header.split() == ["TAG", "CREATED", "SIZE", "TOTAL", "PLATFORM", "DIGEST"]
    assert re.search(r" [\d.]+–[\d.]+ MB +[\d.]+ MB  +linux/amd64", first)
    assert "linux/amd64, linux/arm64, linux/arm/v7" in first
    assert "\x1b" not in terminal.shown.replace("\r\x1b[K", "")


def test_y_deletes(environment: dict[str, str]) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9"], environment) as terminal:
        terminal.wait_for("Delete this tag from demo.localhost? [y/N] ")
        assert "1 tag will be removed from fullstack/common." in terminal.shown
        terminal.type("y\n")
        assert terminal.end() == 0
    assert "untag fullstack/common:0.0.9 done" in terminal.shown
    assert "Checked against the registry: nothing else changed." in terminal.shown


def test_what_is_left_for_later_is_left_and_not_called_a_deletion(environment: dict[str, str]) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9", "--tags-only"], environment) as terminal:
        terminal.wait_for("[y/N] ")
        rows = [line.split()[:2] for line in terminal.shown.splitlines() if "fullstack/common@" in line]
        assert rows == [["leave", "planned"]]
        assert "…" not in terminal.shown
        terminal.type("y\n")
        assert terminal.end() == 0
    last = [line for line in terminal.shown.splitlines() if "fullstack/common@" in line][-1]
    assert last.startswith("leave fullstack/common@sha256:")
    assert last.endswith(" for gc --untagged")
    assert "delete" not in last


@pytest.mark.parametrize("answer", ["\n", "n\n", "yess\n", "\x04"])
def test_anything_else_doesn_t(environment: dict[str, str], answer: str) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9", "fullstack/common:latest"], environment) as terminal:
        terminal.wait_for("Delete these 2 tags from demo.localhost? [y/N] ")
        terminal.type(answer)
        assert terminal.end() == 1
    assert terminal.shown.endswith("\nNothing was deleted.\n")


def test_ctrl_c_at_the_question(environment: dict[str, str]) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9"], environment) as terminal:
        terminal.wait_for("[y/N] ")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert terminal.shown.endswith("\n"), "the shell's prompt is to have its own line"
    assert "done" not in terminal.shown
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize(("typed", "code"), [("10\n", 0), ("y\n", 1)])
def test_ten_tags_take_their_number(environment: dict[str, str], typed: str, code: int) -> None:
    references = [f"fullstack/common:0.0.{patch}" for patch in range(4, 14)]
    with on_terminal([*_RM, *references], environment) as terminal:
        terminal.wait_for("To delete these 10 tags from demo.localhost, type 10: ")
        terminal.type(typed)
        assert terminal.end() == code


@pytest.mark.parametrize(("typed", "code"), [("latest\n", 0), ("y\n", 1)])
def test_a_protected_tag_takes_its_name(environment: dict[str, str], tmp_path: Path, typed: str, code: int) -> None:
    (tmp_path / "config.toml").write_text('protect = ["latest"]\n')
    arguments = [*_RM, "--config", str(tmp_path / "config.toml"), "fullstack/common:latest"]
    with on_terminal(arguments, environment) as terminal:
        terminal.wait_for("To delete this tag from demo.localhost, type latest: ")
        terminal.type(typed)
        assert terminal.end() == code

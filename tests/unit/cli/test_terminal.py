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
    # Where it takes long, progress is shown, and erased.
    table = terminal.shown.rpartition("\x1b[K")[2]
    header, first, *_ = table.splitlines()
    assert header.split() == ["TAG", "CREATED", "SIZE", "TOTAL", "PLATFORM", "DIGEST"]
    assert re.search(r" [\d.]+–[\d.]+ MB +[\d.]+ MB  +linux/amd64", first)
    assert "linux/amd64, linux/arm64, linux/arm/v7" in first
    assert "\x1b" not in table


def test_y_deletes(environment: dict[str, str]) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9"], environment) as terminal:
        terminal.wait_for("Delete fullstack/common:0.0.9 from demo.localhost? [y/N] ")
        assert re.search(r"1 tag will be removed from fullstack/common\. \d+ tags stay: ", terminal.shown)
        terminal.type("y\n")
        assert terminal.end() == 0
    assert "untagged fullstack/common:0.0.9" in terminal.shown
    assert "Checked against the registry: nothing else changed." in terminal.shown


def test_what_is_left_for_later_is_left_and_not_called_a_deletion(environment: dict[str, str]) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9", "--tags-only"], environment) as terminal:
        terminal.wait_for("[y/N] ")
        rows = [line.split()[:2] for line in terminal.shown.splitlines() if "fullstack/common@" in line]
        assert [row[0] for row in rows] == ["leave"]
        assert "…" not in terminal.shown
        terminal.type("y\n")
        assert terminal.end() == 0
    last = [line for line in terminal.shown.splitlines() if "fullstack/common@" in line][-1].rpartition("\x1b[K")[2]
    assert last.startswith("leave fullstack/common@")
    assert last.endswith(" for gc --untagged")
    assert "delete" not in last


@pytest.mark.parametrize("answer", ["\n", "n\n", "yess\n", "\x04"])
def test_anything_else_doesn_t(environment: dict[str, str], answer: str) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9", "fullstack/common:latest"], environment) as terminal:
        terminal.wait_for("Delete these 2 tags of fullstack/common from demo.localhost? [y/N] ")
        terminal.type(answer)
        assert terminal.end() == 1
    assert terminal.shown.endswith("\nNothing was deleted.\n")


@pytest.mark.parametrize(("tags", "question"), [(1, "[y/N] "), (10, "type 10: ")])
def test_what_is_typed_before_the_plan_was_shown_answers_nothing(
    environment: dict[str, str], tags: int, question: str
) -> None:
    """The line stands still: the plan was written, and is on its way."""
    references = [f"fullstack/common:0.0.{patch}" for patch in range(4, 4 + tags)]
    with on_terminal([*_RM, *references], environment) as terminal:
        terminal.answers = False
        terminal.wait_asked()
        terminal.type("y\n10\n")
        terminal.answer()
        terminal.wait_for(question)
        terminal.type("n\n")
        assert terminal.end() == 1
    assert terminal.shown.endswith("\nNothing was deleted.\n")


def test_of_a_terminal_that_never_answers_a_number_is_typed(environment: dict[str, str]) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9"], environment) as terminal:
        terminal.answers = False
        terminal.wait_asked()
        terminal.type("y\n")
        terminal.wait_for(" to go on, Ctrl+C to cancel: ")
        number = re.search(r"Type (\d{4}) to go on", terminal.shown)
        assert number
        terminal.type(f"y\n{number[1]}")
        terminal.wait_for("[y/N] ")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert "untagged fullstack/common:0.0.9" in terminal.shown


def test_ctrl_c_before_the_question(environment: dict[str, str]) -> None:
    with on_terminal([*_RM, "fullstack/common:0.0.9"], environment) as terminal:
        terminal.answers = False
        terminal.wait_asked()
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "done" not in terminal.shown
    assert "Traceback" not in terminal.shown


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
        terminal.wait_for("To delete these 10 tags of fullstack/common from demo.localhost, type 10: ")
        terminal.type(typed)
        assert terminal.end() == code


@pytest.mark.parametrize(("typed", "code"), [("latest\n", 0), ("y\n", 1)])
def test_a_protected_tag_takes_its_name(environment: dict[str, str], tmp_path: Path, typed: str, code: int) -> None:
    (tmp_path / "config.toml").write_text('protect = ["latest"]\n')
    arguments = [*_RM, "--config", str(tmp_path / "config.toml"), "fullstack/common:latest"]
    with on_terminal(arguments, environment) as terminal:
        terminal.wait_for("To delete fullstack/common:latest from demo.localhost, type latest: ")
        terminal.type(typed)
        assert terminal.end() == code


def test_of_an_index_the_platform_of_this_machine_is_shown_whole(environment: dict[str, str]) -> None:
    with on_terminal(
        ["inspect", "-r", "demo", "fullstack/gateway:latest"], environment | {"NO_COLOR": "1"}
    ) as terminal:
        assert terminal.end() == 0
    shown = terminal.shown
    assert shown.count("Layers of ") == shown.count("Config of ") == 1, "what all platforms say alike is said once"
    assert [shown.count(f"  {name} ") for name in ("linux/amd64", "linux/arm64", "linux/arm/v7")] == [1, 1, 1]
    assert "--all-platforms" in shown
    with on_terminal(["inspect", "-r", "demo", "fullstack/gateway:latest", "--all-platforms"], environment) as terminal:
        assert terminal.end() == 0
    assert terminal.shown.count("Layers of ") == 3


@pytest.mark.parametrize("columns", ["80", "60"])
def test_no_line_of_a_plan_is_longer_than_the_terminal(environment: dict[str, str], columns: str) -> None:
    """Else the terminal breaks it in the middle of a word."""
    command = ["rm", "-r", "demo", "fullstack/gateway:latest", "fullstack/common:0.0.9", "--dry-run"]
    with on_terminal(command, environment | {"NO_COLOR": "1", "COLUMNS": columns}) as terminal:
        terminal.end()
    rows = [line for line in terminal.shown.splitlines() if line.startswith(("ACTION", "untag", "delete"))]
    assert len(rows) > 3
    assert all(len(row) <= int(columns) for row in rows), rows
    assert not any("planned" in row for row in rows), "what all rows say needs no column"


def test_a_slip_of_the_keyboard_is_no_host(environment: dict[str, str]) -> None:
    with on_terminal(["tgas"], environment) as terminal:
        assert terminal.end() == 2
    assert "There is no command or profile tgas. Nearest: tags." in terminal.shown
    assert "regtui browse tgas" in terminal.shown

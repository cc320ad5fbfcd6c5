import argparse

import pytest

from regtui import __version__
from regtui.cli.arguments import COMMANDS, parse
from regtui.errors import UsageError


def test_a_first_argument_that_is_no_command_is_a_registry() -> None:
    arguments = parse(["registry.example.com"])
    assert (arguments.command, arguments.registry_argument) == ("browse", "registry.example.com")


def test_nothing_at_all_opens_the_browser() -> None:
    arguments = parse([])
    assert (arguments.command, arguments.registry_argument) == ("browse", None)


@pytest.mark.parametrize("argv", [["-u", "ci", "ls", "prod"], ["ls", "-u", "ci", "prod"], ["ls", "prod", "-uci"]])
def test_options_may_stand_before_the_command(argv: list[str]) -> None:
    arguments = parse(argv)
    assert (arguments.command, arguments.registry_argument, arguments.username) == ("ls", "prod", "ci")


def test_an_option_s_value_is_no_command() -> None:
    arguments = parse(["-r", "ls", "tags", "a/b"])
    assert (arguments.command, arguments.registry, arguments.repository) == ("tags", "ls", "a/b")


def test_options_before_a_registry_belong_to_the_browser() -> None:
    arguments = parse(["--insecure", "prod"])
    assert (arguments.command, arguments.registry_argument, arguments.insecure) == ("browse", "prod", True)


@pytest.mark.parametrize(
    "argv",
    [
        ["tags"],
        ["ls", "--nonsense"],
        ["ls", "one", "two"],
        ["ls", "--timeout", "0"],
        ["ls", "--timeout", "nan"],
        ["ls", "--timeout", "soon"],
        ["rm", "a:1", "--dry"],
    ],
)
def test_what_makes_no_sense_is_one_line_with_a_hint(argv: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(argv)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy == f"See: regtui {argv[0]} --help"


@pytest.mark.parametrize(
    ("argv", "message", "remedy"),
    [
        (["tgas", "team/app"], "There is no command tgas.", "Nearest: tags. See: regtui --help"),
        (["-r", "prod", "inspet", "a:1"], "There is no command inspet.", "Nearest: inspect. See: regtui --help"),
        (["frob", "--json"], "There is no command frob.", "See: regtui --help"),
        (["--json"], "Unrecognized arguments: --json.", "See: regtui browse --help"),
    ],
)
def test_a_misspelt_command_is_not_taken_for_a_registry(argv: list[str], message: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(argv)
    assert (caught.value.message, caught.value.remedy) == (message, remedy)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([command, "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"  regtui {command if command != 'browse' else ''}".rstrip() in said.partition("example")[2]


@pytest.mark.parametrize("argv", [["--version"], ["ls", "--version"], ["--insecure", "--version"]])
def test_version(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(argv)
    assert capsys.readouterr().out == f"regtui {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--print-completion", shell])
    script = capsys.readouterr().out
    assert ended.value.code in (0, None)
    assert all(command in script for command in COMMANDS)


# docs/interface.md: "Options of every command that talks to a registry".
_EVERYWHERE = (
    "username",
    "password_stdin",
    "plain_http",
    "ca_file",
    "client_cert",
    "client_key",
    "insecure",
    "no_cache",
    "timeout",
    "config",
    "log_file",
    "read_only",
    "registry",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_the_registry_options(command: str) -> None:
    needed = {
        "tags": ["a/b"],
        "inspect": ["a/b:1"],
        "find": ["1"],
        "compare": ["a/b:1", "a/b:2"],
        "attached": ["a/b:1"],
        "sbom": ["a/b:1"],
        "tag": ["a/b:1", "2"],
        "rm": ["a/b:1"],
    }.get(command, [])
    arguments: argparse.Namespace = parse([command, *needed])
    assert all(hasattr(arguments, option) for option in _EVERYWHERE)


@pytest.mark.parametrize("written", [["--match", "-x"], ["--match=-x"]])
def test_an_expression_may_begin_with_a_dash(written: list[str]) -> None:
    arguments = parse(["rm", "team/app", *written, "--keep-match", "-rc", "--dry-run"])
    assert (arguments.match, arguments.keep_match, arguments.dry_run) == ("-x", "-rc", True)
    assert arguments.references == ["team/app"]


@pytest.mark.parametrize("after", [["--dry-run"], ["-y"], ["--"], ["--keep=3"], []])
def test_an_option_is_no_expression(after: list[str]) -> None:
    """Else a variable that is not set would make an expression of --dry-run, and there would be no dry run."""
    with pytest.raises(UsageError, match="--match"):
        parse(["rm", "team/app", "--match", *after])

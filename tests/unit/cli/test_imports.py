"""What a command doesn't need isn't loaded: `--version` answers before httpx could be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_SHOW = """
import json, sys
from regtui.cli.main import main
code = main(sys.argv[1:])
print(json.dumps({"code": code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}), file=sys.stderr)
"""


def loaded(*argv: str, home: Path) -> set[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", _SHOW, *argv], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    answer = json.loads(done.stderr.splitlines()[-1])
    assert answer["code"] == 0, done.stderr
    return set(answer["modules"])


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["tags", "--help"]])
def test_help_and_version_load_nothing_heavy(argv: list[str], tmp_path: Path) -> None:
    heavy = {"textual", "rich", "httpx", "keyring", "humanize", "asyncio", "ssl", "shtab", "platformdirs", "tomllib"}
    assert not loaded(*argv, home=tmp_path) & heavy


@pytest.mark.parametrize("argv", [["ls", "demo"], ["tags", "-r", "demo", "tools/cli", "--json"]])
def test_commands_load_no_textual_and_no_keyring_for_the_demo(argv: list[str], tmp_path: Path) -> None:
    # Not rich: httpx imports it for a command of its own, where it finds click beside it.
    assert not loaded(*argv, home=tmp_path) & {"textual", "keyring", "shtab", "tomlkit"}

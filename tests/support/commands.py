"""Regtui's commands as real processes, without a terminal."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support import watch
from tests.support.processes import clean_environment
from tests.support.watch import passwords

Done = subprocess.CompletedProcess[str]


class Regtui:
    """`python -m regtui …` with a home of its own, no keyring, and no terminal."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = clean_environment(
            home, PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring", **watch.environment()
        )

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "regtui", *arguments],
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        passwords.look_at(f"what {arguments[:1]} printed", done.stdout + done.stderr)
        passwords.look_at_files(self.home, (Path(log) for option, log in pairwise(arguments) if option == "--log-file"))
        return done

    def records(self, *arguments: str) -> list[dict[str, Any]]:
        done = self(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]


def failed(done: Done, code: int, sentence: str) -> None:
    """It ended with `code`, said `sentence` in one line, and nothing else."""
    assert done.returncode == code, done
    assert done.stdout == ""
    assert done.stderr.startswith("regtui: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert sentence in done.stderr, done.stderr

"""Tells a program of the user's what was done: the summary on its standard input, as JSON. It changes nothing."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from regtui.child import child_environment
from regtui.cli.console import warn
from regtui.errors import reason_of
from regtui.text import one_line

_SECONDS: Final = 60
_SHOWN: Final = 300


def notify(command: Sequence[str], summary: Mapping[str, object]) -> None:
    """Where it fails, that is told."""
    if not command:
        return
    program = [str(Path(command[0]).expanduser()), *command[1:]]
    try:
        done = subprocess.run(
            program,
            input=json.dumps(summary, ensure_ascii=True) + "\n",
            text=True,
            errors="replace",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=child_environment(),
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        warn(f"{command[0]}, which notify names, didn't end within {_SECONDS} s.")
    except OSError as error:
        warn(f"{command[0]}, which notify names, can't be run: {reason_of(error)}.")
    else:
        if done.returncode:
            said = one_line(done.stderr.strip(), limit=_SHOWN)
            warn(f"{command[0]}, which notify names, failed with {done.returncode}{f': {said}' if said else '.'}")

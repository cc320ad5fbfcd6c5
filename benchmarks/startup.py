"""Cold start of commands: `regtui --version` and `--help` against `python -c pass`.

The budget is eight times an interpreter that does nothing.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.support.table import Table
from benchmarks.support.timing import ratio, shown, side_by_side

_RUNS = 15


def run() -> Iterable[Table]:
    regtui = str(Path(sys.executable).with_name("regtui"))
    subjects = {
        "python -c pass": _started(sys.executable, "-c", "pass"),
        "regtui --version": _started(regtui, "--version"),
        "regtui --help": _started(regtui, "--help"),
        "regtui tags --help": _started(regtui, "tags", "--help"),
        "regtui ls demo": _started(regtui, "ls", "demo"),
    }
    times = side_by_side(subjects, _RUNS)
    anchor = times["python -c pass"]
    table = Table(f"From start to exit, median of {_RUNS}", ["", "time", "× python -c pass"])
    for name, taken in times.items():
        table.row(name, shown(taken), ratio(taken, anchor))
    yield table


def _started(*command: str) -> Callable[[], object]:
    home = tempfile.gettempdir()

    def start() -> None:
        subprocess.run(
            command, env={"HOME": home, "PATH": "/usr/bin:/bin"}, stdout=subprocess.DEVNULL, check=True, cwd=home
        )

    return start

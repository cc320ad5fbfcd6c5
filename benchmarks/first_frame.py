"""First frame: from the start of the process until something is seen, beside other Textual apps.

The budget: 1.3 times a bare Textual app, and 0.35 of posting. The others are installed below .cache/benchmarks.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.support.endless import endless
from benchmarks.support.screen import BARE, REGTUI, shown, until
from benchmarks.support.table import Table
from benchmarks.support.timing import ratio, side_by_side
from benchmarks.support.timing import shown as in_words

_RUNS = 9
_OTHERS = Path(__file__).resolve().parents[1] / ".cache" / "benchmarks"


def run() -> Iterable[Table]:
    with endless(1_000) as address:
        subjects = {
            "a bare Textual app": _seen(BARE, "nothing else"),
            "regtui: something is seen": _seen([REGTUI, address], "127.0.0.1"),
            "regtui: the repositories are seen": _seen([REGTUI, address], "small00000"),
        }
        for name, text in (("posting", "posting"), ("harlequin", "Query Editor")):
            program = _installed(name)
            if program is not None:
                subjects[name] = _seen([program], text.lower())
        times = side_by_side(subjects, _RUNS)
    bare, posting = times["a bare Textual app"], times.get("posting", 0.0)
    table = Table(f"From the start of the process, median of {_RUNS}", ["", "time", "× bare", "× posting"])
    for name, taken in times.items():
        table.row(name, in_words(taken), f"{taken / bare:.2f}", ratio(taken, posting))
    yield table


def _seen(command: Sequence[str], text: str) -> Callable[[], float]:
    def start() -> float:
        with shown(command) as terminal:
            return until(lambda: text in terminal.text.lower(), text)

    return start


def _installed(name: str) -> str | None:
    """The program, from an environment of its own; None where it can't be had."""
    program = _OTHERS / name / "bin" / name
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_OTHERS / name)], check=True)
        pip = [str(_OTHERS / name / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", name]
        if subprocess.run(pip, check=False).returncode:
            return None
    return str(program)

"""First frame: from the start of the process until something is seen, beside other Textual apps.

The budget: 1.3 times a bare Textual app, and 0.35 of posting. The others are installed below .cache/benchmarks.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.support.endless import endless
from benchmarks.support.screen import BARE, REGTUI, processor_time, shown, until
from benchmarks.support.table import Table
from benchmarks.support.timing import shown as in_words
from benchmarks.support.timing import side_by_side

_RUNS = 5
# What to install, and what is seen of it. posting crashes with the newest tree-sitter.
_APPS = {"posting": (["posting", "tree-sitter<0.26"], "collection"), "harlequin": (["harlequin"], "query editor")}
_OTHERS = Path(__file__).resolve().parents[1] / ".cache" / "benchmarks"


def run() -> Iterable[Table]:
    with endless(1_000) as address:
        subjects: dict[str, tuple[Sequence[str], str]] = {
            "a bare Textual app": (BARE, "nothing else"),
            "regtui: something is seen": ([REGTUI, address], "127.0.0.1"),
            "regtui: the repositories are seen": ([REGTUI, address], "small00000"),
        }
        for name, (packages, text) in _APPS.items():
            program = _installed(name, packages)
            if program is not None:
                subjects[name] = ([program], text)
        times = side_by_side({name: partial(_time, *subject) for name, subject in subjects.items()}, _RUNS)
        work = side_by_side({name: partial(_work, *subject) for name, subject in subjects.items()}, _RUNS)
    columns = ["", "time", "× bare", "× posting", "processor time", "× bare", "× posting"]
    table = Table(f"From the start of the process, median of {_RUNS}", columns)
    for name in subjects:
        table.row(name, *_compared(times, name), *_compared(work, name))
    yield table


def _compared(values: Mapping[str, float], name: str) -> tuple[str, str, str]:
    value = values[name]
    posting = values.get("posting")
    share = f"{value / posting:.2f}" if posting else "–"
    return in_words(value), f"{value / values['a bare Textual app']:.2f}", share


def _time(command: Sequence[str], text: str) -> float:
    with shown(command) as terminal:
        return until(lambda: text in terminal.text.lower(), text)


def _work(command: Sequence[str], text: str) -> float:
    """What other programs on the machine hardly change."""
    with shown(command) as terminal:
        until(lambda: text in terminal.text.lower(), text)
        return processor_time(terminal)


def _installed(name: str, packages: Sequence[str]) -> str | None:
    """The program, from an environment of its own; None where it can't be had."""
    program = _OTHERS / name / "bin" / name
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_OTHERS / name)], check=True)
        pip = [str(_OTHERS / name / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages]
        if subprocess.run(pip, check=False).returncode:
            return None
    return str(program)

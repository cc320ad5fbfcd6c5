"""Whatever a registry sends: under 300 MB (docs/limits.md). The most that a command took, as Linux counts it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from regtui import bounds
from tests.support.bulky import REPOSITORY, Answers, images, index, serving
from tests.support.measured import start_measured
from tests.support.processes import clean_environment

MOST_KB = 300 * 1024


def large(number: int) -> bytes:
    """A config as large as one may be, of few values."""
    start = json.dumps({"os": "linux", "architecture": f"a{number}", "created": "2026-01-01T00:00:00Z", "author": ""})
    return start[:-2].encode() + b"x" * (bounds.CONFIG - len(start)) + b'"}'


def many_values() -> Answers:
    body = b'{"os":"linux","x":[' + b",".join([b"[[]]"] * (bounds.CONFIG // 5 - 10)) + b"]}"
    return images({"1": (body, {})})


def large_index() -> Answers:
    return index("1", [large(number) for number in range(20)])


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(many_values, id="a config of many values"),
        pytest.param(large_index, id="an index of large configs"),
    ],
)
def test_inspect(tmp_path: Path, make: Callable[[], Answers]) -> None:
    with serving(make()) as url:
        started = start_measured(
            [sys.executable, "-m", "regtui", "inspect", f"{url}/{REPOSITORY}:1", "--json"],
            environment=clean_environment(tmp_path, PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring"),
            stdin=subprocess.DEVNULL,
            output=subprocess.DEVNULL,
        )
        code, peak = started.end()
    assert code == 0
    assert peak < MOST_KB, f"{peak // 1024} MB"

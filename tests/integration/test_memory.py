"""Whatever a registry sends: under 300 MB (docs/limits.md). The most that a command took, as Linux counts it."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from regtui import bounds
from tests.support.bulky import REPOSITORY, Answers, images, index, serving
from tests.support.measured import start_measured
from tests.support.patience import PATIENCE
from tests.support.processes import clean_environment

MOST_KB = 300 * 1024


def environment(home: Path, **more: str) -> dict[str, str]:
    return clean_environment(home, PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring", **more)


def large(number: int) -> bytes:
    """A config as large as one may be, of few values."""
    start = json.dumps({"os": "linux", "architecture": f"a{number}", "created": "2026-01-01T00:00:00Z", "author": ""})
    return start[:-2].encode() + b"x" * (bounds.CONFIG - len(start)) + b'"}'


def many_values() -> Answers:
    body = b'{"os":"linux","x":[' + b",".join([b"[[]]"] * (bounds.CONFIG // 5 - 10)) + b"]}"
    return images({"1": (body, {})})


def large_index() -> Answers:
    return index("1", [large(number) for number in range(20)])


def many_annotations() -> Answers:
    """Manifests that are small beside what is held of each."""
    annotations = [{f"{tag}-{number}": "" for number in range(190_000)} for tag in range(16)]
    return images({f"{tag}": (b"{}", {"annotations": each}) for tag, each in enumerate(annotations)})


def many_layers() -> Answers:
    layers = [
        [{"digest": f"sha256:{tag:032x}{number:032x}", "size": 1} for number in range(4_999)] for tag in range(80)
    ]
    return images({f"{tag}": (b"{}", {"layers": each}) for tag, each in enumerate(layers)})


@pytest.mark.parametrize("make", [many_annotations, many_layers])
def test_a_plan(tmp_path: Path, make: Callable[[], Answers]) -> None:
    with serving(make()) as url:
        started = start_measured(
            [sys.executable, "-m", "regtui", "rm", f"{url}/{REPOSITORY}:1", "--dry-run"],
            environment=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            output=subprocess.DEVNULL,
        )
        code, peak = started.end()
    assert code == 1, "it is too much for one plan"
    assert peak < MOST_KB, f"{peak // 1024} MB"


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
            environment=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            output=subprocess.DEVNULL,
        )
        code, peak = started.end()
    assert code == 1, "neither can be read in full, which inspect says by its exit code"
    assert peak < MOST_KB, f"{peak // 1024} MB"


def many_repositories() -> Answers:
    """As many as are taken, each in a namespace of its own."""
    names = [f"{number:06d}/{REPOSITORY}" for number in range(bounds.NAMES - 1)]
    return {"/v2/_catalog": ("application/json", json.dumps({"repositories": names}).encode())}


def many_tags() -> Answers:
    """As many as are taken, with names as long as an answer with all of them may be."""
    length = bounds.LIST // bounds.NAMES - 8
    names = [f"{number:06d}".ljust(length, "x") for number in range(bounds.NAMES - 1)]
    return {
        f"/v2/{REPOSITORY}/tags/list": ("application/json", json.dumps({"name": REPOSITORY, "tags": names}).encode())
    }


@pytest.mark.parametrize(("make", "next_part"), [(many_repositories, "/tags/list"), (many_tags, "/manifests/")])
def test_the_app(tmp_path: Path, make: Callable[[], Answers], next_part: str) -> None:
    """`next_part`: of the path of what is asked for once the list was read."""
    asked = list[str]()
    answers = {**images({"1": (b"{}", {})}), **make()}
    ours, theirs = pty.openpty()
    with serving(answers, asked) as url:
        started = start_measured(
            [sys.executable, "-m", "regtui", url],
            environment=environment(tmp_path, TERM="xterm-256color", TEXTUAL_ANIMATIONS="none"),
            stdin=theirs,
            output=theirs,
        )
        os.close(theirs)
        _quit(ours, lambda: any(next_part in path for path in asked))
        code, peak = started.end()
    os.close(ours)
    assert code == 0
    assert peak < MOST_KB, f"{peak // 1024} MB"


def _quit(terminal: int, may: Callable[[], bool]) -> None:
    """Presses `q` once it `may`, and again until the app has gone."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        is_drawn = not select.select([terminal], [], [], 0.5)[0]
        try:
            shown = b"" if is_drawn else os.read(terminal, 65536)
            # The app waits for the terminal to say where the cursor is: all before that was drawn.
            os.write(terminal, b"\x1b[1;1R" * shown.count(b"\x1b[6n") + (b"q" if may() else b""))
        except OSError:  # Linux: the app has closed its end
            return
    raise AssertionError("the app did not end")

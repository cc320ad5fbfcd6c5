"""Every command and every screen against a registry that means no good (tests/campaigns/hostile_registry.py).

    python -m tests.campaigns.hostile --seed 1 --count 100

A case is a registry that is hostile in one to three places, some commands, and a walk through the app's screens. Held
against: a known exit code, no internal error and no traceback, nothing on the terminal that a terminal acts on and that
isn't ours, less than 300 MB of memory, and an end. A case comes again by its seed and number (`--only`).
"""

import argparse
import os
import pty
import random
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.campaigns.hostile_registry import PAYLOADS, REPOSITORY, Hostile, choose, start_hostile
from tests.support.measured import Measured, start_measured
from tests.support.processes import clean_environment

_MOST_KB: Final = 300 * 1024
_ENDS: Final = 240.0
"""Seconds: with `--timeout 1` four tries of a few requests, and once the patience with Retry-After."""
_CODES: Final = frozenset({0, 1, 2, 3, 4, 5, 6})
# All that isn't a text: controls but line feed and tab, C1, surrogates, the controls of writing direction.
_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_INTERNAL: Final = ("internal error", "Traceback (most recent call last)")

COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("ls", "URL"),
    ("ls", "URL", "--json"),
    ("tags", "-r", "URL", REPOSITORY),
    ("tags", "-r", "URL", REPOSITORY, "--json"),
    ("tags", "-r", "URL", REPOSITORY, "--no-cache"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:1.0"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:index"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:index", "--json"),
    ("rm", "-r", "URL", f"{REPOSITORY}:1.0", "--dry-run"),
    ("rm", "-r", "URL", f"{REPOSITORY}:1.1", "--yes"),
    ("rm", "-r", "URL", f"{REPOSITORY}:windows", "--yes", "--without-undo"),
    ("rm", "-r", "URL", f"{REPOSITORY}:latest", "--yes", "--manifest"),
    ("undo", "-r", "URL", "--yes"),
    ("log", "-r", "URL"),
    ("doctor", "URL"),
    ("login", "URL", "-u", "ci", "--password-stdin"),
    ("gc", "-r", "URL", "--dry-run"),
)
# A walk through the screens; each step waits until the terminal is quiet.
KEYS: Final = (
    *("\r", "\t", "j", "j", "]", "]", "]", "]", "[", "p", "\t", "/", "1", "\x1b", "u", "\x1b", "\x06", "1", "\x1b"),
    *(
        "*",
        "\x1b",
        "t",
        "\x1b",
        " ",
        "j",
        " ",
        "=",
        "\x1b",
        "!",
        "\x1b",
        "?",
        "\x1b",
        "d",
        "\x1b",
        "U",
        "\x1b",
        "r",
        "z",
    ),
)


@dataclass(frozen=True)
class Ended:
    """What a process left. `peak`: of its memory, in KB."""

    code: int
    shown: bytes
    peak: int
    is_late: bool


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--only", type=int, help="this case alone")
    parser.add_argument("--face", choices=("commands", "app", "both"), default="both")
    options = parser.parse_args(arguments)
    numbers = [options.only] if options.only is not None else range(options.count)
    findings = 0
    for number in numbers:
        began = time.monotonic()
        for finding in run_case(options.seed, number, options.face):
            findings += 1
            print(f"case {number} of seed {options.seed}: {finding}", flush=True)
        print(f"case {number}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(f"{len(numbers)} cases, {findings} findings")
    return 1 if findings else 0


def run_case(seed: int, number: int, face: str = "both") -> Iterator[str]:
    """Findings, in sentences."""
    rng = random.Random(f"{seed} {number}")
    with TemporaryDirectory(prefix="regtui-hostile-") as home, start_hostile(f"{seed} {number}") as registry:
        registry.hostility = choose(rng)
        how = ", ".join(f"{part}: {wrong.__name__}" for part, wrong in registry.hostility.items())
        environment = clean_environment(Path(home), PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
        if face != "app":
            for command in rng.sample(COMMANDS, 4):
                for finding in _of_command(command, registry, environment):
                    yield f"[{how}] {' '.join(command)}: {finding}"
        if face != "commands":
            for finding in _of_app(registry, environment):
                yield f"[{how}] app: {finding}"
        for log in Path(home).rglob("crash.log"):
            yield f"[{how}] {log.name}: {log.read_text()[-1500:]}"


def _of_command(command: Sequence[str], registry: Hostile, environment: dict[str, str]) -> Iterator[str]:
    arguments = [registry.url if word == "URL" else word for word in command]
    # Commands that take none of a registry's time-out refuse it.
    patience = [] if command[0] in ("log",) else ["--timeout", "1"]
    ended = _run([*arguments, *patience], environment)
    yield from _common(ended)
    text = ended.shown.decode("utf-8", "replace")
    if harmful := _HARMFUL.search(text):
        yield f"it wrote {harmful[0]!r}: {text[max(harmful.start() - 60, 0) : harmful.end() + 20]!r}"
    if ended.code not in _CODES:
        yield f"exit code {ended.code}: {text[-500:]}"


def _common(ended: Ended) -> Iterator[str]:
    if ended.is_late:
        yield f"it had not ended after {_ENDS:.0f} seconds: {ended.shown[-300:]!r}"
    if ended.peak > _MOST_KB:
        yield f"it took {ended.peak // 1024} MB"
    text = ended.shown.decode("utf-8", "replace")
    for words in _INTERNAL:
        if words in text:
            yield f"{words}: {text[-700:]}"


def _run(arguments: Sequence[str], environment: dict[str, str]) -> Ended:
    ours, theirs = os.pipe()
    command = [sys.executable, "-m", "regtui", *arguments]
    started = start_measured(command, environment=environment, stdin=subprocess.PIPE, output=theirs)
    os.close(theirs)
    assert started.process.stdin is not None
    started.process.stdin.write(b"geheim-geheim\n")
    started.process.stdin.close()
    shown, is_late = _read(ours, time.monotonic() + _ENDS)
    os.close(ours)
    return _ended(started, shown, is_late)


def _read(descriptor: int, give_up: float) -> tuple[bytes, bool]:
    shown = bytearray()
    while (left := give_up - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            continue
        try:
            data = os.read(descriptor, 65536)
        except OSError:  # Linux: the terminal's other end is closed
            data = b""
        if not data:
            return bytes(shown), False
        shown += data
        del shown[: -8 * 1024 * 1024]
    return bytes(shown), True


def _ended(started: Measured, shown: bytes, is_late: bool) -> Ended:
    code, peak = started.end(kill=is_late)
    return Ended(code, shown, peak, is_late)


def _of_app(registry: Hostile, environment: dict[str, str]) -> Iterator[str]:
    ours, theirs = pty.openpty()
    started = start_measured(
        [sys.executable, "-m", "regtui", registry.url, "--timeout", "1"],
        environment={**environment, "TERM": "xterm-256color", "LINES": "30", "COLUMNS": "100"},
        stdin=theirs,
        output=theirs,
    )
    os.close(theirs)
    shown = bytearray(_until_quiet(ours, 2.0))
    try:
        for key in KEYS:
            os.write(ours, key.encode())
            shown += _until_quiet(ours, 0.4)
        give_up = time.monotonic() + _ENDS
        is_late = True
        while is_late and time.monotonic() < give_up:
            for key in ("\x1b", "\x11", "y"):
                os.write(ours, key.encode())
                shown += _until_quiet(ours, 0.3)
            is_late = os.waitid(os.P_PID, started.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except OSError:
        is_late = False
    rest, _ = _read(ours, time.monotonic() + 5.0) if not is_late else (b"", False)
    os.close(ours)
    ended = _ended(started, bytes(shown) + rest, is_late)
    yield from _common(ended)
    if ended.code not in _CODES:
        yield f"exit code {ended.code}: {ended.shown[-500:]!r}"
    for payload in PAYLOADS:
        if payload.encode() in ended.shown:
            yield f"it wrote {payload!r}"


def _until_quiet(descriptor: int, seconds: float) -> bytes:
    shown = bytearray()
    give_up = time.monotonic() + 5.0
    while time.monotonic() < give_up and select.select([descriptor], [], [], seconds)[0]:
        shown += os.read(descriptor, 65536)
    return bytes(shown)


if __name__ == "__main__":
    sys.exit(main())

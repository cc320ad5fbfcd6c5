"""Every command and every screen against a registry that means no good (tests/campaigns/hostile_registry.py), and,
where a host is asked, one that does (tests/campaigns/hostile_host.py).

    python -m tests.campaigns.hostile --seed 1 --count 100

A case is a registry that is hostile in one to three places, with a host that is; the same of which one tag or one
repository alone is bad, where all the others have to be told as if it weren't; some commands, each to a pipe or on a
terminal; and some walks through the app's screens. Held against: a known exit code, no internal error, no traceback,
nothing on the terminal that a terminal acts on and that isn't ours, less than 300 MB of memory, and an end. A case
comes again by its seed and number (`--only`).
"""

import argparse
import fcntl
import json
import os
import pty
import random
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.campaigns.hostile_host import start_hostile_host
from tests.campaigns.hostile_registry import (
    PAYLOADS,
    REPOSITORY,
    Hostile,
    choose,
    choose_odd,
    odd_tag,
    start_hostile,
)
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
# What commands write on terminals by themselves: colours, and a line of progress that is erased.
_OURS: Final = re.compile("\r\n|\x1b\\[(?:0|1|33)m|\r[^\x00-\x1f\x7f-\x9f]*\x1b\\[K")
_INTERNAL: Final = ("internal error", "Traceback (most recent call last)")
_PWNED: Final = re.compile(rb"\x1b\][^\x07\x1b]{0,99}pwned|\x9bpwned|pwned\x08")

# In this order where several are drawn: what one did the next may take back.
COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("login", "URL", "-u", "ci", "--password-stdin"),
    ("ls", "URL"),
    ("ls", "URL", "--json"),
    ("tags", "-r", "URL", REPOSITORY),
    ("tags", "-r", "URL", REPOSITORY, "--names"),
    ("tags", "-r", "URL", REPOSITORY, "--json"),
    ("tags", "-r", "URL", REPOSITORY, "--no-cache"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:1.0"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:latest"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:index"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:index", "--json"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:index", "--platform", "linux/amd64"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:latest", "--raw"),
    ("inspect", "-r", "URL", f"{REPOSITORY}:nowhere"),
    ("find", "-r", "URL", "1.0"),
    ("find", "-r", "URL", "0123456", "--json"),
    ("usage", "URL"),
    ("usage", "URL", "--json"),
    ("attached", "-r", "URL", f"{REPOSITORY}:1.0"),
    ("attached", "-r", "URL", f"{REPOSITORY}:index", "--json"),
    ("sbom", "-r", "URL", f"{REPOSITORY}:1.0"),
    ("sbom", "-r", "URL", f"{REPOSITORY}:index", "--json"),
    ("compare", "-r", "URL", f"{REPOSITORY}:1.0", f"{REPOSITORY}:index"),
    ("tag", "-r", "URL", f"{REPOSITORY}:1.0", "other", "--overwrite"),
    ("check", "URL"),
    ("check", "-r", "URL", REPOSITORY, "--json", "--all"),
    ("check", "-r", "URL", f"{REPOSITORY}:index", "--repair", "--yes"),
    ("rm", "-r", "URL", f"{REPOSITORY}:1.0", "--dry-run"),
    ("rm", "-r", "URL", REPOSITORY, "--keep", "1", "--dry-run", "--json"),
    ("rm", "-r", "URL", "--all-repositories", "--older-than", "1d", "--dry-run"),
    ("rm", "-r", "URL", f"{REPOSITORY}:1.1", "--yes"),
    ("rm", "-r", "URL", f"{REPOSITORY}:windows", "--yes", "--without-undo", "--with-attached"),
    ("rm", "-r", "URL", f"{REPOSITORY}:latest", "--yes", "--manifest"),
    ("prune", "URL", "--dry-run", "--json"),
    ("prune", "URL", "--explain", REPOSITORY),
    ("prune", "URL", "--check"),
    ("prune", "URL", "--yes", "--most", "100%"),
    ("undo", "-r", "URL", "--dry-run"),
    ("undo", "-r", "URL", "--yes"),
    ("undo", "--list"),
    ("log", "-r", "URL"),
    ("log", "--json"),
    ("doctor", "URL"),
    ("doctor", "URL", "--json"),
    ("gc", "-r", "URL", "--dry-run"),
    ("cache",),
    ("logout", "URL"),
)
ON_HOST: Final[tuple[tuple[str, ...], ...]] = (
    ("gc", "lab", "--dry-run"),
    ("gc", "lab", "--yes", "--untagged", "--uploads", "7d", "--remove-empty"),
    ("gc", "lab", "--status"),
    ("gc", "lab", "--bring-back", "--yes"),
    ("doctor", "lab"),
)
# Commands that talk to no registry refuse its time-out.
_WITHOUT_TIMEOUT: Final = frozenset({"log", "cache", "logout"})

_OPEN: Final = ("\r", "\r")
# Walks through the screens, each from the repositories; each step waits until the terminal is quiet.
WALKS: Final[Mapping[str, tuple[str, ...]]] = {
    "details": (*_OPEN, "j", "\t", "]", "G", "]", "]", "]", "]", "[", "p", "p", "/", "p", "\r", "\x1b", "z", "z"),
    "details of each": (*_OPEN, "j", "j", "j", "j", "\r", "]", "p"),
    "list": (*_OPEN, "s", "s", "S", "/", "1", "\r", "\x1b", ".", "v", "j", "v", "i", "a", "r", "\x1b"),
    "usage": ("u", "j", "j", "r", "\r"),
    "find": ("\x06", "1", "\r", "j", "\r"),
    "find a digest": ("\x06", *"sha256:0", "\r", "\x1b"),
    "compare": (*_OPEN, " ", "j", "j", "=", "j", "G", "=", "\x1b"),
    "delete": (*_OPEN, "d", "y", "\x1b", "U", "y", "\x1b"),
    "delete all": (*_OPEN, "a", "d", *"5", "\r", "y", "\x1b", "\x1b"),
    "tag": (*_OPEN, "t", *"new", "\r", "\x1b", "t", *"1.1", "\r", "\x1b"),
    "rule": (*_OPEN, "*", *"1", "\t", *"1d", "\r", "d", "\x1b"),
    "retention": ("\x10", *"would", "\r", "\r", "j", "G", "o", "P", "d", "\x1b", "\x1b"),
    "requests": (*_OPEN, "!", "j", "G", "/", "v", "\r", "\x1b"),
    "help": ("?", "j", "\x1b"),
    "collect": ("\x07", "j", "\x1b"),
    "connect": ("c", "j", "\x1b"),
    "doctor": ("\x10", *"doctor", "\r", "j", "\x1b"),
    "check": (*_OPEN, "j", "\x10", *"check wh", "\r", "y", "\x1b"),
    "palette": ("\x10", *"team", "\r", "\x1b", "\x1b"),
    "type a repository": ("/", *"x/y", "\r", "\x1b", "u", "\x1b"),
}
SIZES: Final = ((80, 24), (100, 30), (200, 50))


@dataclass(frozen=True)
class Ended:
    """What a process left. `peak`: of its memory, in KB. `by_itself`: before anybody told it to."""

    code: int
    shown: bytes
    peak: int
    is_late: bool
    by_itself: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--only", type=int, help="this case alone")
    parser.add_argument("--face", choices=("commands", "one", "host", "app", "all"), default="all")
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


def run_case(seed: int, number: int, face: str = "all", *, walks: int = 3) -> Iterator[str]:
    """Findings, in sentences. `walks`: through the app, how many."""
    rng = random.Random(f"{seed} {number}")
    with TemporaryDirectory(prefix="regtui-hostile-") as folder, start_hostile(f"{seed} {number}") as registry:
        registry.hostility = choose(rng)
        how = ", ".join(f"{part}: {wrong.__name__}" for part, wrong in registry.hostility.items())
        environment = clean_environment(Path(folder), PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
        _write_rules(Path(folder), registry.url)
        if face in ("commands", "all"):
            for command in sorted(rng.sample(COMMANDS, 4), key=COMMANDS.index):
                for finding in _of_command(command, registry, environment, on_terminal=rng.random() < 0.5):
                    yield f"[{how}] {' '.join(command)}: {finding}"
        if face in ("one", "all"):
            for finding in _of_one(registry, environment, rng):
                yield finding
            registry.odd = ()
        if face in ("host", "all"):
            with start_hostile_host(Path(folder) / "host", registry.url, rng) as host:
                if rng.random() < 0.5:
                    registry.hostility = {}
                for command in rng.sample(ON_HOST, 2):
                    told = {**environment, "PATH": f"{host.bin}:{environment['PATH']}"}
                    arguments = (*command, "--config", str(host.config))
                    for finding in _of_command(arguments, registry, told, on_terminal=rng.random() < 0.5):
                        yield f"[{how}; the host {host.how}] {' '.join(command)}: {finding}"
        if face in ("app", "all"):
            drawn = rng.sample(sorted(WALKS), 3)[:walks]
            for finding in _of_app(registry, environment, drawn, rng.choice(SIZES)):
                yield f"[{how}] app ({', '.join(drawn)}): {finding}"
        for log in Path(folder).rglob("crash.log"):
            yield f"[{how}] {log.name}: {log.read_text()[-1500:]}"


def _write_rules(home: Path, url: str) -> None:
    """So that there is something to prune."""
    file = home / ".config" / "regtui" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'[registries.kept]\naddress = "{url}"\n'
        '[[registries.kept.retention]]\nrepositories = ["*"]\nkeep = 1\nolder_than = "1d"\n'
    )


def _of_command(
    command: Sequence[str], registry: Hostile, environment: dict[str, str], *, on_terminal: bool
) -> Iterator[str]:
    arguments = [registry.url if word == "URL" else word for word in command]
    patience = [] if command[0] in _WITHOUT_TIMEOUT else ["--timeout", "1"]
    ended = _run([*arguments, *patience], environment, on_terminal=on_terminal)
    yield from _common(ended)
    text = ended.shown.decode("utf-8", "surrogateescape")
    if on_terminal:
        text = _OURS.sub("\n", text)
    # To a pipe, --raw gives the registry's exact bytes.
    if (on_terminal or "--raw" not in command) and (harmful := _HARMFUL.search(text)):
        where = "a terminal" if on_terminal else "a pipe"
        yield f"to {where} it wrote {harmful[0]!r}: {text[max(harmful.start() - 60, 0) : harmful.end() + 20]!r}"
    if ended.code not in _CODES:
        yield f"exit code {ended.code}: {text[-500:]}"


def _of_one(registry: Hostile, environment: dict[str, str], rng: random.Random) -> Iterator[str]:
    """One tag, or one repository, is bad among good ones: whatever it is, the others are told as without it."""
    kept, registry.hostility = registry.hostility, {}
    bad = "1.1"
    for odd, command, is_of_bad in (
        (
            odd_tag(registry.content, bad),
            ("tags", "-r", registry.url, REPOSITORY, "--json"),
            # The index is over all the images.
            lambda record: record["tag"] in (bad, "index"),
        ),
        (
            (f"/v2/{REPOSITORY}/",),
            ("check", registry.url, "--all", "--json"),
            lambda record: record["reference"].startswith(REPOSITORY),
        ),
    ):
        registry.odd, registry.hostility = odd, {}
        arguments = [*command, "--no-cache", "--timeout", "1"]
        before = _records(_run(arguments, environment, on_terminal=False))
        wrong = choose_odd(rng)
        registry.hostility = dict.fromkeys(("tags", "manifest", "blob"), wrong)
        ended = _run(arguments, environment, on_terminal=False)
        yield from _common(ended)
        after = _records(ended)
        for record in before:
            if not is_of_bad(record) and record not in after:
                yield f"[{odd[0]}: {wrong.__name__}] {' '.join(command)}: it lacks {record}: {ended.shown[-500:]!r}"
    registry.hostility = kept


def _records(ended: Ended) -> list[dict[str, object]]:
    """Of the lines that are some: errors stand among them."""
    lines = ended.shown.decode("utf-8", "replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def _common(ended: Ended) -> Iterator[str]:
    if ended.is_late:
        yield f"it had not ended after {_ENDS:.0f} seconds: {ended.shown[-300:]!r}"
    if ended.peak > _MOST_KB:
        yield f"it took {ended.peak // 1024} MB"
    text = ended.shown.decode("utf-8", "replace")
    for words in _INTERNAL:
        if words in text:
            yield f"{words}: {text[-700:]}"


def _run(arguments: Sequence[str], environment: dict[str, str], *, on_terminal: bool) -> Ended:
    """With a password on standard input, whoever reads it."""
    ours, theirs = pty.openpty() if on_terminal else os.pipe()
    if on_terminal:
        _set_size(ours, 120, 30)
        environment = {**environment, "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "regtui", *arguments]
    started = start_measured(command, environment=environment, stdin=subprocess.PIPE, output=theirs)
    os.close(theirs)
    assert started.process.stdin is not None
    with suppress(BrokenPipeError):
        started.process.stdin.write(b"geheim-geheim\n")
        started.process.stdin.close()
    shown, is_late = _read(ours, time.monotonic() + _ENDS)
    os.close(ours)
    return _ended(started, shown, is_late)


def _set_size(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


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


def _ended(started: Measured, shown: bytes, is_late: bool, *, by_itself: bool = False) -> Ended:
    code, peak = started.end(kill=is_late)
    return Ended(code, shown, peak, is_late, by_itself)


def _of_app(
    registry: Hostile, environment: dict[str, str], walks: Sequence[str], size: tuple[int, int]
) -> Iterator[str]:
    ended = _walk(registry, environment, walks, size)
    yield from _common(ended)
    if ended.code not in _CODES:
        yield f"exit code {ended.code}: {ended.shown[-500:]!r}"
    # With a failure, it is the form of a registry that couldn't be opened, which was left.
    if ended.by_itself and ended.code == 0:
        yield f"it ended by itself with {ended.code}: {ended.shown[-500:]!r}"
    for payload in PAYLOADS:
        if payload.encode() in ended.shown:
            yield f"it wrote {payload!r}"
    if pwned := _PWNED.search(ended.shown):
        yield f"it wrote {pwned[0]!r}"


def _walk(registry: Hostile, environment: dict[str, str], walks: Sequence[str], size: tuple[int, int]) -> Ended:
    ours, theirs = pty.openpty()
    _set_size(ours, *size)
    started = start_measured(
        [sys.executable, "-m", "regtui", registry.url, "--timeout", "1"],
        environment={**environment, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"},
        stdin=theirs,
        output=theirs,
    )
    os.close(theirs)
    shown = bytearray(_until_quiet(ours, 2.0))
    is_late, by_itself = False, True
    try:
        for walk in walks:
            # Three steps back, so that each begins where the last one didn't leave it.
            for key in (*WALKS[walk], "\x1b", "\x1b", "\x1b", "1"):
                os.write(ours, key.encode())
                shown += _until_quiet(ours, 0.3)
        by_itself = _has_ended(started)
        give_up = time.monotonic() + _ENDS
        while not _has_ended(started):
            is_late = time.monotonic() > give_up
            if is_late:
                break
            for key in ("\x1b", "\x11", "y"):
                os.write(ours, key.encode())
                shown += _until_quiet(ours, 0.3)
    except OSError:
        pass
    rest, _ = _read(ours, time.monotonic() + 5.0) if not is_late else (b"", False)
    os.close(ours)
    return _ended(started, bytes(shown) + rest, is_late, by_itself=by_itself)


def _has_ended(started: Measured) -> bool:
    return os.waitid(os.P_PID, started.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _until_quiet(descriptor: int, seconds: float) -> bytes:
    """What comes until nothing does for so long."""
    shown = bytearray()
    give_up = time.monotonic() + 5.0
    while time.monotonic() < give_up and select.select([descriptor], [], [], seconds)[0]:
        shown += os.read(descriptor, 65536)
    return bytes(shown)


if __name__ == "__main__":
    sys.exit(main())

"""A real registry of which some requests hang: what is asked of one repository, or the change of one manifest.

    python -m tests.campaigns.hanging --seed 1 --count 20

A case deletes by name or by rule, in one repository or in all of them, while a proxy lets requests hang: before they
reach the registry, after it has answered, or so that it answers long after nobody listens any more. Held against: what
doesn't hang is done, what is told is so, a change is sent once, the exit code says that it wasn't all, and undo brings
back every tag. What is there is read past the proxy. A case comes again by its seed and number (`--only`).
"""

import argparse
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from tests.support.content import DOCKER_MANIFEST
from tests.support.meddler import Fault, Meddler, Request, meddling
from tests.support.processes import clean_environment
from tests.support.seed import seed_repository
from tests.support.servers import VERSIONS, RegistryServer, start_registry

_TIMEOUT: Final = 3.0
"""Seconds, of reads and of DELETEs: nobody waits ten minutes for each."""
_LONGER: Final = 3 * _TIMEOUT
_ENDS: Final = 240.0
_RUN: Final = (
    "import sys; from regtui.registry import http; "
    f"http._DELETE_TIMEOUT = {_TIMEOUT}; from regtui.cli.main import main; sys.exit(main(sys.argv[1:]))"
)
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
Tags = dict[str, dict[str, str]]
"""repository → tag → digest"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--only", type=int, help="this case alone")
    options = parser.parse_args(arguments)
    numbers = [options.only] if options.only is not None else range(options.count)
    findings = 0
    for number in numbers:
        began = time.monotonic()
        for finding in run_case(options.seed, number):
            findings += 1
            print(f"case {number} of seed {options.seed}: {finding}", flush=True)
        print(f"case {number}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(f"{len(numbers)} cases, {findings} findings")
    return 1 if findings else 0


@dataclass
class Hanging:
    """What hangs: of `repository`, requests by `methods` about one of `references`; of all where there are none.
    `sent`: the changes that hung."""

    repository: str
    methods: tuple[str, ...]
    references: tuple[str, ...]
    reaches: bool
    late: float = 0.0
    """Seconds until the registry sees it, if ever."""
    sent: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        what = f"{'/'.join(self.methods)} of {', '.join(self.references) or 'all'} in {self.repository} hangs"
        return f"{what}, reaches: {self.reaches}, late: {self.late}"

    def __call__(self, request: Request) -> Fault | None:
        if request.method not in self.methods or f"/v2/{self.repository}/" not in request.path:
            return None
        if self.references and not request.path.endswith(self.references):
            return None
        # What only asks what may be done hangs as well where all does.
        if request.change is not None:
            self.sent[f"{request.method} {request.path}"] += 1
        return Fault(reaches=self.reaches, seconds=self.late or _LONGER, status=504, late=bool(self.late))


@dataclass(frozen=True)
class Case:
    """`going`: the tags that are to go."""

    server: RegistryServer
    meddler: Meddler
    home: Path
    before: Tags
    going: Mapping[str, Sequence[str]]
    hanging: Hanging

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", _RUN, *arguments, "--timeout", str(_TIMEOUT), "--json"],
            env=clean_environment(self.home, PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ENDS,
        )

    def now(self) -> Tags:
        """Every tag with what it leads to; empty where that is nothing."""
        with httpx.Client(base_url=self.server.url, headers={"Accept": DOCKER_MANIFEST}, trust_env=False) as client:
            found: Tags = {}
            for name in self.before:
                listed = client.get(f"v2/{name}/tags/list")
                tags = listed.json().get("tags") or [] if listed.status_code == httpx.codes.OK else []
                answers = {tag: client.head(f"v2/{name}/manifests/{tag}") for tag in tags}
                found[name] = {tag: a.headers.get("Docker-Content-Digest", "") for tag, a in answers.items()}
            return found

    def has(self, repository: str, digest: str) -> bool:
        url = f"{self.server.url}/v2/{repository}/manifests/{digest}"
        headers = {"Accept": DOCKER_MANIFEST}
        return httpx.head(url, headers=headers, trust_env=False).status_code == httpx.codes.OK


def run_case(seed: int, number: int) -> Iterator[str]:
    """Findings, in sentences."""
    rng = random.Random(f"{seed} {number}")
    version = rng.choice(VERSIONS)
    with TemporaryDirectory(prefix="regtui-hanging-") as folder, start_registry(version, Path(folder) / "r") as server:
        before = {
            name: seed_repository(
                server.storage,
                name,
                [(f"v{n}", _START + timedelta(days=n, hours=at)) for n in range(rng.randint(3, 6))],
            )
            for at, name in enumerate(("a/one", "b/two", "c/three"))
        }
        with meddling(server.url) as meddler:
            home = Path(folder) / "home"
            _write_rules(home, meddler.url)
            command, going = _choose_command(rng, meddler.url, before)
            hanging = _choose_hanging(rng, before, going)
            case = Case(server, meddler, home, before, going, hanging)
            for finding in _judged(case, command):
                yield f"[{version}; {hanging}] {' '.join(command)}: {finding}"


def _write_rules(home: Path, url: str) -> None:
    file = home / ".config" / "regtui" / "config.toml"
    file.parent.mkdir(parents=True)
    rule = '[[registries.kept.retention]]\nrepositories = ["*"]\nkeep = 1\nolder_than = "1d"\n'
    file.write_text(f'[registries.kept]\naddress = "{url}"\n{rule}')


def _choose_command(rng: random.Random, url: str, before: Tags) -> tuple[list[str], dict[str, list[str]]]:
    """And the tags that are to go by it."""
    all_but_one = {name: list(tags)[:-1] for name, tags in before.items()}
    match rng.choice(("rm", "prune", "all")):
        case "rm":
            name = rng.choice(list(before))
            some = rng.sample(list(before[name]), rng.randint(2, len(before[name])))
            return ["rm", "-r", url, *(f"{name}:{tag}" for tag in some), "--yes"], {name: some}
        case "prune":
            return ["prune", "kept", "--yes", "--most", "100%"], all_but_one
        case _:
            return ["rm", "-r", url, "--all-repositories", "--keep", "1", "--yes"], all_but_one


def _choose_hanging(rng: random.Random, before: Tags, going: Mapping[str, Sequence[str]]) -> Hanging:
    """Of what is to go."""
    name = rng.choice(list(going))
    some = rng.sample(list(going[name]), rng.randint(1, len(going[name])))
    references = tuple(reference for tag in some for reference in (f"/manifests/{tag}", before[name][tag]))
    reads, changes = ("GET", "HEAD"), ("DELETE", "PUT")
    kinds: list[Callable[[], Hanging]] = [
        lambda: Hanging(name, changes, references, reaches=False),
        lambda: Hanging(name, changes, references, reaches=True),
        lambda: Hanging(name, changes, references, reaches=True, late=rng.choice((_LONGER, 10 * _LONGER))),
        lambda: Hanging(name, ("DELETE",), (), reaches=rng.random() < 0.5),
        lambda: Hanging(name, reads, references, reaches=False),
        lambda: Hanging(name, (*reads, *changes), (), reaches=False),
        lambda: Hanging(name, reads, ("/tags/list",), reaches=False),
    ]
    return rng.choice(kinds)()


def _judged(case: Case, command: Sequence[str]) -> Iterator[str]:
    case.meddler.decide = case.hanging
    done = case.run(*command)
    case.meddler.decide = lambda _: None
    # What the registry sees only when nobody listens any more.
    time.sleep(max(_LONGER, case.hanging.late) + 1.0)
    if done.returncode not in (0, 1, 6) or "internal error" in done.stderr or "Traceback" in done.stderr:
        yield f"exit code {done.returncode}: {done.stderr[-700:]}"
    for line, times in case.hanging.sent.items():
        if line.startswith("DELETE") and times > 1:
            yield f"{line} was sent {times} times"
    after = case.now()
    yield from _of_result(case, done, after)
    yield from _undone(case, re.findall(r"regtui undo (\d\S+)", done.stderr))


def _of_result(case: Case, done: "subprocess.CompletedProcess[str]", after: Tags) -> Iterator[str]:
    told = {(row["action"], row["reference"]): row["status"] for row in _rows(done.stdout)}
    missed = 0
    for name, tags in case.before.items():
        for tag, digest in tags.items():
            is_to_go, is_there = tag in case.going.get(name, ()), tag in after[name]
            missed += is_to_go and is_there
            if is_there and after[name][tag] != digest:
                yield f"{name}:{tag} led to {digest}, and leads to {after[name][tag] or 'nothing'}"
            if not is_to_go and not is_there:
                yield f"{name}:{tag} was to stay, and is gone"
            if is_to_go and is_there and name != case.hanging.repository:
                yield f"{name}:{tag} was to go, hangs nowhere, and is there: {done.stderr[-700:]}"
            if name == case.hanging.repository and case.hanging.late:
                continue  # It couldn't be known.
            if (told.get(("untag", f"{name}:{tag}")) == "done") == is_there and (is_to_go or not is_there):
                yield f"{name}:{tag} is {'there' if is_there else 'gone'}, and that isn't told: {done.stdout}"
            if told.get(("delete", f"{name}@{digest}")) == "done" and case.has(name, digest):
                yield f"{name}@{digest} was said to be deleted, and is there"
    if (done.returncode == 0) == bool(missed) and not case.hanging.late:
        yield f"{missed} tags were missed with exit code {done.returncode}: {done.stderr[-700:]}"


def _rows(stdout: str) -> list[dict[str, Any]]:
    return [row for line in stdout.splitlines() if line.startswith("{") and "action" in (row := json.loads(line))]


def _undone(case: Case, runs: Sequence[str]) -> Iterator[str]:
    """By what was said that undoes it."""
    told = ""
    for run in dict.fromkeys(reversed(runs)):
        done = case.run("undo", run, "-r", case.meddler.url, "--yes")
        told += f"{done.stdout[-300:]}{done.stderr[-500:]}"
    if left := _difference(case.before, case.now()):
        yield f"undo of {len(runs)} runs left {left}: {told}"


def _difference(before: Tags, after: Tags) -> list[str]:
    return [
        f"{n}:{t}" for n in before for t in before[n].keys() | after[n].keys() if before[n].get(t) != after[n].get(t)
    ]


if __name__ == "__main__":
    sys.exit(main())

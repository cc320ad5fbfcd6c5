"""Random registries under random retention rules: `python -m tests.campaigns.retention --seed 1 --count 200`.

A case is a few repositories of one real registry, with images that are shared, indexes, tags of their platforms,
protected names and references that a command says to be in use. What must go is worked out here from the manifests and
configs as plain HTTP has them, without a line of regtui; what went is read back like that, as is what undo brings.
"""

import argparse
import fnmatch
import json
import random
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from tests.campaigns.forked import Commands, Ended, forked_commands
from tests.campaigns.truth import ACCEPT
from tests.support.content import Recipe
from tests.support.images import PushedImage, open_registry, push_image, push_index, push_manifest
from tests.support.processes import clean_environment
from tests.support.servers import VERSIONS, start_registry

_NAMES: Final = (
    *("latest", "stable", "main", "1.0.0", "1.1.0", "1.2.0", "1.10.0", "2.0.0", "2.0.0-rc1", "2.1.0-beta2"),
    *("dev-1", "dev-2", "dev-3", "pr-7", "v3.0.0"),
)
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-(rc|beta)(\d+))?")


@dataclass(frozen=True)
class Image:
    """A manifest as plain HTTP has it. `created`: of its platforms, None where one doesn't say."""

    digest: str
    children: tuple[str, ...]
    created: datetime | None
    body: bytes
    media_type: str


@dataclass
class Held:
    """A repository, as it is: tags with their digests, and every manifest that was ever pushed and is there."""

    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, Image] = field(default_factory=dict)


@dataclass
class Bench:
    commands: Commands
    version: str
    url: str
    host: str
    registry: httpx.Client
    home: Path


@dataclass
class Case:
    bench: Bench
    number: int
    random: random.Random
    now: datetime
    known: dict[str, set[str]] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    protect: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    most: int = 100
    findings: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.findings.append(what)


# Making it


def build(case: Case) -> None:
    """Pushes repositories, and writes the rules."""
    choose = case.random
    shared = [_recipe(case, f"shared{number}") for number in range(2)]
    for number in range(choose.randint(1, 4)):
        name = f"c{case.number}/{choose.choice(('app', 'web', 'lib'))}{number}"
        case.known[name] = set()
        for tag in choose.sample(_NAMES, choose.randint(1, 9)):
            _push(case, name, tag, shared)
    patterns = [
        f"c{case.number}/*",
        "*",
        f"c{case.number}/app*",
        f"c{case.number}/*[02]",
        f"c{case.number}/web?",
        "other",
    ]
    for _ in range(choose.randint(1, 3)):
        case.entries.append({"repositories": choose.sample(patterns, choose.randint(1, 2)), **_rule(choose)})
    case.protect = choose.sample(["latest", "1.*", "*-rc1", "v?.0.0", "nothing"], choose.choice((0, 0, 1, 2)))
    case.most = choose.choice((100, 100, 60, 34))
    case.used = _used(case)
    _write_config(case)


def _recipe(case: Case, name: str) -> Recipe:
    """Half a day apart at least, and never as old as a rule says to the day: nothing depends on when it is asked."""
    days = case.random.choice(range(1, 120)) + 0.5
    return Recipe(f"{case.number} {name}", created=case.now - timedelta(days=days), layers=1)


def _push(case: Case, name: str, tag: str, shared: Sequence[Recipe]) -> None:
    choose, registry = case.random, case.bench.registry
    kind = choose.choice(("image", "image", "image", "shared", "index", "same", "child"))
    tagged = _read(case, name)
    if kind == "same" and tagged.tags:
        again = tagged.manifests[choose.choice(list(tagged.tags.values()))]
        _put(case, name, tag, again)
    elif kind == "child" and (children := [child for each in tagged.manifests.values() for child in each.children]):
        _put(case, name, tag, tagged.manifests[choose.choice(children)])
    elif kind == "index":
        _know(case, name, push_index(registry, name, tag, recipe=_recipe(case, f"{name} {tag}")))
    elif kind == "shared":
        _know(case, name, push_image(registry, name, tag, recipe=choose.choice(list(shared))))
    else:
        _know(case, name, push_image(registry, name, tag, recipe=_recipe(case, f"{name} {tag}")))


def _put(case: Case, name: str, tag: str, image: Image) -> None:
    push_manifest(case.bench.registry, name, tag, image.body, image.media_type)


def _know(case: Case, name: str, pushed: PushedImage) -> None:
    case.known[name].add(pushed.digest)
    for child in pushed.children:
        _know(case, name, child)


def _rule(choose: random.Random) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if choose.random() < 0.4:
        rule["match"] = choose.choice((r"^\d", "^dev-", ".", "0$", "-"))
    if choose.random() < 0.5:
        rule["older_than"] = choose.choice(("12h", "30d", "8w", "90d"))
    if choose.random() < 0.5:
        rule["keep"] = choose.randint(1, 5)
        if choose.random() < 0.3:
            rule["keep_by"] = "version"
    if choose.random() < 0.15:
        rule["prereleases"] = True
    if choose.random() < 0.1:
        rule["not_pulled_for"] = "90d"
    if rule and choose.random() < 0.25:
        rule["keep_match"] = choose.choice(("^main$", r"^1\.", "2$"))
    return rule


def _used(case: Case) -> list[str]:
    """References as a command prints them: by tag, or by the digest of any manifest, tagged or not."""
    choose = case.random
    references = []
    for name in case.known:
        held = _read(case, name)
        for _ in range(choose.choice((0, 0, 1, 2))):
            if held.tags and choose.random() < 0.4:
                references.append(f"{case.bench.host}/{name}:{choose.choice(list(held.tags))}")
            elif held.manifests:
                references.append(f"{case.bench.host}/{name}@{choose.choice(sorted(held.manifests))}")
    return [*references, "elsewhere.example/x:1"] if references else []


def _write_config(case: Case) -> None:
    home = case.bench.home
    file = home / ".config" / "regtui" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"protect = {json.dumps(case.protect)}", "[registries.target]", f'address = "{case.bench.url}"']
    if case.used:
        (home / "used").write_text("\n".join(case.used) + "\n")
        lines += ["[registries.target.in_use]", f'command = "cat {home}/used"']
    for entry in case.entries:
        lines += ["[[registries.target.retention]]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())]
    file.write_text("\n".join(lines) + "\n")
    case.story.append(file.read_text())
    case.story.append("\n".join(case.used))


# What is there, by plain HTTP


def _read(case: Case, name: str) -> Held:
    registry, held = case.bench.registry, Held()
    listed = registry.get(f"/v2/{name}/tags/list")
    for tag in (listed.json().get("tags") or []) if listed.status_code == 200 else []:
        answer = registry.head(f"/v2/{name}/manifests/{tag}", headers={"Accept": ACCEPT})
        if answer.status_code == 200:
            held.tags[tag] = answer.headers["docker-content-digest"]
            case.known.setdefault(name, set()).add(held.tags[tag])
    for digest in case.known[name]:
        # What a digest names is read once; whether it is there, each time.
        ask = registry.head if digest in case.images else registry.get
        answer = ask(f"/v2/{name}/manifests/{digest}", headers={"Accept": ACCEPT})
        if answer.status_code == 200:
            if digest not in case.images:
                case.images[digest] = _image(registry, name, digest, answer)
            held.manifests[digest] = case.images[digest]
    return held


def _image(registry: httpx.Client, name: str, digest: str, answer: httpx.Response) -> Image:
    value = answer.json()
    children = tuple(each["digest"] for each in value.get("manifests", ()))
    created = None
    if "config" in value:
        config = registry.get(f"/v2/{name}/blobs/{value['config']['digest']}", follow_redirects=True).json()
        created = datetime.fromisoformat(config["created"].replace("Z", "+00:00"))
    return Image(digest, children, created, answer.content, answer.headers["content-type"])


# What UX.md says


@dataclass
class Expected:
    """`goes`: tags. `either`: (tags that are equally new, how many of them go): it isn't said which."""

    goes: set[str] = field(default_factory=set)
    either: tuple[frozenset[str], int] = (frozenset(), 0)
    stopped: bool = False


def expected(case: Case, name: str, held: Held) -> Expected:
    """By the first entry that names the repository; none: nothing is deleted there."""
    entry = next((each for each in case.entries if _names(each, name)), None)
    if entry is None or len(entry) == 1:
        return Expected()
    meant = {tag for tag in held.tags if _is_meant(entry, tag)}
    stays = {tag for tag in held.tags if any(fnmatch.fnmatchcase(tag, each) for each in case.protect)}
    stays |= {tag for tag in held.tags if _is_used(case, name, held, tag)}
    found = Expected(goes=meant - stays)
    if (keep := entry.get("keep")) is not None:
        placed = {tag: place for tag in found.goes if (place := _place(entry, held, tag)) is not None}
        found.goes &= placed.keys()
        places = sorted(placed.values(), reverse=True)
        if len(places) <= keep:
            return Expected()
        last = places[keep - 1]
        equal = {tag for tag, place in placed.items() if place == last}
        room = keep - sum(place > last for place in places)
        found.goes = {tag for tag, place in placed.items() if place < last}
        if room < len(equal):
            found.either = (frozenset(equal), len(equal) - room)
    found.goes = {tag for tag in found.goes if _is_old(case, entry, held, tag)}
    equal_goes = {tag for tag in found.either[0] if _is_old(case, entry, held, tag)}
    found.either = (frozenset(equal_goes), found.either[1] if equal_goes else 0)
    if "not_pulled_for" in entry:
        return Expected()  # Nothing is known of pulls: unknown never matches.
    going = len(found.goes) + found.either[1]
    if going > case.most / 100 * len(held.tags):
        return Expected(stopped=True)
    return found


def _names(entry: Mapping[str, Any], name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in entry["repositories"])


def _is_meant(entry: Mapping[str, Any], tag: str) -> bool:
    if "keep_match" in entry and re.search(entry["keep_match"], tag):
        return False
    if "match" in entry and not re.search(entry["match"], tag):
        return False
    version = _VERSION.fullmatch(tag)
    return not entry.get("prereleases") or (version is not None and version[4] is not None)


def _is_used(case: Case, name: str, held: Held, tag: str) -> bool:
    prefix = f"{case.bench.host}/{name}"
    digest = held.tags[tag]
    if f"{prefix}:{tag}" in case.used:
        return True
    # By digest in whatever repository: what is used is the image.
    used = {each.rpartition("@")[2] for each in case.used if "@" in each}
    below = {digest, *held.manifests[digest].children}
    in_index = {child for each in used if each in held.manifests for child in held.manifests[each].children}
    return bool(below & used) or digest in in_index


def _place(entry: Mapping[str, Any], held: Held, tag: str) -> Any:
    """Larger for newer; None where it has no place."""
    if entry.get("keep_by") != "version":
        return _created(held, held.tags[tag])
    version = _VERSION.fullmatch(tag)
    if version is None:
        return None
    stage = {"beta": 0, "rc": 1, None: 2}[version[4]]
    return int(version[1]), int(version[2]), int(version[3]), stage, int(version[5] or 0)


def _created(held: Held, digest: str) -> datetime | None:
    """Of an index the newest of its platforms."""
    image = held.manifests[digest]
    if not image.children:
        return image.created
    times = [held.manifests[child].created for child in image.children if child in held.manifests]
    known = [time for time in times if time is not None]
    return max(known) if len(known) == len(image.children) else None


def _is_old(case: Case, entry: Mapping[str, Any], held: Held, tag: str) -> bool:
    if "older_than" not in entry:
        return True
    number, unit = int(entry["older_than"][:-1]), entry["older_than"][-1]
    period = timedelta(hours=number * {"h": 1, "d": 24, "w": 168}[unit])
    created = _created(held, held.tags[tag])
    return created is not None and case.now - created > period


def manifests_after(case: Case, name: str, before: Held, tags: Mapping[str, str]) -> set[str]:
    """What goes is reached from a tag that went, and from none that stays; what is in use stays with all below it."""
    used = {each.rpartition("@")[2] for each in case.used if "@" in each}

    def below(digests: set[str]) -> set[str]:
        known = [before.manifests[each] for each in digests if each in before.manifests]
        return digests | {child for each in known for child in each.children}

    gone = below({before.tags[tag] for tag in before.tags.keys() - tags.keys()})
    stays = below(set(tags.values())) | below(used & before.manifests.keys())
    return set(before.manifests) - (gone - stays)


# Running it


def run_case(bench: Bench, seed: int, number: int) -> Case:
    case = Case(bench, number, random.Random(f"{seed} {number}"), datetime.now(UTC).replace(microsecond=0))
    build(case)
    before = {name: _read(case, name) for name in case.known}
    wanted = {name: expected(case, name, held) for name, held in before.items()}
    most = ("--most", f"{case.most}%")
    dry = _regtui(case, "prune", "target", "--dry-run", "--json", *most)
    planned = [json.loads(line) for line in dry.stdout.splitlines()]
    done = _regtui(case, "prune", "target", "--yes", "--json", *most)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    stopped = any(each.stopped for each in wanted.values())
    case.expect(dry.code == done.code == (1 if stopped else 0), f"exit codes {dry.code} and {done.code}")
    case.expect(bool(lines) and lines[-1].keys() == {"tags", "manifests", "bytes", "in_use", "seconds"}, "no last line")
    shown = {each["reference"] for each in planned[:-1]}
    case.expect(shown == {each["reference"] for each in lines[:-1]}, "what was shown isn't what was done")
    went = 0
    for name, held in before.items():
        after = _read(case, name)
        went += len(held.tags) - len(after.tags)
        _check(case, name, held, after, wanted[name])
    case.expect(bool(lines) and lines[-1]["tags"] == went, f"{went} tags went, and it says {lines[-1:]}")
    undo = _regtui(case, "undo", "target", "--yes", "--json") if went else None
    case.expect(undo is None or undo.code == 0, "undo failed")
    for name, held in before.items():
        after = _read(case, name)
        case.expect(after.tags == held.tags, f"{name}: undo left {after.tags}, there was {held.tags}")
        case.expect(after.manifests.keys() == held.manifests.keys(), f"{name}: undo lacks manifests")
    _clear(case)
    return case


def _check(case: Case, name: str, before: Held, after: Held, wanted: Expected) -> None:
    gone = before.tags.keys() - after.tags.keys()
    equal, many = wanted.either
    rest = gone - wanted.goes
    case.expect(wanted.goes <= gone, f"{name}: {sorted(wanted.goes - gone)} should have gone")
    case.expect(
        rest <= equal and (not equal or len(rest) <= many), f"{name}: {sorted(rest - equal)} should have stayed"
    )
    case.expect(all(before.tags[tag] == digest for tag, digest in after.tags.items()), f"{name}: a tag has moved")
    there = manifests_after(case, name, before, after.tags)
    lacking, more = there - after.manifests.keys(), after.manifests.keys() - there
    case.expect(not lacking, f"{name}: manifests are gone that were to stay: {lacking}")
    case.expect(not more, f"{name}: manifests are left: {more}")


def _clear(case: Case) -> None:
    """So that the next case's `*` names its own repositories alone: nothing is left that a rule could take."""
    for name, digests in case.known.items():
        for digest in digests:
            case.bench.registry.delete(f"/v2/{name}/manifests/{digest}")


def _regtui(case: Case, *arguments: str) -> Ended:
    environment = clean_environment(case.bench.home, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")
    ended = case.bench.commands(*arguments, environment=environment)
    case.story.append(f"$ regtui {' '.join(arguments)}\n{ended.stdout}{ended.stderr}exit {ended.code}")
    case.expect(ended.code is not None, f"regtui {arguments[0]} never ended")
    case.expect("internal error" not in ended.stderr and "Traceback" not in ended.stderr, "an internal error")
    return ended


@contextmanager
def open_bench(version: str, folder: Path) -> Iterator[Bench]:
    with forked_commands() as commands, start_registry(version, folder / "target") as server:
        home = folder / "home"
        home.mkdir(mode=0o700)
        with open_registry(server.url) as registry:
            yield Bench(commands, version, server.url, server.host, registry, home)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.retention", description=__doc__)
    parser.add_argument("--registry", choices=VERSIONS, help="one of them; else each has half of the cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--only", type=int, help="one case, with all that was said")
    arguments = parser.parse_args()
    numbers = [arguments.only] if arguments.only is not None else list(range(arguments.count))
    versions = [arguments.registry] if arguments.registry else list(VERSIONS)
    wrong = 0
    for place, version in enumerate(versions):
        with TemporaryDirectory(prefix="regtui-campaign-") as folder, open_bench(version, Path(folder)) as bench:
            started = time.monotonic()
            mine = [number for number in numbers if arguments.only is not None or number % len(versions) == place]
            for number in mine:
                case = run_case(bench, arguments.seed, number)
                wrong += bool(case.findings)
                if arguments.only is not None or case.findings:
                    print("\n".join(case.story), file=sys.stderr, flush=True)
                for finding in case.findings:
                    print(f"{version} --seed {arguments.seed} --only {number}: {finding}", flush=True)
            print(f"{version}: {len(mine)} registries, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(numbers)} cases, {wrong} with findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

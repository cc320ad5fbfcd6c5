"""Deletions and their undos in random repositories, held against what is in the registry's storage.

    python -m tests.campaigns.deletion --registry 2.8.2 --seed 1 --count 1000

A case is a repository, a deletion (of tags, of a digest, by a rule), sometimes with somebody else who pushes meanwhile,
a fault, or a kill, and then the undo. Beside it stands another registry with the same repository, which the config
calls the default: nothing may ever happen there. A finding is a sentence; the case comes again by its seed and number.
"""

import argparse
import json
import random
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from tests.campaigns.forked import Commands, Ended, Started, forked_commands
from tests.campaigns.repositories import Made, Place, describe, make_repository, push_nested
from tests.campaigns.truth import Truth, read_storage
from tests.campaigns.window import Push, was_after_the_last_look, was_unknowable
from tests.support.images import open_registry, push_manifest
from tests.support.meddler import Fault, Meddler, Request, meddling
from tests.support.processes import clean_environment
from tests.support.servers import start_referrers_registry, start_registry

REGISTRIES: Final = ("2.8.2", "3.1.1", "anything")
_FAULTS: Final = (
    Fault(status=500),
    Fault(status=503),
    Fault(reset=True),
    Fault(reaches=True, status=500),
    Fault(reaches=True, reset=True),
)
_RUN: Final = re.compile(r"regtui undo (\S+-[0-9a-f]{8})")
_NOTHING_ELSE: Final = re.compile(
    r"nothing else changed\.|besides, only the tags? (.*) changed, pushed by somebody else\."
)
_LOST: Final = "can't be put back"


@dataclass
class Bench:
    """What all cases share. `decoy` is what the config calls the default."""

    commands: Commands
    version: str
    url: str
    storage: Path | None
    registry: httpx.Client
    decoy_url: str
    decoy: Path
    home: Path
    used: set[str] = field(default_factory=set)
    """Addresses of the proxies so far."""


@dataclass
class Case:
    """One case, and what was found wrong with it."""

    bench: Bench
    number: int
    choices: random.Random
    place: Place
    made: Made
    before: Truth
    findings: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    foreign: dict[str, str] = field(default_factory=dict)
    """What somebody else did meanwhile: tag → digest."""
    in_window: set[str] = field(default_factory=set)
    """Tags that somebody pushed between the last look at them and the request that removed them: nobody can know."""
    has_fault: bool = False
    running: Started | None = None
    push: Push | None = None
    after_it: set[int] = field(default_factory=set)
    """Requests that delete what was pushed, and before which the tag was gone already."""
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Requests come at once, and somebody else pushes before one of them."""
    pushing: threading.Lock = field(default_factory=threading.Lock)
    """Held while somebody else pushes."""

    def wrong(self, sentence: str) -> None:
        self.findings.append(sentence)

    def expect(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.wrong(sentence)


@dataclass
class Shown:
    """A plan as it was shown: what goes."""

    tags: dict[str, str]
    manifests: set[str]
    sentences: str


# A case


def run_case(bench: Bench, seed: int, number: int) -> Case:
    choices = random.Random(f"{seed}/{bench.version}/{number}")
    name = f"c{number}/{choices.choice(('app', 'a/b', 'x-y_z'))}"
    place = Place(bench.registry, name, bench.version, bench.storage)
    made = make_repository(place, choices)
    case = Case(bench, number, choices, place, made, place.truth())
    case.story.append(f"{name} at {bench.version}: {'; '.join(made.oddities) or 'sound'}\n{describe(case.before)}")
    before_at_decoy = _copy_to_decoy(case)
    kind = choices.choices(("plain", "meanwhile", "fault", "kill"), (45, 25, 15, 15))[0]
    with _meddling_afresh(bench) as meddler:
        url = meddler.url if kind != "plain" else bench.url
        case.story.append(f"kind: {kind}")
        _write_config(case, url)
        _judge_run(case, meddler, kind)
    _compare_decoy(case, before_at_decoy)
    return case


@contextmanager
def _meddling_afresh(bench: Bench) -> Iterator[Meddler]:
    """At an address that no earlier case had: the journal has that one's runs, and tells of those that were killed."""
    while True:
        with meddling(bench.url) as meddler:
            if meddler.url not in bench.used:
                bench.used.add(meddler.url)
                yield meddler
                return


def _judge_run(case: Case, meddler: Meddler, kind: str) -> None:
    arguments = _what_to_delete(case)
    if not arguments:
        return
    dry = _regtui(case, "rm", *arguments, "--dry-run", "--json")
    if dry.code != 0:
        case.expect(dry.code in (1, 5, 6), f"the dry run ended with {dry.code}")
        case.expect(case.place.truth().tags == case.before.tags, "a dry run that failed changed something")
        return
    shown = _read_plan(case, dry)
    case.expect(_same(case.place.truth(), case.before), "the dry run changed something")
    meddler.seen.clear()
    if kind == "meanwhile":
        meddler.decide = _somebody_else(case, shown)
    elif kind == "fault":
        meddler.decide = _one_fault(case)
    if kind == "kill":
        _killed(case, meddler, [*arguments, *(("--without-undo",) if _LOST in dry.stdout else ())], shown)
        return
    without_undo = _LOST in dry.stdout and case.choices.random() < 0.7
    extra = ("--without-undo",) if without_undo else ()
    done = _regtui(case, "rm", *arguments, "--yes", "--json", *extra)
    meddler.decide = lambda _: None
    with case.pushing:  # What began by then belongs to it.
        push = case.push
    if push is not None and was_unknowable(push, meddler.seen, meddler.answers, case.after_it):
        case.in_window.add(push.tag)
    if push is not None:
        case.story.append(_tell_requests(push, meddler))
    after = case.place.truth()
    case.story.append(f"after:\n{describe(after)}")
    _judge_deletion(case, shown, done, after, meddler)
    _judge_undo(case, shown, done, after, without_undo)


def _what_to_delete(case: Case) -> list[str]:
    """The arguments of rm. Names the registry by its profile, its address, or -r."""
    choices, name = case.choices, case.place.name
    tags = sorted(case.before.tags)
    options = [o for o, share in (("--with-attached", 0.25), ("--tags-only", 0.1)) if choices.random() < share]
    chosen = choices.sample(tags, choices.randint(1, max(1, len(tags) // 2)))
    where = choices.choice(("target/", "-r"))
    prefix, before = ("target/", []) if where == "target/" else ("", ["-r", "target"])
    match choices.choices(("tags", "manifest", "digest", "match", "duplicates"), (60, 10, 10, 15, 5))[0]:
        case "manifest":
            return [*before, f"{prefix}{name}:{chosen[0]}", "--manifest", *(o for o in options if o != "--tags-only")]
        case "digest":
            digests = sorted(case.before.manifests)
            return [*before, f"{prefix}{name}@{choices.choice(digests)}"] if digests else []
        case "match":
            return [*before, f"{prefix}{name}", "--match", f"^({'|'.join(map(re.escape, chosen))})$", *options]
        case "duplicates":
            return [*before, f"{prefix}{name}", "--duplicates", *options]
        case _:
            return [*before, *(f"{prefix}{name}:{tag}" for tag in chosen), *options]


def _regtui(case: Case, *arguments: str) -> Ended:
    case.running = None
    case.running = case.bench.commands.start(*arguments, environment=_environment(case))
    ended = case.running.wait()
    _remember(case, arguments, ended)
    return ended


def _remember(case: Case, arguments: tuple[str, ...], ended: Ended) -> None:
    case.story.append(f"$ regtui {' '.join(arguments)}\n{ended.stdout}{ended.stderr}exit {ended.code}")
    case.expect(ended.code is not None, f"regtui {arguments[0]} never ended")
    case.expect("internal error" not in ended.stderr and "Traceback" not in ended.stderr, "an internal error")


def _environment(case: Case) -> dict[str, str]:
    return clean_environment(case.bench.home, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")


def _write_config(case: Case, url: str) -> None:
    """The registry of the case is a profile, and never the default."""
    path = case.bench.home / ".config" / "regtui" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'default = "decoy"\n[registries.decoy]\naddress = "{case.bench.decoy_url}"\n'
        f'[registries.target]\naddress = "{url}"\n'
    )
    path.chmod(0o600)


def _read_plan(case: Case, dry: Ended) -> Shown:
    rows = _rows(dry)
    repository = case.place.name
    tags = {_tag(row, repository): row["digest"] or "" for row in rows if row["action"] == "untag"}
    manifests = {row["digest"] for row in rows if row["action"] == "delete" and row["status"] == "planned"}
    return Shown(tags, manifests, dry.stderr)


def _rows(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


def _tag(row: Mapping[str, Any], repository: str) -> str:
    return str(row["reference"]).removeprefix(f"{repository}:")


def _same(left: Truth, right: Truth) -> bool:
    return (left.tags, left.manifests, left.blobs) == (right.tags, right.manifests, right.blobs)


# Somebody else


def _somebody_else(case: Case, shown: Shown) -> Any:
    """Pushes right before one of the requests."""
    choices = case.choices
    what = choices.choice(("promote", "new", "move", "index"))
    doomed = sorted(shown.manifests & case.before.manifests)
    images = [image for image in case.made.images if not case.before.missing(image.digest)]
    done = False

    def decide(request: Request) -> None:
        nonlocal done
        with case.turn:
            # What comes before the plan is part of it.
            is_shown = case.running is not None and case.running.has_spoken
            if case.push is not None and _deletes(request, case.push):
                is_there = case.place.truth().tags.get(case.push.tag) == case.push.digest
                case.after_it |= set() if is_there else {request.number}
            if done or not is_shown or choices.random() > (0.2 if request.change is None else 0.5):
                return
            done = True
            case.pushing.acquire()
        try:
            _push_meanwhile(case, what, doomed, images, request, shown)
        finally:
            case.pushing.release()

    return decide


def _deletes(request: Request, push: Push) -> bool:
    return request.method == "DELETE" and request.path.endswith(f"/manifests/{push.digest}")


def _push_meanwhile(
    case: Case, what: str, doomed: list[str], images: list[Any], request: Request, shown: Shown
) -> None:
    place, choices = case.place, case.choices
    staying = sorted(set(case.before.tags) - set(shown.tags))
    now = place.truth()
    here = [image for image in images if image.digest in now.manifests and not now.missing(image.digest)]
    if what in ("promote", "new", "index"):
        here = [image for image in here if image.digest in doomed]
    if not here:
        return
    image = choices.choice(here)
    if what == "index":
        began = time.monotonic()
        nested = push_nested(place, "meanwhile", [image])
        case.foreign["meanwhile"] = nested.digest
        case.push = Push("meanwhile", "", nested.digest, began, time.monotonic())
    else:
        tag = choices.choice({"promote": staying, "move": sorted(shown.tags)}.get(what) or ["meanwhile"])
        began = time.monotonic()
        push_manifest(place.registry, place.name, tag, image.manifest, image.media_type)
        case.push = Push(tag, now.tags.get(tag, ""), image.digest, began, time.monotonic())
        if case.before.tags.get(tag) != image.digest:
            case.foreign[tag] = image.digest
    case.story.append(f"somebody else, before {request.method} {request.path}: {what} {case.foreign}")


def _tell_requests(push: Push, meddler: Meddler) -> str:
    """What the proxy saw around a push, in seconds since it began."""
    lines = [f"the push took from 0 to {push.ended - push.began:.4f}"]
    for request in meddler.seen:
        if answer := meddler.answers.get(request.number):
            when = f"{answer.asked - push.began:.4f} to {answer.answered - push.began:.4f}"
            lines.append(f"  {when} {request.method} {request.path.partition('/manifests/')[2] or request.path}")
    return "\n".join(lines)


def _one_fault(case: Case) -> Any:
    moment = case.choices.randint(1, 8)
    fault = case.choices.choice(_FAULTS)

    def decide(request: Request) -> Fault | None:
        if request.change != moment:
            return None
        case.has_fault = True
        case.story.append(f"fault at {request.method} {request.path}: {fault}")
        return fault

    return decide


# Judging


def _judge_deletion(case: Case, shown: Shown, done: Ended, after: Truth, meddler: Meddler) -> None:
    before, repository = case.before, case.place.name
    rows = _rows(done)
    said = done.stderr
    _judge_losses(case, shown, after, said)
    for row in rows:
        status, error = row["status"], row["error"]
        if row["action"] == "untag":
            tag = _tag(row, repository)
            now, was = after.tags.get(tag), before.tags.get(tag)
            expected = case.foreign.get(tag, was)
            if status == "done":
                is_told = now is None or now == case.foreign.get(tag) or tag in _pushed_again(case, said, meddler)
                case.expect(is_told, f"{tag} is said to be removed, and is there")
            elif f"{tag} seemed damaged in the registry's storage" in said and was not in before.manifests:
                case.expect(_announces_repair(said, tag), f"{tag} was repaired, and nobody had said before")
            elif tag not in case.in_window and not (case.has_fault and "undo" in f"{error}"):
                case.expect(now == expected, f"{tag} is {status} ({error}), and points at {now}, not {expected}")
        elif row["action"] == "delete" and status == "done":
            case.expect(row["digest"] not in after.manifests, f"{row['digest']} is said to be deleted, and is there")
    if done.code == 0:
        left = set(shown.tags) & set(after.tags) - set(case.foreign) - _pushed_again(case, said, meddler)
        case.expect(not left, f"exit 0, and {left} are still there")
        stay = shown.manifests & after.manifests - after.reaches(d for d in after.tags.values())
        commands = [part.partition("\n")[0] for part in case.story if part.startswith("$ regtui rm")]
        if "--tags-only" not in commands[-1]:
            case.expect(not stay, f"exit 0, and of the manifests {stay} are still there")
    if sentence := _NOTHING_ELSE.search(said):
        others = {tag: digest for tag, digest in before.tags.items() if tag not in shown.tags}
        others_now = {tag: digest for tag, digest in after.tags.items() if tag not in shown.tags}
        changed = {tag for tag, _ in set(others.items()) ^ set(others_now.items())}
        named = set((sentence[1] or "").split(", ")) - {""}
        is_late = case.push is not None and was_after_the_last_look(case.push, meddler.seen, meddler.answers)
        # A tag that was chosen and left alone, as it can't be put back, is one of the others when somebody moves it.
        case.expect(changed == named - set(shown.tags) or is_late, f"«{sentence[0]}», and {changed} did")
        case.expect(named <= set(case.foreign), f"«{sentence[0]}», and somebody else changed {set(case.foreign)}")


def _pushed_again(case: Case, said: str, meddler: Meddler) -> set[str]:
    """The tag that somebody pushed as it had been, where that is told, or was after the last look."""
    push = case.push
    if push is None or case.before.tags.get(push.tag) != push.digest:
        return set()
    is_told = f"{push.tag} was removed, and somebody else pushed it again" in said
    return {push.tag} if is_told or was_after_the_last_look(push, meddler.seen, meddler.answers) else set()


def _announces_repair(said: str, tag: str) -> bool:
    """Whether the plan, which is said first, tells that an empty index may take its place."""
    return any(tag in line and "an empty index takes" in line for line in said.splitlines())


def _judge_losses(case: Case, shown: Shown, after: Truth, said: str) -> None:
    """What nobody confirmed is there, and whole."""
    before = case.before
    for tag, digest in {**before.tags, **case.foreign}.items():
        if tag in shown.tags and tag not in case.foreign:
            continue
        if tag in case.in_window:
            continue
        now = after.tags.get(tag)
        if digest not in before.manifests and digest not in after.bodies and tag not in case.foreign:
            # Broken before: may be healed by removal, if that was told.
            case.expect(now == digest or tag in said, f"{tag}, which was broken, changed and nothing was said")
            is_told = _announces_repair(said, tag)
            case.expect(now == digest or is_told, f"{tag}, which was broken, changed and nobody had said before")
            continue
        case.expect(now == digest, f"{tag} was to stay at {digest}, and is {now}")
        lost = after.missing(digest) - before.missing(digest) if digest in before.manifests else after.missing(digest)
        case.expect(not lost, f"{tag} was to stay, and lost {lost}")
    gone = before.manifests - after.manifests
    case.expect(gone <= shown.manifests, f"manifests nobody confirmed are gone: {gone - shown.manifests}")
    case.expect(before.blobs <= after.blobs, f"blobs are gone: {before.blobs - after.blobs}")


def _judge_undo(case: Case, shown: Shown, done: Ended, after: Truth, without_undo: bool) -> None:
    gone = {tag for tag in shown.tags if after.tags.get(tag) != case.before.tags.get(tag) and tag not in case.foreign}
    lost = case.before.manifests - after.manifests
    if not gone and not lost:
        return
    match = _RUN.search(done.stderr)
    # Behind a tag of which the plan could name no digest there is nothing to put back.
    has_something = bool(lost) or any(shown.tags[tag] for tag in gone)
    case.expect(match is not None or not has_something, "something was deleted, and no undo is named")
    as_printed = match is not None and case.choices.random() < 0.5
    undo = _regtui(case, "undo", *([match[1]] if match and as_printed else ["target"]), "--yes", "--json")
    back = case.place.truth()
    case.story.append(f"undone:\n{describe(back)}")
    for tag in sorted(gone):
        digest = case.before.tags[tag]
        if digest not in case.before.manifests:
            continue  # it was broken
        whole = not case.before.missing(digest)
        returns = not (case.before.reaches([digest]) & case.made.cannot_return)
        if whole and returns:
            case.expect(back.tags.get(tag) == digest, f"{tag} didn't come back (undo exits {undo.code})")
            case.expect(not back.missing(digest), f"{tag} came back without {back.missing(digest)}")
        elif back.tags.get(tag) != digest:
            case.expect(without_undo, f"{tag} didn't come back, which nobody had said before")
    for tag in sorted(set(case.before.tags) - set(shown.tags)):
        if tag not in case.foreign and case.before.tags[tag] in case.before.manifests:
            case.expect(back.tags.get(tag) == case.before.tags[tag], f"the undo changed {tag}")
    # A tag that was pushed anew stays, which undo has to say: what it led to before comes back by --overwrite alone.
    anew = {tag for tag in case.foreign if f"{tag} was pushed anew since" in undo.stderr} | case.in_window
    replaced = case.before.reaches([case.before.tags[tag] for tag in anew if tag in case.before.tags])
    stay_away = case.before.manifests - back.manifests - replaced
    returning = {d for d in stay_away if not case.before.missing(d) and d not in case.made.cannot_return}
    case.expect(not returning, f"manifests didn't come back: {returning}")


def _killed(case: Case, meddler: Meddler, arguments: list[str], shown: Shown) -> None:
    """kill -9 at one of the changes, before or after the registry has done it; then what regtui says to do about it."""
    moment = case.choices.randint(1, 6)
    reaches = case.choices.random() < 0.5
    meddler.decide = lambda request: Fault(reaches=reaches, hold=True) if request.change == moment else None
    command = ("rm", *arguments, "--yes", "--json")
    started = case.bench.commands.start(*command, environment=_environment(case))
    while started.process.exitcode is None and not meddler.held.wait(0.02):
        pass
    started.kill()
    ended = started.wait()
    _remember(case, command, ended)
    meddler.decide = lambda _: None
    meddler.release.set()
    after = case.place.truth()
    case.story.append(f"killed at change {moment}:\n{describe(after)}")
    _judge_losses(case, shown, after, ended.stderr + " ".join(shown.tags))
    if ended.code == 0 or _same(after, case.before):
        return
    _judge_interrupted(case, shown, ended.stderr, "--without-undo" in arguments)


def _judge_interrupted(case: Case, shown: Shown, before_kill: str, without_undo: bool) -> None:
    refused = _regtui(case, "undo", "target", "--yes")
    runs = _RUN.findall(refused.stderr)
    case.expect(bool(runs), "a deletion was interrupted, and nobody says so")
    if not runs:
        return
    run = runs[0]
    if case.choices.random() < 0.5:
        finished = _regtui(case, "undo", run, "--finish", "--yes")
        after = case.place.truth()
        case.story.append(f"finished:\n{describe(after)}")
        _judge_losses(case, shown, after, " ".join([before_kill, refused.stderr, finished.stderr, *shown.tags]))
        left = set(shown.tags) & set(after.tags)
        case.expect(not left, f"finished, and {left} are still there")
    _regtui(case, "undo", run, "--yes")
    back = case.place.truth()
    case.story.append(f"put back:\n{describe(back)}")
    for tag, digest in case.before.tags.items():
        if digest in case.before.manifests and not case.before.missing(digest):
            returns = not (case.before.reaches([digest]) & case.made.cannot_return)
            case.expect(not returns or back.tags.get(tag) == digest, f"{tag} didn't come back after the kill")
            case.expect(not returns or not back.missing(digest), f"{tag} came back broken after the kill")
        elif back.tags.get(tag) != digest and digest in case.before.manifests:
            case.expect(without_undo, f"{tag} didn't come back, which nobody had said before")


# The registry beside it


def _copy_to_decoy(case: Case) -> Truth:
    """The same repository, as far as its files can be copied: what would be found there by mistake."""
    source = case.bench.storage
    if source is not None:
        for part in (f"repositories/{case.place.name}", "blobs"):
            old, new = (root / "docker" / "registry" / "v2" / part for root in (source, case.bench.decoy))
            shutil.copytree(old, new, dirs_exist_ok=True, copy_function=_link_or_copy)
    return read_storage(case.bench.decoy, case.place.name)


def _link_or_copy(source: str, target: str) -> None:
    if not Path(target).exists():
        shutil.copyfile(source, target)


def _compare_decoy(case: Case, before: Truth) -> None:
    now = read_storage(case.bench.decoy, case.place.name)
    case.expect(_same(now, before), "the config's default registry was changed, which nobody had named")


# The campaign


@contextmanager
def open_bench(version: str, folder: Path) -> Iterator[Bench]:
    """Servers for many cases."""
    with ExitStack() as stack:
        commands = stack.enter_context(forked_commands())
        decoy = stack.enter_context(start_registry("2.8.2", folder / "decoy"))
        storage: Path | None = None
        if version == "anything":
            url = stack.enter_context(start_referrers_registry(folder))
        else:
            server = stack.enter_context(start_registry(version, folder / "target"))
            url, storage = server.url, server.storage
        registry = stack.enter_context(open_registry(url))
        home = folder / "home"
        home.mkdir(mode=0o700)
        yield Bench(commands, version, url, storage, registry, decoy.url, decoy.storage, home)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.deletion", description=__doc__)
    parser.add_argument("--registry", choices=REGISTRIES, default="2.8.2")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="go on from there, where a campaign was stopped")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--only", type=int, help="one case, with all that was said")
    arguments = parser.parse_args()
    numbers = (
        [arguments.only] if arguments.only is not None else range(arguments.first, arguments.first + arguments.count)
    )
    wrong = 0
    with TemporaryDirectory(prefix="regtui-campaign-") as folder, open_bench(arguments.registry, Path(folder)) as bench:
        started = time.monotonic()
        for number in numbers:
            case = run_case(bench, arguments.seed, number)
            wrong += bool(case.findings)
            if arguments.only is not None:
                print("\n".join(case.story))
            elif (number + 1) % 50 == 0:
                print(f"… {number}", file=sys.stderr, flush=True)
            if case.findings and arguments.only is None:
                print("\n".join(case.story), file=sys.stderr, flush=True)
            for finding in case.findings:
                print(f"{arguments.registry} --seed {arguments.seed} --only {number}: {finding}", flush=True)
        seconds = time.monotonic() - started
    print(f"{arguments.registry}: {len(numbers)} repositories, {wrong} with findings, {seconds:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

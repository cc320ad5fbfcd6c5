"""Kills of every process of a collection in every phase: the registry comes back, no tag and no push is lost.

    python -m tests.campaigns.collection_kills --seed 1 --count 200

A case is a registry in a real container on a host behind a real sshd, some of its tags deleted, and a collection of
which some processes are killed (-9 or TERM) at a random time of a phase that is held: the script, its guard, the
runtime's client, the collector's container, the ssh connection, regtui itself, and the Docker Engine's daemon, that is
started again. Then: within a minute the registry
answers, or it is said that it doesn't, and `bring_back` does it. No collector is left, every tag that stays pulls by
crane, and an image that was copied before is pushed again and pulls, too. A finding is a sentence; the case comes again
by seed and number.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from regtui.errors import RegtuiError
from regtui.garbage.values import Choices, Stage, StageStatus
from regtui.host.keep_out import KeepOut
from regtui.session.session import Session
from tests.support.clients import ClientFailed, crane_validate, skopeo
from tests.support.collecting import GOING, REPOSITORY, all_pull, connected, delete_half, fill, kept, target
from tests.support.containers import start_podman
from tests.support.engine import Engine, start_killable_engine
from tests.support.held_host import Place, start_held_host

IMAGES: Final = 4
BACK_SECONDS: Final = 60.0
END_SECONDS: Final = 300.0
"""On a loaded machine the script ends long after the registry answers."""
VICTIMS: Final = ("pid", "guard", "collecting", "container", "connection", "regtui")
POLICIES: Final = ("no", "always", "unless-stopped")
WRONG: Final = (AssertionError, RegtuiError, ClientFailed, httpx.HTTPError, subprocess.TimeoutExpired)
"""What ends a case, and is a finding: the next one comes all the same."""
PHASES: Final = (Stage.KEEP_OUT, Stage.COLLECT, Stage.BRING_BACK)


@dataclass
class Case:
    place: Place
    phase: Stage
    victims: tuple[str, ...]
    number: signal.Signals
    pause: float
    engine: Engine | None = None
    """Whose daemon is among the victims."""
    choices: Choices = field(default_factory=Choices)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.number.name} of {', '.join(self.victims)} at {self.phase.value} after {self.pause:.1f} s"

    def expect(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.findings.append(sentence)


def make_case(place: Place, seed: int, number: int, engine: Engine | None, *, serve_pulls: bool = False) -> Case:
    """`serve_pulls`: with a stand-in, that is among the victims."""
    chance = random.Random(f"{seed} {number}")
    there = (*VICTIMS, "stand-in") if serve_pulls else VICTIMS
    victims = tuple(chance.sample(there, chance.choice((1, 1, 2, 2, 3, 6))))
    if engine is not None and chance.random() < 0.7:
        victims = ("daemon", *victims) if chance.random() < 0.5 else ("daemon",)
    signals = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
    choices = Choices(keep_out=KeepOut.STAND_IN if serve_pulls else KeepOut.STOP)
    return Case(place, chance.choice(PHASES), victims, chance.choice(signals), chance.uniform(0, 1.5), engine, choices)


def kill(case: Case) -> None:
    place = case.place
    if "daemon" in case.victims and case.engine is not None:
        case.engine.kill()
    pids = place.pids(*(name for name in case.victims if name in ("pid", "guard", "collecting")))
    pids += place.host.sessions() if "connection" in case.victims else []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, case.number)
    for victim, name in (("container", "regtui-gc"), ("stand-in", "regtui-pulls")):
        if victim in case.victims:
            place.registry.containers("kill", "-s", case.number.name, f"{name}-{place.registry.name}", check=False)
    if "daemon" in case.victims and case.engine is not None:
        case.engine.start()


async def run_case(case: Case) -> None:
    """What goes wrong is among its findings."""
    place = case.place
    settings = target(place.registry, place.host, runtime="docker", container="interrupted")
    connection = await connected(settings)
    try:
        fill(place.registry.url, images=IMAGES)
        with kept(place.registry.url, f"{REPOSITORY}:{GOING[0]}") as copy:
            await delete_half(connection, images=IMAGES)
            async with _watched(case):
                said = await _collect(case, connection)
                await _is_back(case, connection, said)
            _nothing_is_lost(case, copy)
    finally:
        place.let_go()
        await connection.close()


async def _collect(case: Case, connection: Session) -> str:
    """What was said of it; of a regtui that was killed nothing is."""
    collector = connection.collector()
    await collector.forecast(case.choices)
    case.place.hold(case.phase)
    events = collector.collect(case.choices)
    with contextlib.suppress(RegtuiError):
        async for event in events:
            if (event.stage, event.status) == (case.phase, StageStatus.STARTED):
                await asyncio.sleep(case.pause)
                await asyncio.to_thread(kill, case)
                case.place.let_go()
                if "regtui" in case.victims:
                    return ""
    return " ".join(collector.report.trouble) or "well"


async def _is_back(case: Case, connection: Session, said: str) -> None:
    place = case.place
    # While the script is on its way, the registry may still be the one that it is about to stop.
    ended = await _until(lambda: not goes_on(place), END_SECONDS)
    case.expect(ended, "the script, or its guard, doesn't come to its end")
    if not await _until(place.registry.is_running) and said and "killed" not in said and "answer" not in said:
        case.expect(False, f"the registry is down, and all that was said is: {said}")
    collector = connection.collector()
    earlier = await collector.earlier()
    if not place.registry.is_running():
        case.expect(earlier is not None and earlier.was_killed, "the registry is down, and --status doesn't say so")
    if earlier is not None and earlier.was_killed:
        async for _ in collector.bring_back():
            pass
    case.expect(place.registry.is_running(), "the registry can't be brought back")
    case.expect(await _until(lambda: _answers(place.registry.url)), "the registry doesn't answer")
    there = place.registry.containers("ps", "-a", "--format", "{{.Names}} {{.Status}}").splitlines()
    left = [line for line in there if line.startswith("regtui-")]
    case.expect(not left, f"a collector or a stand-in is left beside the registry: {', '.join(left)}")


def goes_on(place: Place) -> bool:
    """Whether the script or its guard still has to come to its end."""
    if any(place.host.state.rglob("ended")):
        return False
    return any(_runs(pid) for pid in place.pids("pid", "guard"))


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status


@asynccontextmanager
async def _watched(case: Case) -> AsyncIterator[None]:
    """A collector that runs beside the registry is found while it does. A daemon that was killed starts what it is to
    start before anybody can keep it down: not judged."""
    watching = asyncio.create_task(_watch(case))
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _watch(case: Case) -> None:
    registry = case.place.registry
    while "daemon" not in case.victims:
        listed = await asyncio.to_thread(registry.containers, "ps", "--format", "{{.Names}}", check=False)
        if {registry.name, f"regtui-gc-{registry.name}"} <= set(listed.split()):
            case.expect(False, "a collector runs beside the registry")
            return
        await asyncio.sleep(0.3)


def _nothing_is_lost(case: Case, copy: Path) -> None:
    host = case.place.registry.host
    try:
        all_pull(host, images=IMAGES)
    except ClientFailed as error:
        case.findings.append(f"a tag is lost: {str(error)[:300]}")
    try:
        skopeo("copy", "--dest-tls-verify=false", f"dir:{copy}", f"docker://{host}/{REPOSITORY}:again")
        crane_validate(f"{host}/{REPOSITORY}:again")
    except ClientFailed as error:
        case.findings.append(f"a push is lost: {str(error)[:300]}")


async def _until(happened: Callable[[], bool], seconds: float = BACK_SECONDS) -> bool:
    give_up = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > give_up:
            return False
        await asyncio.sleep(0.2)
    return True


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def _on_path(path: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ["PATH"] = path
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.collection_kills", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the cases before it are left out")
    parser.add_argument("--only", type=int, help="one case")
    parser.add_argument("--live-restore", action="store_true", help="containers go on without the Engine's daemon")
    parser.add_argument("--serve-pulls", action="store_true", help="by a stand-in")
    parser.add_argument("--runtime", choices=("podman", "docker"), default="podman")
    parser.add_argument("--registry", choices=("2.8.2", "3.1.1"), default="2.8.2")
    arguments = parser.parse_args()
    every = range(arguments.first, arguments.count)
    numbers = [arguments.only] if arguments.only is not None else every
    wrong = 0
    began = time.monotonic()
    with TemporaryDirectory(prefix="regtui-kills-") as folder:
        os.environ["HOME"] = folder
        # A directory of its own: paths of sockets are short.
        with TemporaryDirectory(prefix="regtui-") as place_of, ExitStack() as stack:
            engine = None
            if arguments.runtime == "docker":
                live_restore = arguments.live_restore
                engine = stack.enter_context(start_killable_engine(Path(place_of), live_restore=live_restore))
            containers = engine.containers if engine else stack.enter_context(start_podman(Path(place_of)))
            for number in numbers:
                directory = Path(folder) / str(number)
                directory.mkdir()
                policy = (f"--restart={POLICIES[number % 3]}",) if engine else ()
                held = start_held_host(containers, arguments.registry, directory, options=policy)
                with held as place, _on_path(place.host.path):
                    case = make_case(place, arguments.seed, number, engine, serve_pulls=arguments.serve_pulls)
                    try:
                        asyncio.run(run_case(case))
                    except WRONG as error:
                        case.expect(False, f"{type(error).__name__}: {error}")
                wrong += bool(case.findings)
                told = "; ".join(case.findings) or "ok"
                print(f"--seed {arguments.seed} --only {number}: {case}: {told}", flush=True)
    print(f"{len(numbers)} kills, {wrong} with findings, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

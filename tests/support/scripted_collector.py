"""A collector that does what a test wants: for screens and commands that need a state nobody can wait for."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

from regtui.errors import RegtuiError
from regtui.garbage.values import (
    Choices,
    CollectionReport,
    EarlierRun,
    Event,
    Forecast,
    Stage,
    StageStatus,
    Survey,
    TagsVerified,
    UntaggedManifest,
)
from regtui.host.keep_out import KeepOut
from regtui.oci.digest import Digest
from regtui.session.target import Target
from tests.support.patience import PATIENCE
from tests.support.screens import target

Interactive = Callable[[Callable[[], None]], Awaitable[None]]

SURVEY = Survey(
    place="ci@prod-1",
    runtime="docker",
    unit="registry",
    version="2.8.2",
    config="/etc/docker/registry/config.yml",
    root="/var/lib/registry",
    driver="filesystem",
    delete_enabled=True,
    uploads=0,
    used=12_400_000_000,
    free=3_100_000_000,
    blob_cache="inmemory",
    keep_out=(KeepOut.STOP, KeepOut.STAND_IN, KeepOut.READ_ONLY, KeepOut.ONLINE),
)

_BLOBS = {Digest.of(bytes([number])): 20_000_000 for number in range(9)}

FORECAST = Forecast(
    marked=1240,
    blobs=_BLOBS,
    by_repository=(("fullstack/builder", 120_000_000), ("data/etl", 60_000_000)),
    untagged=(UntaggedManifest("data/etl", Digest.of(b"one")), UntaggedManifest("data/etl", Digest.of(b"two"))),
    at_risk=("fullstack/gateway: 32 platform images of tagged indexes",),
    seconds=12.0,
)

COMMANDS = (
    "ssh -- ci@prod-1 docker stop registry",
    "ssh -- ci@prod-1 docker run --rm --volumes-from registry registry:2 garbage-collect "
    "/etc/docker/registry/config.yml",
    "ssh -- ci@prod-1 docker start registry",
)


def events() -> list[Event]:
    """A run that goes well."""
    log = [
        Event(Stage.COLLECT, None, f"blob eligible for deletion: {digest}", number + 1, (number + 1) * 20_000_000, 1.0)
        for number, digest in enumerate(_BLOBS)
    ]
    freed = sum(_BLOBS.values())
    return [
        Event(Stage.UNTAGGED, StageStatus.SKIPPED),
        Event(Stage.KEEP_OUT, StageStatus.STARTED),
        Event(Stage.KEEP_OUT, StageStatus.DONE, seconds=2.5),
        Event(Stage.COLLECT, StageStatus.STARTED),
        *log,
        Event(Stage.COLLECT, StageStatus.DONE, "", len(_BLOBS), freed, 11.0),
        Event(Stage.BRING_BACK, StageStatus.STARTED),
        Event(Stage.BRING_BACK, StageStatus.DONE, "", len(_BLOBS), freed, 3.0),
        Event(Stage.VERIFY, StageStatus.STARTED),
        Event(Stage.VERIFY, StageStatus.DONE, "", len(_BLOBS), freed, 1.5),
    ]


REPORT = CollectionReport(
    place="ci@prod-1",
    stages=tuple((event.stage, event.status) for event in events() if event.status not in (None, StageStatus.STARTED)),
    blobs=9,
    freed=180_000_000,
    predicted=180_000_000,
    seconds=18.0,
    is_up=True,
    verified=TagsVerified(640, 640),
)


@dataclass
class ScriptedCollector:
    """`failing`: what `survey`, `forecast` or `collect` (after the events) raises. `hold`: the number of the event
    before which it waits until `release` is set or `stop` is called. `removed`, `choices`, `calls`: what was asked.
    """

    found: Survey = SURVEY
    forecasts: Forecast = FORECAST
    earlier_runs: list[EarlierRun | None] = field(default_factory=list)
    events: list[Event] = field(default_factory=events)
    result: CollectionReport = REPORT
    failing: dict[str, RegtuiError] = field(default_factory=dict)
    hold: int | None = None
    asks: Callable[[], None] | None = None
    """Called on the user's terminal, before the survey."""
    release: threading.Event = field(default_factory=threading.Event)
    is_stopped: bool = False
    calls: list[str] = field(default_factory=list)
    choices: Choices | None = None
    removed: tuple[str, ...] = ()
    interactive: Interactive | None = None

    async def survey(self) -> Survey:
        self._called("survey")
        if self.asks is not None and self.interactive is not None:
            await self.interactive(self.asks)
        return self.found

    async def earlier(self) -> EarlierRun | None:
        return self.earlier_runs.pop(0) if self.earlier_runs else None

    async def forecast(self, choices: Choices) -> Forecast:
        self._called("forecast")
        if choices.untagged and (error := self.failing.get("untagged")):
            raise error
        return self.forecasts

    def commands(self, choices: Choices) -> tuple[str, ...]:
        return COMMANDS[1:2] if choices.keep_out is KeepOut.ONLINE else COMMANDS

    async def collect(self, choices: Choices) -> AsyncIterator[Event]:
        self.calls.append("collect")
        self.choices = choices
        for number, event in enumerate(self.events):
            if number == self.hold:
                # Set from the test's thread, waited for on the connection's.
                await asyncio.to_thread(self.release.wait, PATIENCE)
            yield event
        if error := self.failing.get("collect"):
            raise error

    async def bring_back(self) -> AsyncIterator[Event]:
        self.calls.append("bring_back")
        yield Event(Stage.BRING_BACK, StageStatus.DONE, seconds=1.0)

    def stop(self) -> None:
        self.is_stopped = True
        self.release.set()

    @property
    def report(self) -> CollectionReport:
        return self.result

    async def remove_empty(self, repositories: tuple[str, ...]) -> tuple[str, ...]:
        self.removed = repositories
        return repositories

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if error := self.failing.get(name):
            raise error


def collected_by(collector: ScriptedCollector, **changes: object) -> Target:
    """The demo registry, but with this collector."""

    def make(interactive: Interactive | None) -> ScriptedCollector:
        collector.interactive = interactive
        return collector

    return replace(target(), make_collector=make, **changes)  # type: ignore[arg-type]

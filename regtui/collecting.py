"""A registry's garbage collector as the faces hold it: found from the target, and called across the crossing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from regtui.crossing import Crossing
from regtui.garbage.collector import Collector
from regtui.garbage.values import Choices, CollectionReport, EarlierRun, Event, Forecast, Survey

Interactive = Callable[[Sequence[str]], Awaitable[int]]
"""Runs a command line on the user's own terminal, for what ssh or sudo has to ask; its exit code. The app suspends."""


class MakeCollector(Protocol):
    """Makes the collector, on the client's event loop."""

    def __call__(self, interactive: Interactive | None) -> Collector: ...


class Collecting:
    """The `Collector` that lives on the client's event loop, seen from the caller's."""

    def __init__(self, make: MakeCollector, crossing: Crossing, interactive: Interactive | None) -> None:
        self._collector = make(_called_back(interactive))
        self._crossing = crossing

    async def survey(self) -> Survey:
        return await self._crossing.run(self._collector.survey)

    async def earlier(self) -> EarlierRun | None:
        return await self._crossing.run(self._collector.earlier)

    async def forecast(self, choices: Choices) -> Forecast:
        return await self._crossing.run(lambda: self._collector.forecast(choices))

    def commands(self, choices: Choices) -> tuple[str, ...]:
        return self._collector.commands(choices)

    def collect(self, choices: Choices) -> AsyncIterator[Event]:
        return self._crossing.stream(lambda: self._collector.collect(choices))

    def stop(self) -> None:
        self._collector.stop()

    @property
    def report(self) -> CollectionReport:
        return self._collector.report

    async def remove_empty(self, repositories: tuple[str, ...]) -> tuple[str, ...]:
        return await self._crossing.run(lambda: self._collector.remove_empty(repositories))


def _called_back(interactive: Interactive | None) -> Interactive | None:
    """The same callback, called on the loop that it comes from: the app's, which owns the terminal."""
    if interactive is None:
        return None
    here = asyncio.get_running_loop()

    async def there(command: Sequence[str]) -> int:
        async def run() -> int:
            return await interactive(command)

        if asyncio.get_running_loop() is here:
            return await run()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run(), here))

    return there

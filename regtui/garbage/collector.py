"""What the two faces call: one registry's garbage collection, wherever the registry runs."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from regtui.garbage.values import (
    Choices,
    CollectionReport,
    EarlierRun,
    Event,
    Forecast,
    Survey,
)
from regtui.host.hosts import Interactive


class Collector(Protocol):
    """One garbage collection. In this order: survey, forecast, commands, collect; each raises RegtuiError.

    Lives on the client's event loop; `stop` may be called from any thread.
    """

    async def survey(self) -> Survey:
        """What is on the host. Changes nothing."""

    async def earlier(self) -> EarlierRun | None:
        """A run that was begun before and is still going on, or ended without anybody hearing."""

    async def forecast(self, choices: Choices) -> Forecast:
        """A dry run: what `collect` with these choices would free. Changes nothing."""

    def commands(self, choices: Choices) -> tuple[str, ...]:
        """The exact command lines, in order, ready to copy: for who would rather run them by hand."""

    def collect(self, choices: Choices) -> AsyncIterator[Event]:
        """Does it. To be iterated to the end: whatever happens, the registry is brought back. `stop` ends it early."""

    def stop(self) -> None:
        """Ends it at the next safe point: before the sweep nothing is freed, after it nothing is left undone."""

    def bring_back(self) -> AsyncIterator[Event]:
        """Ends what a run left behind that was killed, and starts its registry. To be iterated to the end."""

    @property
    def report(self) -> CollectionReport:
        """What came of `collect`, so far."""

    async def remove_empty(self, repositories: tuple[str, ...]) -> tuple[str, ...]:
        """Removes directories of repositories that were confirmed and are still without manifest, tag and upload;
        those that were removed."""


MakeCollector = Callable[[Interactive | None], Collector]
"""Makes a collector, of what ssh may ask with."""

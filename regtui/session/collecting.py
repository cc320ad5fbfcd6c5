"""A registry's garbage collector as the faces hold it: found from the target, and called across the crossing."""

import asyncio
from collections.abc import AsyncIterator, Callable

from regtui.garbage.collector import MakeCollector
from regtui.garbage.errors import HostUnknown
from regtui.garbage.hosts import Host, Interactive, LocalHost, SshHost
from regtui.garbage.profile import HostSettings
from regtui.garbage.values import Choices, CollectionReport, EarlierRun, Event, Forecast, Survey
from regtui.garbage.words import host_table
from regtui.registry.address import Address
from regtui.session.crossing import Crossing
from regtui.ssh.destination import Destination


def host_of(
    settings: HostSettings | None, address: Address, name: str, interactive: Interactive | None
) -> tuple[Host, HostSettings]:
    """The host that a registry runs on. One at a loopback address runs on this machine, unless it is said otherwise.

    Raises HostUnknown where nobody said it, UsageError where it is no SSH destination.
    """
    if settings is None and not address.is_loopback:
        raise HostUnknown(
            f"Garbage collection runs on the registry's host, and nobody said which that is for {address.name}.",
            f'Add it to the config file: {host_table(name)} with ssh = "USER@HOST".',
        )
    settings = settings or HostSettings()
    if not settings.ssh:
        return LocalHost(), settings
    return SshHost(Destination.parse(settings.ssh), interactive), settings


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

    def bring_back(self) -> AsyncIterator[Event]:
        return self._crossing.stream(self._collector.bring_back)

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

    async def there(work: Callable[[], None]) -> None:
        async def run() -> None:
            await interactive(work)

        if asyncio.get_running_loop() is here:
            await run()
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run(), here))

    return there

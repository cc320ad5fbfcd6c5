"""All that says what is in use, as a profile names it, read at once. What fails is part of the result."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from regtui import bounds
from regtui.errors import RegtuiError
from regtui.host.hosts import Host, LocalHost, SshHost
from regtui.limit import each
from regtui.retention.command import Command
from regtui.retention.containers import ContainerHost
from regtui.retention.errors import SourceFailed
from regtui.retention.files import Files
from regtui.retention.kubernetes import Cluster
from regtui.retention.own_names import OwnNames
from regtui.retention.settings import LOCAL, InUseSettings
from regtui.retention.uses import Source, Use, Uses
from regtui.retention.values import UnreadSource
from regtui.ssh.destination import Destination

_AT_ONCE: Final = 8


OpenHost = Callable[[Destination], Host]


async def read_uses(settings: InUseSettings, names: OwnNames, open_host: OpenHost = SshHost) -> Uses:
    """What all sources say. Raises nothing that can be expected: what can't be read is in `unread`."""
    hosts: list[Host] = []
    found: dict[Use, None] = {}
    unread: list[UnreadSource] = []
    try:
        sources = _sources(settings, open_host, hosts)
        async for ended in each(sources, lambda source: _read(source, names), at_once=_AT_ONCE, expect=RegtuiError):
            for one in ended:
                found |= dict.fromkeys(one.result or ())
                if one.error is not None:
                    unread.append(UnreadSource(one.item.name, str(one.error)))
    finally:
        for host in hosts:
            await host.close()
    order = {source.name: number for number, source in enumerate(sources)}
    return Uses(tuple(found), tuple(sorted(unread, key=lambda source: order[source.where])))


def _sources(settings: InUseSettings, open_host: OpenHost, hosts: list[Host]) -> Sequence[Source]:
    """`hosts` gets those that have to be closed."""
    local = LocalHost()
    sources: list[Source] = []
    for written in settings.docker:
        if written == LOCAL:
            sources.append(ContainerHost(LOCAL, local, called=local.place))
            continue
        destination = Destination.parse(written)
        host = open_host(destination)
        hosts.append(host)
        sources.append(ContainerHost(written, host, called=destination.host))
    sources += [Cluster(context, local) for context in settings.kubectl]
    sources += [Files(pattern) for pattern in settings.files]
    return [*sources, Command(settings.command, local)] if settings.command else sources


async def _read(source: Source, names: OwnNames) -> Iterable[Use]:
    try:
        async with asyncio.timeout(bounds.SOURCE_SECONDS):
            return await source.uses(names)
    except TimeoutError:
        raise SourceFailed(f"It took more than {bounds.SOURCE_SECONDS / 60:.0f} minutes.") from None

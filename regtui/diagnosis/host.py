"""SSH, and what garbage collection needs on the registry's host. A login for which something has to be typed fails."""

from collections.abc import AsyncIterator

from regtui.deletion.journal import Journal
from regtui.diagnosis.values import Check, failed, good, skipped
from regtui.errors import RegtuiError
from regtui.garbage.procedure import HostCollector
from regtui.garbage.values import Survey
from regtui.host.hosts import Host, call
from regtui.registry.client import RegistryClient
from regtui.session.registry_host import host_of
from regtui.session.target import Target
from regtui.text import config_table


async def host(target: Target, client: RegistryClient) -> list[Check]:
    """SSH and GC."""
    if target.make_collector is not None:
        return [
            skipped("SSH", "in memory: there is no host"),
            _collection(await target.make_collector(None).survey()),
        ]
    if target.runs_at is None and not client.address.is_loopback:
        table = config_table(target.name, "host")
        how = f'For garbage collection add to the config file: {table} with ssh = "USER@HOST".'
        return [skipped("SSH", "its profile names no host", how), skipped("GC", "nobody said where the registry runs")]
    try:
        machine, settings = host_of(target.runs_at, client.address, target.name, None)
    except RegtuiError as error:
        return [failed("SSH", error), skipped("GC", "not reached")]
    try:
        return [check async for check in _on(machine, HostCollector(machine, settings, client, Journal(None)), target)]
    finally:
        await machine.close()


async def _on(machine: Host, collector: HostCollector, target: Target) -> AsyncIterator[Check]:
    if machine.login:
        try:
            await machine.run(call("true"))
        except RegtuiError as error:
            yield failed("SSH", error)
            yield skipped("GC", "not reached")
            return
        yield good("SSH", f"{machine.place} lets regtui in")
    else:
        yield skipped("SSH", "it runs on this machine" if target.runs_at else "by its address it runs on this machine")
    try:
        survey = await collector.survey()
    except RegtuiError as error:
        # Nobody said that it does run here: a loopback address is only a hint.
        yield failed("GC", error) if target.runs_at else skipped("GC", error.message, error.remedy)
        return
    yield _collection(survey)


def _collection(survey: Survey) -> Check:
    runtime = survey.runtime if survey.runtime != "command" else ""
    what = " ".join(filter(None, [runtime, survey.unit]))
    version = f" ({survey.version})" if survey.version else ""
    storage = f", storage {survey.root}" if survey.root else ""
    return good("GC", f"{what}{version} on {survey.place}{storage}")

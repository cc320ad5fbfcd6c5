"""SSH, and what garbage collection needs on the registry's host."""

import json
import re

from regtui.collecting import Collecting
from regtui.connection import Target
from regtui.crossing import SameLoop
from regtui.diagnosis.values import Check, failed, good, skipped
from regtui.errors import RegtuiError
from regtui.registry.aside import aside
from regtui.ssh import Destination, Ssh


async def host(target: Target) -> "list[Check]":
    """Asks nobody anything: a login that wants a password typed fails here."""
    return [await _ssh(target), await _collection(target)]


async def _ssh(target: Target) -> Check:
    if target.ephemeral:
        return skipped("SSH", "in memory: there is no host")
    if target.runs_at is None:
        return skipped("SSH", "its profile names no host", _how(target))
    if not target.runs_at.ssh:
        return skipped("SSH", "it runs on this machine, says its profile")
    try:
        destination = Destination.parse(target.runs_at.ssh)
        await aside(lambda: _log_in(destination))
    except RegtuiError as error:
        return failed("SSH", error)
    return good("SSH", f"{destination} lets regtui in")


def _log_in(destination: Destination) -> None:
    ssh = Ssh(destination)
    try:
        ssh.open()
    finally:
        ssh.close()


async def _collection(target: Target) -> Check:
    if target.make_collector is None:
        return skipped("GC", "nobody said where the registry runs")
    try:
        survey = await Collecting(target.make_collector, SameLoop(), None).survey()
    except RegtuiError as error:
        return failed("GC", error)
    what = " ".join(filter(None, [survey.runtime, survey.unit]))
    version = f" ({survey.version})" if survey.version else ""
    storage = f", storage {survey.root}" if survey.root else ""
    return good("GC", f"{what}{version} at {survey.place}{storage}")


def _how(target: Target) -> str:
    # TOML's bare keys; whatever else a name holds is quoted as JSON does it.
    key = target.name if re.fullmatch(r"[A-Za-z0-9_-]+", target.name) else json.dumps(target.name)
    return f'For garbage collection add to the config file: [registries.{key}.host] with ssh = "USER@HOST".'

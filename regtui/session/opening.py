"""From a target to an open registry: ssh where it leads there, the first answer, and what a refused login tells."""

from dataclasses import replace
from typing import TYPE_CHECKING

from regtui.aside import aside
from regtui.host.silence import answering
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotARegistry, NotAuthenticated, RegistryError, TokenRefused, Unreachable
from regtui.registry.values import Pong
from regtui.session.session import Session
from regtui.session.target import Target
from regtui.settings.credentials import LoginSource
from regtui.ssh.destination import Destination

if TYPE_CHECKING:
    from regtui.ssh.login import Ssh


async def open_session(target: Target, ssh: "Ssh | None" = None, *, patience: float | None = None) -> Session:
    """Opens and pings: an answer means that address, TLS and credential are right. Raises RegistryError, and SshError
    where the target is reached via a host. `ssh`: logged in there already; the session closes it. `patience`: one that
    doesn't answer, or not for so many seconds, is opened, too: its host may be asked why."""
    if target.via is not None and ssh is None:
        ssh = await log_in(target.via)
    client: RegistryClient | None = None
    try:
        settings = replace(target.http, tunnel=ssh) if ssh is not None else target.http
        client = RegistryClient(
            target.address, target.credential, settings, target.lookup, lambda error: _explained(error, target)
        )
        pong = await _first_answer(client, patience)
    except BaseException as error:
        if isinstance(error, NotARegistry) and target.prefix_hint:
            error.remedy = f"{error.remedy} {target.prefix_hint}"
        if client is not None:
            await client.close()
        if ssh is not None:
            await aside(ssh.close)
        raise
    return Session(target, client, pong, ssh)


async def _first_answer(client: RegistryClient, patience: float | None) -> Pong:
    if patience is None:
        return await client.ping()
    try:
        async with answering(client, "while it is opened", seconds=patience):
            return await client.ping()
    except Unreachable:
        return Pong("", "")


async def log_in(via: Destination, *, on_terminal: bool = False) -> "Ssh":
    """A login by ssh, which may ask on the terminal, or else asks nothing. Raises SshError."""
    from regtui.ssh.login import Ssh

    ssh = Ssh(via)
    try:
        await aside(lambda: ssh.open(on_terminal=on_terminal))
    except BaseException:
        await aside(ssh.close)
        raise
    return ssh


async def is_registry(target: Target) -> bool:
    """Whether a registry answers there: then the path is a prefix, and no repository. One that doesn't answer at all is
    for whoever opens it to tell."""
    async with RegistryClient(target.address, None, target.http) as client:
        try:
            await client.ping()
        except NotARegistry:
            return False
        except (NotAuthenticated, TokenRefused, Unreachable):
            return True
        except RegistryError:
            return False
        return True


def _with_name(error: NotAuthenticated, target: Target) -> NotAuthenticated:
    """The command that logs in, with the profile's name: its address may be that of many hosts' own registries."""
    remedy = error.remedy.replace(f"regtui login {error.where.host}", f"regtui login {target.name or error.where.host}")
    return NotAuthenticated(error.where, error.message, remedy, status=error.status, codes=error.codes)


def _explained(error: NotAuthenticated, target: Target) -> NotAuthenticated:
    """With which login was tried, or what kept one from being found."""
    found = target.lookup.found if target.lookup else None
    error = _with_name(error, target)
    if found is None:
        return error
    # What was given with the command needs no telling.
    words = found.words_for(error.where.repository)
    tried = f"Tried: {words}." if words and found.source is not LoginSource.GIVEN else ""
    troubles = [trouble.message for trouble in found.troubles]
    how = found.correction or error.remedy
    remedy = " ".join(filter(None, [tried, *troubles, how]))
    return NotAuthenticated(error.where, error.message, remedy, status=error.status, codes=error.codes)

"""The diagnosis from the first request on, in the order in which things can go wrong."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from regtui.diagnosis.host import host
from regtui.diagnosis.values import SUBJECTS, Check, Verdict, bad, failed, good, skipped
from regtui.diagnosis.way import is_before, stopped_at, way
from regtui.errors import NOT_ALLOWED, REFUSED, RegtuiError
from regtui.registry.answers import deletion_obstacle
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotAuthenticated, RegistryError
from regtui.registry.probing import deletion_support
from regtui.registry.retry import RetryPolicy
from regtui.registry.token_clock import LEEWAY, difference, parse_date
from regtui.registry.values import Credential, Deletion, Pong
from regtui.session.opening import log_in
from regtui.session.target import Target
from regtui.settings.credentials import FoundLogin, LoginSource
from regtui.settings.protection import told
from regtui.ssh.login import Ssh
from regtui.text import plural

# Asked for where the registry has none of its own: nothing is ever stored in it.
_NO_REPOSITORY: Final = "regtui-doctor"


async def diagnose(target: Target) -> AsyncIterator[Check]:
    """One check for each of SUBJECTS, some with a second one, as they are found. Changes nothing anywhere. What is
    wrong is told, never raised."""
    ssh: Ssh | None = None
    try:
        ssh = await log_in(target.via) if target.via is not None else None
        # A second try may succeed, and hide what is wrong.
        settings = replace(target.http, retry=RetryPolicy(tries=1), tunnel=ssh or target.http.tunnel)
        client = RegistryClient(target.address, target.credential, settings, target.lookup)
    except RegtuiError as error:
        # The tunnel, or the certificates' files: nothing could be sent.
        for subject in SUBJECTS:
            at_fault = subject == stopped_at(error, target.address)
            yield failed(subject, error) if at_fault else skipped(subject, "not reached")
        if ssh is not None:
            ssh.close()
        return
    try:
        async with client:
            async for check in _registry_itself(target, client):
                yield check
            if ssh is not None:
                yield good("SSH", f"{ssh.destination} lets regtui in, and leads to the registry")
            for check in await host(target, client):
                # Once is enough to say that the same host lets us in.
                if not (ssh and check.subject == "SSH" and check.verdict is not Verdict.BAD):
                    yield check
    finally:
        if ssh is not None:
            ssh.close()


async def _registry_itself(target: Target, client: RegistryClient) -> AsyncIterator[Check]:
    pong, error = await _ping(client)
    now = datetime.now(UTC)
    date = client.date
    for check in await way(client, error, in_memory=target.http.is_in_memory):
        yield check
    end = stopped_at(error, client.address) if error else ""
    yield _registry(pong, error, end)
    for check in _login(target, client, error, end):
        yield check
    if pong is not None:
        async for check in _contents(target, client):
            yield check
        if target.given_user and not client.auth_scheme:
            yield skipped("login", f"nothing asked for it: that of {target.given_user} was not used")
    else:
        yield skipped("catalog", "not reached")
        yield skipped("deletion", "not reached")
    for sentence in filter(None, (told(pattern, "protect") for pattern in target.protect)):
        yield bad("deletion", sentence, "Correct it in the config file.")
    for check in _retention(target):
        yield check
    yield _clock(date, now)
    if client.given_token is not None and (ahead := client.given_token.ahead(client.given_token.at)):
        yield bad(
            "clock",
            f"The clock of the token service {client.given_token.service} is {difference(ahead)} this machine's.",
            "Set it by NTP, and the registry's: a registry accepts no token that is not valid yet, or no more.",
        )


def _retention(target: Target) -> Iterator[Check]:
    """Entries that surely never count. What they name now says `regtui prune --check`."""
    if not target.retention:
        return
    from regtui.retention.check import entry_problems

    problems = [problem for problem in entry_problems(target.retention, None) if problem.is_wrong]
    for problem in problems:
        sentence = f"The retention entry at {problem.entry.place} {problem.words}."
        yield bad("deletion", sentence, f"Move it up, or take it out: regtui prune {target.name} --check")
    if not problems:
        entries = plural(len(target.retention), "retention entry", "retention entries")
        yield good("deletion", f"{entries}: each may count")


async def _ping(client: RegistryClient) -> tuple[Pong | None, RegtuiError | None]:
    try:
        return await client.ping(), None
    except RegtuiError as error:
        return None, error


def _registry(pong: Pong | None, error: RegtuiError | None, end: str) -> Check:
    if error is not None and end == "registry":
        return failed("registry", error)
    if end and is_before(end, "registry"):
        return skipped("registry", "not reached")
    return good("registry", (pong.looks_like if pong else "") or "it answers as a registry")


def _login(target: Target, client: RegistryClient, error: RegtuiError | None, end: str) -> "list[Check]":
    if end and is_before(end, "login"):
        return [skipped("login", "not reached")]
    found = target.lookup.found if target.lookup else None
    troubles = [
        bad("login", trouble.message, trouble.remedy, NOT_ALLOWED) for trouble in (found.troubles if found else ())
    ]
    words = _whose(found, target.credential)
    if error is not None and end == "login":
        tried = f"Tried: {words}." if words and isinstance(error, NotAuthenticated) else ""
        how = (found.correction if found and tried else "") or error.remedy
        return [*troubles, failed("login", error, remedy=f"{tried} {how}".strip())]
    if error is not None:
        return [*troubles, skipped("login", "not reached")]
    if not client.auth_scheme:
        return [skipped("login", "none needed")]
    if not words:
        return [*troubles, skipped("login", "anonymous: no credential was found", f"Run: regtui login {client.host}")]
    return [*troubles, good("login", words)]


def _whose(found: FoundLogin | None, given: Credential | None) -> str:
    if found is not None:
        return found.words
    return FoundLogin(given, LoginSource.SESSION).words if given else ""


async def _contents(target: Target, client: RegistryClient) -> AsyncIterator[Check]:
    names: tuple[str, ...] = ()
    try:
        # The first page tells enough: all of them may be ten thousand.
        async with contextlib.aclosing(client.catalog()) as pages:  # type: ignore[type-var]
            async for page in pages:
                names = page.repositories
                break
        listed = plural(len(names), "repository", "repositories")
        yield good("catalog", f"{listed} on the first page" if names else "no repositories")
    except RegistryError as error:
        if target.known_repositories:
            named = plural(len(target.known_repositories), "is", "are")
            yield skipped("catalog", f"{error.message} {named} named in the profile.")
        else:
            remedy = f'{error.remedy} Name repositories in its profile: repositories = ["NAME"].'.strip()
            yield failed("catalog", error, remedy=remedy)
    names = names or target.known_repositories
    if target.lookup is not None and (found := target.lookup.found) is not None:
        # One that somebody is logged in for, where logins are for some repositories alone.
        names = tuple(name for name in names if found.keychain.credential_for(name)) or names
    if target.read_only:
        yield skipped("deletion", "it is opened read-only, by --read-only or its profile")
        return
    yield _deletion(client.host, await _support(client, names))


async def _support(client: RegistryClient, names: tuple[str, ...]) -> Deletion:
    if names:
        return await deletion_support(client, names[0])
    # Token services give no rights to what isn't there: then nothing is said about what is.
    found = await deletion_support(client, _NO_REPOSITORY)
    return Deletion.UNKNOWN if found is Deletion.NOT_ALLOWED else found


_HOW_ASKED: Final = "asked by deleting names that don't exist"


def _deletion(host: str, found: Deletion) -> Check:
    match found:
        case Deletion.BY_TAG:
            return good("deletion", f"on, for single tags too; {_HOW_ASKED}")
        case Deletion.BY_DIGEST:
            return good("deletion", f"on, by digest; a tag is removed by pointing it elsewhere first; {_HOW_ASKED}")
        case Deletion.UNKNOWN:
            return skipped("deletion", "can't be found out without deleting something")
    message, _, remedy = deletion_obstacle(host, found).partition(". ")
    remedy = remedy or "Log in as somebody who may, or ask its administrator."
    return bad("deletion", f"{message.rstrip('.')}.", remedy, NOT_ALLOWED if found is Deletion.NOT_ALLOWED else REFUSED)


def _clock(date: str, now: datetime) -> Check:
    """By the `Date` of the first answer."""
    theirs = parse_date(date)
    if theirs is None:
        return skipped("clock", "no answer told the time")
    apart = theirs - now
    if abs(apart) <= LEEWAY:
        return good("clock", "agrees with this machine's")
    return bad(
        "clock",
        f"The registry's clock is {difference(apart)} this machine's.",
        "Set both by NTP: tokens and certificates depend on them.",
    )

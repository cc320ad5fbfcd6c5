"""What hangs is waited for so long in one run over all repositories, however many there are."""

import asyncio
import re
from collections.abc import Awaitable

import httpx
import pytest

from regtui import bounds
from regtui.registry.client import RegistryClient
from regtui.registry.endurance import Endurance, TooSilent
from regtui.registry.errors import RegistryError
from tests.support.virtual_time import in_virtual_time, now
from tests.unit.registry.scripted import Answer, Scripted, pong

NAMES = [f"team/r{n:04}" for n in range(10_000)]


def hanging() -> Scripted:
    """Whatever is asked about a repository."""

    async def hang() -> Answer:
        await asyncio.sleep(bounds.TIMEOUT)
        return httpx.ReadTimeout("")

    def script(request: httpx.Request) -> Answer | Awaitable[Answer]:
        return pong() if request.url.path == "/v2/" else hang()

    return Scripted(script)


async def read(client: RegistryClient, repository: str, count: int = 1) -> None:
    async def one(tag: str) -> None:
        with pytest.raises(RegistryError):
            await client.manifest(repository, tag)

    await asyncio.gather(*(one(f"t{n}") for n in range(count)))


def test_what_hangs_side_by_side_is_waited_for_once() -> None:
    async def work() -> tuple[float, float]:
        async with hanging().client(tries=1) as client:
            await client.ping()
            await read(client, "team/app", client.in_flight)
            side_by_side = client.waited_in_vain
            await read(client, "team/app")
            return side_by_side, client.waited_in_vain

    assert in_virtual_time(work()) == (bounds.TIMEOUT, 2 * bounds.TIMEOUT)


def test_what_is_waited_for_without_a_repository_is_not_counted() -> None:
    async def work() -> float:
        async with Scripted(lambda _: httpx.ReadTimeout("")).client() as client:
            with pytest.raises(RegistryError):
                await client.ping()
            return client.waited_in_vain

    assert in_virtual_time(work()) == 0.0


def test_a_run_over_ten_thousand_repositories_that_hang_ends_within_its_bound() -> None:
    async def work() -> str:
        async with hanging().client() as client:
            await client.ping()
            endurance = Endurance(client)
            done = 0
            while not endurance.is_over:
                await read(client, NAMES[done])
                done += 1
            assert now() <= bounds.ALL_SILENCES + 3 * bounds.TIMEOUT
            # The next run begins anew.
            Endurance(client).check(NAMES, 0)
            with pytest.raises(TooSilent) as told:
                endurance.check(NAMES, done)
            return str(told.value)

    sentence = in_virtual_time(work())
    why = "registry.example.com has let requests about its repositories time out for an hour in all"
    assert re.fullmatch(rf"{why}: 9,9\d\d repositories were left out, from team/r00\d\d on.", sentence)


def test_who_is_left_is_named() -> None:
    endurance = Endurance(Scripted(lambda _: pong()).client())
    assert not endurance.is_over
    assert ": team/only was left out." in endurance.sentence(["team/only"])
    assert ": 2 repositories were left out, from a on." in endurance.sentence(["a", "b"])

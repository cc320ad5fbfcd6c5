"""A registry that wants to be asked less, by 429 and Retry-After: it is waited for, and that is shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_app import on_screen, running, target, until
from tests.support.commands import Regtui
from tests.support.gateway import Asked, Gateway, Reply, start_gateway
from tests.support.images import open_registry, push_image
from tests.support.servers import VERSIONS, start_registry


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with start_registry(VERSIONS[0], tmp_path / "registry") as server:
        with open_registry(server.url) as writer:
            push_image(writer, "team/app", "1.0")
        with start_gateway(upstream=server.host) as front:
            yield front


def limiting(gateway: Gateway, path: str, seconds: int) -> None:
    """The first request for `path` is answered by 429."""
    limited: list[Asked] = []

    def script(asked: Asked) -> Reply | None:
        if path in asked.path and not limited:
            limited.append(asked)
            return Reply(429, {"Retry-After": str(seconds)}, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}')
        return None

    gateway.script = script


def test_a_command_says_that_it_waits_and_goes_on(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    regtui = Regtui(tmp_path / "home")
    limiting(gateway, "_catalog", 1)
    done = regtui("ls", gateway.url)
    assert (done.returncode, done.stdout) == (0, "team/app\n")
    assert done.stderr == f"regtui: {gateway.host} asks to wait 1 s: waiting.\n"
    limiting(gateway, "tags/list", 3600)
    late = regtui("tags", "-r", gateway.url, "team/app", "--names")
    assert late.returncode == 1
    assert late.stderr == f"regtui: {gateway.host} limits the number of requests. Try again in 60 minutes.\n"


async def test_the_app_shows_that_it_waits_and_goes_on(gateway: Gateway, tmp_path: Path) -> None:
    limiting(gateway, "tags/list", 3)
    async with running(target(gateway.url), tmp_path) as pilot:
        await until(pilot, lambda: "as the registry asks" in on_screen(pilot))
        await until(pilot, lambda: "1.0" in on_screen(pilot))
        await until(pilot, lambda: "as the registry asks" not in on_screen(pilot))
        await until(pilot, lambda: not pilot.app.workers)

"""The app on real registries that are out of reach, refuse, or are damaged: it says so, and stays usable."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from textual.pilot import Pilot

from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.registry.tls import TlsSettings
from regtui.registry.values import Credential
from regtui.session.target import Target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.connect import ConnectScreen
from regtui.ui.screens.delete import DeleteScreen
from tests.support.clients import crane
from tests.support.content import Recipe
from tests.support.images import open_registry, push_image
from tests.support.patience import PATIENCE
from tests.support.pilots import is_answerable
from tests.support.seed import seed_repository
from tests.support.servers import VERSIONS, RegistryServer, start_registry
from tests.support.tls import TlsFiles

pytestmark = pytest.mark.integration

CREATED = datetime(2026, 11, 1, tzinfo=UTC)


def target(url: str, credential: Credential | None = None, **tls: Any) -> Target:
    http = HttpSettings(tls=TlsSettings(**tls), retry=RetryPolicy(tries=1))
    return Target(Address.parse(url), credential, http, name=Address.parse(url).name)


@asynccontextmanager
async def running(start: Target, directory: Path, size: tuple[int, int] = (120, 30)) -> AsyncIterator[Pilot[int]]:
    config = Config(directory / "config.toml")
    app = RegtuiApp(config, Credentials(environment={}, keyring_timeout=PATIENCE), start)
    async with app.run_test(size=size, notifications=True) as pilot:
        yield pilot


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    """And what the screen asks, if it does, can be answered. Fails with what is on the screen."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not (true() and is_answerable(pilot.app)):
                await pilot.pause(0.02)
    except TimeoutError:
        pytest.fail(f"did not come; on the screen is:\n{on_screen(pilot)}")


def on_screen(pilot: Pilot[int]) -> str:
    """What a person reads, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def shows(pilot: Pilot[int], text: str) -> Callable[[], bool]:
    """Whether the screen has `text`, however the lines of a pane that is alone in its rows are broken."""

    def squeezed(shown: str) -> str:
        return "".join(character for character in shown if character not in " \n│")

    return lambda: squeezed(text) in squeezed(on_screen(pilot))


def browses(pilot: Pilot[int]) -> Callable[[], bool]:
    return lambda: isinstance(pilot.app.screen, BrowserScreen)


async def connects_instead(pilot: Pilot[int], address: str) -> None:
    """The form still works: another address, typed over the one that failed, opens."""
    screen = pilot.app.screen
    assert isinstance(screen, ConnectScreen)
    screen._address.value = address
    screen._remember.value = False
    screen._address.focus()
    await pilot.press("enter")
    await until(pilot, browses(pilot))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A registry that works, to go to after one that doesn't."""
    with start_registry(VERSIONS[0], tmp_path_factory.mktemp("good")) as server:
        with open_registry(server.url) as writer:
            push_image(writer, "team/app", "1.0")
        yield server


# Out of reach


async def test_an_unknown_host_and_a_closed_port(good: RegistryServer, tmp_path: Path) -> None:
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        for url, sentence in (
            ("https://registry.invalid", "There is no host registry.invalid"),
            (f"http://127.0.0.1:{port}", f"Nothing listens at 127.0.0.1:{port}"),
        ):
            async with running(target(url), tmp_path) as pilot:
                await until(pilot, shows(pilot, sentence))
                await connects_instead(pilot, good.url)


async def test_https_to_a_plain_registry(version: str, good: RegistryServer, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "plain") as server:
        async with running(target(f"https://{server.host}"), tmp_path) as pilot:
            await until(pilot, shows(pilot, f"{server.host} speaks plain HTTP, not HTTPS."))
            assert shows(pilot, f"If that is intended, use http://{server.host}")()
            await connects_instead(pilot, f"http://{server.host}")


async def test_plain_http_to_a_tls_registry(
    version: str, tls_files: TlsFiles, good: RegistryServer, tmp_path: Path
) -> None:
    with start_registry(version, tmp_path / "secure", tls=tls_files) as server:
        async with running(target(f"http://{server.host}"), tmp_path) as pilot:
            await until(pilot, shows(pilot, f"{server.host} speaks HTTPS, not plain HTTP."))
            await connects_instead(pilot, good.url)


async def test_an_unknown_certificate_authority(
    version: str, tls_files: TlsFiles, good: RegistryServer, tmp_path: Path
) -> None:
    with start_registry(version, tmp_path / "secure", tls=tls_files) as server:
        async with running(target(server.url), tmp_path) as pilot:
            await until(pilot, shows(pilot, f"The certificate of {server.host} is signed by an unknown authority"))
            assert shows(pilot, "Give it with --ca-file.")()
            await connects_instead(pilot, good.url)
        async with running(target(server.url, ca_file=tls_files.ca), tmp_path) as pilot:
            await until(pilot, browses(pilot))


async def test_a_wrong_password_can_be_typed_again(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "registry", htpasswd={"ci": "right"}) as server:
        async with running(target(server.url, Credential("ci", "wrong")), tmp_path) as pilot:
            await until(pilot, shows(pilot, f"{server.host} rejects the user name or password."))
            screen = pilot.app.screen
            assert isinstance(screen, ConnectScreen)
            screen._password.value = "right"
            await connects_instead(pilot, server.url)
            await until(pilot, shows(pilot, "repositories yet"))


# Refuses to delete


@pytest.mark.parametrize("size", [(80, 24), (120, 30)])
@pytest.mark.parametrize(
    ("setting", "header", "sentence"),
    [
        ({"delete": False}, "deletion disabled", "refuses deletion: it is disabled"),
        ({"readonly": True}, "read-only", "is read-only"),
    ],
)
async def test_deletion_that_is_refused_is_said_in_place_of_a_plan(
    version: str, setting: dict[str, Any], header: str, sentence: str, size: tuple[int, int], tmp_path: Path
) -> None:
    with start_registry(version, tmp_path / "registry") as server, open_registry(server.url) as writer:
        push_image(writer, "team/app", "1.0")
        push_image(writer, "team/app", "1.1")
    with start_registry(version, tmp_path / "registry", **setting) as server:
        async with running(target(server.url), tmp_path, size) as pilot:
            await until(pilot, shows(pilot, "1.1"))
            # Nothing is asked about deletion before somebody wants it.
            await pilot.press("tab", "d")
            await until(pilot, shows(pilot, sentence))
            await until(pilot, shows(pilot, header))
            await pilot.press("space")
            await until(pilot, shows(pilot, "●"))
            assert browses(pilot)()
        assert sorted(crane("ls", f"{server.host}/team/app").split()) == ["1.0", "1.1"]


# Not there, or damaged


async def test_an_unknown_repository(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "registry") as server:
        with open_registry(server.url) as writer:
            push_image(writer, "team/app", "1.0")
        async with running(target(server.url), tmp_path) as pilot:
            await until(pilot, shows(pilot, "digest sha256:"))
            browser = pilot.app.screen
            assert isinstance(browser, BrowserScreen)
            browser.open_repository("team/nothing")
            await until(pilot, shows(pilot, f"{server.host} has no repository team/nothing."))
            # Nothing of the image that was shown before stands beside it.
            assert not shows(pilot, "digest sha256:")()
            browser.open_repository("team/app")
            await until(pilot, shows(pilot, "1.0"))


async def test_a_broken_tag_is_said_and_can_be_deleted(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "registry") as server:
        # Not pushed: 3.1.1 would remember it, and not look.
        digest = seed_repository(server.storage, "team/app", [("broken", CREATED)])["broken"]
        with open_registry(server.url) as writer:
            push_image(writer, "team/app", "whole")
        revisions = server.storage / "docker/registry/v2/repositories/team/app/_manifests/revisions/sha256"
        (revisions / digest.partition(":")[2] / "link").unlink()
        async with running(target(server.url), tmp_path) as pilot:
            await until(pilot, shows(pilot, "! broken"))
            browser = pilot.app.screen
            assert isinstance(browser, BrowserScreen)
            browser.table.focus()
            browser.table.model.select("broken")
            browser.table.changed()
            await pilot.press("d")
            await until(pilot, shows(pilot, "broken is broken: there is no manifest."))
            assert not shows(pilot, "still in use")()
            assert isinstance(pilot.app.screen, DeleteScreen)
            await pilot.press("y")
            await until(pilot, shows(pilot, "1 tag removed"))
            await pilot.press("escape")
            await until(pilot, browses(pilot))
        assert crane("ls", f"{server.host}/team/app") == "whole"


async def test_a_tag_that_was_pushed_anew_since_it_was_listed_stays(version: str, tmp_path: Path) -> None:
    with start_registry(version, tmp_path / "registry") as server, open_registry(server.url) as writer:
        listed = push_image(writer, "team/app", "a").digest
        async with running(target(server.url), tmp_path) as pilot:
            await until(pilot, shows(pilot, Digest(listed).short))
            fresh = push_image(writer, "team/app", "a", recipe=Recipe("team/app", labels={"fresh": "yes"})).digest
            browser = pilot.app.screen
            assert isinstance(browser, BrowserScreen)
            browser.table.focus()
            await pilot.press("d")
            await until(pilot, shows(pilot, "a was pushed anew since it was listed: it stays."))
            assert not shows(pilot, Digest(listed).short)()
            await pilot.press("y", "escape")
            await until(pilot, browses(pilot))
            await until(pilot, shows(pilot, Digest(fresh).short))
        assert crane("digest", f"{server.host}/team/app:a") == fresh


# Left in the middle


def has_read(browser: BrowserScreen, tags: int) -> Callable[[], bool]:
    return lambda: browser.table.model.total > 0 and browser.table.model.filled >= tags


async def test_quitting_while_tags_are_read_leaves_no_connection_open(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_registry(version, tmp_path / "registry") as server:
        seed_repository(server.storage, "team/app", [(f"1.{n}", CREATED) for n in range(600)])
        for filled in (0, 1, 60):
            # A home of its own: nothing is known from the visit before.
            monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{filled}"))
            async with running(target(server.url), tmp_path) as pilot:
                await until(pilot, browses(pilot))
                browser = pilot.app.screen
                assert isinstance(browser, BrowserScreen)
                await until(pilot, has_read(browser, filled))
            # A socket that nobody closed says so when it is collected, and pytest makes that an error.
            gc.collect()

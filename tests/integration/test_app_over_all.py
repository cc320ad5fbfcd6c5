"""What the app does over whole repositories and registries, on real ones; the storage and crane are the witnesses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from regtui.ui.screens.browser import BrowserScreen
from regtui.ui.screens.delete import DeleteScreen
from regtui.ui.screens.find import FindScreen
from regtui.ui.screens.rule import RuleScreen
from regtui.ui.screens.usage import UsageScreen
from tests.integration.test_app import browses, running, shows, target, until
from tests.support.clients import crane, crane_digest
from tests.support.content import Recipe
from tests.support.images import open_registry, push_image, push_index
from tests.support.servers import RegistryServer

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)


def browser(pilot: Pilot[int]) -> BrowserScreen:
    return next(screen for screen in pilot.app.screen_stack if isinstance(screen, BrowserScreen))


def is_on(pilot: Pilot[int], kind: type) -> Callable[[], bool]:
    return lambda: isinstance(pilot.app.screen, kind)


async def test_marked_by_rule_and_deleted(server: RegistryServer, tmp_path: Path) -> None:
    ages = {"1.0": 400, "1.1": 300, "1.2": 20, "dev-1": 60, "dev-2": 40, "dev-3": 5}
    with open_registry(server.url) as writer:
        for tag, days in ages.items():
            push_image(writer, "team/app", tag, recipe=Recipe("app", created=NOW - timedelta(days=days)))
    async with running(target(server.url), tmp_path) as pilot:
        await until(pilot, browses(pilot))
        await until(pilot, lambda: browser(pilot).table.model.filled == len(ages))
        browser(pilot).table.focus()
        await pilot.press("asterisk")
        await until(pilot, is_on(pilot, RuleScreen))
        await pilot.press(*"dev", "tab", *"30d", "enter")
        await until(pilot, browses(pilot))
        assert browser(pilot).table.model.marked == ["dev-2", "dev-1"]
        await pilot.press("d")
        await until(pilot, is_on(pilot, DeleteScreen))
        await until(pilot, shows(pilot, "2 tags will be removed from team/app."))
        await pilot.press("y")
        await until(pilot, shows(pilot, "Checked against the registry: nothing else changed."))
    assert set(crane("ls", f"{server.host}/team/app").split()) == ages.keys() - {"dev-1", "dev-2"}


async def test_usage_is_what_is_stored(server: RegistryServer, tmp_path: Path) -> None:
    with open_registry(server.url) as writer:
        pushed = [
            push_image(writer, "one", "1"),
            push_image(writer, "one", "2", recipe=Recipe("one", layers=3)),
            push_index(writer, "team/two", "1", recipe=Recipe("two")),
            push_image(writer, "team/three", "1", recipe=Recipe("two")),
        ]
    manifests = {each.digest for image in pushed for each in (image, *image.children)}
    blobs = {path.parent.name: path.stat().st_size for path in server.storage.rglob("blobs/sha256/*/*/data")}
    stored = sum(size for digest, size in blobs.items() if f"sha256:{digest}" not in manifests)
    async with running(target(server.url), tmp_path) as pilot:
        await until(pilot, browses(pilot))
        await until(pilot, lambda: browser(pilot).lines.model.total == 3)
        await pilot.press("u")
        await until(pilot, is_on(pilot, UsageScreen))
        screen = pilot.app.screen
        assert isinstance(screen, UsageScreen)
        await until(pilot, lambda: screen.usage.read == 3)
        assert screen.usage.total == stored
        only = sum(row.only for row in screen.usage.rows() if not row.depth)
        assert only < stored


async def test_found_by_a_platform_s_digest(server: RegistryServer, tmp_path: Path) -> None:
    with open_registry(server.url) as writer:
        for repository in ("one", "team/two", "team/three"):
            index = push_index(writer, repository, "1.0")
            push_image(writer, repository, "latest")
    wanted = crane("digest", "--platform", "linux/arm64/v8", f"{server.host}/team/three:1.0")
    assert wanted in {child.digest for child in index.children}
    async with running(target(server.url), tmp_path) as pilot:
        await until(pilot, browses(pilot))
        await until(pilot, lambda: browser(pilot).lines.model.total == 3)
        await pilot.press("ctrl+f")
        await until(pilot, is_on(pilot, FindScreen))
        screen = pilot.app.screen
        assert isinstance(screen, FindScreen)
        await until(pilot, shows(pilot, "6 tags in 3 repositories"))
        screen._input.value = wanted
        await pilot.pause(0.1)
        await pilot.press("enter")
        await until(pilot, shows(pilot, "team/three:1.0"))
        await pilot.press("enter", "enter")
        await until(pilot, browses(pilot))
        await until(pilot, lambda: browser(pilot).table.model.cursor == "1.0")
        assert browser(pilot).repository == "team/three"


async def test_another_tag_is_the_same_digest(server: RegistryServer, tmp_path: Path) -> None:
    with open_registry(server.url) as writer:
        index = push_index(writer, "team/app", "1.0")
        other = push_image(writer, "team/app", "latest")
    reference = f"{server.host}/team/app"
    async with running(target(server.url), tmp_path) as pilot:
        await until(pilot, browses(pilot))
        await until(pilot, lambda: browser(pilot).table.model.filled == 2)
        browser(pilot).table.focus()
        browser(pilot).table.model.select("1.0")
        await pilot.press("t", *"stable", "enter")
        await until(pilot, browses(pilot))
        assert crane_digest(f"{reference}:stable") == index.digest
        await until(pilot, lambda: browser(pilot).table.model.filled == 3)
        await pilot.press("t", *"latest", "enter")
        await until(pilot, shows(pilot, "latest exists, and is another image"))
        assert crane_digest(f"{reference}:latest") == other.digest
        await pilot.press("tab", "enter")
        await until(pilot, browses(pilot))
    assert crane_digest(f"{reference}:latest") == crane_digest(f"{reference}:1.0") == index.digest
    crane("validate", "--remote", f"{reference}:latest")

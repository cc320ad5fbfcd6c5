"""The log of requests at two sizes: requests of a fixed time, as real ones are never the same."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from regtui.registry.exchanges import Exchange, RequestLog
from regtui.ui.screens.requests import RequestsScreen
from tests.support.patience import PATIENCE
from tests.support.screens import SIZES, app_on, keys, target


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_requests(size: tuple[int, int], snap_compare: Callable[..., bool]) -> None:
    app, log = app_on(target()), RequestLog()
    for number, (method, path, status, length, seconds) in enumerate(
        (
            ("GET", "/v2/", 401, 87, 0.29),
            ("GET", "/v2/", 200, 2, 0.004),
            ("GET", "/v2/_catalog?n=1000", 200, 30_481, 1.204),
            *(("GET", f"/v2/fullstack/common/manifests/0.0.{tag}", 200, 2_048, 0.0123) for tag in range(50)),
            ("DELETE", "/v2/fullstack/common/manifests/sha256:" + "0" * 64, 404, 122, 0.048),
            ("GET", "/v2/fullstack/common/manifests/[/]\x1b[2J", None, 0, 30.0),
        )
    ):
        began = datetime(2026, 11, 23, 11, 59, 59, tzinfo=UTC).timestamp() + number / 8
        log.add(Exchange(began, method, f"https://registry.example.com{path}", status, length, seconds))

    async def open_it(pilot: object) -> None:
        await keys()(pilot)  # type: ignore[arg-type]
        screen = RequestsScreen(log, "registry.example.com", "https://registry.example.com")
        app.push_screen(screen)
        await keys()(pilot)  # type: ignore[arg-type]
        async with asyncio.timeout(PATIENCE):
            # It scrolls to the end when it has its size.
            while screen._lines.scroll_offset.y < screen._lines.max_scroll_y or not screen._lines.max_scroll_y:
                await keys()(pilot)  # type: ignore[arg-type]

    assert snap_compare(app, terminal_size=size, run_before=open_it)

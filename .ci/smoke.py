"""Starts the installed app on the demo registry, without a terminal: its styles were packaged, its screens come up."""

import asyncio

from regtui.session.target import demo_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen


async def main() -> None:
    app = RegtuiApp(Config.load(), Credentials(), demo_target())
    async with app.run_test(size=(120, 30)) as pilot:
        for _ in range(100):
            await pilot.pause(0.1)
            if isinstance(app.screen, BrowserScreen) and app.screen.table.model.filled:
                break
        assert isinstance(app.screen, BrowserScreen), app.screen
        assert app.screen.table.model.filled, "no tag was read"
    print("the app starts, and shows the demo registry")


asyncio.run(main())

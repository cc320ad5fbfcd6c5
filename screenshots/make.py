"""Writes the SVG files beside this one, from the demo registry at a fixed time."""

import asyncio
import os
from pathlib import Path

from tests.support.screens import COMMON, app_on, keys, target

PICTURES = {
    "browser-120x30": ((120, 30), (*COMMON, "home", "space", "j", "space")),
    "browser-80x24": ((80, 24), COMMON),
    "browser-200x50": ((200, 50), ("slash", "'builder", "enter", "enter")),
    "layers-120x30": ((120, 30), (*COMMON, "enter", "right_square_bracket", "z")),
    "garbage-120x30": ((120, 30), ("ctrl+g",)),
    "delete-120x30": ((120, 30), (*COMMON, "home", "j", "space", "space", "space", "d")),
}


async def take(name: str, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    app = app_on(target())
    async with app.run_test(size=size) as pilot:
        await keys(*pressed)(pilot)
        svg = app.export_screenshot(title="regtui")
    (Path(__file__).parent / f"{name}.svg").write_text(svg, encoding="utf-8")


async def main() -> None:
    for name, (size, pressed) in PICTURES.items():
        await take(name, size, pressed)
        print(f"screenshots/{name}.svg")


os.environ["TEXTUAL_ANIMATIONS"] = "none"
asyncio.run(main())

"""The classes of a screen that say how wide and high the terminal is."""

from typing import Any, Final

from textual.app import App
from textual.screen import Screen

SMALLEST: Final = (50, 12)
"""Columns and lines with which the app can be used."""
MEDIUM: Final = 100
"""Columns from which on three panes have room."""

LOW: Final = 30
"""Lines from which on a dialog has room around it."""


def fitting(app: App[Any]) -> str:
    """The classes of the app's breakpoints, for a screen that is made now."""
    sides = zip(app.size, (app.HORIZONTAL_BREAKPOINTS, app.VERTICAL_BREAKPOINTS), strict=True)
    fits = [[(least, name) for least, name in breakpoints or () if least <= length] for length, breakpoints in sides]
    return " ".join(max(one)[1] for one in fits if one)


def fit(screen: Screen[Any]) -> None:
    """Gives a screen that is mounted the classes of its app's breakpoints.

    Textual does so too, but only after it has drawn the screen once for another width: some kilobytes for nothing.
    """
    screen.add_class(*fitting(screen.app).split())

"""The classes of a screen that say how wide and high the terminal is."""

from typing import Any

from textual.screen import Screen


def fit(screen: Screen[Any]) -> None:
    """Gives a screen that is mounted the classes of its app's breakpoints.

    Textual does so too, but only after it has drawn the screen once for another width: some kilobytes for nothing.
    """
    app = screen.app
    for length, breakpoints in zip(app.size, (app.HORIZONTAL_BREAKPOINTS, app.VERTICAL_BREAKPOINTS), strict=True):
        fitting = [(least, name) for least, name in breakpoints or () if least <= length]
        if fitting:
            screen.add_class(max(fitting)[1])

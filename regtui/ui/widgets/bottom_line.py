"""A line over whatever is at the bottom of a screen: nothing else moves when it comes and goes."""

from textual.widgets import Static


class BottomLine(Static):
    # On the layer of the toasts, which begin a line above.
    DEFAULT_CSS = """
    BottomLine {
        layer: _toastrack; dock: bottom; width: 1fr; height: 1; padding: 0 1;
        background: $warning; color: $background; text-style: bold;
    }
    """

"""What covers a screen for which the terminal has no room."""

from textual.widgets import Static

from regtui.ui.widths import SMALLEST


class TooSmall(Static):
    """Shown by the style sheet, over all that is there."""

    def __init__(self) -> None:
        columns, lines = SMALLEST
        super().__init__(
            f"The terminal is too small: regtui needs {columns} columns and {lines} lines.", id="too-small"
        )

"""A small app to be driven: `python -m tests.unit.ui.driver.sample_app DRIVER`."""

import fcntl
import struct
import sys
import termios

from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input, ListItem, ListView, Static

from regtui.ui.driver import DifferenceDriver


class Dialog(ModalScreen[None]):
    CSS = "Dialog { align: center middle; } Static { width: 30; height: 5; border: round red; }"
    BINDINGS = [("escape", "dismiss", "close")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Static("a question: 名前? e\u0301")


class SampleApp(App[int]):
    CSS = "Horizontal { height: 1fr; } ListView { width: 2fr; } #side { width: 1fr; border: round $primary; }"
    BINDINGS = [  # noqa: RUF012
        ("ctrl+z", "suspend_process", "suspend"),
        ("d", "dialog", "dialog"),
        ("n", "tell", "tell"),
        ("o", "outside", "run a program"),
        ("x", "crash", "crash"),
        ("w", "write", "write past Textual"),
        ("y", "app.copy", "copy"),
        ("q", "quit", "quit"),
    ]

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield ListView(*(ListItem(Static(f"line {n} 名前 {'x' * (n % 7)}", markup=False)) for n in range(60)))
            yield Static("beside [b]it[/b] 한국어", id="side")
        field = Input("typed")
        field.cursor_blink = False
        yield field

    def on_mount(self) -> None:
        self.animation_level = "none"

    def action_dialog(self) -> None:
        self.push_screen(Dialog())

    def action_tell(self) -> None:
        self.query_one("#side", Static).update("told")

    def action_copy(self) -> None:
        self.copy_to_clipboard("copied")

    def action_outside(self) -> None:
        with self.suspend():
            print("outside " * 200)

    def action_write(self) -> None:
        # What the driver doesn't understand: a row erased, a few words.
        assert self._driver is not None
        self._driver.write("\x1b[2;1H\x1b[2Kpast Textual")

    def action_crash(self) -> None:
        raise RuntimeError("on purpose")


class Interrupted(DifferenceDriver):
    """Its terminal is resized again while it looks how large it has become."""

    def _get_terminal_size(self) -> tuple[int, int]:
        size = super()._get_terminal_size()
        if size == (70, 20):
            fcntl.ioctl(self.fileno, termios.TIOCSWINSZ, struct.pack("HHHH", 15, 60, 0, 0))
        return size


DRIVERS = {"difference": DifferenceDriver, "interrupted": Interrupted, "stock": None}

if __name__ == "__main__":
    app = SampleApp(driver_class=DRIVERS[sys.argv[1]])
    app.run()
    sys.exit(app.return_code)

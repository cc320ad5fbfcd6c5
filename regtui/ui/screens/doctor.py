"""What `regtui doctor` says, as a screen."""

import contextlib
from typing import ClassVar, Final

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from regtui.diagnosis.course import diagnose
from regtui.diagnosis.values import SUBJECTS, Check, Verdict
from regtui.session.target import Target
from regtui.text import clean, plural
from regtui.ui.client_thread import ClientThread
from regtui.ui.widgets.lines import Lines

# Sign, subject, and two spaces before what is told.
_MARGIN: Final = 3 + max(map(len, SUBJECTS)) + 2


class CheckLines(Lines):
    """A check is its sign, its subject, and what is told of it, wrapped; the remedy below."""

    def __init__(self) -> None:
        super().__init__()
        self._checks: list[Check] = []
        self._lines: list[Text] = []
        self._width = 0

    def show(self, checks: list[Check]) -> None:
        self._checks = checks
        self._wrap(self._width)

    def on_resize(self, event: events.Resize) -> None:
        self._wrap(event.size.width)

    def _wrap(self, width: int) -> None:
        self._width = width
        self._lines = [line for check in self._checks for line in self._drawn(check, max(width - _MARGIN - 1, 10))]
        self.lines_changed()

    def _drawn(self, check: Check, width: int) -> list[Text]:
        warning = self.app.theme_variables.get("text-warning", "yellow")
        style = {Verdict.BAD: warning, Verdict.NONE: "dim"}.get(check.verdict, "")
        first = f" {check.verdict.sign} {check.subject}".ljust(_MARGIN)
        told = Text(clean(check.text), style).wrap(self.app.console, width)
        remedy = list(Text(clean(check.remedy)).wrap(self.app.console, width)) if check.remedy else []
        lines = [Text(no_wrap=True).append(first, style).append_text(line) for line in told[:1]]
        return lines + [Text(" " * _MARGIN, no_wrap=True).append_text(line) for line in (*told[1:], *remedy)]

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, number: int, width: int) -> Text:
        return self._lines[number].copy()


class DoctorScreen(ModalScreen[None]):
    """Checks `target` when it is shown, and again on request."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "again", show=False, id="doctor.again"),
        Binding("escape,q,enter", "close", "close", show=False, id="doctor.close"),
    ]

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._target = target
        self._lines = CheckLines()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="doctor"):
            yield self._lines

    def on_mount(self) -> None:
        self.query_one("#doctor").border_title = clean(f"Doctor: {self._target.name or self._target.address.name}")
        self._lines.focus()
        self.check()

    @work(exclusive=True, group="doctor")
    async def check(self) -> None:
        checks: list[Check] = []
        self._stand("checking …")
        self._lines.show(checks)
        thread = ClientThread()
        try:
            async with contextlib.aclosing(thread.stream(diagnose, self._target)) as found:
                async for check in found:
                    checks.append(check)
                    self._lines.show(checks)
        finally:
            thread.end()
        wrong = sum(check.verdict is Verdict.BAD for check in checks)
        self._stand(f"{plural(wrong, 'thing')} to put right" if wrong else "nothing is wrong")

    def _stand(self, text: str) -> None:
        self.query_one("#doctor").border_subtitle = f"{text} · r again · esc closes"

    def action_again(self) -> None:
        self.check()

    def action_close(self) -> None:
        self.workers.cancel_group(self, "doctor")
        self.dismiss()

"""Lines of the garbage screen. All of their texts may come from the host, and are cleaned here."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text

from regtui.garbage.course import Step
from regtui.garbage.values import StageStatus
from regtui.garbage.words import STAGES, duration
from regtui.text import clean, one_line, size
from regtui.ui.widgets.lines import Lines

_SIGNS: Final = {
    StageStatus.STARTED: "▸",
    StageStatus.DONE: "✓",
    StageStatus.SKIPPED: "–",
    StageStatus.FAILED: "✗",
    None: "·",
}


class FreedLines(Lines):
    """What each repository frees, as a bar and in bytes."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"freed--bar"}
    DEFAULT_CSS = """
    FreedLines > .freed--bar { color: $accent; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, int]] = []

    def show(self, rows: Sequence[tuple[str, int]]) -> None:
        self._rows = [(one_line(name), freed) for name, freed in rows]
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._rows)

    def line(self, number: int, width: int) -> Text:
        name, freed = self._rows[number]
        room = max(12, min(width - 12, max(len(shown) for shown, _ in self._rows) + 2, width // 2))
        longest = max(1, max(amount for _, amount in self._rows))
        bar = "━" * max(1, round((width - room - 11) * freed / longest)) if width > room + 14 else ""
        text = Text(no_wrap=True).append(_fitted(name, room)).append(f"{size(freed):>8}  ")
        return text.append(bar, self.get_component_rich_style("freed--bar", partial=True))


class TextLines(Lines):
    """Texts that have to be read to their end: wrapped, what continues a text is indented."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: list[str] = []
        self._wrapped: tuple[int, list[str]] = (0, [])

    def show(self, texts: Sequence[str]) -> None:
        self._texts = [clean(text, keep="\n") for text in texts]
        self._wrapped = (0, [])
        self.lines_changed()

    def on_resize(self) -> None:
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._lines(self.scrollable_content_region.width))

    def line(self, number: int, width: int) -> Text:
        lines = self._lines(width)
        return Text(lines[number] if number < len(lines) else "", no_wrap=True)

    def _lines(self, width: int) -> list[str]:
        if self._wrapped[0] != width:
            self._wrapped = (width, [line for text in self._texts for line in _wrapped(text, width)])
        return self._wrapped[1]


class StepLines(Lines):
    """The stages after the confirmation: a sign, its name, its time."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"steps--now", "steps--dim", "steps--failed"}
    DEFAULT_CSS = """
    StepLines > .steps--now { text-style: bold; color: $text-accent; }
    StepLines > .steps--dim { color: $text-muted; }
    StepLines > .steps--failed { color: $text-warning; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[Step] = []

    def show(self, steps: Sequence[Step]) -> None:
        self._steps = list(steps)
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._steps)

    def line(self, number: int, width: int) -> Text:
        step = self._steps[number]
        part = {
            StageStatus.STARTED: "steps--now",
            StageStatus.FAILED: "steps--failed",
            StageStatus.DONE: "",
        }.get(step.status, "steps--dim")  # type: ignore[arg-type]
        style = self.get_component_rich_style(part) if part else self.rich_style
        time = duration(step.seconds) if step.seconds else ""
        note = f"  {one_line(step.text)}" if step.text else ""
        return _styled(f"{_SIGNS[step.status]} {STAGES[step.stage]:<24} {time:>10}{note}", style)


class LogLines(Lines):
    """The log, of which the end stays visible unless somebody scrolled away from it."""

    def __init__(self) -> None:
        super().__init__()
        self._log: list[str] = []
        self._follows = True

    def show(self, log: Sequence[str]) -> None:
        self._log = list(log)
        self.lines_changed()
        self._keep_to_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y

    def on_resize(self) -> None:
        # What is said above it takes lines away, after the log was shown.
        self._keep_to_end()

    def _keep_to_end(self) -> None:
        if self._follows:
            self.scroll_end(animate=False, immediate=True, force=True)

    def line_count(self) -> int:
        return len(self._log)

    def line(self, number: int, width: int) -> Text:
        return Text(one_line(self._log[number], limit=500), no_wrap=True)


def _styled(text: str, style: Style) -> Text:
    """As a span: a text's own style is lost where it has none."""
    return Text(no_wrap=True).append(text, style)


def _fitted(text: str, width: int) -> str:
    return f"{text:<{width}}" if len(text) < width else f"{text[: width - 2]}… "


def _wrapped(text: str, width: int) -> Iterator[str]:
    """At most `width` characters a line, broken at spaces where there are some; exact when joined."""
    width = max(width, 20)
    for paragraph in text.split("\n"):
        indent, rest = "", paragraph
        while len(indent) + len(rest) > width:
            room = width - len(indent)
            at = rest.rfind(" ", room // 4, room + 1)
            cut = at + 1 if at > 0 else room
            yield indent + rest[:cut].rstrip()
            rest, indent = rest[cut:], "    "
        yield indent + rest

"""A line for each tag and manifest: what happens to it, or happened, and why not."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text

from regtui.deletion.values import Action, Outcome, Status
from regtui.deletion.words import LEAVE, LEFT_FOR
from regtui.text import clean
from regtui.ui.widgets.lines import Lines

_SIGNS = {Status.DONE: "✓", Status.FAILED: "✗", Status.SKIPPED: "–", Status.PLANNED: "·"}
_NOT_DONE = (Status.FAILED, Status.SKIPPED)
_WORDS = {Action.UNTAG: "remove tag", Action.DELETE: "delete", Action.RESTORE: "put back", Action.TAG: "move tag"}


class OutcomeLines(Lines):
    """Failures first, and last what is left as planned."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"outcomes--failed", "outcomes--dim"}
    DEFAULT_CSS = """
    OutcomeLines > .outcomes--failed { color: $text-warning; }
    OutcomeLines > .outcomes--dim { text-style: dim; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._outcomes: list[Outcome] = []
        self._notes: Mapping[str, str] = {}
        self._is_of_one = True

    def show(self, outcomes: Sequence[Outcome], notes: Mapping[str, str] | None = None) -> None:
        """`notes`: what to add to a reference."""
        self._outcomes = sorted(outcomes, key=_place)
        self._notes = notes if notes is not None else self._notes
        self._is_of_one = len({_repository(outcome) for outcome in outcomes}) < 2
        self.lines_changed()

    def show_last_done(self) -> None:
        """Scrolls to where it is: the lines stand in the order of the plan."""
        done = [number for number, outcome in enumerate(self._outcomes) if outcome.status is Status.DONE]
        if done:
            self.show_line(done[-1])

    def line_count(self) -> int:
        return len(self._outcomes)

    def line(self, number: int, width: int) -> Text:
        outcome = self._outcomes[number]
        name, at, _ = outcome.reference.partition("@")
        short = outcome.digest.short if outcome.digest else ""
        label = f"manifest {short}" if at else clean(name.rpartition(":")[2])
        if not self._is_of_one:
            # The same tag may be of each.
            label = f"{clean(_repository(outcome))}{f'@{short}' if at else f':{label}'}"
        why = LEFT_FOR if outcome.is_left else outcome.error
        note = clean(why or self._notes.get(outcome.reference, ""))
        room = max(min(width // 3, 40), 21)
        failed = self.get_component_rich_style("outcomes--failed", partial=True)
        style = failed if outcome.status in _NOT_DONE and not outcome.is_as_planned else ""
        what = LEAVE if outcome.is_left else _WORDS[outcome.action]
        text = Text(f"{_SIGNS[outcome.status]} {what:<10}  {label[:room]:<{room}}  ", style, no_wrap=True)
        return text.append(note, style or self.get_component_rich_style("outcomes--dim", partial=True))


def _repository(outcome: Outcome) -> str:
    name, at, _ = outcome.reference.partition("@")
    return name if at else name.rpartition(":")[0]


def _place(outcome: Outcome) -> int:
    if outcome.status in _NOT_DONE:
        return 3 if outcome.is_as_planned else _NOT_DONE.index(outcome.status)
    return 2

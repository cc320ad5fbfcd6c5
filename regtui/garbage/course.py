"""How a collection goes: its events, gathered into what a face shows while it runs."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from regtui.garbage.values import Event, Stage, StageStatus

_LINES: Final = 5_000
"""Lines of the log that are kept: more than anyone scrolls back, less than a long run prints."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage as far as it has come. `status` None: not begun. `seconds`: its own, 0 while it runs."""

    stage: Stage
    status: StageStatus | None = None
    text: str = ""
    seconds: float = 0.0


class Course:
    """`feed` it every event. `blobs` and `bytes` are what was freed so far."""

    def __init__(self) -> None:
        self._steps: dict[Stage, Step] = {}
        self.log: deque[str] = deque(maxlen=_LINES)
        self.blobs = 0
        self.bytes = 0

    def feed(self, event: Event) -> None:
        if event.status is not None:
            seconds = 0.0 if event.status is StageStatus.STARTED else event.seconds
            self._steps[event.stage] = Step(event.stage, event.status, event.text, seconds)
        if event.text:
            self.log.append(event.text)
        self.blobs = max(self.blobs, event.blobs)
        self.bytes = max(self.bytes, event.bytes)

    @property
    def steps(self) -> list[Step]:
        """From the first one that is done after the confirmation to the last, begun or not."""
        stages = list(Stage)
        return [self._steps.get(stage, Step(stage)) for stage in stages[stages.index(Stage.UNTAGGED) :]]

    @property
    def current(self) -> Stage | None:
        """The one that is running."""
        return next((step.stage for step in self.steps if step.status is StageStatus.STARTED), None)

"""A change of the registry while it is made: it can be stopped, and tells what came of each tag and manifest."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from regtui.deletion.journal import Journal, Unrecorded
from regtui.deletion.reasons import Reason, in_words
from regtui.deletion.values import Action, Looked, Outcome, Report, Status
from regtui.deletion.work import Work
from regtui.registry.client import RegistryClient

OnLook = Callable[[int, int], None]
"""Hears (tags looked at, in all) while many tags are looked at, which takes seconds and changes nothing."""


def unheard(_done: int, _total: int) -> None:
    """Nobody wants to know."""


class UnderWay:
    """One run. Lives on the client's event loop; `stop` may be called from any thread."""

    def __init__(
        self, client: RegistryClient, repository: str, journal: Journal, username: str, planned: Iterable[Outcome]
    ) -> None:
        """`planned`: the rows as they were shown, whose order the report keeps."""
        self._places = {_key(outcome): place for place, outcome in enumerate(planned)}
        self._client = client
        self._repository = repository
        self._journal = journal
        self._username = username
        self._work = Work()
        self.on_look: OnLook = unheard
        self._told: dict[tuple[Action, str], Outcome] = {}
        self._doubts: list[str] = []
        self._notices: list[str] = []
        self._looked: Looked | None = None
        self._left_bytes = 0
        self._name = ""

    def stop(self) -> None:
        """Nothing more is begun; what is in flight is finished and checked."""
        self._work.stop()

    @property
    def is_stopping(self) -> bool:
        return self._work.stopped

    @property
    def report(self) -> Report:
        """What was told so far."""
        # Requests end in whatever order; people look for a row where the plan had it.
        outcomes = tuple(sorted(self._told.values(), key=lambda o: self._places.get(_key(o), len(self._places))))
        interrupted = any(outcome.reason is Reason.STOPPED for outcome in outcomes)
        return Report(
            self._repository,
            outcomes,
            interrupted,
            tuple(self._doubts),
            self._name,
            self._left_bytes,
            tuple(self._notices),
            self._looked,
        )

    def _tell(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """What is told of the same thing later replaces what was told before."""
        batch = list(outcomes)
        self._told.update({_key(outcome): outcome for outcome in batch})
        return batch

    def _unrecorded(self, rows: Iterable[Outcome], failed: Unrecorded) -> list[Outcome]:
        """Nothing of `rows` is begun."""
        self._doubts.append(failed.sentence)
        why = in_words(Reason.UNRECORDED, failed.reason)
        return self._tell(replace(r, status=Status.FAILED, error=why, reason=Reason.UNRECORDED) for r in rows)


def _key(outcome: Outcome) -> tuple[Action, str]:
    return outcome.action, outcome.reference

"""Taking back a run of several parts, as a prune is: one undo after the other, told as one change."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from regtui.deletion.journal import Journal, JournalFailed, RunInUse
from regtui.deletion.reasons import Reason, in_words
from regtui.deletion.under_way import OnLook, unheard
from regtui.deletion.undo import Undo, Undoing
from regtui.deletion.values import Outcome, Report, Status
from regtui.errors import RegtuiError
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError
from regtui.text import plural


class UndoingParts:
    """Carries out `undos` in turn. Lives on the client's event loop; `stop` may be called from any thread."""

    def __init__(self, client: RegistryClient, undos: Sequence[Undo], journal: Journal, username: str = "") -> None:
        """Raises OtherRegistry where what is undone wasn't done here."""
        self._parts = [Undoing(client, undo, journal, username) for undo in undos]
        self._undos = undos
        self._reports: list[Report] = []
        self._current: Undoing | None = None
        self._stopped = False
        self.on_look: OnLook = unheard

    def stop(self) -> None:
        """Nothing more is begun; what is in flight is finished and checked."""
        self._stopped = True
        if self._current is not None:
            self._current.stop()

    @property
    def is_stopping(self) -> bool:
        return self._stopped

    @property
    def report(self) -> Report:
        """Of all of it, without a name: each part is a run of its own."""
        reports = [*self._reports, *([self._current.report] if self._current is not None else [])]
        return Report(
            plural(len(self._parts), "repository", "repositories"),
            tuple(outcome for report in reports for outcome in report.outcomes),
            self._stopped or any(report.interrupted for report in reports),
            tuple(doubt for report in reports for doubt in report.doubts),
            notices=tuple(notice for report in reports for notice in report.notices),
        )

    async def outcomes(self) -> AsyncIterator[list[Outcome]]:
        """Yields what is done as it is done. What stands against one part is told of each of its rows, and the others
        are done for all that; of what would stand against each of them, all are told. Raises nothing."""
        against_all: RegtuiError | None = None
        for part, undo in zip(self._parts, self._undos, strict=True):
            error = against_all
            if self._stopped or error is not None:
                report = Report(undo.repository, (), interrupted=self._stopped)
            else:
                self._current = part
                part.on_look = self.on_look
                try:
                    async for batch in part.outcomes():
                        yield batch
                except RegtuiError as raised:
                    error, against_all = raised, raised if _affects_all(raised) else None
                self._current, report = None, part.report
            left = _left(undo, report, error) if self._stopped or error is not None else []
            self._reports.append(replace(report, outcomes=(*report.outcomes, *left)))
            yield left


def _affects_all(error: RegtuiError) -> bool:
    if isinstance(error, RegistryError):
        return error.affects_all
    return isinstance(error, JournalFailed) and not isinstance(error, RunInUse)


def _left(undo: Undo, report: Report, error: RegtuiError | None) -> list[Outcome]:
    """The rows of a part that nothing was told of: it was stopped, or `error` came."""
    told = {(outcome.action, outcome.reference) for outcome in report.outcomes}
    rows = [row for row in undo.rows if (row.action, row.reference) not in told]
    if error is None:
        reason = Reason.STOPPED
        return [replace(row, status=Status.SKIPPED, error=in_words(reason), reason=reason) for row in rows]
    why = f"not put back: {error.reason}" if isinstance(error, RunInUse) else error.message
    return [replace(row, status=Status.FAILED, error=why) for row in rows]

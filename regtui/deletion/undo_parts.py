"""Taking back a run of several parts, as a prune is: one undo after the other, told as one change."""

from collections.abc import AsyncIterator, Sequence

from regtui.deletion.journal import Journal
from regtui.deletion.reasons import Reason, in_words
from regtui.deletion.under_way import OnLook, unheard
from regtui.deletion.undo import Undo, Undoing
from regtui.deletion.values import Outcome, Report, Status
from regtui.registry.client import RegistryClient
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
        """Yields what is done as it is done. Raises RegistryError, JournalFailed where a part does."""
        for part, undo in zip(self._parts, self._undos, strict=True):
            if self._stopped:
                left = [_stopped(row) for row in undo.rows]
                self._reports.append(Report(undo.repository, tuple(left), interrupted=True))
                yield left
                continue
            self._current = part
            part.on_look = self.on_look
            async for batch in part.outcomes():
                yield batch
            self._reports.append(part.report)
            self._current = None


def _stopped(row: Outcome) -> Outcome:
    reason = Reason.STOPPED
    return Outcome(row.reference, row.digest, row.action, Status.SKIPPED, in_words(reason), reason)

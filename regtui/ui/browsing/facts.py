"""What is known of the tags besides the registry, brought to their table and to the details."""

from collections.abc import Callable, Sequence
from datetime import datetime

from regtui.errors import RegtuiError
from regtui.listing.details import Details
from regtui.retention.tag_facts import TagFacts
from regtui.text import age, clean, time_utc
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.details.view import DetailsView
from regtui.ui.widgets.tags.table import TagTable


class FactsReader:
    """Of the repository that is open. `wants_log`: whether the registry's log is still to be read, once."""

    def __init__(
        self, registry: OpenRegistry, table: TagTable, view: DetailsView, clock: Callable[[], datetime]
    ) -> None:
        self._session, self._thread = registry.session, registry.thread
        self._table = table
        self._view = view
        self._clock = clock
        self._facts = TagFacts()
        self.wants_log = registry.session.target.runs_at is not None and not registry.session.target.ephemeral
        view.notes = self._notes

    async def read(self, repository: str) -> None:
        """As far as is known now. Nothing is said where that fails: what fails is told where it is asked for."""
        model = self._table.model
        try:
            facts = await self._thread.call(self._session.tag_facts, repository)
        except RegtuiError:
            return
        if self._table.model is not model or (not facts.columns and not model.known_facts):
            return
        self._facts = facts
        held = self._table.held_row()
        model.learn(facts.of_row, facts.columns)
        self._table.moved()
        if held is not None:
            self._table.hold(*held)
        self._view.notes_changed()

    async def read_log(self) -> bool:
        """What is new in the registry's log; whether there may be anything new."""
        self.wants_log = False
        try:
            await self._thread.call(lambda: self._session.pulls(pushes=True))
        except RegtuiError:
            return False
        return True

    def _notes(self, details: Details) -> Sequence[tuple[str, str]]:
        """What stands in the details of a tag."""
        facts = self._facts
        row = self._table.model.find(details.reference)
        if row is None or facts.repository != details.repository:
            return ()
        notes = [("in use", clean(place.words)) for place in facts.places(row.tag, row.summary)]
        for label, time in (("pulled", row.facts.pulled), ("pushed", row.facts.pushed)):
            if time is not None:
                notes.append((label, f"{time_utc(time)}  ({age(time, self._clock())})"))
        return notes

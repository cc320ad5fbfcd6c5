"""What was open, and in which order, when a registry was left; and the names that were typed."""

from dataclasses import replace

from regtui.listing.columns import SortColumn
from regtui.listing.tags import TagList
from regtui.registry.values import Deletion
from regtui.session.session import Session


class LastTime:
    """Of one registry. What is kept here is there again in the next run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._left = session.left()
        self._typed: set[str] = set()

    @property
    def repository(self) -> str:
        """The one that was open; empty without any."""
        return self._left.repository

    @property
    def typed(self) -> tuple[str, ...]:
        """Names that were typed in earlier runs, and were there."""
        return tuple(self._left.typed)

    @property
    def known(self) -> list[str]:
        """Repositories that needn't be listed to be known: of the profile, and those that were typed."""
        return [*self._session.target.known_repositories, *self._left.typed, *sorted(self._typed)]

    @property
    def deletion(self) -> Deletion:
        """What may be deleted, as it was found out the last time; UNKNOWN without that."""
        return next((one for one in Deletion if one.name == self._left.deletion), Deletion.UNKNOWN)

    def found_out(self, deletion: Deletion) -> None:
        """It may be otherwise the next time: then it is asked again before anything is deleted."""
        if deletion is not Deletion.UNKNOWN and deletion.name != self._left.deletion:
            self._left = replace(self._left, deletion=deletion.name)
            self._session.keep(self._left)

    def ordered(self) -> TagList:
        """No tags yet, in the order of the last time."""
        try:
            return TagList(column=SortColumn(self._left.sort), reverse=self._left.reverse)
        except ValueError:
            return TagList()

    def add_typed(self, name: str) -> None:
        """One that was typed now. Kept as soon as it is `found`."""
        self._typed.add(name)

    def drop_typed(self, name: str) -> None:
        """One that was typed now, and isn't there."""
        self._typed.discard(name)

    def found(self, name: str, model: TagList) -> None:
        """It is there, listed or not."""
        if name in self._typed:
            self._left = self._left.with_typed(name)
            self.keep(name, model)

    def keep(self, repository: str, model: TagList) -> None:
        """`repository` is open, its tags in the order of `model`."""
        self._left = replace(self._left, repository=repository, sort=model.column.value, reverse=model.reverse)
        self._session.keep(self._left)

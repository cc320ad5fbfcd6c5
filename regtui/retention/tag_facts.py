"""What is known of one tag besides the registry: where it is in use, when it was last pulled and pushed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from regtui.listing.columns import SortColumn
from regtui.listing.row_facts import NOTHING_KNOWN, RowFacts
from regtui.listing.summary import Summary
from regtui.retention.pulled import last_pull
from regtui.retention.tags_in_use import digests_within, tags_in_use
from regtui.retention.values import UNKNOWN_PULLS, InUse, Pulls, UsePlace


@dataclass(frozen=True, slots=True)
class TagFacts:
    """Of the tags of one repository. `in_use`: None where nothing says what is."""

    repository: str = ""
    in_use: InUse | None = None
    pulls: Pulls = field(default=UNKNOWN_PULLS)

    @property
    def knows_uses(self) -> bool:
        """Whether something says what is in use, and all of it could be read."""
        return self.in_use is not None and self.in_use.is_whole

    @property
    def knows_pulls(self) -> bool:
        return bool(self.pulls.tags or self.pulls.digests)

    @property
    def knows_pushes(self) -> bool:
        return bool(self.pulls.pushed)

    def places(self, tag: str, summary: Summary | None) -> Sequence[UsePlace]:
        """Where it is in use, as far as it is read."""
        if self.in_use is None:
            return ()
        if summary is None or self.in_use.digests.keys().isdisjoint(digests_within(summary)):
            # A list has a hundred thousand of them.
            return self.in_use.places_of_tag(self.repository, tag) if self.in_use.tags else ()
        return tags_in_use(self.in_use, self.repository, [(tag, summary)]).get(tag, ())

    def of_row(self, tag: str, summary: Summary | None) -> RowFacts:
        pulled = self.pulled(tag, summary) if self.knows_pulls else None
        facts = RowFacts(len(self.places(tag, summary)) or None, pulled, self.pushed(tag))
        return facts if facts != NOTHING_KNOWN else NOTHING_KNOWN

    @property
    def columns(self) -> list[SortColumn]:
        """Those that anything is known for."""
        known = {
            SortColumn.IN_USE: self.in_use is not None,
            SortColumn.PULLED: self.knows_pulls,
            SortColumn.PUSHED: self.knows_pushes,
        }
        return [column for column, is_known in known.items() if is_known]

    def pulled(self, tag: str, summary: Summary | None) -> datetime | None:
        return last_pull(self.pulls, tag, summary)

    def pushed(self, tag: str) -> datetime | None:
        return self.pulls.pushed.get(tag)

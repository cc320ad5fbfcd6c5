"""What is known of a tag besides the registry, as its row shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from regtui.listing.summary import Summary


@dataclass(frozen=True, slots=True)
class RowFacts:
    """`in_use`: in how many places; None where that is none, or not known. `pulled`, `pushed`: when it was the last
    time."""

    in_use: int | None = None
    pulled: datetime | None = None
    pushed: datetime | None = None


NOTHING_KNOWN: Final = RowFacts()

FactsOf = Callable[[str, Summary | None], RowFacts]
"""Of a tag, with what is read of it."""

"""The tags of a repository as rules look at them: between what is listed and what is deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from regtui.listing.names import is_version, name_rank
from regtui.listing.order import is_prerelease, order_key
from regtui.listing.summary import Summary
from regtui.listing.tag_row import digest_tag_subject
from regtui.oci import Digest


@dataclass(frozen=True, slots=True)
class TagCandidate:
    """A tag with its summary, None where it isn't read. What its name says is found out when a rule asks."""

    tag: str
    summary: Summary | None = None

    @property
    def is_read(self) -> bool:
        return self.summary is not None and not self.summary.is_retryable

    @property
    def digest(self) -> Digest | None:
        return self.summary.digest if self.summary is not None else None

    @property
    def created(self) -> datetime | None:
        return self.summary.created if self.summary is not None else None

    @property
    def version(self) -> str | None:
        return order_key(self.tag) if is_version(self.tag) else None

    @property
    def is_prerelease(self) -> bool:
        return is_prerelease(self.tag)

    @property
    def name_rank(self) -> tuple[Any, ...]:
        return name_rank(self.tag)


def candidates(tags: Iterable[tuple[str, Summary | None]]) -> list[TagCandidate]:
    """Those that a rule may select. Digest tags (`sha256-….sig`) are parts of their image: they go with it, or not."""
    return [TagCandidate(tag, summary) for tag, summary in tags if digest_tag_subject(tag) is None]

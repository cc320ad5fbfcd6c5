"""The tags of a repository as rules look at them: between what is listed and what is deleted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from regtui.listing.summary import Summary
from regtui.listing.tag_row import digest_tag_subject
from regtui.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class TagCandidate:
    """A tag with its summary, None where it isn't read."""

    tag: str
    summary: Summary | None = None

    @property
    def is_read(self) -> bool:
        return self.summary is not None and not self.summary.is_retryable

    @property
    def digest(self) -> Digest | None:
        return self.summary.digest if self.summary is not None else None

    @property
    def dates(self) -> Sequence[datetime | None]:
        if self.summary is None:
            return ()
        return [platform.created for platform in self.summary.platforms] or [self.summary.created]


def candidates(tags: Iterable[tuple[str, Summary | None]]) -> list[TagCandidate]:
    """Those that a rule may select. Digest tags (`sha256-….sig`) are parts of their image: they go with it, or not."""
    return [TagCandidate(tag, summary) for tag, summary in tags if digest_tag_subject(tag) is None]

"""When a tag was last pulled: by its name, by its digest, or a platform of it by the platform's. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from regtui.deletion.judging import Candidate, PullCheck
from regtui.listing.candidates import TagCandidate
from regtui.listing.summary import Summary
from regtui.oci.digest import Digest
from regtui.retention.values import Pulls


def last_pull(pulls: Pulls, tag: str, summary: Summary | None) -> datetime | None:
    """None where none is known, which alone says nothing."""
    times = (pulls.last(tag, digest) for digest in _digests(summary))
    return max((time for time in times if time is not None), default=None)


def pull_check(pulls: Pulls, now: datetime) -> PullCheck:
    """Whether it is known that nobody pulled a candidate for so long."""

    def not_pulled(candidate: Candidate, period: timedelta) -> bool:
        summary = candidate.summary if isinstance(candidate, TagCandidate) else None
        digests = _digests(summary) if summary is not None else (candidate.digest,)
        return all(pulls.not_for(period, candidate.tag, digest, now) for digest in digests)

    return not_pulled


def _digests(summary: Summary | None) -> Iterable[Digest | None]:
    if summary is None:
        return (None,)
    return (summary.digest, *(platform.digest for platform in summary.platforms))

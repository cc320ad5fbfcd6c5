"""How long a registry takes to delete manifests by digest, and from when on that is left out by default."""

import math
from typing import Final

from regtui.text import plural

PATIENCE: Final = 60.0
"""Seconds. Removing the tags takes a fraction of that; who waits a minute for the rest still sees it end. Beyond, it
would be nearly all of the time: 9 minutes for 2,000 of 10,000 tags, after 20 seconds for the tags."""

EACH_TAG: Final = 35e-6
"""Seconds. A DELETE by digest has the registry read every tag that is there: so long for each, on 2.7.1, 2.8.2 and
3.1.1."""
# Seconds for the rest of a DELETE, and for looking at one tag: measured on 2.8.2 on loopback.
_DELETE: Final = 3e-3
_LOOK: Final = 1e-3
# All looks of a run together may take so many seconds, or this part of the time that its DELETEs take. Within that all
# tags are looked at before each DELETE.
_LOOKING: Final = 20.0
_SHARE: Final = 1 / 4
# Seconds of one more look at all tags once it is done.
_LAST_LOOK: Final = 5.0
_TOLD_IN_MINUTES: Final = 90


def seconds_to_delete(manifests: int, tags: int) -> float:
    """With the looks at all tags before and between. `tags`: those that the repository has meanwhile."""
    tags = max(tags, 0)
    looks = math.ceil(manifests / deletes_for_a_look(manifests, tags))
    return manifests * tags * EACH_TAG + looks * tags * _LOOK


def deletes_for_a_look(manifests: int, tags: int) -> int:
    """How many of the DELETEs, of so many `manifests`, there are to be between one look at all `tags` and the next."""
    by_share = math.ceil(tags * _LOOK / (_DELETE + tags * EACH_TAG) / _SHARE)
    return max(1, min(by_share, math.ceil(manifests * tags * _LOOK / _LOOKING)))


def is_looked_at_again(tags: int) -> bool:
    """Whether all `tags` are looked at once more after manifests were deleted."""
    return tags * _LOOK <= _LAST_LOOK


def about(seconds: float) -> str:
    """`about 40 seconds`, `about 9 minutes`, `about 3 hours`: it depends on the registry's disk."""
    if seconds < _TOLD_IN_MINUTES:
        return f"about {plural(max(round(seconds), 1), 'second')}"
    minutes = round(seconds / 60)
    return f"about {plural(minutes, 'minute') if minutes < 120 else plural(round(minutes / 60), 'hour')}"

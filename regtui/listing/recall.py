"""What is known of tags before the registry answers: their summaries, from what was kept of an earlier run."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from regtui.content import NotKept
from regtui.listing.filler import Batch
from regtui.listing.source import Source
from regtui.listing.summary import Summary, summarize
from regtui.oci import Digest

# 20 ms of work at a time: the registry's answers are handled in between.
_AT_ONCE: Final = 200


async def recalled(kept: Source, repository: str, tags: Mapping[str, Digest]) -> AsyncIterator[Batch]:
    """Batches of (tag, summary as it was), for those of `tags` of which everything is kept.

    What had a gap isn't kept whole, and so isn't recalled: a gap is always read anew.
    """

    async def recall(tag: str, digest: Digest) -> tuple[str, Summary] | None:
        try:
            return tag, replace(await summarize(kept, repository, digest), is_remembered=True)
        except NotKept:
            return None

    rest = iter(tags.items())
    while some := list(islice(rest, _AT_ONCE)):
        found = await asyncio.gather(*(recall(tag, digest) for tag, digest in some))
        if batch := [pair for pair in found if pair is not None]:
            yield batch

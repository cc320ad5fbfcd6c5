"""Deleting 2,000 of 10,000 tags on distribution 2.8.2: regtui against one DELETE by digest after another.

Every DELETE by digest has the registry read all tag links of the repository: 35 µs for each tag that is there. regtui
puts one placeholder to all the tags and removes them with one DELETE, so all of them are gone in seconds. Deleting the
manifests afterwards still searches the tags that stay, once for each digest: no request of the API avoids it. So where
that takes more than a minute they are left to `regtui gc --untagged`: this measures what who chooses nothing gets,
and `--with-manifests` beside it, which is as slow as the naive way less what eight connections gain.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx

from benchmarks.support.table import Table
from benchmarks.support.timing import ratio, shown
from regtui.deletion.cost import deletes_for_a_look
from regtui.deletion.request import Request
from regtui.deletion.values import Manifests, Plan
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.content import DOCKER_MANIFEST
from tests.support.seed import seed_repository
from tests.support.servers import start_registry

_VERSION: Final = "2.8.2"
_REPOSITORY: Final = "many/tags"
_TAGS: Final = 10_000
_DELETED: Final = 2_000
# One by one it takes a quarter of an hour: a sample of these, spread over the run, is scaled up.
_SAMPLE: Final = 40
# Of the manifests as many as are deleted between one look at all tags and the next.
_MANIFESTS: Final = deletes_for_a_look(_DELETED, _TAGS - _DELETED)


def run() -> Iterable[Table]:
    # In memory, so that the disk isn't what is measured.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield asyncio.run(_measured(Path(directory)))


async def _measured(directory: Path) -> Table:
    os.environ["XDG_STATE_HOME"] = str(directory / "state")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    names = [(f"v{number}", start + timedelta(minutes=number)) for number in range(_TAGS + _SAMPLE + _MANIFESTS)]
    with start_registry(_VERSION, directory) as server:
        digests = seed_repository(server.storage, _REPOSITORY, names)
        tags = list(digests)
        going, sample, whole = tags[:_DELETED], tags[_TAGS : _TAGS + _SAMPLE], tags[_TAGS + _SAMPLE :]
        naive = [_one_by_one(server.url, sample[: _SAMPLE // 2], digests)]
        connection = await open_session(Target(Address.parse(server.url)))
        begun = time.perf_counter()
        plan = await connection.plan_deletion(Request(_REPOSITORY, going))
        assert len(plan.left) == _DELETED, len(plan.left)
        planned = time.perf_counter() - begun
        by_default = await _executed(connection, plan)
        # The rest of the samples see 8,000 tags: what one by one would have come down to at the end.
        naive.append(_one_by_one(server.url, sample[_SAMPLE // 2 :], digests))
        with_manifests = await _executed(
            connection, await connection.plan_deletion(Request(_REPOSITORY, whole, untagged=Manifests.DELETED))
        )
        await connection.close()
    anchor = sum(naive) / _SAMPLE * _DELETED
    table = Table(
        f"{_DELETED:,} of {_TAGS:,} tags, distribution {_VERSION}, storage in memory",
        ["", "time", "a tag", "faster"],
        note=(
            f"One by one, which knows the digests and checks nothing, is a sample of {_SAMPLE} DELETEs scaled up: "
            f"half of them at {_TAGS:,} tags ({shown(naive[0] / _SAMPLE * 2)} each), half at {_TAGS - _DELETED:,} "
            f"({shown(naive[1] / _SAMPLE * 2)}). So are the manifests: {_MANIFESTS} of them "
            f"at {_TAGS - _DELETED:,} tags, all of which are looked at before."
        ),
    )
    for what, taken in (
        ("one DELETE by digest after another (scaled up)", anchor),
        ("regtui: from confirming to the checked result", by_default),
        ("the same with reading all 10,000 tags for the plan", planned + by_default),
        ("regtui --with-manifests, without the plan (scaled up)", by_default + with_manifests / _MANIFESTS * _DELETED),
    ):
        table.row(what, shown(taken), shown(taken / _DELETED), ratio(anchor, taken))
    return table


def _one_by_one(url: str, tags: Sequence[str], digests: dict[str, str]) -> float:
    """Seconds for these."""
    with httpx.Client(base_url=url, headers={"Accept": DOCKER_MANIFEST}, timeout=60, trust_env=False) as client:
        begun = time.perf_counter()
        for tag in tags:
            answer = client.delete(f"v2/{_REPOSITORY}/manifests/{digests[tag]}")
            assert answer.status_code == 202, answer.text
        return time.perf_counter() - begun


async def _executed(connection: Session, plan: Plan) -> float:
    """Seconds until the result was checked."""
    begun = time.perf_counter()
    deleting = connection.deleting(plan)
    async for _ in deleting.outcomes():
        pass
    assert deleting.report.is_complete, deleting.report.doubts
    return time.perf_counter() - begun

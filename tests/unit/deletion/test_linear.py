"""What is looked at between one manifest's DELETE and the next doesn't have the whole repository judged anew: of 8,000
manifests that took hours."""

from collections.abc import Callable
from typing import Any

import pytest

from regtui.deletion.graph import reachable
from regtui.deletion.plan import doomed_manifests
from regtui.deletion.request import Request
from regtui.deletion.values import Manifests
from regtui.local.dialect import Version

from .test_deletion import execute
from .worlds import World

REPOSITORY = "team/app"


async def judged(version: Version, count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often all that the repository holds was judged, while so many manifests went."""
    calls = 0

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            return real(*arguments, **named)

        return counted

    world = World(version)
    tags = [f"v{number}" for number in range(count)]
    for name in [*tags, "stays"]:
        await world.image(REPOSITORY, [name], [name])
    session = await world.open()
    plan = await session.plan_deletion(Request(REPOSITORY, tags, untagged=Manifests.DELETED))
    with monkeypatch.context() as patched:
        patched.setattr("regtui.deletion.recheck.doomed_manifests", counting(doomed_manifests))
        patched.setattr("regtui.deletion.guard.reachable", counting(reachable))
        report = await execute(session, plan)
    assert report.is_complete
    assert len(world.storage.repositories[REPOSITORY].revisions) == 1
    return calls


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_it_is_judged_as_often_for_forty_manifests_as_for_twenty(
    version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await judged(version, 40, monkeypatch) == await judged(version, 20, monkeypatch)

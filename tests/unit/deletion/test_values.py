"""What a report says of all that came of a plan."""

import httpx
import pytest

from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Outcome, Report, Status
from regtui.oci.digest import Digest

from .scripted import Scripted
from .worlds import World

REPOSITORY = "team/app"


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("digest", [Digest.of(b"image"), None], ids=["an image", "nothing"])
def test_undo_is_offered_of_a_failure_only_where_something_may_be_otherwise(
    reason: Reason, digest: Digest | None
) -> None:
    report = Report(REPOSITORY, (Outcome("team/app:1", digest, Action.UNTAG, Status.FAILED, "why", reason),))
    assert report.leaves_something == reason.has_effect


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
async def test_where_the_registry_refused_all_of_it_there_is_nothing_to_put_back(version: str) -> None:
    world = World(version)  # type: ignore[arg-type]
    image = await world.image(REPOSITORY, ["layer"], ["1", "2"])

    def refusing(request: httpx.Request) -> int | None:
        return 403 if request.method in ("PUT", "DELETE") else None

    world.transport = Scripted(world, instead=refusing)
    connection = await world.open()
    running = connection.deleting(await connection.plan_deletion(Request(REPOSITORY, ["1"])))
    async for _ in running.outcomes():
        pass
    assert [outcome.status for outcome in running.report.outcomes] == [Status.FAILED]
    assert await world.tags(REPOSITORY) == {"1": image, "2": image}
    assert running.report.run, "it is in the journal all the same"
    assert not running.report.leaves_something

"""A registry with the referrers API: what refers to an image goes with it when asked, and comes back.

go-containerregistry's, in memory: of the registries that have the API, the one that is built in seconds.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from regtui.deletion.request import Request
from regtui.deletion.values import Method, Report
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import ClientFailed, crane, crane_digest, crane_validate
from tests.support.images import open_registry, push_artifact, push_image
from tests.support.servers import start_referrers_registry

REPOSITORY = "team/app"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with start_referrers_registry(tmp_path) as started:
        yield started


pytestmark = pytest.mark.integration


async def finished(connection: Session, *tags: str, with_attached: bool) -> Report:
    plan = await connection.plan_deletion(Request(REPOSITORY, tags, with_attached=with_attached))
    assert (plan.method, plan.obstacle) == (Method.BY_TAG, "")
    running = connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    return running.report


def referrers(writer: httpx.Client, digest: str) -> set[str]:
    return {one["digest"] for one in writer.get(f"v2/{REPOSITORY}/referrers/{digest}").json()["manifests"]}


async def test_attached_artifacts_go_along_when_asked_and_come_back(url: str) -> None:
    name = f"{url.removeprefix('http://')}/{REPOSITORY}"
    with open_registry(url) as writer:
        image = push_image(writer, REPOSITORY, "v1")
        push_image(writer, REPOSITORY, "stays")
        sbom = push_artifact(writer, REPOSITORY, None, subject=image)
        assert referrers(writer, image.digest) == {sbom.digest}

        connection = await open_session(Target(Address.parse(url)))
        offered = await connection.plan_deletion(Request(REPOSITORY, ["v1"]))
        assert offered.attached_manifests == (sbom.digest,)
        report = await finished(connection, "v1", with_attached=True)
        assert report.is_complete, report
        assert crane("ls", name) == "stays"
        for gone in (image, sbom):
            with pytest.raises(ClientFailed):
                crane_digest(f"{name}@{gone.digest}")
        assert referrers(writer, image.digest) == set()

        entry = await connection.changes.last()
        assert entry is not None
        undoing = connection.changes.undoing(await connection.changes.plan_undo(entry))
        async for _ in undoing.outcomes():
            pass
        await connection.close()
        assert undoing.report.is_complete, undoing.report
        assert crane_digest(f"{name}:v1") == image.digest
        assert crane_digest(f"{name}@{sbom.digest}") == sbom.digest
        crane_validate(f"{name}:v1")
        assert referrers(writer, image.digest) == {sbom.digest}

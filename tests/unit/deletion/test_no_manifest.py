"""A DELETE below /manifests/ is sent for manifests alone: of a layer's digest, 2.x would unlink the layer."""

from dataclasses import replace

import pytest

from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.values import PlannedManifest, Status, StoredManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import UnknownManifest

from .scripted import Scripted
from .test_deletion import execute
from .worlds import World

REPOSITORY = "team/app"


@pytest.mark.parametrize("version", ["2.8.2", "3.1.1"])
@pytest.mark.parametrize("is_read", [False, True], ids=["not read", "read as something"])
async def test_no_layer_is_deleted_as_a_manifest_whatever_the_plan_says(version: str, is_read: bool) -> None:
    world = World("2.8.2" if version == "2.8.2" else "3.1.1")
    await world.image(REPOSITORY, ["layer"], ["v1", "v2"])
    layer = Digest.of(b"layer")
    transport = world.transport = Scripted(world)
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["v1"]))
    manifests = dict(plan.contents.manifests)
    if is_read:
        manifests[layer] = StoredManifest(layer, "application/x", b"layer", UnknownManifest("application/x"))
    plan = replace(
        plan,
        manifests=(PlannedManifest(layer, "manifest"),),
        contents=replace(plan.contents, manifests={d: replace(m, blobs={}) for d, m in manifests.items()}),
    )
    report = await execute(connection, plan)
    assert ("DELETE", layer) not in transport.sent
    assert await world.is_whole(REPOSITORY, "v2")
    (told,) = [o for o in report.outcomes if o.digest == layer]
    assert (told.status, told.reason) == (Status.SKIPPED, Reason.NOT_A_MANIFEST if is_read else Reason.IN_USE)

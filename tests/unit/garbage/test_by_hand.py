"""The command lines that are shown are those that run, in the same order."""

import pytest

from regtui.garbage.by_hand import by_hand
from regtui.garbage.values import UntaggedManifest
from regtui.host.keep_out import KeepOut
from regtui.host.runtimes import Unit
from regtui.host.stand_in import StandIn
from regtui.oci.digest import Digest

UNIT = Unit(
    runtime="docker",
    name="registry",
    config="/c.yml",
    is_running=True,
    inside="inside",
    beside="beside",
    prepare=("prepare",),
    tidy=("tidy",),
    stop="stop",
    start="start",
    read_only="read-only",
    read_write="read-write",
    stand_in=StandIn(make="make", start="serve", runs="runs", log="log", end="end", tidy="tidy it"),
)
IN_ORDER = {
    KeepOut.STOP: ("stop", "beside garbage-collect /c.yml", "tidy", "start"),
    KeepOut.STAND_IN: (*("make", "stop", "serve", "beside garbage-collect /c.yml", "tidy", "tidy it", "end", "start"),),
    KeepOut.READ_ONLY: ("read-only", "inside garbage-collect /c.yml", "tidy", "read-write"),
    KeepOut.ONLINE: ("inside garbage-collect /c.yml", "tidy"),
}


@pytest.mark.parametrize("keep_out", KeepOut)
def test_in_the_order_in_which_the_script_runs_them(keep_out: KeepOut) -> None:
    lines = by_hand(UNIT, keep_out, needs_restart=False, url="http://r", login="ssh ci@prod")
    assert lines == ("ssh ci@prod", "umask 077", "prepare", *IN_ORDER[keep_out])
    restarted = by_hand(UNIT, keep_out, needs_restart=True, url="http://r")
    if keep_out is KeepOut.READ_ONLY:
        assert restarted[-4:] == ("tidy", "stop", "start", "read-write")
    elif keep_out is KeepOut.ONLINE:
        assert restarted[-3:] == ("tidy", "stop", "start")


def test_untagged_manifests_are_deleted_from_here_before_anything_is_stopped() -> None:
    one = UntaggedManifest("team/app", Digest("sha256:" + "a" * 64))
    lines = by_hand(UNIT, KeepOut.STOP, needs_restart=False, url="http://r", untagged=[one], login="ssh ci@prod")
    assert lines[:2] == (f"curl -X DELETE http://r/v2/team/app/manifests/{one.digest}", "ssh ci@prod")

"""What has to be typed before something is deleted that is protected or in use: what nobody types for anything else."""

import pytest

from regtui.deletion.values import Method, Plan, PlannedTag
from regtui.deletion.words import typed_confirmation
from regtui.oci.digest import Digest


def plan(count: int, protected: int = 0, in_use: int = 0) -> Plan:
    """So many tags, `t0` to …, of which the first are protected, and the first in use."""
    tags = [
        PlannedTag(f"t{n}", Digest.of(b"x"), protected=n < protected, in_use=("runs on app1",) if n < in_use else ())
        for n in range(count)
    ]
    return Plan("team/app", tuple(tags), (), (), (), (), (), 0, Method.BY_TAG)


@pytest.mark.parametrize(
    ("count", "protected", "in_use", "typed"),
    [
        (3, 0, 0, ""),
        (12, 0, 0, "12"),
        (2, 1, 0, "t0"),
        (2, 2, 0, "t0 t1"),
        (5, 0, 3, "t0 t1 t2"),
        (17, 2, 0, "t0 t1"),
        (17, 4, 0, "4 protected"),
        (17, 0, 17, "17 in use"),
        (17, 1, 5, "5 protected"),
    ],
)
def test_of_a_few_the_names_and_of_many_more_than_a_number(count: int, protected: int, in_use: int, typed: str) -> None:
    assert typed_confirmation(plan(count, protected, in_use)) == typed

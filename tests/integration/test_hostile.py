"""A few cases of the campaign against a hostile registry: commands, one bad tag or repository among good
ones, what asks a hostile host, walks through the app; and of the one against a registry of which something hangs."""

import pytest

from tests.campaigns import hanging
from tests.campaigns.hostile import run_case

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("number", "face"), [(11, "commands"), (4, "one"), (3, "host"), (0, "app")])
def test_a_case(number: int, face: str) -> None:
    assert list(run_case(1, number, face, walks=1)) == []


@pytest.mark.parametrize("number", [3, 4])
def test_a_case_that_hangs(number: int) -> None:
    assert list(hanging.run_case(1, number)) == []

"""A few cases of the campaign against a hostile registry: commands, one bad tag or repository among good
ones, what asks a hostile host, walks through the app."""

import pytest

from tests.campaigns.hostile import run_case

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("number", "face"), [(11, "commands"), (4, "one"), (3, "host"), (0, "app")])
def test_a_case(number: int, face: str) -> None:
    assert list(run_case(1, number, face, walks=1)) == []

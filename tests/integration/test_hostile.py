"""A few cases of the campaign against a hostile registry: commands, and a walk through the app's screens."""

import pytest

from tests.campaigns.hostile import run_case

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("number", [11, 3])
def test_commands(number: int) -> None:
    assert list(run_case(1, number, "commands")) == []


def test_the_app() -> None:
    assert list(run_case(2, 0, "app")) == []

"""A few cases of each campaign, so that the campaigns themselves still run: thousands are for who asks for them."""

import subprocess
import sys

import pytest

from tests.campaigns.deletion import REGISTRIES
from tests.support.programs import CHECKOUT, find_program

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("registry", REGISTRIES)
def test_random_deletions_keep_their_word(registry: str) -> None:
    for program in ("docker-registry", "registry", "referrers_registry"):
        find_program(program)
    cases = ("--registry", registry, "--seed", "11", "--count", "10")
    command = [sys.executable, "-m", "tests.campaigns.deletion", *cases]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 repositories, 0 with findings" in done.stdout


@pytest.mark.parametrize("registry", ["2.8.2", "3.1.1"])
def test_random_registries_under_random_rules_keep_what_is_promised(registry: str) -> None:
    for program in ("docker-registry", "registry"):
        find_program(program)
    cases = ("--registry", registry, "--seed", "11", "--count", "4")
    command = [sys.executable, "-m", "tests.campaigns.retention", *cases]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 cases, 0 with findings" in done.stdout

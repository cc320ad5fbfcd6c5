"""The doctor in the app says what the command says: for everything that can be wrong, its cause and its remedy."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regtui.session.resolving import Options, resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.settings.paths import config_file
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.doctor import CheckLines, DoctorScreen
from tests.integration.test_app import on_screen, until
from tests.integration.test_doctor import CASES, Case, World
from tests.support.patience import PATIENCE


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    home = tmp_path / "home"
    home.mkdir()
    made = World(tmp_path, home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    with made.stack:
        yield made


def options(case: Case) -> Options:
    given = dict(zip(case.options[::2], case.options[1::2], strict=False))
    ca_file = Path(given["--ca-file"]) if "--ca-file" in given else None
    return Options(given.get("-u", ""), case.stdin or None, True, ca_file=ca_file)


def squeezed(text: str) -> str:
    """Lines are broken anywhere."""
    return "".join(text.split())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_each_failure_has_its_cause_and_its_remedy(
    case: Callable[[World], Case], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = case(world)
    for name, value in expected.environment.items():
        monkeypatch.setenv(name, value)
    file = config_file()
    config = Config.load(file) if file.exists() else Config(file)
    credentials = Credentials(dict(os.environ), keyring_timeout=PATIENCE, helper_timeout=1.0)
    app = RegtuiApp(config, credentials, None)
    async with app.run_test(size=(120, 40)) as pilot:
        app.examine(resolve_target(expected.registry, config, credentials, options(expected)))
        await until(pilot, lambda: "to put right" in on_screen(pilot))
        assert isinstance(app.screen, DoctorScreen)
        lines = app.screen.query_one(CheckLines)
        told = [lines.line(number, 100).plain for number in range(lines.line_count())]
        failed = next(number for number, line in enumerate(told) if line.startswith(" ✗ "))
        assert told[failed].split()[1] == expected.subject
        shown = squeezed("".join(told))
        # Nobody waits here for as long as a person would.
        assert squeezed(expected.cause.replace("within 10 seconds", "within 1 seconds")) in shown
        assert squeezed(expected.remedy) in shown
        assert "wr0ng" not in shown
        await pilot.press("escape")

"""How the terminal is written to is the user's choice."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.worker import WorkerFailed

from regtui.session.resolving import Options
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.settings.paths import state_dir
from regtui.ui.driver import DifferenceDriver
from regtui.ui.start import driver_class, run_app
from tests.unit.ui.demo_app import demo_app

CONFIG = Config(Path("/nowhere"))


@pytest.mark.parametrize(
    ("config", "environment"),
    [
        (replace(CONFIG, driver="stock"), {}),
        (CONFIG, {"REGTUI_DRIVER": "stock"}),
        # Whoever runs it in a browser, by textual-serve.
        (CONFIG, {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"}),
    ],
)
def test_textual_s_own_where_that_is_wanted(config: Config, environment: dict[str, str]) -> None:
    assert driver_class(config, environment) is None


def test_ours_otherwise_with_the_colours_of_the_config() -> None:
    made = driver_class(replace(CONFIG, colors=16), {})
    assert made is not None
    assert issubclass(made, DifferenceDriver)
    assert made.colors == 16
    assert driver_class(replace(CONFIG, driver="stock"), {"REGTUI_DRIVER": "difference"}) is not None


async def test_what_the_config_file_has_to_no_effect_is_told(tmp_path: Path) -> None:
    app = demo_app(tmp_path)
    app.config = replace(app.config, warnings=('protect protects nothing by "^[red]latest$".',))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert [note.message for note in app._notifications] == ['protect protects nothing by "^[red]latest$".']


def test_a_crash_in_a_worker_is_logged_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody_expected_this() -> None:
        raise ZeroDivisionError

    class Crashed:
        def __init__(self, *arguments: object, **options: object) -> None:
            try:
                nobody_expected_this()
            except ZeroDivisionError as error:
                self.crash = WorkerFailed(error)

        def run(self) -> None:
            pass

    monkeypatch.setattr("regtui.ui.start.RegtuiApp", Crashed)
    assert run_app(CONFIG, Credentials({}), None, Options()) == 1
    log = state_dir() / "crash.log"
    assert str(log) in capsys.readouterr().err
    assert "in nobody_expected_this" in log.read_text()

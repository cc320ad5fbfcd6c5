"""Starts the app, and ends it with the terminal as it was."""

import gc
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path

from textual.driver import Driver

from regtui.connection.resolving import Options
from regtui.connection.target import Target
from regtui.private_files import write_private
from regtui.settings import Config, Credentials
from regtui.settings.paths import state_dir
from regtui.ui.app import RegtuiApp


def run_app(config: Config, credentials: Credentials, target: Target | None, options: Options) -> int:
    """The exit code. `options`: of the command line; some hold for the registries that are opened later, too.

    An unexpected error is one line on stderr, with the file that has the rest.
    """
    app = RegtuiApp(config, credentials, target, options=options.of_the_run, driver_class=driver_class(config))
    # What was imported stays: it isn't looked through for garbage while the app runs.
    gc.freeze()
    result = app.run()
    crash = app.crash
    if crash is not None:
        print(f"regtui: it ended by an internal error; the details are in {_log(crash)}", file=sys.stderr)  # noqa: T201
        return 1
    return result or 0


def driver_class(config: Config, environment: Mapping[str, str] = os.environ) -> type[Driver] | None:
    """As $REGTUI_DRIVER or the config says; None for Textual's own, and where $TEXTUAL_DRIVER names another."""
    chosen = environment.get("REGTUI_DRIVER") or config.driver
    if chosen == "stock" or "TEXTUAL_DRIVER" in environment:
        return None
    from regtui.ui.driver import DifferenceDriver

    return type("RegtuiDriver", (DifferenceDriver,), {"colors": config.colors})


def _log(error: BaseException) -> Path:
    """Writes the traceback for this user alone; without values of variables."""
    text = "".join(traceback.format_exception(error))
    try:
        path = state_dir() / "crash.log"
        write_private(path, text)
    except OSError:
        handle, name = tempfile.mkstemp(prefix="regtui-crash-", suffix=".log")
        path = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    return path

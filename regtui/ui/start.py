"""Starts the app, and ends it with the terminal as it was."""

import gc
import os
import sys
from collections.abc import Mapping

from textual.driver import Driver
from textual.worker import WorkerFailed

from regtui.session.resolving import Options
from regtui.session.target import Target
from regtui.settings.config import Config
from regtui.settings.crash_log import log_crash
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.hangup import on_hangup


def run_app(config: Config, credentials: Credentials, target: Target | None, options: Options) -> int:
    """The exit code. `options`: of the command line; some hold for the registries that are opened later, too.

    An unexpected error is one line on stderr, with the file that has the rest.
    """
    # A shell that exported them has the size of another moment; Textual would take it for the terminal's.
    for size in ("COLUMNS", "LINES"):
        os.environ.pop(size, None)
    app = RegtuiApp(config, credentials, target, options=options.of_the_run, driver_class=driver_class(config))
    # On its way out, what is changing comes to the end of what is under way, as after ctrl+q.
    on_hangup(lambda: app.call_from_thread(app.exit, 1))
    # What was imported stays: it isn't looked through for garbage while the app runs.
    gc.freeze()
    result = app.run()
    crash = app.crash
    if crash is not None:
        # A worker's failure itself has no traceback, but what made it fail.
        cause = crash.error if isinstance(crash, WorkerFailed) else crash
        file = log_crash(cause)
        details = f"the details are in {file}" if file is not None else f"{type(cause).__name__}"
        print(f"regtui: it ended by an internal error; {details}", file=sys.stderr)  # noqa: T201
        return 1
    return result or 0


def driver_class(config: Config, environment: Mapping[str, str] = os.environ) -> type[Driver] | None:
    """As $REGTUI_DRIVER or the config says; None for Textual's own, and where $TEXTUAL_DRIVER names another."""
    chosen = environment.get("REGTUI_DRIVER") or config.driver
    if chosen == "stock" or "TEXTUAL_DRIVER" in environment:
        return None
    from regtui.ui.driver.driver import DifferenceDriver

    return type("RegtuiDriver", (DifferenceDriver,), {"colors": config.colors})

"""`regtui demo`: opens the app on the registry in memory."""

import argparse
from dataclasses import replace

from regtui.cli.browse import check_terminal
from regtui.cli.session import Session
from regtui.connection.target import demo_target


def run(arguments: argparse.Namespace) -> int:
    """Raises UsageError where there is no terminal to draw on, RegtuiError."""
    check_terminal("For scripts: regtui ls demo")
    session = Session(arguments)
    from regtui.ui.start import run_app

    target = replace(demo_target(), read_only=arguments.read_only, protect=session.config.protect)
    return run_app(session.config, session.credentials, target, session.options)

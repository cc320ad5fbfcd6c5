"""`regtui demo`: opens the app on the registry in memory."""

import argparse
from dataclasses import replace

from regtui.cli.browse import check_terminal
from regtui.cli.invocation import Invocation
from regtui.session.target import demo_target


def run(arguments: argparse.Namespace) -> int:
    """Raises UsageError where there is no terminal to draw on, RegtuiError."""
    check_terminal("For scripts: regtui ls demo")
    invocation = Invocation(arguments)
    from regtui.ui.start import run_app

    target = replace(demo_target(), read_only=arguments.read_only, protect=invocation.config.protect)
    return run_app(invocation.config, invocation.credentials, target, invocation.options)

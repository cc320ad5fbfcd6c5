"""`regtui [REGISTRY]`, `regtui browse`: opens the app."""

import argparse
import sys

from regtui.cli.session import Session
from regtui.errors import UsageError


def run(arguments: argparse.Namespace) -> int:
    """Raises UsageError where there is no terminal to draw on, RegtuiError."""
    named = arguments.registry_argument or arguments.registry or ""
    check_terminal(f"For scripts: regtui ls {named}".rstrip())
    session = Session(arguments)
    registry = session.registry(arguments.registry_argument)
    # Nothing configured, nothing named: the connect screen asks.
    target = session.target(registry) if registry else None
    from regtui.ui.start import run_app

    return run_app(session.config, session.credentials, target, session.options)


def check_terminal(remedy: str) -> None:
    """Raises UsageError with `remedy` where stdin or stdout is no terminal."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("The browser needs a terminal.", remedy)

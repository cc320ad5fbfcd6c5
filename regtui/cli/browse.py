"""`regtui [REGISTRY]`, `regtui HOST/REPOSITORY[:TAG]`, `regtui browse`: opens the app."""

import argparse
import asyncio
import sys

from regtui.cli.session import Session
from regtui.connection.place import is_registry, place_of
from regtui.connection.target import Target
from regtui.errors import UsageError


def run(arguments: argparse.Namespace) -> int:
    """Raises UsageError where there is no terminal to draw on, RegtuiError."""
    named = arguments.registry_argument or arguments.registry or ""
    check_terminal(f"For scripts: regtui ls {named}".rstrip())
    session = Session(arguments)
    registry = session.registry(arguments.registry_argument)
    # Nothing configured, nothing named: the connect screen asks.
    target = _target(session, registry) if registry else None
    from regtui.ui.start import run_app

    return run_app(session.config, session.credentials, target, session.options)


def _target(session: Session, registry: str) -> Target:
    """The registry, at the repository and tag that are named with it."""
    place = place_of(registry, session.config)
    if not place.is_sure:
        whole = session.target(registry)
        if asyncio.run(is_registry(whole)):
            return whole
    return place.on(session.target(place.registry))


def check_terminal(remedy: str) -> None:
    """Raises UsageError with `remedy` where stdin or stdout is no terminal."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("The browser needs a terminal.", remedy)

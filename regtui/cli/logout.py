"""`regtui logout`: forgets a credential."""

import argparse

from regtui.cli.console import say
from regtui.cli.session import Session
from regtui.errors import DONE


def run(arguments: argparse.Namespace) -> int:
    """Done also where there was nothing to forget. Raises UsageError, SettingsError."""
    session = Session(arguments)
    host = session.profile(arguments.registry_argument).address.name
    if session.credentials.forget(host):
        say(f"The credential for {host} was removed.")
    else:
        say(f"There was no credential for {host}.")
    return DONE

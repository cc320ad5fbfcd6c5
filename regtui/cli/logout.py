"""`regtui logout`: forgets a credential, and says where there is one still."""

import argparse

from regtui.cli.console import say
from regtui.cli.session import Session
from regtui.errors import DONE
from regtui.settings import Source


def run(arguments: argparse.Namespace) -> int:
    """Done also where there was nothing to forget. Raises UsageError, SettingsError."""
    session = Session(arguments)
    host = session.profile(arguments.registry_argument).login_name
    if places := session.credentials.forget(host):
        say(f"The credential for {host} was removed from {' and '.join(places)}.")
    else:
        say(f"There was no credential for {host} that regtui keeps.")
    left = session.credentials.find(host)
    if left.source is Source.ENVIRONMENT:
        say("REGTUI_USERNAME and REGTUI_PASSWORD are still set, and go to every registry that asks.")
    elif left.words:
        say(f"There still is one: {left.words}. It is not regtui's: docker logout or podman logout removes it.")
    return DONE

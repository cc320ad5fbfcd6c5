"""`regtui logout`: forgets a credential, and says where there is one still."""

import argparse

from regtui.cli.console import say
from regtui.cli.session import Session
from regtui.errors import DONE
from regtui.settings.logout import log_out


def run(arguments: argparse.Namespace) -> int:
    """Done also where there was nothing to forget. Raises UsageError, SettingsError."""
    session = Session(arguments)
    for sentence in log_out(session.credentials, session.profile(arguments.registry_argument).login_names):
        say(sentence)
    return DONE

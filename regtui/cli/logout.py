"""`regtui logout`: forgets a credential, and says where there is one still."""

import argparse

from regtui.cli.console import say
from regtui.cli.invocation import Invocation
from regtui.errors import DONE
from regtui.settings.logout import log_out


def run(arguments: argparse.Namespace) -> int:
    """Done also where there was nothing to forget. Raises UsageError, SettingsError."""
    invocation = Invocation(arguments)
    for sentence in log_out(invocation.credentials, invocation.profile(arguments.registry_argument).login_names):
        say(sentence)
    return DONE

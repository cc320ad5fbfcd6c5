"""Opening a registry from the app. Where ssh has to ask for something, the terminal is ssh's meanwhile."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from textual.app import App, SuspendNotSupported

from regtui.session.crossing import OwnThread
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from regtui.ssh.errors import SshError
from regtui.ssh.login import Ssh


async def reach(app: App[Any], target: Target) -> Session:
    """Raises RegtuiError. First without asking anybody: with an agent or a plain key nobody sees more of it."""
    try:
        return await open_session(target, OwnThread())
    except SshError as error:
        if target.via is None or not error.needs_person:
            raise
        ssh = Ssh(target.via)
        try:
            _ask_on_terminal(app, ssh)
        except SuspendNotSupported:
            # No terminal of our own (a browser, a test): ssh's own remedy is to log in elsewhere first.
            raise error from None
    return await open_session(target, OwnThread(), ssh)


def _ask_on_terminal(app: App[Any], ssh: Ssh) -> None:
    """Blocks as long as the user takes. Raises SshError."""
    failed: SshError | None = None
    with app.suspend(), _interrupting(ssh):
        sys.stdout.write(f"\nregtui: connecting to {ssh.destination} over SSH (ctrl+c: back)\n\n")
        sys.stdout.flush()
        # An error that left this block would leave the terminal as it is.
        try:
            ssh.open(on_terminal=True)
        except SshError as error:
            failed = error
    if failed is not None:
        raise failed


@contextmanager
def _interrupting(ssh: Ssh) -> Iterator[None]:
    """Ctrl+C ends ssh, and not the app: `open` then raises."""

    def end(number: int, frame: FrameType | None) -> None:
        ssh.interrupt()

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

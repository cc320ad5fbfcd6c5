"""Opening a registry from the app. Where ssh has to ask for something, the terminal is ssh's meanwhile."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from textual.app import App, SuspendNotSupported

from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from regtui.ssh.errors import SshError
from regtui.ssh.login import Ssh
from regtui.ui.client_thread import ClientThread


@dataclass(frozen=True, slots=True)
class OpenRegistry:
    """A session, and the thread that it lives on: what is awaited goes through `thread.call` and `thread.stream`."""

    session: Session
    thread: ClientThread

    @property
    def name(self) -> str:
        return self.session.name

    async def close(self) -> None:
        """Cancels what is under way; takes as long as the registry's host needs, while the app goes on."""
        await self.thread.close(self.session.close)

    def end(self) -> None:
        """The same, and nobody waits for it."""
        self.thread.end(self.session.close)


async def open_registry(app: App[Any], target: Target, *, patience: float | None = None) -> OpenRegistry:
    """Raises RegtuiError. First without asking anybody: with an agent or a plain key nobody sees more of it.
    `patience`: also one that doesn't answer for so many seconds."""
    try:
        return await _opened(target, patience=patience)
    except SshError as error:
        if target.via is None or not error.needs_person:
            raise
        ssh = Ssh(target.via)
        try:
            _ask_on_terminal(app, ssh)
        except SuspendNotSupported:
            # No terminal of our own (a browser, a test): ssh's own remedy is to log in elsewhere first.
            raise error from None
    return await _opened(target, ssh, patience=patience)


async def _opened(target: Target, ssh: Ssh | None = None, *, patience: float | None = None) -> OpenRegistry:
    """Nothing is left of it where it fails, or is cancelled, however late."""
    thread = ClientThread()
    opened: list[Session] = []

    async def there() -> Session:
        session = await open_session(target, ssh, patience=patience)
        opened.append(session)
        session.prepare()
        return session

    async def undo() -> None:
        for session in opened:
            await session.close()

    try:
        return OpenRegistry(await thread.call(there), thread)
    except BaseException:
        thread.end(undo)
        raise


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

"""A session ends in the background: its loop has others to serve, and an ssh may be slow to end."""

import asyncio
import threading
from typing import Any, cast

from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.registry.address import Address
from regtui.registry.settings import HttpSettings
from regtui.session.opening import open_session
from regtui.session.target import Target
from tests.support.patience import PATIENCE


class SlowSsh:
    """A login that ends when the test lets it."""

    def __init__(self) -> None:
        self.begun, self.release = threading.Event(), threading.Event()
        self.is_closed = False

    def close(self) -> None:
        self.begun.set()
        self.release.wait(PATIENCE)
        self.is_closed = True


def target(transport: Any) -> Target:
    return Target(Address.parse("http://test.localhost"), http=HttpSettings(transport=transport), ephemeral=True)


async def test_an_ssh_that_is_slow_to_end_keeps_nobody() -> None:
    ssh = SlowSsh()
    session = await open_session(target(LocalTransport(MemoryStorage(), "2.8.2")), cast(Any, ssh))
    closing = asyncio.create_task(session.close())
    # Waited for on this loop: it is free.
    assert await asyncio.to_thread(ssh.begun.wait, PATIENCE)
    assert not closing.done()
    ssh.release.set()
    await closing
    assert ssh.is_closed

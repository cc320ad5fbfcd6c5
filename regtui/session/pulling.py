"""When the images of one registry were pulled: what is known of it, and reading what is new in its log."""

import asyncio
import contextlib
import time
from typing import Final

from regtui.errors import RegtuiError
from regtui.host.errors import HostUnknown
from regtui.registry.address import Address
from regtui.registry.identity import RegistryId
from regtui.retention.pull_reading import read_pulls, read_pushes
from regtui.retention.pull_store import PullStore, StoredPulls
from regtui.retention.values import NoPulls, PullRecord
from regtui.session.registry_host import host_of
from regtui.session.target import Target
from regtui.settings.paths import pulls_file

# What rules of many repositories ask for isn't older than that, in seconds.
_FRESH: Final = 600.0


class Pulling:
    """Lives on the session's loop. `trouble`: why the log could not be read, in a sentence."""

    def __init__(self, target: Target, registry: RegistryId, address: Address, name: str) -> None:
        self._target = target
        self._registry = registry
        self._address = address
        self._name = name
        self._store = PullStore(pulls_file())
        self._reading = asyncio.Lock()
        self._read_at = -_FRESH
        self.trouble = ""

    @property
    def known(self) -> PullRecord:
        return NoPulls() if self._target.ephemeral else StoredPulls(self._store, self._registry)

    async def brought_up_to_date(self, *, pushes: bool) -> PullRecord:
        """`pushes`: also when tags were pushed, by the whole storage: only to be shown."""
        async with self._reading:
            if not self._target.ephemeral and time.monotonic() - self._read_at > _FRESH:
                await self._read(pushes=pushes)
                self._read_at = time.monotonic()
        return self.known

    async def _read(self, *, pushes: bool) -> None:
        self.trouble = ""
        try:
            host, settings = host_of(self._target.runs_at, self._address, self._name, None)
        except HostUnknown:
            return
        port = self._address.port or (80 if self._address.scheme == "http" else 443)
        try:
            await read_pulls(
                self._store, host, settings, self._registry, port=port, prefix=self._address.prefix.rstrip("/")
            )
        except RegtuiError as error:
            self.trouble = str(error)
        try:
            # The log tells of them as well, from when on it is read.
            with contextlib.suppress(RegtuiError):
                if pushes:
                    await read_pushes(self._store, host, settings, self._registry, port=port)
        finally:
            await host.close()

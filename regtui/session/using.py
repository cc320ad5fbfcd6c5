"""What is in use at one registry: read when somebody has to know, and remembered for a short while."""

import asyncio
import time
from typing import Final

from regtui.deletion.used import UsedImages
from regtui.host.hosts import Interactive, SshHost
from regtui.registry.client import RegistryClient
from regtui.retention.own_names import OwnNames
from regtui.retention.settings import InUseSettings
from regtui.retention.sources import read_uses
from regtui.retention.uses import Uses
from regtui.retention.values import InUse
from regtui.retention.whereabouts import with_tags_in_doubt

# Plans of many repositories are made one after the other: what each is made from isn't older than that, in seconds.
_FRESH: Final = 60.0


class Using:
    """Lives on the session's loop. Raises RegistryError."""

    def __init__(self, client: RegistryClient, settings: InUseSettings, names: tuple[str, ...]) -> None:
        """`names`: what references call the registry."""
        self._client = client
        self._settings = settings
        self._names = OwnNames(names)
        self._reading = asyncio.Lock()
        self._known: Uses | None = None
        self._read_at = 0.0

    @property
    def has_sources(self) -> bool:
        return not self._settings.is_empty

    async def uses(self, interactive: Interactive | None = None) -> Uses:
        """`interactive`: for what ssh may have to ask."""
        async with self._reading:
            if self._known is None or time.monotonic() - self._read_at > _FRESH:
                read = await read_uses(
                    self._settings, self._names, lambda destination: SshHost(destination, interactive)
                )
                self._known = await with_tags_in_doubt(self._client, read)
                self._read_at = time.monotonic()
            return self._known


def used_images(in_use: InUse, repository: str) -> UsedImages:
    """The part of it that a deletion in one repository has to know, in words."""
    return UsedImages(
        {digest: tuple(place.words for place in places) for digest, places in in_use.digests.items()},
        {
            tag: tuple(place.words for place in places)
            for (name, tag), places in in_use.tags.items()
            if name == repository and tag
        },
        tuple(place.words for place in in_use.tags.get((repository, ""), ())),
        tuple(f"{source.where} could not be read: {source.error}" for source in in_use.unread),
        frozenset(in_use.digests_of(repository)),
    )

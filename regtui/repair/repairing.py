"""Carries a repair out: puts lost blobs back, and reads each. It is in the journal before the first is sent."""

import asyncio
from collections.abc import AsyncIterator

from regtui.deletion.journal import Journal
from regtui.deletion.values import Action, Outcome, Status
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import DigestMismatch, NotFound, RegistryError
from regtui.repair.values import BlobSource, RepairPlan


class Repairing:
    """One run of one plan that was confirmed. Lives on the client's event loop."""

    def __init__(self, client: RegistryClient, plan: RepairPlan, journal: Journal, username: str) -> None:
        self._client = client
        self._plan = plan
        self._journal = journal
        self._username = username

    async def outcomes(self) -> AsyncIterator[Outcome]:
        """What came of each blob, as it is known. Raises JournalFailed where it can't be recorded: then nothing is
        changed."""
        run = await asyncio.to_thread(
            self._journal.begin_repair,
            self._client.identity,
            self._username,
            self._plan.repository,
            blobs=list(self._plan.sources),
        )
        done: list[Outcome] = []
        try:
            for digest, source in self._plan.sources.items():
                error = await self._put(digest, source)
                status = Status.FAILED if error else Status.DONE
                reference = f"{self._plan.repository}@{digest}"
                done.append(Outcome(reference, digest, Action.RESTORE, status, error))
                yield done[-1]
            await asyncio.to_thread(run.end, done, False)
        finally:
            run.close()

    async def _put(self, digest: Digest, source: BlobSource) -> str:
        """Why it isn't there now; empty where it is. Blobs are what their digest says: to put one twice harms nothing,
        and what an answer that was lost did is seen by looking."""
        refused = ""
        try:
            await self._send(digest, source)
        except RegistryError as error:
            refused = str(error)
        try:
            if await self._is_there(digest, source):
                return ""
        except DigestMismatch as error:
            return str(error)
        except RegistryError as error:
            return refused or f"whether it is there now couldn't be read: {error}"
        return refused or f"{self._client.host} said that it took it, and doesn't have it"

    async def _is_there(self, digest: Digest, source: BlobSource) -> bool:
        if source.body is None:
            return await self._client.has_blob(self._plan.repository, digest)
        # Where a damaged one lies under that digest, registries take what is sent, and keep what they have.
        try:
            await self._client.blob(self._plan.repository, digest)
        except NotFound:
            return False
        return True

    async def _send(self, digest: Digest, source: BlobSource) -> None:
        body = source.body
        if body is None:
            if await self._client.mount_blob(self._plan.repository, digest, source.place):
                return
            # It wants it uploaded. What is larger than a config isn't carried through memory.
            body = await self._client.blob(source.place, digest)
        await self._client.upload_blob(self._plan.repository, body)

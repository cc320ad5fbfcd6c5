"""Deletes manifests that nothing reaches, through the registry's API, as any deletion: planned, journalled, checked.

Right on every version, where the collector's own --delete-untagged takes the platform images of tagged indexes on 2.x,
and takes time by the square of the tags.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from itertools import groupby

from regtui.content.store import ContentStore
from regtui.deletion.execution import Execution
from regtui.deletion.journal import Journal
from regtui.deletion.plan import make_plan
from regtui.deletion.request import Request
from regtui.deletion.surely import put_surely
from regtui.deletion.values import Method, Status, StoredManifest
from regtui.garbage.contents import Reading, read
from regtui.garbage.values import UntaggedManifest
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound, RegistryError


class Leftovers:
    """One deletion of untagged manifests. `deleted`: those that went; `trouble`: sentences about those that didn't."""

    def __init__(
        self,
        client: RegistryClient,
        content: ContentStore,
        journal: Journal,
        username: str,
        used: frozenset[Digest] = frozenset(),
    ) -> None:
        """`used`: what runs somewhere, and stays."""
        self._used = used
        self._client = client
        self._content = content
        self._journal = journal
        self._username = username
        self.deleted: list[UntaggedManifest] = []
        self.trouble: list[str] = []

    async def delete(self, manifests: Iterable[UntaggedManifest]) -> AsyncIterator[str]:
        """Yields a line for each as it goes. Raises RegtuiError where it can't go on at all."""
        for repository, group in groupby(sorted(manifests, key=_place), key=lambda m: m.repository):
            wanted = frozenset(manifest.digest for manifest in group)
            # Read anew: a tag may have come that reaches one of them.
            reading = await read(self._client, self._content, repository, wanted, self._used)
            still = frozenset(reading.untagged) & wanted
            async for line in self._delete_in(reading, still):
                yield line
            async for line in self._put_back(reading, still):
                yield line

    async def _delete_in(self, reading: Reading, digests: frozenset[Digest]) -> AsyncIterator[str]:
        request = Request(reading.repository, digests=digests)
        plan = make_plan(reading.contents, request, method=Method.PLACEHOLDER)
        # Exactly these: what is below them is among them, or something else reaches it.
        plan = replace(plan, manifests=tuple(m for m in plan.manifests if m.digest in digests))
        execution = Execution(self._client, plan, self._journal, self._username)
        async for outcomes in execution.outcomes():
            for outcome in outcomes:
                yield f"{outcome.status.value} {outcome.reference}"
        for outcome in execution.report.outcomes:
            if outcome.status is Status.DONE and outcome.digest is not None:
                self.deleted.append(UntaggedManifest(reading.repository, outcome.digest))
            elif outcome.status is Status.FAILED:
                self.trouble.append(f"{outcome.reference} could not be deleted: {outcome.error}")
        self.trouble += execution.report.doubts

    async def _put_back(self, before: Reading, deleted: frozenset[Digest]) -> AsyncIterator[str]:
        """An index that was pushed meanwhile may need what was just deleted: its platforms come before it, untagged."""
        if not deleted:
            return
        now = await read(self._client, self._content, before.repository, frozenset())
        manifests = now.contents.manifests.values()
        needed = {child for manifest in manifests for child in manifest.children} & deleted
        for digest in _inner_first(before.contents.manifests[d] for d in needed):
            manifest = before.contents.manifests[digest]
            try:
                await self._client.resolve(before.repository, digest)
            except NotFound:
                name = f"{before.repository}@{digest}"
                try:
                    await put_surely(self._client, before.repository, digest, manifest)
                except RegistryError as error:
                    self.trouble.append(f"{name} can't be put back, and an index that was pushed needs it: {error}")
                else:
                    yield f"put back {name}: an index that was pushed meanwhile needs it"


def _place(manifest: UntaggedManifest) -> tuple[str, str]:
    return manifest.repository, manifest.digest


def _inner_first(manifests: Iterable[StoredManifest]) -> list[Digest]:
    return [manifest.digest for manifest in sorted(manifests, key=lambda m: bool(m.children))]

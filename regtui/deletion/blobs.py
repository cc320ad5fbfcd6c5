"""Looks at the blobs that undo will need, while a deletion is planned: configs are kept for it, and what is gone from
the registry is found before anybody confirms.

HEAD is not believed: until it is restarted, a registry claims to have what a garbage collection took. Configs are read
as a whole, each once and only those that aren't known yet; of layers the first byte is. That costs 1.5 to 2.2 ms each
on 2.8.2 and 3.1.1, so that of many images whose manifests go nothing but the configs is looked at; the plan says so.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from typing import Final

from regtui.content.store import ContentStore
from regtui.deletion.inventory import Progress, in_batches
from regtui.deletion.loss import config_of
from regtui.deletion.values import Contents, KnownBlobs, Plan, StoredManifest
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound, RegistryError, Unreachable

MOST_CHECKED: Final = 1_000
"""Blobs, beside the configs that are kept: about two seconds."""
LARGEST_KEPT: Final = 4 * 1024 * 1024
"""Bytes of one config. An artifact may call anything its config."""
MOST_KEPT: Final = 64 * 1024 * 1024
"""Bytes of all configs of one run: some 10,000 images'."""


async def with_blobs(
    client: RegistryClient, content: ContentStore, plan: Plan, on_progress: Progress | None = None
) -> Contents:
    """What `plan` was made on, and what is known now of the blobs of the manifests that go, and of those that the tags
    which go lead to. Raises RegistryError where what fails would fail for all.
    """
    contents = plan.contents
    going = {manifest.digest for manifest in plan.manifests}
    tagged = dict.fromkeys(tag.digest for tag in plan.removed if tag.digest)
    deleted = [manifest for digest in going if (manifest := contents.manifests.get(digest))]
    staying = [m for digest in tagged if digest not in going and (m := contents.manifests.get(digest))]
    known = await known_blobs(client, content, contents.repository, deleted, staying, on_progress)
    return replace(contents, blobs=known)


async def known_blobs(
    client: RegistryClient,
    content: ContentStore,
    repository: str,
    losing: Iterable[StoredManifest],
    staying: Iterable[StoredManifest] = (),
    on_progress: Progress | None = None,
) -> KnownBlobs:
    """What is known of the blobs of these manifests: `losing`, whose configs are kept, and `staying`, of which they
    needn't be. Raises RegistryError where what fails would fail for all."""
    losing = list(losing)
    look = _Look(client, content, repository, on_progress)
    configs = {config: size for manifest in losing for config, size in _config(manifest)}
    small = [config for config, size in configs.items() if size <= LARGEST_KEPT]
    others = list(dict.fromkeys(_blobs([*losing, *staying], besides=set(small))))
    unchecked = len(others) if len(others) > MOST_CHECKED else 0
    look.expect(len(small) + (0 if unchecked else len(others)))
    await look.read(small)
    if not unchecked:
        await look.check(others)
    too_large = frozenset(configs.keys() - look.kept.keys() - look.gone.keys())
    return KnownBlobs(look.kept, look.gone, too_large, unchecked)


def _config(manifest: StoredManifest) -> list[tuple[Digest, int]]:
    """Its config with its size in bytes, as the manifest says it; of an index none."""
    config = config_of(manifest)
    return [(config, manifest.blobs[config])] if config is not None and config in manifest.needed_blobs else []


def _blobs(manifests: Iterable[StoredManifest], besides: Collection[Digest]) -> Iterable[Digest]:
    return (blob for manifest in manifests for blob in manifest.wanted_blobs if blob not in besides)


class _Look:
    """`kept`: configs with their bytes. `gone`: blobs that can't be had, with the registry's words, or none where it
    says that there is no such blob."""

    def __init__(
        self, client: RegistryClient, content: ContentStore, repository: str, on_progress: Progress | None
    ) -> None:
        self._client = client
        self._content = content
        self._repository = repository
        self._on_progress = on_progress
        self._expected = self._done = self._size = 0
        self.kept: dict[Digest, bytes] = {}
        self.gone: dict[Digest, str] = {}

    def expect(self, count: int) -> None:
        self._expected = count

    async def read(self, configs: Collection[Digest]) -> None:
        await in_batches(configs, lambda digest: self._one(digest, self._read))

    async def check(self, blobs: Collection[Digest]) -> None:
        await in_batches(blobs, lambda digest: self._one(digest, self._check))

    async def _one(self, digest: Digest, look: Callable[[Digest], Awaitable[None]]) -> None:
        try:
            await look(digest)
        except NotFound:
            self.gone[digest] = ""
        except RegistryError as error:
            if error.affects_all:
                raise
            # One that broke off each time, and for this blob alone, is gone.
            self.gone[digest] = "" if isinstance(error, Unreachable) and error.dropped else str(error)
        self._done += 1
        if self._on_progress is not None:
            self._on_progress(self._done, self._expected)

    async def _read(self, digest: Digest) -> None:
        body = await self._content.config(self._repository, digest)
        if len(body) <= LARGEST_KEPT and self._size + len(body) <= MOST_KEPT:
            self.kept[digest] = body
            self._size += len(body)

    async def _check(self, digest: Digest) -> None:
        if not await self._client.has_blob(self._repository, digest):
            self.gone[digest] = ""

"""One change of a registry whose answer may get lost: looked at, and done again where it wasn't.

The client never sends a DELETE or PUT twice by itself, as it can't know what the first did. Here it is known what is
to be there afterwards: a digest is gone, or a reference leads to it. What was waited for in vain isn't sent again
all the same: it may be under way yet, and would be done over what others push after the second one.
"""

import asyncio
from collections.abc import Collection
from typing import Final

from regtui.deletion.patience import Patience
from regtui.deletion.values import StoredManifest
from regtui.deletion.watch import look_at
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import DigestMismatch, NotFound, RegistryError, Where

_TRIES: Final = 3
# Seconds; a registry that restarts behind its proxy takes about so long.
_PAUSE: Final = 0.2


class NotKept(RegistryError):
    """The registry said that it stored a manifest, and doesn't have it."""


async def delete_surely(client: RegistryClient, repository: str, digest: Digest) -> bool:
    """The manifest is gone, by this or before; False where the registry says that it failed, and it is gone for all
    that. Raises RegistryError where it isn't, or nobody knows."""
    is_clean = True
    for left in reversed(range(_TRIES)):
        try:
            await client.delete_manifest(repository, digest)
            return is_clean
        except NotFound:
            return is_clean
        except RegistryError as error:
            if not _is_unheard(error):
                raise
            is_clean = is_clean and error.status < 500
            if await leads_to(client, repository, digest, digest) is False:
                return is_clean
            if not left or error.silent:
                raise
        await asyncio.sleep(_PAUSE)
    return is_clean


async def delete_tag_surely(client: RegistryClient, repository: str, tag: str, digest: Digest | None) -> None:
    """The tag is gone, by this or before; where the registry failed in between, what is left of it goes, too. `digest`:
    what it led to when it was looked at, in the same turn (`before_delete`).

    Raises RegistryError where it can't be removed, or is somebody else's by now.
    """
    for left in reversed(range(_TRIES)):
        try:
            await client.delete_tag(repository, tag)
            return
        except NotFound:
            return
        except RegistryError as error:
            if not _is_unheard(error):
                raise
            await asyncio.sleep(_PAUSE)
            # After the pause: what is pushed in it isn't ours.
            is_gone = await _is_gone(client, repository, tag, digest)
            is_last = error.silent or not left
            if is_gone and is_last:
                return
            if is_gone is None or is_last:
                raise


async def _is_gone(client: RegistryClient, repository: str, tag: str, digest: Digest | None) -> bool | None:
    """False where the tag leads to `digest` still; None where it leads elsewhere, or nobody knows."""
    try:
        return False if (await client.manifest(repository, tag)).digest == digest else None
    except NotFound:
        return True
    except RegistryError:
        return None


async def put_surely(
    client: RegistryClient, repository: str, reference: str, manifest: StoredManifest, patience: Patience | None = None
) -> None:
    """The manifest, put by its digest or a tag that nobody else writes, can be read there. `patience`: of the whole
    run.

    Raises NotKept where the registry answers 201 and doesn't have it: 2.x and 3.x with their in-memory cache do so
    after a garbage collection until they are restarted.
    """
    await _put(client, repository, reference, manifest, patience, None)


async def put_tag_surely(
    client: RegistryClient,
    repository: str,
    tag: str,
    manifest: StoredManifest,
    patience: Patience | None = None,
    *,
    instead_of: Collection[Digest | None],
) -> bool:
    """`tag` leads to the manifest, and it can be read; False where, looked at right before, it led to anything else
    than `instead_of`: then somebody else has pushed it, and it stays. None there is no tag, or nothing behind it.

    Raises RegistryError, NotKept as `put_surely` does.
    """
    return await _put(client, repository, tag, manifest, patience, {*instead_of, manifest.digest})


async def _put(
    client: RegistryClient,
    repository: str,
    reference: str,
    manifest: StoredManifest,
    patience: Patience | None,
    instead_of: Collection[Digest | None] | None,
) -> bool:
    """`instead_of`: None where nobody looks."""
    for left in reversed(range(_TRIES)):
        async with client.before_put(repository):
            if instead_of is not None:
                sight = await look_at(client, repository, reference, instead_of)
                if sight.digest not in instead_of:
                    return False
            try:
                await client.put_manifest(repository, reference, manifest.body, manifest.media_type)
                break
            except RegistryError as error:
                if not _is_unheard(error):
                    raise
                if await leads_to(client, repository, reference, manifest.digest):
                    return True
                if not left or error.silent:
                    raise
        await asyncio.sleep(_PAUSE)

    async def is_kept() -> bool:
        try:
            return (await client.manifest(repository, reference)).digest == manifest.digest
        except (NotFound, DigestMismatch):
            return False

    if not await (patience or Patience()).until(is_kept):
        where = Where(client.host, "storing the manifest", repository, reference)
        raise NotKept(
            where,
            f"{client.host} said that it stored {where.target}, and doesn't have it.",
            "It has to be restarted after a garbage collection.",
        )
    return True


def _is_unheard(error: RegistryError) -> bool:
    """Whether it may have been done: no answer, or one that says nothing about that."""
    return error.status == 0 or error.status >= 500


async def leads_to(client: RegistryClient, repository: str, reference: str, digest: Digest) -> bool | None:
    """None where it can't be told."""
    try:
        return (await client.manifest(repository, reference)).digest == digest
    except NotFound:
        return False
    except RegistryError:
        return None

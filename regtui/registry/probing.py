"""What this user may do in a repository, found out by requests that can't change anything."""

import json
from typing import Final
from uuid import uuid4

from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry import errors
from regtui.registry.client import RegistryClient
from regtui.registry.values import Deletion

_NO_SUCH_DIGEST: Final = Digest("sha256:" + "0" * 64)
# A whole image, but of a config that no content has.
_IMPOSSIBLE: Final = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": mt.OCI_MANIFEST,
        "config": {"mediaType": mt.OCI_CONFIG, "digest": _NO_SUCH_DIGEST, "size": 1},
        "layers": [],
    }
).encode()


async def deletion_support(client: RegistryClient, repository: str) -> Deletion:
    """What may be deleted: asked with a digest of zeros, and a tag that doesn't exist (measured on 2.7.1, 2.8.2,
    3.1.1). Raises nothing: where it can't be found out, it is UNKNOWN."""
    try:
        await client.delete_manifest(repository, _NO_SUCH_DIGEST, patient=False)
    except errors.NotFound:
        return await _tag_deletion(client, repository)
    except errors.DeletionDisabled as error:
        if not error.by_setting:
            return Deletion.UNSUPPORTED
        return Deletion.CACHE if await _is_cache(client, repository) else Deletion.DISABLED
    except errors.ReadOnly:
        return Deletion.READ_ONLY
    except (errors.NotAllowed, errors.NotAuthenticated):
        return Deletion.NOT_ALLOWED
    except errors.RegistryError:
        return Deletion.UNKNOWN
    return Deletion.UNKNOWN


async def _is_cache(client: RegistryClient, repository: str) -> bool:
    """Whether a distribution that refuses deletion is a pull-through cache: it refuses every manifest as unsupported,
    others what names a blob that can't be there (measured on 2.8.2 and 3.1.1). By its digest, so that no tag is meant.
    """
    try:
        await client.put_manifest(repository, Digest.of(_IMPOSSIBLE), _IMPOSSIBLE, mt.OCI_MANIFEST)
    except errors.Refused as error:
        return "UNSUPPORTED" in error.codes
    except errors.RegistryError:
        return False
    return False


async def _tag_deletion(client: RegistryClient, repository: str) -> Deletion:
    try:
        await client.delete_tag(repository, _no_such_name(), patient=False)
    except errors.NotFound:
        return Deletion.BY_TAG
    except errors.RegistryError:
        return Deletion.BY_DIGEST
    return Deletion.BY_DIGEST


async def check_push(client: RegistryClient, repository: str) -> None:
    """Raises NotAllowed, NotAuthenticated or ReadOnly where this user is known not to push there. What is asked for
    takes the right to push, and leaves nothing even on registries that store whatever manifest they are sent: the end
    of an upload that nobody began, without a byte, for a digest that no content has. Where the answer says nothing of
    rights, the first real change tells. Read-only mode is seen by `deletion_support` for sure, here perhaps (measured:
    2.8.2 and 3.1.1 look for the upload first)."""
    try:
        await client.finish_upload(repository, _no_such_name(), _NO_SUCH_DIGEST)
    except (errors.NotAllowed, errors.NotAuthenticated, errors.ReadOnly):
        raise
    except errors.RegistryError:
        return


async def takes_pushes(client: RegistryClient, repository: str, blob: Digest) -> bool:
    """Whether a `blob` that the repository has is taken over from itself, which changes nothing. Raises NotAllowed,
    NotAuthenticated where this user may not push there, RegistryError where it can't be told (measured on 2.8.2, 3.1.1:
    201, and 405 where it is read-only; an upload that is begun and given up would leave directories)."""
    try:
        await client.mount_blob(repository, blob, repository)
    except errors.Refused:
        return False
    return True


_PROBE: Final = "regtui-probe-"


def _no_such_name() -> str:
    return f"{_PROBE}{uuid4().hex}"


def is_probe(url: str) -> bool:
    """Whether a request to it only asks what may be done: there is nothing of that name."""
    return _PROBE in url or _NO_SUCH_DIGEST in url

"""What this user may do in a repository, found out by requests that can't change anything."""

from typing import Final
from uuid import uuid4

from regtui.oci import Digest
from regtui.oci import media_type as mt
from regtui.registry import errors
from regtui.registry.client import RegistryClient
from regtui.registry.values import Deletion

_NO_SUCH_DIGEST: Final = Digest("sha256:" + "0" * 64)


async def deletion_support(client: RegistryClient, repository: str) -> Deletion:
    """What may be deleted: asked with a digest of zeros, and a tag that doesn't exist (measured on 2.7.1, 2.8.2,
    3.1.1). Raises nothing: where it can't be found out, it is UNKNOWN."""
    try:
        await client.delete_manifest(repository, _NO_SUCH_DIGEST)
    except errors.NotFound:
        return await _tag_deletion(client, repository)
    except errors.DeletionDisabled:
        return Deletion.DISABLED
    except errors.ReadOnly:
        return Deletion.READ_ONLY
    except (errors.NotAllowed, errors.NotAuthenticated):
        return Deletion.NOT_ALLOWED
    except errors.RegistryError:
        return Deletion.UNKNOWN
    return Deletion.UNKNOWN


async def _tag_deletion(client: RegistryClient, repository: str) -> Deletion:
    try:
        await client.delete_tag(repository, _no_such_tag())
    except errors.NotFound:
        return Deletion.BY_TAG
    except errors.RegistryError:
        return Deletion.BY_DIGEST
    return Deletion.BY_DIGEST


async def check_push(client: RegistryClient, repository: str) -> None:
    """Raises NotAllowed, NotAuthenticated or ReadOnly where this user can't push there. What is put is no manifest, and
    isn't stored (400 on 2.7.1, 2.8.2 and 3.1.1, after the right was checked)."""
    try:
        await client.put_manifest(repository, _no_such_tag(), b"{}", mt.OCI_INDEX)
    except (errors.NotAllowed, errors.NotAuthenticated, errors.ReadOnly):
        raise
    except errors.RegistryError:
        return


def _no_such_tag() -> str:
    return f"regtui-probe-{uuid4().hex}"

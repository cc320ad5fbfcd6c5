"""Another name for an image: the same bytes are put under a further tag, so that the digest stays what it is."""

from regtui.content import ContentStore
from regtui.errors import REFUSED, RegtuiError
from regtui.oci import Digest
from regtui.registry import NotFound, RegistryClient


class TagMoved(RegtuiError):
    """The tag isn't what it was when it was asked about: nothing was changed."""

    exit_code = REFUSED


async def tagged(client: RegistryClient, repository: str, tag: str) -> Digest | None:
    """What `tag` is now, asked of the registry; None where there is no such tag, or nothing behind it."""
    try:
        return (await client.resolve(repository, tag)).digest
    except NotFound:
        return None


async def add_tag(
    client: RegistryClient, content: ContentStore, repository: str, digest: Digest, tag: str, instead_of: Digest | None
) -> None:
    """Makes `tag` a tag of the manifest `digest`, which is of the same repository, and checks that it is.

    `instead_of`: what the tag is now, None where there is none: known to whoever confirmed it. Raises TagMoved where
    that isn't so any more or where the tag isn't what was put; NotFound where the manifest is gone; RegistryError.
    """
    fetched = await content.manifest(repository, digest)
    now = await tagged(client, repository, tag)
    if now == digest:
        return
    if now != instead_of:
        what = f"is another image by now: {now.short}" if now else "is gone by now"
        raise TagMoved(f"{repository}:{tag} {what}.", "Nothing was changed. Look again.")
    await client.put_manifest(repository, tag, fetched.body, fetched.media_type)
    content.forget(repository)
    if (now := await tagged(client, repository, tag)) != digest:
        what = f"now is {now.short}" if now else "isn't there"
        raise TagMoved(f"{repository}:{tag} was put, but {what}.", "Somebody else may have pushed it.")

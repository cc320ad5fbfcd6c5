"""The sentence for a tag that isn't there, with those whose names are like it."""

from regtui.connection import Connection, nearest_tags
from regtui.registry import ManifestNotFound, NotFound, RegistryError, Where


async def tag_missing(connection: Connection, repository: str, tag: str, missing_digest: str = "") -> RegistryError:
    """The error to raise where the registry has no manifest for `tag`.

    `missing_digest`: what the tag points at, where the registry says so. Raises nothing itself: where the tags
    can't be listed, nothing is near.
    """
    where = Where(connection.host, "looking up the tag", repository, tag)
    if missing_digest:
        return ManifestNotFound(
            where,
            f"{repository}:{tag} is broken: the registry has the tag, but not its manifest {missing_digest}.",
            "Push the image again, or delete the tag with regtui rm.",
            missing_digest=missing_digest,
        )
    try:
        # Asked for first, because only a list tells whether the repository is missing, too.
        async for _ in connection.tags(repository):
            break
        near = await nearest_tags(connection, repository, tag)
    except NotFound as error:
        return error
    except RegistryError:
        near = []
    return ManifestNotFound(where, f"{repository} has no tag {tag}.", f"Nearest: {', '.join(near)}." if near else "")

"""The sentence for a tag that isn't there, with those whose names are like it."""

from typing import TYPE_CHECKING

from regtui.names.nearest import no_tag_words
from regtui.registry.errors import ManifestNotFound, NotFound, RegistryError, Where

if TYPE_CHECKING:
    from regtui.session.session import Session


async def tag_missing(session: "Session", repository: str, tag: str, missing_digest: str = "") -> RegistryError:
    """The error to raise where the registry has no manifest for `tag`.

    `missing_digest`: what the tag points at, where the registry says so. Raises nothing itself: where the tags
    can't be listed, nothing is near.
    """
    where = Where(session.host, "looking up the tag", repository, tag)
    if missing_digest:
        return ManifestNotFound(
            where,
            f"{repository}:{tag} is broken: the registry has the tag, but not its manifest {missing_digest}.",
            "Push the image again, or delete the tag with regtui rm.",
            missing_digest=missing_digest,
        )
    names: list[str] = []
    try:
        async for page in session.tags(repository):
            names += page
    except NotFound as error:  # only a list tells that the repository is missing, too
        return error
    except RegistryError:
        names = []
    return ManifestNotFound(where, *no_tag_words(repository, tag, names))

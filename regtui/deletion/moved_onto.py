"""Tags that others put onto an empty index of ours, while that stood in for tags which go: `crane tag app:1.4 stable`.

The index goes with all its tags, and these were nobody's to remove. They get the image that they were meant for where
there is no doubt which one that is, else an empty index of their own: they are still listed, and it is told.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from regtui.deletion.inventory import stored
from regtui.deletion.patience import Patience
from regtui.deletion.placeholder import empty_index
from regtui.deletion.surely import put_tag_surely
from regtui.deletion.values import StoredManifest
from regtui.deletion.watch import look_at
from regtui.deletion.work import Work
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.oci.manifest import REPAIRED
from regtui.registry.client import RegistryClient
from regtui.registry.errors import RegistryError
from regtui.registry.values import FetchedManifest


@dataclass(frozen=True, slots=True)
class LedAway:
    """`led`: where each tag leads now. `notices` and `doubts`: sentences, of those that are led away, and of others."""

    led: Mapping[str, Digest]
    notices: tuple[str, ...]
    doubts: tuple[str, ...]


async def others_on(
    client: RegistryClient, repository: str, tags: Iterable[str], placeholders: Collection[Digest]
) -> list[str]:
    """Those of `tags` that lead to one of the placeholders, as far as they can be looked at. Raises nothing."""
    found: list[str] = []

    async def look(tag: str) -> None:
        if (await look_at(client, repository, tag)).digest in placeholders:
            found.append(tag)

    await Work().all(sorted(tags), look, to_the_end=True)
    return sorted(found)


async def lead_away(
    client: RegistryClient,
    repository: str,
    tags: Collection[str],
    placeholders: Collection[Digest],
    images: Collection[StoredManifest],
    patience: Patience | None = None,
) -> LedAway:
    """`images`: what the placeholders stood in for. Raises nothing."""
    led: dict[str, Digest] = {}
    notices: list[str] = []
    doubts: list[str] = []
    for tag in tags:
        image = next(iter(images)) if len(images) == 1 else _empty()
        try:
            if not await put_tag_surely(client, repository, tag, image, patience, instead_of=placeholders):
                continue  # Somebody has pushed it since.
        except RegistryError as error:
            doubts.append(
                f"{tag} was put meanwhile onto an empty index of regtui's, and can't be put elsewhere: {error}"
            )
            continue
        led[tag] = image.digest
        notices.append(_sentence(tag, image.digest if len(images) == 1 else None))
    return LedAway(led, tuple(notices), tuple(doubts))


def _empty() -> StoredManifest:
    body = empty_index(REPAIRED)
    return stored(FetchedManifest(Digest.of(body), mt.OCI_INDEX, body))


def _sentence(tag: str, digest: Digest | None) -> str:
    meanwhile = f"{tag} was put meanwhile onto the empty index that stood in for what goes"
    if digest is None:
        return f"{meanwhile}: it leads to an empty index of its own now. Push it again, or delete it."
    return f"{meanwhile}: it leads to {digest.short} now, the image that was there before."

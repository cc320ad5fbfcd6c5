"""What is in use, one entry for each place that uses an image; from there to the value that plans take."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from regtui.oci.digest import Digest
from regtui.retention.own_names import OwnImage, OwnNames
from regtui.retention.values import InUse, UnreadSource, UsePlace

ANY_TAG: Final = ""
"""In place of a tag: any of the repository's may be meant."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place that uses an image of the registry."""

    image: OwnImage
    place: UsePlace


@dataclass(frozen=True, slots=True)
class Uses:
    """All that was found, each once. `unread`: sources of which not all is known."""

    found: tuple[Use, ...] = ()
    unread: tuple[UnreadSource, ...] = ()

    @property
    def in_use(self) -> InUse:
        """By digest wherever one is known, else by tag."""
        digests: dict[Digest, dict[UsePlace, None]] = {}
        tags: dict[tuple[str, str], dict[UsePlace, None]] = {}
        repositories: dict[Digest, set[str]] = {}
        for use in self.found:
            for digest in use.image.identities:
                digests.setdefault(digest, {})[use.place] = None
            for digest in use.image.manifests:
                repositories.setdefault(digest, set()).add(use.image.repository)
            if not use.image.identities:
                tags.setdefault((use.image.repository, use.image.tag), {})[use.place] = None
        return InUse(
            {digest: tuple(places) for digest, places in digests.items()},
            {tag: tuple(places) for tag, places in tags.items()},
            self.unread,
            {digest: frozenset(names) for digest, names in repositories.items()},
        )


class Source(Protocol):
    """Something that names images, as the config file names it."""

    @property
    def name(self) -> str: ...

    async def uses(self, names: OwnNames) -> Iterable[Use]:
        """Those of the registry with these names. Raises RegtuiError where it can't be read as a whole."""

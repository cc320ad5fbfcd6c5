"""Finding a tag or a digest in all repositories. Names are matched here; who reads them adds them as they come."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from regtui.listing.summary import Summary
from regtui.oci.digest import Digest

# The beginning of a digest, as docker and this app show it. Fewer digits are found everywhere.
_SHORT: Final = re.compile(r"(?:sha256:)?([0-9a-f]{7,64})\Z")
MOST: Final = 1_000
"""Hits that are shown: nobody reads more, and another letter leaves fewer."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A tag, or a manifest that has none (`tag` is empty). `note` says why it was found, where its name doesn't.
    `digest`: what the tag leads to, or the manifest; None where nobody had to ask."""

    repository: str
    tag: str
    note: str = ""
    digest: Digest | None = None

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class SearchStep:
    """What some tags of a repository made of a search. `unread`: those of them that could not be read."""

    hits: list[Hit]
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: words of a name, and perhaps a digest or the beginning of one."""

    words: tuple[str, ...]
    digest: Digest | None = None
    hexadecimal: str = ""

    @classmethod
    def parse(cls, text: str) -> "Query":
        text = text.strip().lower()
        digest = Digest.or_none(text) if text.startswith(("sha256:", "sha384:", "sha512:")) else None
        short = _SHORT.match(text)
        # `common:0.0.4` is two words: what stands before the colon is of the repository.
        words = (text,) if digest or short else tuple(dict.fromkeys(text.replace(":", " ").split()))
        return cls(words, digest, short[1] if short else digest.encoded if digest else "")

    @property
    def is_digest(self) -> bool:
        """Whether it may be one: names alone don't answer it, manifests have to be asked for."""
        return bool(self.hexadecimal)

    def is_name(self, repository: str, tag: str) -> bool:
        """Every word is in the one or the other, and at least one in the tag."""
        name, folded = repository.lower(), tag.lower()
        in_tag = [word in folded for word in self.words]
        return any(in_tag) and all(found or word in name for word, found in zip(self.words, in_tag, strict=True))

    def is_image(self, summary: Summary) -> str:
        """Why `summary` has this digest: it is it, or it has a platform with it; empty where it doesn't."""
        if self._is(summary.digest):
            return f"its digest is {summary.digest.short}" if summary.digest else ""
        for image in summary.platforms:
            if self._is(image.digest):
                return f"its {image.platform or 'manifest'} is {image.digest.short}"
        return ""

    def _is(self, digest: Digest | None) -> bool:
        return digest is not None and digest.encoded.startswith(self.hexadecimal)


class Names:
    """The tags of all repositories, as far as they are listed."""

    def __init__(self) -> None:
        self._tags: dict[str, Sequence[str]] = {}

    @property
    def repositories(self) -> int:
        return len(self._tags)

    @property
    def total(self) -> int:
        return sum(map(len, self._tags.values()))

    def add(self, repository: str, tags: Sequence[str]) -> None:
        self._tags[repository] = tuple(tags)

    def snapshot(self) -> dict[str, Sequence[str]]:
        """For a thread, which may take its time."""
        return dict(self._tags)


def named_in(query: Query, repository: str, tags: Iterable[str]) -> Iterator[Hit]:
    """The tags of one repository that have the name."""
    return (Hit(repository, tag) for tag in tags if query.is_name(repository, tag))


def named(query: Query, tags: Iterable[tuple[str, Sequence[str]]]) -> tuple[list[Hit], bool]:
    """(the first hits by name, in the order of repositories; whether there are more)."""
    hits: list[Hit] = []
    if not query.words:
        return hits, False
    for repository, names in sorted(tags):
        for hit in named_in(query, repository, names):
            if len(hits) == MOST:
                return hits, True
            hits.append(hit)
    return hits, False

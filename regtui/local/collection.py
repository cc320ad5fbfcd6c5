"""What the registry's garbage collector would find: mark, then list what is left over.

Each version's quirks are kept, since they are what a user has to be warned of: 2.x with delete-untagged takes
the children of tagged indexes, stops at a repository that was never tagged, and keeps links to swept blobs.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from regtui.local.dialect import Dialect
from regtui.local.stored import Blob, Repository


class LocalCollectionFailed(Exception):
    """The collector stopped before it freed anything. The message is what it prints on stderr."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What one run frees, or would free."""

    marked: int
    """How many digests are in use."""
    blobs: Mapping[str, int]
    """The blobs freed, with their sizes."""
    manifests: tuple[tuple[str, str], ...]
    """(repository, digest) of untagged manifests; their bytes are among the blobs unless still in use."""
    layer_links: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    """What the collector prints on stdout."""

    @property
    def bytes(self) -> int:
        return sum(self.blobs.values())


def references(data: bytes) -> list[str]:
    """The digests a manifest or an index needs: config and layers, or children. A subject is not among them."""
    manifest: Any = json.loads(data)
    if "manifests" in manifest:
        return [child["digest"] for child in manifest["manifests"] or ()]
    config = [manifest["config"]] if "config" in manifest else []
    return [entry["digest"] for entry in (*config, *(manifest.get("layers") or ()))]


def collect(
    blobs: Mapping[str, Blob],
    repositories: Mapping[str, Repository],
    dialect: Dialect,
    delete_untagged: bool,
) -> Collected:
    """Finds what can go, and changes nothing."""
    return _Marking(blobs, dialect, delete_untagged).over(repositories)


class _Marking:
    def __init__(self, blobs: Mapping[str, Blob], dialect: Dialect, delete_untagged: bool) -> None:
        self._blobs = blobs
        self._dialect = dialect
        self._delete_untagged = delete_untagged
        self._marked: set[str] = set()
        self._lines: list[str] = []
        self._untagged: list[tuple[str, str]] = []

    def over(self, repositories: Mapping[str, Repository]) -> Collected:
        visible = [repositories[name] for name in sorted(repositories) if self._sees(repositories[name])]
        links: list[tuple[str, str]] = []
        for repository in visible:
            self._mark(repository)
            if self._dialect.collector_unlinks_layers:
                links += [(repository.name, link) for link in repository.layers if link not in self._marked]
        if self._dialect.collector_spares_children:
            self._untagged = [entry for entry in self._untagged if entry[1] not in self._marked]
            self._lines += [
                f"manifest eligible for deletion: {{{name} {digest} [{' '.join(sorted(repositories[name].tags))}]}}"
                for name, digest in self._untagged
            ]
        freed = {digest: blob.size for digest, blob in self._blobs.items() if digest not in self._marked}
        return Collected(
            marked=len(self._marked),
            blobs=freed,
            manifests=tuple(self._untagged),
            layer_links=tuple(links),
            lines=(*self._lines, *self._summary(freed, links)),
        )

    def _sees(self, repository: Repository) -> bool:
        return repository.has_layers if self._dialect.listed_by_layers else repository.has_manifests

    def _mark(self, repository: Repository) -> None:
        self._lines.append(repository.name)
        tagged = set(repository.tags.values())
        for digest in sorted(repository.revisions):
            if digest not in self._blobs:
                continue  # the collector skips it without a word, and then sweeps that image's layers
            if self._delete_untagged and digest not in tagged:
                self._eligible(repository, digest)
                continue
            self._lines.append(f"{repository.name}: marking manifest {digest} ")
            self._marked.add(digest)
            for needed in self._needs(repository, digest):
                self._lines.append(f"{repository.name}: marking blob {needed}")

    def _eligible(self, repository: Repository, digest: str) -> None:
        if repository.was_tagged:
            self._untagged.append((repository.name, digest))
            if not self._dialect.collector_spares_children:
                self._lines.append(f"manifest eligible for deletion: {digest}")
        elif self._dialect.collector_spares_children:
            self._lines.append(f"manifest tags path of repository {repository.name} does not exist")
        else:
            raise LocalCollectionFailed(
                "failed to garbage collect: failed to mark: failed to retrieve tags "
                f"unknown repository name={repository.name}"
            )

    def _needs(self, repository: Repository, digest: str) -> Iterator[str]:
        """Marks what the manifest refers to. 3.x names each once, and goes into children; 2.x does neither."""
        data = self._blobs[digest].data
        for needed in references(data) if data is not None else ():
            known = needed in self._marked
            self._marked.add(needed)
            if not self._dialect.collector_spares_children:
                yield needed
            elif not known:
                yield needed
                if needed in repository.revisions and needed in self._blobs:
                    yield from self._needs(repository, needed)

    def _summary(self, freed: Mapping[str, int], links: list[tuple[str, str]]) -> Iterator[str]:
        yield ""
        yield (
            f"{len(self._marked)} blobs marked, {len(freed)} blobs and "
            f"{len(self._untagged)} manifests eligible for deletion"
        )
        for digest in freed:
            yield f"blob eligible for deletion: {digest}"
        for name, digest in links:
            yield f"{name}: layer link eligible for deletion: {digest}"

"""Which manifests of a repository something still reaches."""

import json
from collections.abc import Iterable

from regtui.local.collection import references
from regtui.local.memory import MemoryStorage
from regtui.local.stored import Repository


def untagged(storage: MemoryStorage, repository: Repository) -> list[str]:
    """Digests that no tag, no index and no referrer reaches, in the order in which they were pushed."""
    reached: set[str] = set()
    left = list(repository.tags.values())
    referrers = {digest: _subject(storage, digest) for digest in repository.revisions}
    while left:
        digest = left.pop()
        if digest in reached or digest not in repository.revisions:
            continue
        reached.add(digest)
        left += _needs(storage, digest)
        left += [referrer for referrer, subject in referrers.items() if subject == digest]
        left += [referrers[digest]] * bool(referrers[digest])
    return [digest for digest in repository.revisions if digest not in reached]


def children_of_tagged(storage: MemoryStorage, repository: Repository) -> set[str]:
    """Untagged manifests below a tagged index: what --delete-untagged takes on 2.x."""
    tagged = set(repository.tags.values())
    below = {child for digest in tagged for child in _needs(storage, digest)}
    return {digest for digest in below - tagged if digest in repository.revisions}


def missing_blobs(storage: MemoryStorage, digests: Iterable[str]) -> list[str]:
    """What of these manifests, and of everything below them, isn't in the storage."""
    left, seen, missing = list(digests), set[str](), []
    while left:
        digest = left.pop()
        if digest not in seen:
            seen.add(digest)
            missing += [digest] * (digest not in storage.blobs)
            left += _needs(storage, digest)
    return missing


def _needs(storage: MemoryStorage, digest: str) -> list[str]:
    data = _data(storage, digest)
    try:
        return references(data) if data is not None else []
    except (ValueError, KeyError, TypeError):  # a layer, or what isn't a manifest
        return []


def _subject(storage: MemoryStorage, digest: str) -> str:
    data = _data(storage, digest)
    try:
        subject = json.loads(data).get("subject") if data is not None else None
    except (ValueError, AttributeError):
        return ""
    return subject.get("digest", "") if isinstance(subject, dict) else ""


def _data(storage: MemoryStorage, digest: str) -> bytes | None:
    blob = storage.blobs.get(digest)
    return blob.data if blob is not None else None

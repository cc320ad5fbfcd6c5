"""What deleting some of many images would free."""

from collections.abc import Iterable

from regtui import bounds
from regtui.listing.summary import Blob
from regtui.oci.digest import Digest


class BlobUses:
    """Counts how many rows use each blob, and keeps one pair for each, which all rows share.

    Memory: some 250 bytes for each different blob, and 8 for each use of one.
    """

    __slots__ = ("_count", "_pairs", "_uses")

    def __init__(self) -> None:
        self._count = 0
        self._pairs: dict[Digest, Blob] = {}
        self._uses: dict[Digest, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether more of them would be too many."""
        return len(self._pairs) >= bounds.BLOBS or self._count >= 10 * bounds.BLOBS

    def add(self, blobs: Iterable[Blob]) -> tuple[Blob, ...]:
        """Counts one more user of each; returns equal pairs that are shared with all other users."""
        shared = []
        for blob in blobs:
            digest = blob[0]
            pair = self._pairs.setdefault(digest, blob)
            self._uses[pair[0]] = self._uses.get(digest, 0) + 1
            shared.append(pair)
        self._count += len(shared)
        return tuple(shared)

    def remove(self, blobs: Iterable[Blob]) -> None:
        """Takes back what `add` counted."""
        for digest, _ in blobs:
            self._count -= 1
            left = self._uses[digest] - 1
            if left:
                self._uses[digest] = left
            else:
                del self._uses[digest], self._pairs[digest]

    def freed_by(self, users: Iterable[Iterable[Blob]]) -> int:
        """Bytes of the blobs that nobody but `users` uses, each once."""
        counted: dict[Blob, int] = {}
        for blobs in users:
            for blob in blobs:
                counted[blob] = counted.get(blob, 0) + 1
        return sum(size for (digest, size), count in counted.items() if count == self._uses[digest])


def sizes(users: Iterable[Iterable[Blob]], others: Iterable[Iterable[Blob]]) -> tuple[int, int]:
    """(bytes of all blobs of `users`, bytes of those that none of `others` uses), each blob once."""
    held = {blob for blobs in users for blob in blobs}
    shared = {digest for blobs in others for digest, _ in blobs}
    return sum(size for _, size in held), sum(size for digest, size in held if digest not in shared)

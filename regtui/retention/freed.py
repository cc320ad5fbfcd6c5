"""How many bytes a plan over many repositories frees: each blob once, and none that stays in another repository.

A registry has millions of blobs, so they are counted on disk: eight bytes of a digest are enough to tell them apart.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from types import TracebackType
from typing import Final, Self

from regtui.deletion.values import Contents
from regtui.oci.digest import Digest

_SCHEMA: Final = "CREATE TABLE blobs (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, stays INTEGER NOT NULL)"
_GOES: Final = "INSERT OR IGNORE INTO blobs VALUES (?, ?, 0)"
_STAYS: Final = "INSERT INTO blobs VALUES (?, ?, 1) ON CONFLICT (id) DO UPDATE SET stays = 1"
# What SQLite holds in memory, in KiB; the rest is in a file that has no name.
_CACHE: Final = 8 * 1024


class FreedBytes:
    """Takes repositories in one after the other. To be closed."""

    def __init__(self) -> None:
        # An empty name: a file of SQLite's own, which it removes.
        self._blobs = sqlite3.connect("", isolation_level=None)
        self._blobs.execute(f"PRAGMA cache_size = -{_CACHE}")
        self._blobs.execute("PRAGMA journal_mode = OFF")
        self._blobs.execute("PRAGMA synchronous = OFF")
        self._blobs.execute(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blobs.close()

    def add(self, contents: Contents, going: Collection[Digest]) -> None:
        """A repository of which the manifests `going` are deleted, and all others stay."""
        gone = set(going)
        self._blobs.execute("BEGIN")
        for digest, manifest in contents.manifests.items():
            rows = _rows({digest: len(manifest.body), **manifest.blobs})
            self._blobs.executemany(_GOES if digest in gone else _STAYS, rows)
        self._blobs.execute("COMMIT")

    def clear(self) -> None:
        """Nothing was added yet."""
        self._blobs.execute("DELETE FROM blobs")

    @property
    def total(self) -> int:
        """Bytes that nothing uses any more, of what was added."""
        (count,) = self._blobs.execute("SELECT coalesce(sum(size), 0) FROM blobs WHERE NOT stays").fetchone()
        return int(count)


def _rows(sizes: Mapping[Digest, int]) -> Iterable[tuple[int, int]]:
    return ((_number(digest), size) for digest, size in sizes.items())


def _number(digest: Digest) -> int:
    """The first eight bytes of a digest, as SQLite's integers are: with a sign."""
    encoded = digest.encoded if digest.algorithm.startswith("sha") else Digest.of(digest.encode()).encoded
    return int(encoded[:16], 16) - (1 << 63)

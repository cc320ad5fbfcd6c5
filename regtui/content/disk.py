"""Manifests and configs kept between runs, and which tag had which digest: SQLite in the user's cache directory.

Content is kept once, whichever registries it came from, since a digest names the same bytes everywhere. But it is given
only to who has sent it, a registry and its user: what is read here may be sent back, to put back what is lost, and a
registry that names the digest of another one's config must not get it so. That it is here proves nothing of any
repository: it is for the store above to ask for it only after the registry has named that digest there. What cannot be
public, names of repositories and tags, is kept for each registry and user as well.

A cache is worth no trouble: nothing here raises. What can't be read isn't there, what can't be written is let go, and
the log says why. Safe with several processes at once and after kill -9 (write-ahead log; at most the last seconds are
lost), and safe to delete at any time.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from regtui.oci.digest import Digest
from regtui.private_files import make_private, open_private
from regtui.registry.values import FetchedManifest

log: Final = logging.getLogger("regtui.content")

CAPACITY: Final = 256 * 1024 * 1024
# An upper bound of what tags cost: 100 bytes each.
_MOST_TAGS: Final = 500_000
# Under this of the capacity, so that not every write has to make room.
_AFTER_EVICTION: Final = 0.9
# SQLite's own limit of parameters is far above.
_AT_ONCE: Final = 500
# Another regtui may be writing: a batch takes it some milliseconds.
_BUSY_SECONDS: Final = 2.0
_DAY: Final = 24 * 3600

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE content (
    digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, body BLOB NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL
);
CREATE INDEX content_by_use ON content (used, size);
CREATE TABLE repositories (
    id INTEGER PRIMARY KEY, origin TEXT NOT NULL, name TEXT NOT NULL, used INTEGER NOT NULL, UNIQUE (origin, name)
);
CREATE TABLE tags (
    repository INTEGER NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (repository, tag)
) WITHOUT ROWID;
"""

# Beside the schema, of any version: an earlier regtui goes on with the rest, and what it keeps is nobody's.
_ORIGINS: Final = """
CREATE TABLE IF NOT EXISTS origins (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS senders (
    digest TEXT NOT NULL, origin INTEGER NOT NULL, PRIMARY KEY (digest, origin)
) WITHOUT ROWID;
"""
_SELECT: Final = (
    "SELECT content.digest, media_type, body FROM content JOIN senders ON senders.digest = content.digest "
    "WHERE origin = (SELECT id FROM origins WHERE name = ?) AND content.digest IN ({})"
)

Tags = Mapping[str, Digest]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """What is kept. `size`: bytes of content; `on_disk`: bytes that the file takes."""

    file: Path
    entries: int = 0
    size: int = 0
    tags: int = 0
    on_disk: int = 0


class Disk:
    """Every method blocks. For one thread at a time. `capacity` in bytes of content; what was used least recently goes
    first."""

    def __init__(self, file: Path, capacity: int = CAPACITY) -> None:
        self.file = file
        self._capacity = capacity
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._readable = self._writable = True
        self._used: set[Digest] = set()

    def read(self, origin: str, digests: Collection[Digest]) -> dict[Digest, FetchedManifest]:
        """Those of `digests` that `origin` has sent and are kept, each verified: a damaged one is dropped."""

        def found(connection: sqlite3.Connection) -> dict[Digest, FetchedManifest]:
            kept: dict[Digest, FetchedManifest] = {}
            damaged: list[Digest] = []
            for some in _parts(list(digests)):
                select = _SELECT.format(",".join("?" * len(some)))
                for text, media_type, body in connection.execute(select, (origin, *some)):
                    digest = Digest.or_none(text)
                    if digest is not None and isinstance(body, bytes) and digest.matches(body):
                        kept[digest] = FetchedManifest(digest, str(media_type), body)
                    else:
                        damaged.append(text)
            if damaged:
                log.warning("%s: %d entries are not what their digest says; dropped", self.file, len(damaged))
                _drop(connection, damaged)
            self._used.update(kept)
            return kept

        return self._try(found, {}) if self._readable else {}

    def digests(self, most: int) -> set[str] | None:
        """Of all that is kept now, whoever sent it; None where that is more than `most`, or can't be read."""

        def found(connection: sqlite3.Connection) -> set[str] | None:
            rows = connection.execute("SELECT digest FROM content LIMIT ?", (most + 1,)).fetchall()
            return {text for (text,) in rows} if len(rows) <= most else None

        return self._try(found, None) if self._readable else None

    def tags(self, origin: str, repository: str) -> dict[str, Digest]:
        """The digests that the repository's tags had, of those whose manifest is kept."""

        def found(connection: sqlite3.Connection) -> dict[str, Digest]:
            rows = connection.execute(
                "SELECT tag, tags.digest FROM tags JOIN repositories ON repositories.id = tags.repository "
                "JOIN content ON content.digest = tags.digest WHERE origin = ? AND name = ?",
                (origin, repository),
            )
            return {str(tag): digest for tag, text in rows if (digest := Digest.or_none(text)) is not None}

        return self._try(found, {}) if self._readable else {}

    def write(self, sent: Mapping[str, Iterable[FetchedManifest]], tags: Mapping[tuple[str, str], Tags]) -> None:
        """Keeps what each origin has `sent`, and that the tags of (origin, repository) have these digests; in one
        transaction.

        What isn't what its digest says stays out: of the signed schema 1, the digest is that of a part.
        """
        now = int(time.time())
        rows = {
            origin: [
                (content.digest, content.media_type, content.body, len(content.body), now)
                for content in contents
                if len(content.body) <= self._capacity // 4 and content.digest.matches(content.body)
            ]
            for origin, contents in sent.items()
        }

        def written(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                for origin, some in rows.items():
                    connection.executemany("INSERT OR IGNORE INTO content VALUES (?, ?, ?, ?, ?)", some)
                    connection.execute("INSERT OR IGNORE INTO origins (name) VALUES (?)", (origin,))
                    connection.executemany(
                        "INSERT OR IGNORE INTO senders SELECT ?, id FROM origins WHERE name = ?",
                        [(row[0], origin) for row in some],
                    )
                for (origin, repository), digests in tags.items():
                    number = _repository(connection, origin, repository, now)
                    connection.executemany(
                        "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)",
                        [(number, tag, digest) for tag, digest in digests.items()],
                    )
                connection.executemany(
                    "UPDATE content SET used = ? WHERE digest = ? AND used < ?",
                    # Once a day is enough to tell what isn't used any more.
                    [(now, digest, now - _DAY) for digest in self._used],
                )
                self._make_room(connection)
            self._used.clear()

        if self._writable:
            self._try(written, None)

    def keep_only(self, origin: str, repository: str, tags: Collection[str]) -> None:
        """Forgets the tags of the repository that aren't among `tags`."""

        def forgotten(connection: sqlite3.Connection) -> None:
            row = connection.execute(
                "SELECT id FROM repositories WHERE origin = ? AND name = ?", (origin, repository)
            ).fetchone()
            if row is None:
                return
            kept = {tag for (tag,) in connection.execute("SELECT tag FROM tags WHERE repository = ?", row)}
            with _transaction(connection):
                connection.executemany(
                    "DELETE FROM tags WHERE repository = ? AND tag = ?", [(row[0], tag) for tag in kept - set(tags)]
                )

        if self._writable:
            self._try(forgotten, None)

    def usage(self) -> DiskUsage:
        def counted(connection: sqlite3.Connection) -> DiskUsage:
            entries, size = connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM content").fetchone()
            (tags,) = connection.execute("SELECT count(*) FROM tags").fetchone()
            return DiskUsage(self.file, entries, size, tags, sum(map(_size, self._files()[:2])))

        # Looking must not be what makes the file.
        return self._try(counted, DiskUsage(self.file)) if self.file.exists() else DiskUsage(self.file)

    def clear(self) -> None:
        """Nothing is kept any more. Other processes that use it go on with an empty one."""

        def cleared(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                for table in ("content", "tags", "repositories", "senders", "origins"):
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 (a name of ours)
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        if self.file.exists():
            self._try(cleared, None)
        for file in self._files():
            _set_aside_name(file).unlink(missing_ok=True)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # Within

    def _try(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        for _ in range(2):
            try:
                return work(self._opened())
            except (sqlite3.Error, OSError) as error:
                if not self._goes_on(error):
                    break
        return otherwise

    def _goes_on(self, error: sqlite3.Error | OSError) -> bool:
        """Whether trying again may help; else, what from now on isn't tried any more."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        log.warning("%s: %s", self.file, error)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            return self._set_aside()
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return False  # It was another's turn. The next one may be ours.
        self._writable = False
        if code not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY):
            self._readable = False
        return False

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            make_private(self.file.parent)
            # SQLite's own files beside it get the rights of this one.
            descriptor = open_private(self.file, os.O_RDWR | os.O_CREAT, closes=True)
            self._inode = os.fstat(descriptor).st_ino
            os.close(descriptor)
            connection = sqlite3.connect(
                self.file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _set_aside(self) -> bool:
        """Moves a file that can't be used out of the way: the next one is made anew."""
        self.close()
        try:
            # Unless another process has done so already, and this is the new one.
            if self.file.stat().st_ino == self._inode:
                for file in self._files():
                    if file.exists():
                        file.replace(_set_aside_name(file))
        except OSError as error:
            log.warning("%s can't be set aside: %s", self.file, error)
            self._readable = self._writable = False
            return False
        return True

    def _files(self) -> list[Path]:
        return [self.file.with_name(self.file.name + suffix) for suffix in ("", "-wal", "-shm")]

    def _make_room(self, connection: sqlite3.Connection) -> None:
        (size,) = connection.execute("SELECT coalesce(sum(size), 0) FROM content").fetchone()
        if size > self._capacity:
            going, surplus = [], size - self._capacity * _AFTER_EVICTION
            for digest, length in connection.execute("SELECT digest, size FROM content ORDER BY used, size"):
                if surplus <= 0:
                    break
                going.append(digest)
                surplus -= length
            _drop(connection, going)
        (tags,) = connection.execute("SELECT count(*) FROM tags").fetchone()
        while tags > _MOST_TAGS:
            (oldest,) = connection.execute("SELECT id FROM repositories ORDER BY used LIMIT 1").fetchone()
            tags -= connection.execute("DELETE FROM tags WHERE repository = ?", (oldest,)).rowcount
            connection.execute("DELETE FROM repositories WHERE id = ?", (oldest,))


class _transaction:  # noqa: N801 - used like a function
    """All of it or nothing, the lock taken at the beginning: two that read before they write would lock each other."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._connection.execute("COMMIT")
        elif self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # The last commits may be lost with the power, never the file.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA trusted_schema = OFF")
    if _version(connection) == _VERSION and _has_senders(connection):
        return
    with _transaction(connection):
        version = _version(connection)
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"it is of version {version}, which isn't known")
        # Not by executescript: that would end the transaction.
        for statement in filter(str.strip, f"{_SCHEMA if version == 0 else ''}{_ORIGINS}".split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


def _has_senders(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'senders'").fetchone() is not None


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _drop(connection: sqlite3.Connection, digests: Iterable[str]) -> None:
    rows = [(digest,) for digest in digests]
    connection.executemany("DELETE FROM content WHERE digest = ?", rows)
    connection.executemany("DELETE FROM senders WHERE digest = ?", rows)


def _repository(connection: sqlite3.Connection, origin: str, name: str, now: int) -> int:
    connection.execute(
        "INSERT INTO repositories (origin, name, used) VALUES (?, ?, ?) "
        "ON CONFLICT (origin, name) DO UPDATE SET used = excluded.used",
        (origin, name, now),
    )
    row = connection.execute("SELECT id FROM repositories WHERE origin = ? AND name = ?", (origin, name)).fetchone()
    number: int = row[0]
    return number


def _parts(digests: Sequence[Digest]) -> Iterator[Sequence[Digest]]:
    for start in range(0, len(digests), _AT_ONCE):
        yield digests[start : start + _AT_ONCE]


def _set_aside_name(file: Path) -> Path:
    return file.with_name(file.name.replace("content", "content.damaged", 1))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0

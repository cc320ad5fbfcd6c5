"""When the images of registries were last pulled and pushed, as their logs told: SQLite in the user's state directory.

Logs are rotated away, so what they told is kept, and from when to when it was told without a gap. One log counts for
each registry: where another is read, what was known without a gap is that one's alone.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from regtui import bounds
from regtui.errors import reason_of
from regtui.oci.digest import Digest
from regtui.private_files import make_private, open_private
from regtui.registry.identity import RegistryId
from regtui.retention.access_log import LoggedImages
from regtui.retention.errors import SourceFailed
from regtui.retention.log_source import ReadBefore
from regtui.retention.values import UNKNOWN_PULLS, Pulls

_VERSION: Final = 2
# Of a file that a version before this one made.
_CHANGES: Final = {1: "ALTER TABLE registries ADD COLUMN sum TEXT NOT NULL DEFAULT ''"}
_SCHEMA: Final = """
CREATE TABLE registries (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, log TEXT NOT NULL DEFAULT '', inode INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0, sum TEXT NOT NULL DEFAULT ''
);
CREATE TABLE images (
    registry INTEGER NOT NULL, repository TEXT NOT NULL, reference TEXT NOT NULL, pulled INTEGER, pushed INTEGER,
    PRIMARY KEY (registry, repository, reference)
) WITHOUT ROWID;
CREATE TABLE spans (registry INTEGER NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL);
"""
_UPSERT: Final = """
INSERT INTO images (registry, repository, reference, {column}) VALUES (?, ?, ?, ?)
ON CONFLICT (registry, repository, reference) DO UPDATE SET {column} = max(coalesce({column}, 0), excluded.{column})
"""
_BUSY_SECONDS: Final = 10.0
# A log in which nobody asked anything for longer may not be the registry's any more.
_SILENT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A time of which every pull is known."""

    begin: datetime
    end: datetime


class PullStore:
    """Every method blocks. Raises SourceFailed where the file can't be read or written."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read_before(self, registry: RegistryId, log: str) -> ReadBefore:
        """How far that log was read; nothing where another was, or none."""
        with self._open() as connection:
            id_ = _id(connection, registry)
            row = connection.execute(
                "SELECT inode, size, sum FROM registries WHERE id = ? AND log = ?", (id_, log)
            ).fetchone()
            end = connection.execute("SELECT max(end) FROM spans WHERE registry = ?", (id_,)).fetchone()[0]
        return ReadBefore(row[0], row[1], end or 0, row[2]) if row else ReadBefore()

    def add(self, registry: RegistryId, log: str, images: LoggedImages, place: ReadBefore, *, continues: bool) -> None:
        """What was read now. `place`: how far. `continues`: from where the same log was read to before."""
        with self._open() as connection:
            id_ = _id(connection, registry)
            known = connection.execute("SELECT log FROM registries WHERE id = ?", (id_,)).fetchone()[0]
            if known != log:
                connection.execute("DELETE FROM spans WHERE registry = ?", (id_,))
            for column, times in (("pulled", images.pulled), ("pushed", images.pushed)):
                rows = [(id_, *name, int(time.timestamp())) for name, time in times.items()]
                connection.executemany(_UPSERT.format(column=column), rows)
            if images.begin is not None and images.end is not None:
                _add_span(connection, id_, images.begin, images.end, continues=continues and known == log)
            connection.execute(
                "UPDATE registries SET log = ?, inode = ?, size = ?, sum = ? WHERE id = ?",
                (log, place.inode, place.size, place.sum, id_),
            )
            count = connection.execute("SELECT count(*) FROM images WHERE registry = ?", (id_,)).fetchone()[0]
            if count > bounds.PULLED_NAMES:
                connection.execute("DELETE FROM images WHERE registry = ?", (id_,))
                connection.execute("DELETE FROM spans WHERE registry = ?", (id_,))

    def add_pushes(self, registry: RegistryId, pushed: Mapping[tuple[str, str], datetime]) -> None:
        """When tags were pushed, as the storage tells."""
        with self._open() as connection:
            id_ = _id(connection, registry)
            (known,) = connection.execute("SELECT count(*) FROM images WHERE registry = ?", (id_,)).fetchone()
            if known + len(pushed) > bounds.PULLED_NAMES:
                return
            rows = [(id_, *name, int(time.timestamp())) for name, time in pushed.items()]
            connection.executemany(_UPSERT.format(column="pushed"), rows)

    def spans(self, registry: RegistryId) -> tuple[Span, ...]:
        """The oldest first; between two of them is a gap."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT begin, end FROM spans WHERE registry = ? ORDER BY begin", (_id(connection, registry),)
            ).fetchall()
        return tuple(Span(_moment(begin), _moment(end)) for begin, end in rows)

    def of(self, registry: RegistryId, repository: str, now: datetime) -> Pulls:
        if not self._file.exists():
            return UNKNOWN_PULLS
        with self._open(writes=False) as connection:
            id_ = _known_id(connection, registry)
            rows = connection.execute(
                "SELECT reference, pulled, pushed FROM images WHERE registry = ? AND repository = ?", (id_, repository)
            ).fetchall()
            last = connection.execute(
                "SELECT begin, end FROM spans WHERE registry = ? ORDER BY end DESC LIMIT 1", (id_,)
            ).fetchone()
        since = _moment(last[0]) if last and now - _moment(last[1]) <= _SILENT else None
        pulled = {reference: _moment(time) for reference, time, _ in rows if time is not None}
        return Pulls(
            {name: time for name, time in pulled.items() if ":" not in name},
            {digest: time for name, time in pulled.items() if (digest := Digest.or_none(name))},
            since,
            {name: _moment(time) for name, _, time in rows if time is not None and ":" not in name},
        )

    @contextmanager
    def _open(self, *, writes: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        try:
            make_private(self._file.parent)
            # Made private before SQLite opens it, and never a link.
            os.close(open_private(self._file, os.O_RDWR | os.O_CREAT, closes=True))
            with closing(sqlite3.connect(self._file, timeout=_BUSY_SECONDS)) as connection:
                if writes:
                    connection.execute("PRAGMA journal_mode = WAL")
                with connection:
                    connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                    _check_version(connection)
                    yield connection
        except (OSError, sqlite3.Error) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            raise SourceFailed(f"{self._file} can't be used: {reason}.", "Move it away: it is made anew.") from None


@dataclass(frozen=True, slots=True)
class StoredPulls:
    """What is known of one registry's pulls (`PullRecord`)."""

    store: PullStore
    registry: RegistryId

    def of(self, repository: str) -> Pulls:
        return self.store.of(self.registry, repository, datetime.now(UTC))


def _check_version(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    elif version in _CHANGES:
        connection.execute(_CHANGES[version])
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    elif version != _VERSION:
        raise sqlite3.DatabaseError("it is of another version of regtui")


def _id(connection: sqlite3.Connection, registry: RegistryId) -> int:
    connection.execute("INSERT OR IGNORE INTO registries (name) VALUES (?)", (str(registry),))
    return _known_id(connection, registry)


def _known_id(connection: sqlite3.Connection, registry: RegistryId) -> int:
    """0 where nothing is known of it."""
    row = connection.execute("SELECT id FROM registries WHERE name = ?", (str(registry),)).fetchone()
    return row[0] if row else 0


def _add_span(connection: sqlite3.Connection, id_: int, begin: datetime, end: datetime, *, continues: bool) -> None:
    """Joined with those that it touches."""
    first, last = int(begin.timestamp()), int(end.timestamp())
    if continues:
        (known,) = connection.execute("SELECT max(end) FROM spans WHERE registry = ?", (id_,)).fetchone()
        first = min(first, known) if known is not None else first
    touched = (id_, last, first)
    found = connection.execute(
        "SELECT min(begin), max(end) FROM spans WHERE registry = ? AND begin <= ? AND end >= ?", touched
    ).fetchone()
    connection.execute("DELETE FROM spans WHERE registry = ? AND begin <= ? AND end >= ?", touched)
    known_first, known_last = (found[0], found[1]) if found[0] is not None else (first, last)
    # A clock that was wrong for a moment must not be believed for years.
    ahead = int(time.time()) + 24 * 3600
    joined = (id_, min(first, known_first), min(max(last, known_last), ahead))
    connection.execute("INSERT INTO spans (registry, begin, end) VALUES (?, ?, ?)", joined)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

"""Content on disk: verified, bounded, shared by processes, and never a reason to fail."""

import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from regtui.content.disk import Disk
from regtui.oci.digest import Digest
from regtui.oci.media_type import DOCKER_SCHEMA1_SIGNED, OCI_MANIFEST
from regtui.registry.values import FetchedManifest

ORIGIN = "ci@registry.example.com"


def content(body: bytes) -> FetchedManifest:
    return FetchedManifest(Digest.of(body), OCI_MANIFEST, body)


def numbered(count: int, size: int = 100) -> list[FetchedManifest]:
    return [content(f"{number:0{size}}".encode()) for number in range(count)]


def tags(
    names: Mapping[str, FetchedManifest], repository: str = "team/app"
) -> dict[tuple[str, str], dict[str, Digest]]:
    return {(ORIGIN, repository): {name: one.digest for name, one in names.items()}}


def digests(contents: Iterable[FetchedManifest]) -> list[Digest]:
    return [one.digest for one in contents]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "regtui" / "content.sqlite"


@pytest.fixture
def disk(file: Path) -> Disk:
    return Disk(file)


@pytest.fixture(autouse=True)
def _all_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test opens: Python 3.13 warns of databases that were left open."""
    made: list[Disk] = []
    make = Disk.__init__

    def noted(disk: Disk, *args: Any, **named: Any) -> None:
        make(disk, *args, **named)
        made.append(disk)

    monkeypatch.setattr(Disk, "__init__", noted)
    yield
    for disk in made:
        disk.close()


def test_what_was_written_is_read_by_the_next_run(disk: Disk, file: Path) -> None:
    contents = numbered(1200)
    disk.write({ORIGIN: contents}, tags({"1.0": contents[0]}))
    disk.close()
    later = Disk(file)
    assert later.read(ORIGIN, digests(contents)) == {one.digest: one for one in contents}
    assert later.read(ORIGIN, [Digest.of(b"other")]) == {}
    assert later.tags(ORIGIN, "team/app") == {"1.0": contents[0].digest}


def test_it_is_for_this_user_alone(disk: Disk, file: Path) -> None:
    previous = os.umask(0o022)
    try:
        disk.write({ORIGIN: numbered(10)}, {})
    finally:
        os.umask(previous)
    # Beside it are the files of SQLite, while it is open.
    assert {stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()} == {0o600}
    assert len(list(file.parent.iterdir())) == 3
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_tags_are_those_of_one_registry_and_user(disk: Disk) -> None:
    one, two = numbered(2)
    disk.write({ORIGIN: [one, two]}, tags({"x": one}))
    disk.write({ORIGIN: []}, tags({"x": two, "y": two}))
    assert disk.tags(ORIGIN, "team/app") == {"x": two.digest, "y": two.digest}
    assert disk.tags("bob@registry.example.com", "team/app") == {}
    assert disk.tags("ci@other.example.com", "team/app") == {}
    assert disk.tags(ORIGIN, "team/other") == {}


def test_a_tag_without_its_content_is_not_known(disk: Disk) -> None:
    one, two = numbered(2)
    disk.write({ORIGIN: [one]}, tags({"x": one, "y": two}))
    assert disk.tags(ORIGIN, "team/app") == {"x": one.digest}


def test_tags_that_are_gone_are_forgotten(disk: Disk) -> None:
    one, *_ = contents = numbered(3)
    disk.write({ORIGIN: contents}, tags(dict(zip("abc", contents, strict=True))))
    disk.write({ORIGIN: []}, tags({"a": one}, "team/other"))
    disk.keep_only(ORIGIN, "team/app", {"b", "z"})
    assert list(disk.tags(ORIGIN, "team/app")) == ["b"]
    assert list(disk.tags(ORIGIN, "team/other")) == ["a"]


def test_what_is_not_what_its_digest_says_stays_out(disk: Disk) -> None:
    # The digest of the signed schema 1 is that of its payload.
    signed = FetchedManifest(Digest.of(b"payload"), DOCKER_SCHEMA1_SIGNED, b"payload and signatures")
    disk.write({ORIGIN: [signed]}, {})
    assert disk.usage().entries == 0


def test_an_entry_that_was_damaged_is_dropped_and_told(
    disk: Disk, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = numbered(2)
    disk.write({ORIGIN: [one, two]}, {})
    disk.close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE content SET body = ? WHERE digest = ?", (b"something else", one.digest))
    connection.close()
    assert disk.read(ORIGIN, [one.digest, two.digest]) == {two.digest: two}
    assert "not what their digest says" in caplog.text
    assert disk.usage().entries == 1
    disk.write({ORIGIN: [one]}, {})
    assert disk.read(ORIGIN, [one.digest]) == {one.digest: one}


@pytest.mark.parametrize("damage", ["text", "half", "holes"])
def test_a_damaged_file_is_set_aside_and_made_anew(disk: Disk, file: Path, damage: str) -> None:
    contents = numbered(300, 1000)
    disk.write({ORIGIN: contents}, {})
    disk.close()
    whole = file.read_bytes()
    if damage == "text":
        file.write_bytes(b"this is no database, but it is long enough to be taken for one" * 100)
    elif damage == "half":
        file.write_bytes(whole[: len(whole) // 2])
    else:
        # Behind the header and the schema.
        file.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    disk = Disk(file)
    # Nothing is found, or what is still whole; and nothing is raised.
    assert disk.read(ORIGIN, digests(contents)).items() <= {one.digest: one for one in contents}.items()
    for _ in range(2):
        disk.write({ORIGIN: contents}, {})
    assert len(disk.read(ORIGIN, digests(contents))) == 300
    assert file.with_name("content.damaged.sqlite").exists()


def test_a_file_of_a_later_version_is_left_alone(disk: Disk, file: Path) -> None:
    contents = numbered(1)
    disk.write({ORIGIN: contents}, {})
    disk.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    disk = Disk(file)
    disk.write({ORIGIN: numbered(2)}, {})
    assert disk.read(ORIGIN, digests(contents)) == {}
    disk.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM content").fetchone() == (1,)
    connection.close()


def test_the_least_recently_used_goes_first(file: Path) -> None:
    disk = Disk(file, capacity=100_000)
    contents = numbered(150, 1000)
    disk.write({ORIGIN: contents[:90]}, {})
    disk.close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE content SET used = used - 10 * 24 * 3600")
    connection.close()
    used = digests(contents[:5])
    disk.read(ORIGIN, used)
    disk.write({ORIGIN: contents[90:120]}, {})
    assert disk.usage().size <= 100_000
    assert len(disk.read(ORIGIN, used)) == 5
    assert len(disk.read(ORIGIN, digests(contents[90:120]))) == 30
    # What would take a good part of the room isn't kept at all.
    large = content(b"0" * 50_000)
    disk.write({ORIGIN: [large]}, {})
    assert disk.read(ORIGIN, [large.digest]) == {}


def test_the_file_does_not_outgrow_its_bound(file: Path) -> None:
    disk = Disk(file, capacity=500_000)
    for start in range(20):
        disk.write({ORIGIN: [content(f"{start}/{number:01000}".encode()) for number in range(200)]}, {})
    # 4 MB went through it. Closing takes SQLite's log, which may take as much for a while, into the file.
    disk.close()
    assert file.stat().st_size < 1_200_000


def test_a_full_disk_keeps_what_is_there_and_says_so_in_the_log(
    disk: Disk, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    contents = numbered(2000, 1000)
    disk.write({ORIGIN: contents[:100]}, {})
    # The same error that SQLite has from a disk without room.
    disk._opened().execute("PRAGMA max_page_count = 60")
    with caplog.at_level(logging.WARNING, "regtui.content"):
        disk.write({ORIGIN: contents[100:]}, {})
        disk.write({ORIGIN: contents[100:200]}, {})
    assert [record.getMessage() for record in caplog.records] == [f"{file}: database or disk is full"]
    assert len(disk.read(ORIGIN, digests(contents))) == 100


def test_a_file_that_may_not_grow_is_no_trouble_either(file: Path) -> None:
    """The kernel's own limit, as a quota would have it."""
    script = f"""
import resource, signal
from pathlib import Path
from tests.unit.content.test_disk import ORIGIN, Disk, digests, numbered
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
disk = Disk(Path({str(file)!r}))
for start in range(0, 2000, 100):
    disk.write({{ORIGIN: numbered(2000, 1000)[start:start + 100]}}, {{}})
disk.read(ORIGIN, digests(numbered(10)))
disk.close()
print("went on")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("went on\n", 0), done.stderr


def test_what_one_registry_sent_is_not_given_to_another(disk: Disk, file: Path) -> None:
    """It may be sent back, to put back what is lost: a registry must not get another one's config by its digest."""
    one, two = numbered(2)
    disk.write({ORIGIN: [one], "ci@other.example.com": [two]}, {})
    assert disk.read("ci@other.example.com", [one.digest, two.digest]) == {two.digest: two}
    assert disk.read("other@registry.example.com", [one.digest, two.digest]) == {}
    # Kept once, and given to both as soon as both have sent it.
    disk.write({"ci@other.example.com": [one]}, {})
    assert disk.read("ci@other.example.com", [one.digest]) == disk.read(ORIGIN, [one.digest]) == {one.digest: one}
    assert disk.usage().entries == 2


def test_what_an_earlier_version_kept_is_nobodys_until_it_is_read_again(disk: Disk, file: Path) -> None:
    contents = numbered(3)
    disk.write({ORIGIN: contents}, tags({"1.0": contents[0]}))
    disk.close()
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE senders")
        connection.execute("DROP TABLE origins")
    connection.close()
    later = Disk(file)
    assert later.read(ORIGIN, digests(contents)) == {}
    assert later.tags(ORIGIN, "team/app") == {"1.0": contents[0].digest}
    later.write({ORIGIN: contents[:1]}, {})
    assert later.read(ORIGIN, digests(contents)) == {contents[0].digest: contents[0]}


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "below").write_bytes(b"")
    disk = Disk(tmp_path / "below" / "content.sqlite")
    disk.write({ORIGIN: numbered(1)}, {})
    assert disk.read(ORIGIN, digests(numbered(1))) == {}


def test_something_else_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "content.sqlite").mkdir()
    disk = Disk(tmp_path / "content.sqlite")
    disk.write({ORIGIN: numbered(1)}, {})
    assert disk.read(ORIGIN, digests(numbered(1))) == {}
    assert disk.usage().entries == 0


_WRITES = """
import sys
from pathlib import Path
from tests.unit.content.test_disk import ORIGIN, Disk, content
disk = Disk(Path(sys.argv[1]))
print("begins", flush=True)
for start in range(int(sys.argv[2])):
    disk.write({ORIGIN: [content(f"{sys.argv[3]}/{start}/{number:0500}".encode()) for number in range(50)]}, {})
    print(start, flush=True)
disk.close()
"""


def writer(file: Path, batches: int, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WRITES, str(file), str(batches), name], stdout=subprocess.PIPE, text=True
    )


def test_several_processes_write_at_once(disk: Disk, file: Path) -> None:
    writers = [writer(file, 20, name) for name in "abc"]
    for process in writers:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert disk.usage().entries == 3 * 20 * 50


def test_kill_9_costs_the_last_batch_at_most(disk: Disk, file: Path) -> None:
    process = writer(file, 100_000, "a")
    assert process.stdout is not None
    written = -1
    for line in process.stdout:
        if line.strip() == "begins":
            continue
        written = int(line)
        if written == 30:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert written == 30
    entries = disk.usage().entries
    assert entries >= 31 * 50
    assert entries % 50 == 0
    expected = digests(content(f"a/30/{number:0500}".encode()) for number in range(50))
    assert len(disk.read(ORIGIN, expected)) == 50
    disk.write({ORIGIN: numbered(1)}, {})
    assert disk.usage().entries == entries + 1
    disk.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_clearing_leaves_nothing_and_others_go_on(disk: Disk, file: Path) -> None:
    contents = numbered(500, 1000)
    disk.write({ORIGIN: contents}, tags({"x": contents[0]}))
    other = Disk(file)
    assert len(other.read(ORIGIN, digests(contents))) == 500
    file.with_name("content.damaged.sqlite").write_bytes(b"old")
    disk.clear()
    usage = disk.usage()
    assert (usage.entries, usage.tags, usage.size) == (0, 0, 0)
    assert usage.on_disk < 200_000
    assert not file.with_name("content.damaged.sqlite").exists()
    assert other.read(ORIGIN, digests(contents)) == {}
    other.write({ORIGIN: contents[:1]}, {})
    assert disk.usage().entries == 1


def test_looking_makes_no_file(disk: Disk, file: Path) -> None:
    assert disk.usage().entries == 0
    disk.clear()
    assert not file.exists()

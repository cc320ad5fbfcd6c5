"""What is regtui's own on the disk belongs to this user alone, whatever the umask says and whoever else is there."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from regtui.cli.request_log import write_log
from regtui.content.disk import Disk
from regtui.deletion.journal_storage import Directory
from regtui.errors import SettingsError
from regtui.oci.digest import Digest
from regtui.private_files import (
    NotPrivate,
    check_ends,
    make_private,
    open_private,
    read_given,
    read_private,
    write_private,
)
from regtui.registry.identity import RegistryId
from regtui.registry.values import FetchedManifest
from regtui.settings.history import History, Left

READ, WRITE = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND
HERE = RegistryId("registry.example.com")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
SOMEBODY = 65534


@pytest.fixture(autouse=True)
def loose_umask() -> Iterator[None]:
    mask = os.umask(0)
    yield
    os.umask(mask)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_made_for_this_user_alone_and_regtui_s_own_are_closed(tmp_path: Path) -> None:
    directory = tmp_path / ".local" / "state" / "regtui" / "journal"
    make_private(directory)
    for path in (directory, *directory.parents[:3]):
        assert mode(path) == 0o700
    for path in (directory, *directory.parents[:3]):
        path.chmod(0o777)
    make_private(directory)
    assert [mode(path) for path in (directory, directory.parent)] == [0o700, 0o700]
    # What is above is not ours to change.
    assert [mode(path) for path in directory.parents[1:3]] == [0o777, 0o777]


@as_root
@pytest.mark.parametrize("whose", ["", ".."])
def test_a_folder_of_another_user_is_refused(tmp_path: Path, whose: str) -> None:
    directory = tmp_path / "regtui" / "journal"
    make_private(directory)
    os.chown((directory / whose).resolve(), SOMEBODY, -1)
    with pytest.raises(NotPrivate, match="another user's"):
        make_private(directory)


@as_root
def test_nothing_is_made_in_a_folder_of_another_user(tmp_path: Path) -> None:
    theirs = tmp_path / "regtui"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, SOMEBODY, -1)
    with pytest.raises(NotPrivate, match="another user's"):
        make_private(theirs / "journal")
    assert not list(theirs.iterdir())


def test_a_folder_that_the_user_has_put_elsewhere_by_a_link_is_used_and_not_changed(tmp_path: Path) -> None:
    """Above regtui's own, or one of its own."""
    state, elsewhere = tmp_path / ".local" / "state", tmp_path / "data"
    elsewhere.mkdir(mode=0o755)
    state.parent.mkdir()
    state.symlink_to(elsewhere)
    make_private(state / "regtui" / "journal")
    assert (mode(elsewhere), mode(elsewhere / "regtui" / "journal")) == (0o755, 0o700)
    (elsewhere / "regtui").rename(tmp_path / "moved")
    (elsewhere / "regtui").symlink_to(tmp_path / "moved")
    make_private(state / "regtui" / "journal")
    write_private(state / "regtui" / "journal" / "file", "x")
    assert (tmp_path / "moved" / "journal" / "file").read_text() == "x"


@pytest.mark.parametrize("name", ["regtui", "regtui/journal", "regtui/journal/x"])
def test_what_a_link_leads_to_is_never_closed_to_others(tmp_path: Path, name: str) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).symlink_to(shared)
    for work in (
        lambda: make_private(tmp_path / "regtui" / "journal" / "x"),
        lambda: write_private(tmp_path / "regtui" / "journal" / "x" / "file", "x"),
        lambda: Directory(tmp_path / "regtui" / "journal" / "x").create(str),
    ):
        with pytest.raises(
            NotPrivate, match=rf"link to {shared}, which is open .*\(mode 755\)\. Run: chmod 700 {shared}"
        ):
            work()
    assert mode(shared) == 0o755
    assert not list(shared.rglob("file*"))
    # As it says.
    shared.chmod(0o700)
    make_private(tmp_path / "regtui" / "journal" / "x")


@as_root
@pytest.mark.parametrize("name", ["regtui", "state", "regtui/journal"])
def test_a_link_of_another_user_is_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    way = tmp_path / "state" / "regtui" / "journal" if name == "state" else tmp_path / "regtui" / "journal"
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(tmp_path / "private")
    make_private(way)
    os.chown(place, SOMEBODY, -1, follow_symlinks=False)
    with pytest.raises(NotPrivate, match="a link of another user's"):
        make_private(way)


@pytest.mark.parametrize("loose", [0o600, 0o644])
@pytest.mark.parametrize("closes", [True, False])
def test_a_file_with_another_name_is_not_written(tmp_path: Path, loose: int, closes: bool) -> None:
    file, other = tmp_path / "file", tmp_path / "other"
    other.write_text("untouched")
    other.chmod(loose)
    file.hardlink_to(other)
    for flags in (WRITE, os.O_RDWR | os.O_CREAT):
        with pytest.raises(NotPrivate, match="another name"):
            open_private(file, flags, closes=closes)
    assert (other.read_text(), mode(other)) == ("untouched", loose)
    if loose == 0o600:
        # A copy of all by hard links, as some keep them, changes nothing of what is only read.
        assert read_private(file, closes=closes) == b"untouched"
    # It is replaced, not written.
    write_private(file, "new")
    assert (other.read_text(), file.read_text()) == ("untouched", "new")


def link(file: Path) -> None:
    (file.parent / "elsewhere").write_text("x")
    file.symlink_to(file.parent / "elsewhere")


def dangling_link(file: Path) -> None:
    file.symlink_to(file.parent / "elsewhere")


def hard_link(file: Path) -> None:
    (file.parent / "elsewhere").write_text("x")
    (file.parent / "elsewhere").chmod(0o600)
    file.hardlink_to(file.parent / "elsewhere")


def pipe(file: Path) -> None:
    os.mkfifo(file, 0o600)


def folder(file: Path) -> None:
    file.mkdir(mode=0o700)


def large(file: Path) -> None:
    file.touch()
    os.truncate(file, 4 * 1024 * 1024 + 1)


def of_another(file: Path) -> None:
    file.touch(mode=0o600)
    os.chown(file, SOMEBODY, -1)


NEVER = [link, dangling_link, pipe, folder, pytest.param(of_another, marks=as_root)]


@pytest.mark.parametrize("make", NEVER)
@pytest.mark.parametrize("flags", [READ, WRITE])
@pytest.mark.parametrize("closes", [True, False])
def test_what_somebody_else_may_have_put_there_is_not_followed(
    tmp_path: Path, make: "object", flags: int, closes: bool
) -> None:
    file = tmp_path / "file"
    assert callable(make)
    make(file)
    before = os.lstat(file)
    with pytest.raises(OSError):  # noqa: PT011 (each has its own words)
        open_private(file, flags, closes=closes)
    after = os.lstat(file)
    assert (after.st_mode, after.st_size, after.st_uid) == (before.st_mode, before.st_size, before.st_uid)


@pytest.mark.parametrize("loose", [0o644, 0o620, 0o606, 0o601, 0o777])
def test_a_file_that_is_open_to_others_is_closed_or_refused(tmp_path: Path, loose: int) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    file.chmod(loose)
    with pytest.raises(NotPrivate, match="open to other users"):
        read_private(file)
    assert mode(file) == loose
    assert read_private(file, closes=True) == b"x"
    assert mode(file) == 0o600


def test_a_link_is_replaced_where_something_is_written(tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "file", tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    file.symlink_to(elsewhere)
    write_private(file, "new")
    assert (elsewhere.read_text(), file.is_symlink(), file.read_text()) == ("untouched", False, "new")
    assert mode(file) == 0o600


@pytest.mark.parametrize("make", [*NEVER, hard_link])
def test_nothing_is_logged_into_what_isn_t_ours(tmp_path: Path, make: "object") -> None:
    file = tmp_path / "log"
    assert callable(make)
    make(file)
    with pytest.raises(SettingsError, match=f"The log file {file} can't be written: "):
        write_log(file)


@pytest.mark.parametrize("make", [link, pipe, pytest.param(of_another, marks=as_root)])
def test_a_cache_that_isn_t_ours_is_neither_read_nor_written(tmp_path: Path, make: "object") -> None:
    directory = tmp_path / "regtui"
    directory.mkdir()
    file = directory / "content.sqlite"
    assert callable(make)
    make(file)
    body = b"{}"
    disk = Disk(file)
    disk.write({"origin": [FetchedManifest(Digest.of(body), "application/json", body)]}, {})
    assert disk.read("origin", [Digest.of(body)]) == {}
    disk.close()
    assert mode(directory) == 0o700


def test_a_cache_that_is_open_to_others_is_closed(tmp_path: Path) -> None:
    file, body = tmp_path / "regtui" / "content.sqlite", b"{}"
    for _ in range(2):
        disk = Disk(file)
        disk.write({"origin": [FetchedManifest(Digest.of(body), "application/json", body)]}, {})
        assert len(disk.read("origin", [Digest.of(body)])) == 1
        disk.close()
        assert (mode(file), mode(file.parent)) == (0o600, 0o700)
        file.chmod(0o666)
        file.parent.chmod(0o777)


@pytest.mark.parametrize("make", [link, pipe, pytest.param(of_another, marks=as_root)])
def test_how_a_registry_was_left_is_not_read_from_what_isn_t_ours(tmp_path: Path, make: "object") -> None:
    file = tmp_path / "history.json"
    assert callable(make)
    make(file)
    history = History(file)
    assert history.of(HERE) == Left()
    history.keep(HERE, Left("team/app"))
    # It was replaced, not followed.
    assert history.of(HERE) == Left("team/app")
    assert not (tmp_path / "elsewhere").exists() or (tmp_path / "elsewhere").read_text() == "x"


def test_a_registry_is_found_as_it_was_left_however_it_is_called(tmp_path: Path) -> None:
    history = History(tmp_path / "history.json")
    history.keep(RegistryId.parse("http://127.0.0.1:5000", "admin@a"), Left("team/a"))
    history.keep(RegistryId.parse("http://127.0.0.1:5000", "admin@b"), Left("team/b"))
    assert history.of(RegistryId.parse("127.0.0.1:5000/", "admin@A")).repository == "team/a"
    assert history.of(RegistryId.parse("127.0.0.1:5000", "admin@b")).repository == "team/b"
    assert history.of(RegistryId.parse("127.0.0.1:5000")) == Left()
    # As earlier versions kept it.
    write_private(tmp_path / "history.json", '{"prod": {"repository": "team/old"}}')
    assert history.of(HERE, "prod").repository == "team/old"


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (pipe, "it is a pipe"),
        (lambda file: file.symlink_to("/dev/zero"), "it is a device"),
        (lambda file: file.mkdir(), "it is a directory|s a directory"),
        (large, "it is too large for such a file"),
    ],
)
def test_a_file_that_the_user_gave_has_an_end(tmp_path: Path, make: "object", what: str) -> None:
    """No matter whether somebody else reads it, as OpenSSL does."""
    file = tmp_path / "file"
    assert callable(make)
    make(file)
    with pytest.raises(OSError, match=what):
        read_given(file)
    with pytest.raises(OSError, match=what):
        check_ends(file, file.stat())


def test_a_file_that_the_user_gave_may_be_a_link_and_open_to_others(tmp_path: Path) -> None:
    (tmp_path / "dotfile").write_text("x")
    (tmp_path / "dotfile").chmod(0o644)
    (tmp_path / "file").symlink_to("dotfile")
    assert read_given(tmp_path / "file") == b"x"

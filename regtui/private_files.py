"""Files of regtui's own that belong to this user alone: what was deleted, how registries were left, what was read.

What is ours and open to others is made private where that heals it. What somebody else may have made or written is
never followed, read or written: a link, a pipe, a file or folder of another user. A folder that the user has put
elsewhere by a link is used as it is, and never changed; no file is written that has another name.
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from regtui.bounds import GIVEN_FILE, MIB

# Whose folders are made private, too, where they are above the one that is asked for.
_APP: Final = "regtui"
_OTHERS: Final = 0o077
# A pipe must not keep us waiting for whoever is at its other end.
_CAREFUL: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotPrivate(OSError):
    """It isn't this user's alone. `strerror` says what is wrong with it; it reads on after the file's name."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(0, what, str(path))


def make_private(directory: Path) -> Path:
    """Creates `directory` for this user alone; one that is open to others is closed to them, and so are those of
    regtui above it, but for what a link leads to. Raises NotPrivate where one of them is another user's, or a link to
    what is open to others, or a link anywhere above is another user's; OSError."""
    # From above: nothing is made in what turns out to be another user's.
    own = _own(directory)
    for path in reversed((directory, *directory.parents)):
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            pass
        except OSError:
            if not path.is_dir():
                raise
        _check_link(path)
        if path in own:
            _close(path)
    return directory


def open_private(path: Path, flags: int, *, closes: bool = False, devices: bool = False) -> int:
    """A handle of a regular file that nobody else can read or write; made so where it is created.

    `closes`: one of ours that is open to others is closed to them; without it that is an error, as for what must not
    have been written by anybody else. One with another name (a hard link) is neither closed nor opened for writing:
    that would change what somebody knows by the other. `devices`: may be one of those, too, /dev/null for one.
    Raises NotPrivate, FileNotFoundError, OSError.
    """
    try:
        handle = os.open(path, flags | _CAREFUL, 0o600)
    except OSError as error:
        # A link, or a pipe that nobody reads.
        if path.is_symlink() or path.is_fifo():
            raise NotPrivate(path, f"it is a {'link' if path.is_symlink() else 'pipe'}") from error
        raise
    try:
        _check(path, handle, closes=closes, devices=devices, writes=flags & os.O_ACCMODE != os.O_RDONLY)
    except BaseException:
        os.close(handle)
        raise
    os.set_blocking(handle, True)
    return handle


def read_private(path: Path, *, closes: bool = False, most: int | None = None) -> bytes:
    """The whole of such a file. Raises as `open_private`; NotPrivate also where it has more than `most` bytes."""
    with os.fdopen(open_private(path, os.O_RDONLY, closes=closes), "rb") as file:
        if most is not None and os.fstat(file.fileno()).st_size > most:
            raise NotPrivate(path, f"it has more than {most // MIB:,} MiB")
        return file.read()


def read_given(path: Path) -> bytes:
    """The whole of a file that the user has: a link is followed, others may read it. Raises NotPrivate where it is a
    pipe or a device, which may never end, or is larger than such files are; OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        check_ends(path, os.fstat(handle))
        return file.read(GIVEN_FILE)


def check_ends(path: Path, found: os.stat_result) -> None:
    """Raises NotPrivate, as `read_given`, for what somebody else is about to read."""
    if not stat.S_ISREG(found.st_mode):
        raise NotPrivate(path, f"it is {_kind(found.st_mode)}")
    if found.st_size > GIVEN_FILE:
        raise NotPrivate(path, "it is too large for such a file")


def write_private(path: Path, content: str) -> None:
    """Writes under a temporary name and renames, so that a reader, or a crash, sees the old file or the new one. What
    was there is replaced, not followed. In a folder that is made private. Raises NotPrivate, OSError."""
    make_private(path.parent)
    replace_file(path, content)


def replace_file(path: Path, content: str) -> None:
    """The same in a folder that is left as it is. Raises OSError."""
    # mkstemp's files are 0600 from the start.
    handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _own(directory: Path) -> list[Path]:
    """The folder, and those between it and regtui's own, which comes first."""
    found = [directory]
    for path in (directory, *directory.parents):
        if path not in found:
            found.append(path)
        if path.name == _APP:
            return found[::-1]
    return [directory]


def _check_link(path: Path) -> None:
    """Raises NotPrivate for a link that neither this user nor root has made: whoever did may lead it elsewhere."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) and found.st_uid not in (os.geteuid(), 0):
        raise NotPrivate(path, f"it is a link of another user's: {_user(found.st_uid)}")


def _close(path: Path) -> None:
    """Closes a folder to others. Raises NotPrivate where it isn't ours to close."""
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise NotPrivate(path, f"it is another user's: {_user(found.st_uid)}")
    mode = stat.S_IMODE(found.st_mode)
    if not mode & _OTHERS:
        return
    if path.is_symlink():
        target = path.resolve()
        raise NotPrivate(
            path, f"it is a link to {target}, which is open to other users (mode {mode:o}). Run: chmod 700 {target}"
        )
    # What was looked at is what is changed, whatever is there by now.
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(handle).st_uid == os.geteuid():
            os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def _check(path: Path, handle: int, *, closes: bool, devices: bool, writes: bool) -> None:
    found = os.fstat(handle)
    if devices and stat.S_ISCHR(found.st_mode):
        return
    if not stat.S_ISREG(found.st_mode):
        raise NotPrivate(path, f"it is {_kind(found.st_mode)}")
    if found.st_uid != os.geteuid():
        raise NotPrivate(path, f"it is another user's: {_user(found.st_uid)}")
    mode = stat.S_IMODE(found.st_mode)
    if found.st_nlink > 1 and (writes or mode & _OTHERS):
        raise NotPrivate(path, "it has another name, too (a hard link): what is written to one changes both")
    if mode & _OTHERS and closes:
        os.fchmod(handle, 0o600)
    elif mode & _OTHERS:
        raise NotPrivate(path, f"it is open to other users (mode {mode:o})")


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "no file"


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

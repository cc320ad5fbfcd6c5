"""A login that isn't root, over a real sshd and a real sudo: what it may not do is said, with the true cause."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from regtui.errors import RegtuiError
from regtui.garbage.values import Choices
from regtui.host.errors import GarbageError, HostNotAllowed, NotOnHost
from tests.integration.conftest import short_folder
from tests.support.collecting import all_pull, collect, connected, delete_half, fill, target
from tests.support.containers import must_be_root, write_program
from tests.support.programs import find_program
from tests.support.ssh_host import SshHostForTests, start_ssh_host
from tests.support.systemd import RegistryService, start_service

WHO = "nobody"
FEW = 4

# Its sudoers are ours, in a mount namespace of the session's own.
_LOGIN = """\
exec unshare -m sh -c 'mount --bind "$1" /etc/sudoers && exec {runuser} -u {who} -- sh -c "$2"' sh \\
    "{sudoers}" "$SSH_ORIGINAL_COMMAND"
"""


@dataclass(frozen=True)
class Place:
    service: RegistryService
    host: SshHostForTests
    directory: Path

    def sudoers(self, *lines: str) -> None:
        # Bound by its inode: written anew, and not replaced.
        (self.directory / "sudoers").write_text("".join(f"{line}\n" for line in lines))

    async def refusal(self, **settings: object) -> RegtuiError:
        """What a dry run fails with."""
        connection = await connected(target(self.service, self.host, **settings))
        try:
            with pytest.raises(GarbageError) as failed:
                await connection.collector().forecast(Choices())
        finally:
            await connection.close()
        assert not [call for call in self.service.calls if call.startswith("stop")]
        return failed.value


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    must_be_root("sshd")
    with short_folder() as directory:
        directory.chmod(0o755)
        (directory / "sudoers").touch(mode=0o440)
        login = directory / "login"
        write_program(
            login,
            _LOGIN.format(
                who=WHO, runuser=shutil.which("runuser", path="/usr/sbin:/sbin"), sudoers=directory / "sudoers"
            ),
        )
        programs, others = directory / "programs", directory / "others"
        programs.mkdir()
        (programs / "sudo").symlink_to(find_program("sudo"))
        others.mkdir()
        for program in Path("/usr/bin").iterdir():
            if program.name not in ("sudo", "systemctl"):
                (others / program.name).symlink_to(program)
        with (
            start_service("2.8.2", directory / "service") as service,
            start_ssh_host(directory / "host", programs, path=f"{service.bin}:{others}", login=login) as host,
        ):
            fill(service.url, images=FEW)
            monkeypatch.setenv("PATH", f"{host.path}:{os.environ['PATH']}")
            yield Place(service, host, directory)


async def test_what_sudo_refuses(place: Place) -> None:
    """Each in its own words, one after the other on one host."""
    error = await place.refusal(runtime="docker", sudo=True)
    assert isinstance(error, HostNotAllowed)
    assert "asks for a password." in error.message
    assert "NOPASSWD" in error.remedy
    place.sudoers(f"Defaults:{WHO} !authenticate", f"{WHO} ALL=(root) /bin/true")
    error = await place.refusal(runtime="docker", sudo=True)
    assert isinstance(error, HostNotAllowed)
    assert "does not allow docker" in error.message
    place.sudoers(f"Defaults:{WHO} requiretty", f"{WHO} ALL=(root) NOPASSWD: ALL")
    error = await place.refusal(runtime="docker", sudo=True)
    assert isinstance(error, HostNotAllowed)
    assert "works on a terminal only" in error.message


async def test_no_sudo(place: Place) -> None:
    (place.directory / "programs/sudo").unlink()
    error = await place.refusal(runtime="docker", sudo=True)
    assert isinstance(error, NotOnHost)
    assert "There is no sudo on" in error.message


async def test_no_right_to_the_files_without_sudo(place: Place) -> None:
    error = await place.refusal(runtime="systemd")
    assert isinstance(error, HostNotAllowed)
    assert "lacks permission" in error.message
    assert "sudo = true" in error.remedy


async def test_where_sudo_allows_it_everything_goes_through_it(place: Place) -> None:
    place.sudoers("Defaults !secure_path", f"{WHO} ALL=(root) NOPASSWD: ALL")
    connection = await connected(target(place.service, place.host, runtime="systemd", sudo=True))
    await delete_half(connection, images=FEW)
    report, _ = await collect(connection)
    await connection.close()
    assert report.is_complete, report
    assert report.freed
    all_pull(place.service.host, images=FEW)

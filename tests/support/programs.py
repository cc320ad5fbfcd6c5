"""The programs the integration tests run: what each is for, where it is found, how to get it.

`python -m tests.support.programs` lists them; with `apt`, `go` or `source` it prints what is missing and how that
kind of installer names it, which is how the Makefile knows what to install.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

# Looked at once, before any test isolates HOME: Go's programs live below the real one.
_ENVIRONMENT = dict(os.environ)
_HOME = Path.home()


@dataclass(frozen=True)
class Program:
    """A program from a Debian package (`apt`), from a Go module (`go`), or built from Go of ours (`source`: its folder
    below tests/support, whose name is the program's)."""

    name: str
    apt: str = ""
    go: str = ""
    source: str = ""
    # A string that `--version` must print, where another program may have the same name.
    version_mentions: str = ""

    @property
    def remedy(self) -> str:
        if self.source:
            return f"make programs, which builds tests/support/{self.source}   (Go 1.21 or newer)"
        return f"apt-get install {self.apt}" if self.apt else f"go install {self.go}   (Go 1.21 or newer)"


PROGRAMS = {
    program.name: program
    for program in (
        Program("docker-registry", apt="docker-registry"),
        Program("skopeo", apt="skopeo"),
        Program("nginx", apt="nginx-light"),
        Program("tmux", apt="tmux"),
        # Real containers, for garbage collection; with runc, which works on kernels where crun doesn't.
        Program("podman", apt="podman"),
        Program("runc", apt="runc"),
        Program("busybox", apt="busybox-static"),
        # The Docker Engine itself, and the first Compose.
        Program("dockerd", apt="docker.io"),
        Program("docker", apt="docker.io"),
        Program("docker-compose", apt="docker-compose"),
        Program("ip", apt="iproute2"),
        # Where some registries keep what they know of blobs.
        Program("redis-server", apt="redis-server"),
        Program("redis-cli", apt="redis-tools"),
        # What runs in a cluster; the API server is a small one of ours.
        Program("kubectl", apt="kubernetes-client"),
        # Login shells that read other words than sh.
        Program("fish", apt="fish"),
        Program("tcsh", apt="tcsh"),
        Program("zsh", apt="zsh"),
        Program("shellcheck", apt="shellcheck"),
        Program("sshd", apt="openssh-server"),
        Program("sudo", apt="sudo"),
        Program("ssh", apt="openssh-client"),
        Program("ssh-keygen", apt="openssh-client"),
        # A desktop's keyring, and libsecret's client as its witness.
        Program("dbus-daemon", apt="dbus-daemon"),
        Program("dbus-send", apt="dbus-bin"),
        Program("gnome-keyring-daemon", apt="gnome-keyring"),
        Program("secret-tool", apt="libsecret-tools"),
        Program("crane", go="github.com/google/go-containerregistry/cmd/crane@v0.22.1"),
        Program(
            "registry",
            go="github.com/distribution/distribution/v3/cmd/registry@v3.1.1",
            version_mentions=" v3.",
        ),
        # A registry's storage that is no file system.
        Program("gofakes3", go="github.com/johannesboyne/gofakes3/cmd/gofakes3@v1.2.0"),
        # None of the registries above lists what refers to an image.
        Program("referrers_registry", source="referrers_registry"),
        Program("olareg", source="olareg"),
        Program("distribution_2_7", source="distribution_2_7"),
    )
}


class ProgramMissing(Exception):
    """A test needs a program that is not installed. Skips the test, or fails it where CI is set."""

    def __init__(self, program: Program) -> None:
        super().__init__(f"NOT TESTED: {program.name} is not installed. Install it: {program.remedy}")


def find_program(name: str) -> Path:
    """The program's path; raises ProgramMissing with how to install it."""
    found = _search(name)
    if found is None:
        raise ProgramMissing(PROGRAMS[name])
    return found


@cache
def _search(name: str) -> Path | None:
    program = PROGRAMS[name]
    for folder in _folders(program):
        found = shutil.which(name, path=str(folder))
        if found and _is_the_one(Path(found), program):
            return Path(found)
    return None


def _folders(program: Program) -> Iterator[Path]:
    if program.go or program.source:
        yield CHECKOUT / ".cache" / "bin"
        yield from _go_folders()
        yield _HOME / "go" / "bin"
    yield from (Path(folder) for folder in os.get_exec_path(_ENVIRONMENT))
    # Debian leaves sbin out of the path of ordinary users, and nginx is there.
    yield Path("/usr/sbin")


@cache
def _go_folders() -> tuple[Path, ...]:
    go = shutil.which("go", path=_ENVIRONMENT.get("PATH")) or shutil.which("go", path="/usr/local/go/bin")
    if not go:
        return ()
    answer = subprocess.run([go, "env", "GOPATH"], env=_ENVIRONMENT, capture_output=True, text=True)
    return tuple(Path(folder) / "bin" for folder in answer.stdout.strip().split(os.pathsep) if folder)


def _is_the_one(path: Path, program: Program) -> bool:
    if not program.version_mentions:
        return True
    answer = subprocess.run([path, "--version"], env=_ENVIRONMENT, capture_output=True, text=True)
    return program.version_mentions in answer.stdout


def main(kind: str = "") -> int:
    """Print what is missing, or without a kind everything and where it is."""
    missing = [program for program in PROGRAMS.values() if _search(program.name) is None]
    if kind:
        print("\n".join(getattr(program, kind) for program in missing if getattr(program, kind)))
        return 0
    for program in PROGRAMS.values():
        print(f"  {program.name:<16} {_search(program.name) or 'MISSING: ' + program.remedy}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

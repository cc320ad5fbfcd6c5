"""Images of registries, built like the official ones, from the registries' own programs and busybox."""

import json
import os
import re
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tests.support.programs import find_program
from tests.support.servers import PROGRAMS

CONFIGS = {"2.8.2": "/etc/docker/registry/config.yml", "3.1.1": "/etc/distribution/config.yml"}
STORAGE = "/var/lib/registry"

_CONFIG = {
    "version": "0.1",
    "log": {"level": "info", "accesslog": {"disabled": True}},
    "storage": {
        "filesystem": {"rootdirectory": STORAGE},
        # As all images ship it: the cache that doesn't notice a collection.
        "cache": {"blobdescriptor": "inmemory"},
        "delete": {"enabled": True},
    },
    "http": {"addr": ":5000"},
}
_BUSYBOX = (
    *("sh", "awk", "cat", "dirname", "find", "grep", "head", "ls"),
    *("nc", "rm", "rmdir", "sed", "xargs", "df", "test"),
)
# The official images' own: a config file alone is served, whatever else is run as it stands.
_ENTRY_POINT = """\
#!/bin/sh
set -e
case "$1" in
    *.yaml|*.yml) set -- registry serve "$@" ;;
    serve|garbage-collect|help|-*) set -- registry "$@" ;;
esac
exec "$@"
"""


@dataclass(frozen=True)
class ImageForm:
    """`slim`: no program but the registry, which is the entry point: neither shell nor cat."""

    version: str
    slim: bool = False

    @property
    def name(self) -> str:
        return f"localhost/registry:{self.version}{'-slim' if self.slim else ''}"

    @property
    def instructions(self) -> list[str]:
        """As a Dockerfile has them."""
        config = CONFIGS[self.version]
        entry_point, command = (["registry"], ["serve", config]) if self.slim else (["/entrypoint.sh"], [config])
        return [
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "ENV OTEL_TRACES_EXPORTER=none",
            f'VOLUME ["{STORAGE}"]',
            "EXPOSE 5000",
            f"ENTRYPOINT {json.dumps(entry_point)}",
            f"CMD {json.dumps(command)}",
        ]


def write_root(form: ImageForm, archive: Path) -> None:
    """The image's files, as a tar archive."""
    program = find_program(PROGRAMS[form.version])
    with tarfile.open(archive, "w") as tar:
        tar.add(program, "bin/registry")
        for library in _libraries(program):
            tar.add(library.resolve(), str(library)[1:])
        if not form.slim:
            tar.add(find_program("busybox"), "bin/busybox")
            for applet in _BUSYBOX:
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
            _add(tar, "entrypoint.sh", _ENTRY_POINT.encode(), 0o755)
        # What is not in an image isn't in its containers: somewhere to write, below the storage's own folder and not.
        for folder in ("tmp", STORAGE[1:]):
            directory = tarfile.TarInfo(folder)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(directory)
        _add(tar, CONFIGS[form.version][1:], json.dumps(_CONFIG).encode(), 0o644)


def write_program_root(name: str, archive: Path) -> None:
    """Of an image that has this program of the machine, and nothing else."""
    program = find_program(name)
    with tarfile.open(archive, "w") as tar:
        tar.add(program.resolve(), f"bin/{name}")
        for library in _libraries(program):
            tar.add(library.resolve(), str(library)[1:])


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, BytesIO(content))


def _libraries(program: Path) -> list[Path]:
    """What the dynamic linker loads for it; nothing for a static program."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, env={"PATH": os.defpath})
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", told.stdout)]

"""A host whose docker, podman, systemd and kubectl tell whatever a test makes of them, and run what they are asked to.
Which containers there are it tells a hundred times: for a collector that doesn't go, a collection waits for minutes.

What `docker exec` and `docker run` are to run is run here, by the same words: a word that became a command would, too.
"""

import json
import os
import pwd
import stat
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ID = "0123abcd" * 8
_DOCKER = """\
#!/bin/sh
cd "{directory}" || exit 1
test "$*" != "compose ps -a -q registry" || {{ cat compose-ps; exit; }}
case $1 in
    ps) case "$*" in *table*) cat listed ;; *) echo >> asked; test "$(wc -l < asked)" -gt 100 || cat names ;; esac ;;
    inspect)
        case "$*" in
            *.State.Running*) echo true ;;
            *.Id*) echo {id} ;;
            *.Mounts*) ;;
            *.Config.Env*) cat environment ;;
            *) cat inspect ;;
        esac ;;
    exec|run)
        entry=
        while test "$1" != --; do test "$1" != --entrypoint || entry=$2; shift; done
        shift 2
        test -z "$entry" || set -- "$entry" "$@"
        case $1 in
            cat) cat config ;;
            sh) exec "$@" ;;
            *) exec ./registry "$@" ;;
        esac ;;
    cp) cat config-tar ;;
esac
"""
_SYSTEMCTL = """\
#!/bin/sh
cd "{directory}" || exit 1
test "$1" != show || cat show
"""
_KUBECTL = """\
#!/bin/sh
cd "{directory}" || exit 1
case $1 in --context=*) shift ;; esac
case $1 in
    config) cat context ;;
    get) cat deployment ;;
    exec)
        while test "$1" != --; do shift; done
        shift
        case $1 in cat) cat config ;; sh) exec "$@" ;; *) exec ./registry "$@" ;; esac ;;
esac
"""
_REGISTRY = """\
#!/bin/sh
case "$*" in *--version*) cat "{directory}/version" ;; *) cat "{directory}/collected" ;; esac
"""


@dataclass
class HostileHost:
    """What it tells lies in `directory`, a file each."""

    directory: Path
    told: dict[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        return self.directory / "bin"

    @property
    def root(self) -> Path:
        """A storage that is there."""
        return self.directory / "storage"

    def write(self, name: str, text: str | bytes) -> None:
        (self.directory / name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))

    def container(self, **changes: Any) -> dict[str, Any]:
        """What `inspect` prints of a registry, with other values at some places."""
        made = {
            "Id": ID,
            "Name": "/registry",
            "Path": "registry",
            "Args": ["serve", "/etc/config.yml"],
            "State": {"Running": True},
            "Image": "sha256:0030ba3d620c",
            "Config": {"Image": "registry:2", "Env": [], "User": "", "Labels": {}},
            "HostConfig": {
                "NetworkMode": "bridge",
                "RestartPolicy": {"Name": "unless-stopped"},
                "PortBindings": {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5000"}]},
            },
            "Mounts": [{"Source": str(self.root), "Destination": str(self.root)}],
        }
        for path, value in changes.items():
            place: Any = made
            *way, last = path.split("__")
            for step in way:
                place = place[int(step)] if isinstance(place, list) else place[step]
            place[int(last) if isinstance(place, list) else last] = value
        return made

    def inspect(self, **changes: Any) -> None:
        self.write("inspect", json.dumps([self.container(**changes)]))

    def config(self, **storage: Any) -> None:
        told = {"filesystem": {"rootdirectory": str(self.root)}, **storage}
        self.write("config", json.dumps({"version": "0.1", "storage": told}))

    def copied_out(self, config: str) -> None:
        """The config as the runtime copies it, where no program inside is there to tell it."""
        member = tarfile.TarInfo("config.yml")
        member.size = len(config)
        self.write("config-tar", member.tobuf() + config.encode() + bytes(-len(config) % 512 + 1024))

    @contextmanager
    def process(
        self, *arguments: str, environment: Mapping[str, str] | None = None, user: str | None = None
    ) -> Iterator[int]:
        """One whose command line and environment are these. `user`: another one's, for root alone."""
        waits = ("-c", "read -r line", *arguments[1:])
        with subprocess.Popen(
            [arguments[0], *waits],
            # Every user can run it.
            executable="/bin/sh",
            user=user,
            group=user and pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
        ) as started:
            yield started.pid


def make_hostile_host(directory: Path) -> HostileHost:
    """Everything that it tells is harmless, at first."""
    host = HostileHost(directory)
    for folder in (host.bin, host.root / "docker/registry/v2/repositories/team/app/_manifests/tags/1.0/current"):
        folder.mkdir(parents=True)
    host.inspect()
    host.config()
    for name, text in {
        "names": "registry\n",
        "environment": "`REGISTRY_A=b`\n",
        "listed": f"CONTAINER ID\n{ID}\n",
        "compose-ps": f"{ID}\n",
        "version": "registry github.com/distribution/distribution 2.8.2\n",
        "collected": "team/app\n\n1 blobs marked, 0 blobs and 0 manifests eligible for deletion\n",
        "show": "LoadState=loaded\nMainPID=0\nUser=\nExecStart={ path=/bin/r ; argv[]=/bin/r serve /c.yml ; }\n",
        "context": "prod\n",
        "deployment": json.dumps({"spec": {"template": {"spec": {"containers": [{"command": ["registry"]}]}}}}),
    }.items():
        host.write(name, text)
    # Nobody waits here: the pauses are as many, but short.
    host.write("bin/sleep", "#!/bin/sh\nexec /bin/sleep 0.02\n")
    (host.bin / "sleep").chmod(stat.S_IRWXU)
    programs = {"bin/docker": _DOCKER, "bin/podman": _DOCKER, "bin/systemctl": _SYSTEMCTL, "bin/kubectl": _KUBECTL}
    for name, text in {**programs, "registry": _REGISTRY, "bin/registry": _REGISTRY}.items():
        host.write(name, text.format(directory=directory, id=ID))
        (directory / name).chmod(stat.S_IRWXU)
    return host

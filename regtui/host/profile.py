"""Where a registry runs and how it is run there, as a profile says it. What is left out is found on the host."""

from dataclasses import dataclass
from typing import Final

RUNTIMES: Final = ("docker", "podman", "compose", "kubectl", "systemd", "command")


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The keys below `[registries.NAME.host]`; empty where they are left out.

    `ssh`: an OpenSSH destination; empty for this machine. `runtime`: one of RUNTIMES; empty to find it by itself.
    `container`: the container's name, the compose service, the deployment or the systemd unit. `directory`: where the
    compose file is. `namespace`: kubectl's. `sudo`: the runtime is called by `sudo -n`. `config`, `binary`, `storage`:
    paths as the collector sees them. `command`: runs the registry's program with the arguments that take the place of
    `{}`. `stop`, `start`: for runtime `command`. `read_only`, `read_write`: commands that switch the registry, where
    that is how pushes are kept out. `access_log`: a file there with a line for each request, where the
    runtime's own log isn't the one to read.
    """

    ssh: str = ""
    runtime: str = ""
    container: str = ""
    directory: str = ""
    namespace: str = ""
    sudo: bool = False
    config: str = ""
    binary: str = ""
    storage: str = ""
    command: str = ""
    stop: str = ""
    start: str = ""
    read_only: str = ""
    read_write: str = ""
    access_log: str = ""

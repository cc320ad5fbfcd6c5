"""A stand-in for a registry in a container: while that is stopped, another one of its image answers pulls on its port.
It can't write: its volumes are mounted read-only, and the registry in it is in read-only mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import join, quote
from typing import Final

from regtui.host.configuration import StorageSettings
from regtui.host.containers import Container
from regtui.host.ours import STAND_IN, prints

ENVIRONMENT_FILE: Final = "stand-in.env"

# Whole sections: what the registry's own environment says of them is left out, down to their last key. Without a cache
# nothing of what is swept is taken for present.
_SET: Final = (
    'REGISTRY_STORAGE_MAINTENANCE={"readonly":{"enabled":true},"uploadpurging":{"enabled":false}}',
    "REGISTRY_STORAGE_CACHE={}",
)
_WRITABLE: Final = "{{range .Mounts}}{{if .RW}}{{.Destination}}{{end}}{{end}}"


@dataclass(frozen=True, slots=True)
class StandIn:
    """Command lines. `make` comes before the registry is stopped, and fails where it could write; `start` comes after
    it; `runs` succeeds while it does, `log` prints its last words, `end` removes it."""

    make: str
    start: str
    runs: str
    log: str
    end: str
    tidy: str = f"rm -f {ENVIRONMENT_FILE}"


def why_not(container: Container, storage: StorageSettings) -> str:
    """Why there can't be one, in a sentence; empty where there can."""
    if storage.driver != "filesystem":
        reason = f"its storage ({storage.driver}) is no volume that a stand-in could have read-only"
    elif storage.is_pull_through:
        reason = "it is a pull-through cache, which stores what is pulled"
    elif container.network.startswith(("container:", "ns:")):
        reason = "it has its network from elsewhere, and a stand-in can't take over its port"
    elif container.network != "host" and not container.publications:
        reason = "it publishes no fixed port that a stand-in could take over"
    else:
        return ""
    return f"While {container.name} is stopped nothing can serve pulls: {reason}."


def stand_in(runtime: Sequence[str], container: Container, environment_file: str) -> StandIn:
    """Of a container for which nothing is `why_not`. `environment_file`: of the registry's own environment."""
    name = STAND_IN.name(container.name)
    # Not the image's name: by now it may be another version's.
    words = ["create", *STAND_IN.options(container.name)]
    words += [*container.confined, "--volumes-from", f"{container.handle}:ro"]
    words += ["--image-volume", "ignore"] if container.is_podmans else []
    words += ["--network", container.network] if container.network not in ("", "default") else []
    if container.network != "host":
        words += [word for publication in container.publications for word in ("-p", publication)]
    words += ["--user", container.user] if container.user else []
    words += ["--workdir", container.directory] if container.directory else []
    words += [word for variable in _SET for word in ("-e", variable)]
    program, *arguments = container.command
    run = ["--entrypoint", program, "--", container.image, *arguments]
    sections = " ".join(f"-e {quote('^' + variable.partition('=')[0])}" for variable in _SET)
    return StandIn(
        # grep fails where nothing is left.
        make=f"{{ grep -v {sections} {environment_file} > {ENVIRONMENT_FILE} || true; }} && "
        f"{join([*runtime, *words])} --env-file {ENVIRONMENT_FILE} {join(run)} && "
        f"{prints(join([*runtime, 'inspect', '--format', _WRITABLE, '--', name]), '')}",
        start=join([*runtime, "start", "--", name]),
        runs=prints(join([*runtime, "inspect", "--format", "{{.State.Running}}", "--", name]), "true"),
        log=join([*runtime, "logs", "--tail", "5", "--", name]),
        end=STAND_IN.removal(runtime, container.name),
    )

"""Compose, whichever there is: the plugin, or the program that came before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from regtui.host.errors import NotOnHost
from regtui.host.hosts import Host, call
from regtui.host.trouble import check

_WITHIN: Final = 'cd -- "$1" && shift && exec "$@"'


@dataclass(frozen=True, slots=True)
class Compose:
    """`command`: what a project's verb and service follow. `name`: as people call it."""

    name: str
    command: tuple[str, ...]

    def words(self, *verb: str) -> tuple[str, ...]:
        return (*self.command, *verb)


async def find_compose(host: Host, runtime: Sequence[str], directory: str) -> Compose:
    """`runtime`: docker's command, with sudo where that is needed; `directory`: the project's, or empty.
    Raises NotOnHost where there is neither, GarbageError, SshError."""
    plugin = await host.run(call(*runtime, "compose", "version"))
    if plugin.code == 0:
        project = ("--project-directory", directory) if directory else ()
        return Compose("docker compose", (*runtime, "compose", *project))
    program = (*runtime[:-1], "docker-compose")
    alone = await host.run(call(*program, "version"))
    if alone.code == 0:
        # It looks for its file where it is called, and only there.
        within = (*runtime[:-1], "sh", "-c", _WITHIN, "sh", directory, "docker-compose") if directory else program
        return Compose("docker-compose", within)
    # That docker itself can't be used is the better answer.
    check(await host.run(call(*runtime, "ps", "-q")), host.place, runtime[-1])
    raise NotOnHost(
        f"There is no compose on {host.place}: neither docker's plugin (docker compose) nor docker-compose.",
        'Install docker-compose-plugin there, or name the container: runtime = "docker", container = "…".',
    )

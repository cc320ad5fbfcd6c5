"""Containers beside a registry's that ask something and go: of its image, its user and its limits.

Their first process may be deaf to all signals but KILL, and a runtime's client that is killed leaves it behind: each
has a name of its own and our label, by which whoever began it, or comes later, removes it.
"""

import secrets
from collections.abc import Sequence
from shlex import join, quote

from regtui.host.containers import Container
from regtui.host.ours import ASKER


def words_beside(runtime: Sequence[str], container: Container, options: Sequence[str], *run: str) -> list[str]:
    """A call. `options`: of `run`; `run`: the program and its words."""
    name = f"{ASKER.name(container.name)}-{secrets.token_hex(8)}"
    return [*runtime, "run", "--rm", "--name", name, *_rest(container, options, run)]


def line_beside(runtime: Sequence[str], container: Container, options: Sequence[str], *run: str) -> str:
    """The same as a command line, to be evaluated; what follows are more words of the program's."""
    name = f"{quote(ASKER.name(container.name))}-$$"
    return f"{join([*runtime, 'run', '--rm'])} --name {name} {join(_rest(container, options, run))}"


def _rest(container: Container, options: Sequence[str], run: Sequence[str]) -> list[str]:
    program, *words = run
    user = ["--user", container.user] if container.user else []
    label = ["--label", f"{ASKER.label}={container.name}"]
    # Not the image's name: by now it may be another version's.
    return [*label, *options, *container.confined, *user, "--entrypoint", program, "--", container.image, *words]

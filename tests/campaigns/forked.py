"""regtui's commands by the thousand: each in a process of its own, forked from one that has imported them all.

Starting Python and importing costs a second on a busy machine, a fork some milliseconds. Everything else is as in a
shell: arguments, an environment, streams that are no terminal, an exit code, and signals that kill it.
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_PRELOADED: Final = [
    "regtui.cli.main",
    "regtui.cli.rm",
    "regtui.cli.prune",
    "regtui.cli.undo",
    "regtui.cli.log",
    "regtui.registry.client",
    "regtui.deletion.execution",
    # A child runs the campaign's own module once more: what that imports is there already.
    "tests.campaigns.repositories",
    "tests.support.meddler",
    "tests.support.servers",
]
# A command that takes longer hangs: that is a finding.
_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Ended:
    """`code` is negative where a signal ended it, as in subprocess; None where it had to be killed as it hung."""

    code: int | None
    stdout: str
    stderr: str


@dataclass
class Started:
    """A command that runs."""

    process: ForkServerProcess
    stdout: Path
    stderr: Path

    @property
    def has_spoken(self) -> bool:
        """Whether anything is on stderr, as a plan that was shown is."""
        return self.stderr.exists() and self.stderr.stat().st_size > 0

    def kill(self) -> None:
        self.process.kill()

    def wait(self) -> Ended:
        self.process.join(_SECONDS)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            self.process.join()
        return Ended(code, self.stdout.read_text(errors="replace"), self.stderr.read_text(errors="replace"))


class Commands:
    """Runs `regtui ARGUMENTS…`."""

    def __init__(self, context: ForkServerContext, folder: Path) -> None:
        self._context = context
        self._folder = folder
        self._number = 0

    def start(self, *arguments: str, environment: Mapping[str, str]) -> Started:
        self._number += 1
        stdout, stderr = (self._folder / f"{self._number}.{name}" for name in ("out", "err"))
        process = self._context.Process(target=_run, args=(arguments, dict(environment), str(stdout), str(stderr)))
        process.start()
        return Started(process, stdout, stderr)

    def __call__(self, *arguments: str, environment: Mapping[str, str]) -> Ended:
        return self.start(*arguments, environment=environment).wait()


@contextmanager
def forked_commands() -> Iterator[Commands]:
    """Until the block ends. Enter it before any thread is started."""
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    with TemporaryDirectory(prefix="regtui-campaign-") as folder:
        yield Commands(context, Path(folder))


def _run(arguments: tuple[str, ...], environment: dict[str, str], stdout: str, stderr: str) -> None:
    """In the child: becomes the command."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, path, mode in ((0, os.devnull, os.O_RDONLY), (1, stdout, _WRITING), (2, stderr, _WRITING)):
        opened = os.open(path, mode, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
    # By the line, as Python itself has it: what was said can be read while the command runs.
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1)
    from regtui.cli.main import main

    code = main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


_WRITING: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

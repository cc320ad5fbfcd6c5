"""Starting a command so that the most memory it took is its own.

What Linux tells of a child that has ended (`ru_maxrss`) includes the memory that its starter held, counted as its own
until another program runs in it. A small program of our own in between makes that 10 MB, whatever the tests hold.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Arguments: the number of an open file, and a command. Starts the command, writes to the file the most memory that it
# took, in KB, and ends as the command did.
_BETWEEN = """
import os, sys
report, command = int(sys.argv[1]), sys.argv[2:]
os.set_inheritable(report, False)
_, status, usage = os.wait4(os.posix_spawn(command[0], command, os.environ), 0)
os.write(report, b"%d" % usage.ru_maxrss)
code = os.waitstatus_to_exitcode(status)
code >= 0 or os.kill(os.getpid(), -code)
os._exit(code)
"""


@dataclass
class Measured:
    """A command under way. `process` ends as the command does."""

    process: subprocess.Popen[bytes]
    _report: int

    def end(self, *, kill: bool = False) -> tuple[int, int]:
        """(exit code, the most memory that the command took in KB), once it has ended. `kill`: end it first, with
        whatever it started; its memory is 0 then."""
        if kill:
            os.killpg(self.process.pid, 9)
        code = self.process.wait()
        peak = os.read(self._report, 64)
        os.close(self._report)
        return code, int(peak or b"0")


def start_measured(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: int,
    output: int,
    directory: Path | None = None,
) -> Measured:
    """Start `command`, the path of a program and its arguments, in a session of its own; `output` is for stdout and
    stderr, and like `stdin` an open file or a constant of subprocess."""
    report, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BETWEEN, str(theirs), *command],
            env=dict(environment),
            cwd=directory,
            stdin=stdin,
            stdout=output,
            stderr=output,
            pass_fds=(theirs,),
            start_new_session=True,
        )
    except BaseException:
        os.close(report)
        raise
    finally:
        os.close(theirs)
    return Measured(process, report)

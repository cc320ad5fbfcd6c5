"""The scripts that run on the host, from the files in remote/ and a unit's command lines: POSIX sh, also busybox's.

What regtui says in them begins with MARK: `::regtui stage collect started`, `::regtui used after 12 3456`, …
"""

import re
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Final

from regtui.garbage.runtimes import Unit
from regtui.garbage.values import KeepOut

MARK: Final = "::regtui "
# A line that no script contains, for the files that a script writes.
_END: Final = "__regtui_end_of_file__"


def marked(line: str) -> list[str] | None:
    """The words of one of our own lines; None for any other."""
    return line.rstrip("\r\n").removeprefix(MARK).split(" ") if line.startswith(MARK) else None


def question(unit: Unit, ask: str, *, stdin: tuple[str, ...] = ()) -> str:
    """Asks the storage: `ask` is one of the functions of storage.sh, with quoted arguments. `stdin` are its lines."""
    shell = unit.shell if unit.is_running else unit.shell_beside
    fed = f"{ask} <<'{_END}_stdin'\n" + "".join(f"{line}\n" for line in stdin) + f"{_END}_stdin\n" if stdin else ask
    return f"{shell} <<'{_END}'\n{_storage(unit.root)}\n{fed}\n{_END}\n"


def dry_run(unit: Unit) -> str:
    """A dry run in a directory of its own, that goes when it ends; the collector's exit code after it, marked."""
    return "\n".join(
        (
            "umask 077",
            'work=$(mktemp -d) && cd "$work" || exit 1',
            "trap 'rm -rf \"$work\"' EXIT HUP INT TERM PIPE",
            *(f"{{ {line}; }} 2>&1 || exit 1" for line in unit.prepare),
            f"{unit.collector(dry_run=True, running=unit.is_running)} 2>&1",
            # The collector's last words end without a line break.
            f"printf '\\n{MARK}exit %s\\n' $?",
        )
    )


def collection(unit: Unit, keep_out: KeepOut, needs_restart: bool) -> str:
    """Starts the collection, detached, and follows its log to its end."""
    beside = keep_out is KeepOut.STOP
    # What runs in a container, or by a command of the user's, isn't ours to end.
    ends = beside and unit.runtime != "command"
    shell = unit.shell_beside if beside or not unit.is_running else unit.shell
    run = "\n".join(
        (
            f"keep_out={keep_out.value}",
            f"needs_restart={'yes' if needs_restart else 'no'}",
            _function("prepare", *unit.prepare),
            _function("tidy", *unit.tidy),
            _function("stop_registry", unit.stop),
            _function("start_registry", unit.start),
            _function("registry_runs", unit.check),
            _function("read_only", unit.read_only),
            _function("read_write", unit.read_write),
            # It runs in the background; `exec`, so that ending it ends the program itself and not a shell before it.
            _function("collector", f"{'exec ' if ends else ''}{unit.collector(running=not beside)}"),
            _function("quit_collector", (unit.quit or 'kill "$1"') if ends else "false"),
            _function("in_storage_shell", shell or "true"),
            _file("collect.sh"),
            "# end",
        )
    )
    storage = f"{_storage(unit.root)}\nmeasure"
    return "\n".join(
        (
            _launching(unit),
            "write_files() {",
            _written("run.sh", run),
            _written("storage.sh", f"{storage}\n# end"),
            'test "$(tail -n 1 run.sh)" = "# end" && test "$(tail -n 1 storage.sh)" = "# end"',
            "}",
            "begin",
        )
    )


def follow(unit: Unit, line: int) -> str:
    """The log of the collection that is going on, from a line on."""
    return f'{_launching(unit)}\nplace=$(earlier)\ntest -z "$place" || follow "$place" {line}'


def status(unit: Unit) -> str:
    return f"{_launching(unit)}\nstatus"


def note(unit: Unit, name: str) -> str:
    """Leaves a word for the run: `stop`, or `heard` when its end was."""
    return f'{_launching(unit)}\nplace=$(earlier)\ntest -z "$place" || : > "$place/{name}"'


def _launching(unit: Unit) -> str:
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{unit.runtime}-{unit.name}")
    return f"unit={quote(name)}\n{_file('launch.sh')}"


def _storage(root: str) -> str:
    return f"root={quote(root)}\n{_file('storage.sh')}"


def _function(name: str, *lines: str) -> str:
    """A shell function; with nothing to do it succeeds."""
    body = " &&\n".join(f"    {line}" for line in lines if line) or "    :"
    return f"{name}() {{\n{body}\n}}"


def _written(name: str, text: str) -> str:
    return f"cat > {name} <<'{_END}'\n{text}\n{_END}"


@cache
def _file(name: str) -> str:
    return (Path(__file__).parent / "remote" / name).read_text(encoding="utf-8")

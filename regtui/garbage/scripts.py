"""The scripts that run on the host, from the files in remote/: POSIX sh, also busybox's.

Their text is always the same. A unit's command lines, names and paths are their arguments, and of a collection the
files that it writes beside its script. What is regtui's own in their output begins with a mark that only this run
knows: `::regtui-4f… stage collect started`. Programs of the container, whose output is in between, can't forge it.
"""

import secrets
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from re import sub
from shlex import join
from typing import Final

from regtui import bounds
from regtui.host.hosts import Script
from regtui.host.keep_out import KeepOut
from regtui.host.redis_cache import REQUEST, asking_script
from regtui.host.runtimes import Unit

_PREFIX: Final = "::regtui-"

# How long a registry that was brought back for a killed run is looked after: a runtime waits so long (Docker ten
# seconds) before it ends what doesn't stop, and then a stop that nobody waits for any more takes effect.
_WATCH_SECONDS: Final = 12

# How long a registry that was made read-only is kept so for regtui to see that it refuses pushes, and a stopped one for
# it to see that its address is silent: regtui may be gone, and pulls fail meanwhile.
_PATIENCE_SECONDS: Final = 120
_STOPPED_SECONDS: Final = 60

_ANSWER_SECONDS: Final = 600
"""As long what is asked of a storage beside the registry may take, while that is down."""

_MOST_LOG: Final = 1 << 30
"""Bytes that a collector's log may have on the host: some million blobs make as many."""

_ASK: Final = """\
shell=$1 asked=$2
shift 2
eval "$shell -c \\"\\$asked\\" sh \\"\\$@\\""
"""
_DRY_RUN: Final = """\
mark=$1 collector=$2 is_still=$3
shift 3
test -z "$is_still" || (eval "$is_still") 2>&1 || { printf '\\n::regtui-%s another\\n' "$mark"; exit 1; }
umask 077
work=$(mktemp -d) && cd "$work" || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM PIPE
for line do eval "$line" 2>&1 || exit 1; done
# Apart, and bounded, as in collect.sh.
mkfifo err || exit 1
{ (ulimit -c 0; ulimit -f 131072; exec cat) > errors 2>/dev/null || tail -c 65536 | sed 1d > last; } < err &
eval "$collector" 2> err
code=$?
wait
cat errors
test ! -e last || { echo && cat last; }
# The collector's last words end without a line break.
printf '\\n::regtui-%s exit %s\\n' "$mark" "$code"
"""


def new_mark() -> str:
    return secrets.token_hex(8)


def marked(line: str, mark: str) -> list[str] | None:
    """The words of one of our own lines; None for any other."""
    own = f"{_PREFIX}{mark} "
    return line.rstrip("\r\n").removeprefix(own).split(" ") if line.startswith(own) else None


def question(unit: Unit, ask: str, *words: str, stdin: Iterable[str] = ()) -> Script:
    """Asks the storage: `ask` is one of the functions of storage.sh. `stdin` are its lines."""
    shell = unit.shell if unit.is_running else unit.shell_beside
    lines = "".join(f"{line}\n" for line in stdin)
    return Script(_ASK, (shell, file("storage.sh"), unit.root, ask, *words), lines)


def dry_run(unit: Unit, mark: str) -> Script:
    """A dry run in a directory of its own, that goes when it ends; the collector's exit code after it, marked."""
    return Script(_DRY_RUN, (mark, unit.collector(dry_run=True, running=unit.is_running), unit.is_still, *unit.prepare))


def identity(unit: Unit) -> Script:
    """Succeeds where the unit is still the one that was looked at; what is printed is why it can't be told."""
    return Script('test -z "$1" || eval "$1"', (unit.is_still,))


def runs_on(unit: Unit) -> Script:
    """Succeeds where the registry is running a moment later."""
    return Script('test -z "$1" || { sleep 1; eval "$1"; } >/dev/null 2>&1', (unit.check,))


def collection(
    unit: Unit,
    keep_out: KeepOut,
    needs_restart: bool,
    *,
    mark: str,
    who: str = "",
    empty: Iterable[str] = (),
    uploads: Iterable[tuple[str, str]] = (),
    upload_minutes: int = 0,
    dry_seconds: float = 0.0,
) -> Script:
    """Starts the collection, detached, and follows its log to its end. `who` began it, for those that have to wait.
    `empty`, `uploads`: what is removed while pushes are kept out, where it is still so. `dry_seconds`: its dry run."""
    kept = files(unit, keep_out, needs_restart)
    kept["idle"] = f"{max(bounds.COLLECTOR_IDLE, 4 * dry_seconds):.0f}"
    kept["empty"] = "\n".join(empty)
    kept["uploads"] = "\n".join(" ".join(upload) for upload in uploads)
    kept["upload-minutes"] = str(upload_minutes)
    return _launch(unit, mark, "begin", who or "-", "collect", *_pairs(kept))


def files(unit: Unit, keep_out: KeepOut, needs_restart: bool) -> dict[str, str]:
    """What a run finds beside its script: name → text."""
    beside = keep_out.stops
    # What runs in a container, or by a command of the user's, isn't ours to end.
    ours = beside and unit.runtime != "command"
    shell = unit.shell_beside if beside or not unit.is_running else unit.shell
    collector = unit.collector(running=not beside)
    stand_in = unit.stand_in if keep_out is KeepOut.STAND_IN else None
    return {
        "run.sh": file("collect.sh"),
        "storage.sh": file("storage.sh"),
        "most": str(_MOST_LOG),
        "keep-out": KeepOut.STOP.value if beside else keep_out.value,
        "silence": "yes" if beside else "no",
        "restart": "yes" if needs_restart else "no",
        "ours": "yes" if ours else "no",
        "root": unit.root,
        "config": unit.config,
        "process": unit.process if ours else "",
        "user": unit.user,
        "removal": "kept-out" if keep_out is not KeepOut.ONLINE else "while-it-runs",
        "prepare": " &&\n".join(unit.prepare),
        "tidy": " &&\n".join(unit.tidy if stand_in is None else (*unit.tidy, stand_in.tidy)),
        "stop": unit.stop,
        "start": unit.start,
        "check": unit.check,
        "any-runs": unit.any_runs or unit.check,
        "name": unit.title,
        "is-still": unit.is_still,
        "is-another": unit.is_another,
        "read-only": unit.read_only,
        "read-write": unit.read_write,
        "hold": unit.hold if beside else "",
        "release": unit.release if beside else "",
        # It runs in the background; `exec`, so that ending it ends the program itself and not a shell before it.
        "collector": f"exec {collector}" if ours else collector,
        "quit": unit.quit if ours else "",
        "gone": unit.gone if ours else "",
        "quit-asking": unit.quit_asking,
        "answer": str(_ANSWER_SECONDS),
        "idle": f"{bounds.COLLECTOR_IDLE:.0f}",
        "kill": unit.kill,
        "readlink": unit.readlink,
        "watch": str(_WATCH_SECONDS),
        "patience": str(_STOPPED_SECONDS if beside else _PATIENCE_SECONDS),
        "forget": unit.forget,
        **(
            {"redis.sh": asking_script(), REQUEST: unit.redis.forgetting, "redis-left": unit.redis.may_be_left}
            if unit.redis
            else {}
        ),
        "make-stand-in": stand_in.make if stand_in else "",
        "serve": stand_in.start if stand_in else "",
        "serves": stand_in.runs if stand_in else "",
        "serve-log": stand_in.log if stand_in else "",
        "shell": shell if unit.root else "",
        "shell-now": unit.shell if unit.root and not ours else "",
    }


def follow(unit: Unit, mark: str, line: int) -> Script:
    """The log of the collection that is going on, from a line on."""
    return _launch(unit, mark, "go_on", str(line))


def bring_back(unit: Unit, mark: str, *, who: str = "") -> Script:
    """Ends what a run left behind that was killed, starts the registry, and follows that to its end."""
    return _launch(unit, mark, "bring_back", who or "-", *_pairs(files(unit, KeepOut.STOP, needs_restart=False)))


def status(unit: Unit, mark: str) -> Script:
    return _launch(unit, mark, "status")


def note(unit: Unit, name: str) -> Script:
    """Leaves a word for the run: `stop-asked`, `refuses-pushes` or `takes-pushes` of its registry, `is-silent`,
    `still-answers` or `is-unknown` of its address, `heard` when its end was."""
    return _launch(unit, new_mark(), "leave", name)


def lock_name(unit: Unit) -> str:
    """One for a storage, however it was found and whoever collects it. Of one that was found by its name alone it isn't
    known: then it is what the run says that there is."""
    if unit.is_by_name:
        return "-"
    return _digest(unit.lock or join([unit.identity, unit.config, unit.root]))


def run_name(unit: Unit) -> str:
    """Of the directories of its runs: what can be read of it, and what no other registry's have."""
    return f"{_readable(unit)[:60]}-{_digest(unit.identity)}"


def _readable(unit: Unit) -> str:
    return sub(r"[^A-Za-z0-9.-]+", "_", f"{unit.runtime}-{unit.name}")[:100]


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _launch(unit: Unit, mark: str, *words: str) -> Script:
    # Runs were called by what can be read alone: one that is left of then is ours where it starts what we would.
    return Script(file("launch.sh"), (mark, run_name(unit), lock_name(unit), _readable(unit), unit.start, *words))


def _pairs(kept: Mapping[str, str]) -> Iterable[str]:
    return (word for pair in kept.items() for word in pair)


@cache
def file(name: str) -> str:
    return (Path(__file__).parent / "remote" / name).read_text(encoding="utf-8").rstrip("\n")

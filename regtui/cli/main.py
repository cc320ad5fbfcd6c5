"""Where the program starts: parse, run one command, and turn whatever goes wrong into a line and an exit code."""

import gc
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from regtui.child import CHILDREN
from regtui.cli.arguments import parse
from regtui.errors import FAILED, INTERRUPTED, RegtuiError, reason_of

# What a shell says of programs that are ended by SIGPIPE: `regtui ls | head -1` is no failure of ours.
_BROKEN_PIPE = 128 + 13


def run() -> None:
    """The console script."""
    # Nearly all that is made while starting stays: looking through it again and again was a fifth of the start.
    gc.disable()
    gc.set_threshold(50_000, 20, 20)
    CHILDREN.end_with_us()
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """The exit code of `regtui ARGV…`."""
    # httpx has a command line of its own. Where click is installed it brings rich and pygments with it: a fifth of the
    # start of `regtui ls`. None is how Python is told that a module can't be imported; httpx does without.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    _prepare_streams()
    try:
        try:
            code = _run(argv)
        except SystemExit as exit_:  # --help, --version and --print-completion
            code = exit_.code if isinstance(exit_.code, int) else 0
        except KeyboardInterrupt:
            code = INTERRUPTED
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return _BROKEN_PIPE
    except OSError as error:
        _forget_stdout()
        return _failed(RegtuiError(f"The output can't be written: {reason_of(error)}."))
    return code


def _run(argv: Sequence[str]) -> int:
    try:
        arguments = parse(argv)
        command = import_module(f"regtui.cli.{arguments.command.replace('-', '_')}")
        # What was imported stays, and needs no looking through later either.
        gc.freeze()
        gc.enable()
        code: int = command.run(arguments)
    except RegtuiError as error:
        return _failed(error)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 (a bug, told as one)
        _tell(_internal(error))
        return FAILED
    return code


def _prepare_streams() -> None:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A terminal that isn't UTF-8 shall show something in place of a dash, not fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _failed(error: RegtuiError) -> int:
    _tell(str(error))
    return error.exit_code


def _tell(message: str) -> None:
    """One line on stderr. What a server said may be part of it."""
    from regtui.cli.console import warn

    warn(message)


def _internal(error: Exception) -> str:
    from regtui.settings.crash_log import log_crash

    what = f"internal error: {type(error).__name__}: {error}"
    file = log_crash(error)
    return f"{what} (details in {file})" if file is not None else what


def _forget_stdout() -> None:
    from regtui.cli.output import forget_stdout

    forget_stdout()

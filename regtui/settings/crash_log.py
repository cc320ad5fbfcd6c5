"""Where the traceback of what nobody expected goes: a file of the user's own, without values of variables."""

import os
import tempfile
import traceback
from pathlib import Path

from regtui.private_files import write_private
from regtui.settings.paths import state_dir


def log_crash(error: BaseException) -> Path | None:
    """Writes it, in place of the one before; elsewhere, where the state directory can't be written. Where it is now;
    None where it can't be written at all."""
    # What a registry sent may be part of it: texts that UTF-8 has no room for, too.
    text = "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace").decode("utf-8")
    path = state_dir() / "crash.log"
    try:
        write_private(path, text)
    except OSError:
        try:
            handle, name = tempfile.mkstemp(prefix="regtui-crash-", suffix=".log")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            return None
        return Path(name)
    return path

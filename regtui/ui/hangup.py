"""The end of an app whose terminal is gone.

As a rule SIGHUP ends it. Where that is ignored, by `nohup` or whatever started it, reading the terminal says at once
and for ever that nothing is there: Textual's drivers would read on, and keep a processor busy on a server for days.
"""

import contextlib
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

# Seconds.
_AGAIN: Final = 0.1


def on_hangup(then: Callable[[], object]) -> None:
    """Calls `then`, on a thread of its own, once the terminal at standard input is gone; never where that is none. As
    long as that raises RuntimeError, since the app has not begun yet, it is called again."""
    try:
        terminal = os.dup(sys.__stdin__.fileno()) if sys.__stdin__ is not None else -1
    except (OSError, ValueError):
        return
    if terminal < 0 or not os.isatty(terminal):
        return

    def wait() -> None:
        poll = select.poll()
        # Nothing is asked for: a hang-up is told all the same, and nothing else is.
        poll.register(terminal, 0)
        poll.poll()
        while True:
            with contextlib.suppress(RuntimeError):
                then()
                return
            time.sleep(_AGAIN)

    threading.Thread(target=wait, daemon=True, name="hangup").start()

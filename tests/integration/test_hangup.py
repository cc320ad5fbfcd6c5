"""An app whose terminal is gone ends, also where SIGHUP is ignored: it was read on for ever."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE
from tests.support.watch import environment as watched

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("driver", ["difference", "stock"])
def test_an_app_ends_with_its_terminal(tmp_path: Path, driver: str) -> None:
    ours, theirs = pty.openpty()
    home = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", "REGTUI_DRIVER": driver}
    # As nohup starts it.
    app = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$0" -m regtui demo', sys.executable],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**watched(), **home},
        start_new_session=True,
    )
    try:
        os.close(theirs)
        _read_until(ours, b"fullstack")
        os.close(ours)
        # 120: Python could not write what was left, of Textual's own driver.
        assert app.wait(PATIENCE) in (1, 120)
        assert not list(tmp_path.rglob("crash.log"))
    finally:
        if app.poll() is None:
            app.send_signal(signal.SIGKILL)
            app.wait()


def _read_until(terminal: int, shown: bytes) -> None:
    give_up, read = time.monotonic() + PATIENCE, b""
    while shown not in read:
        assert time.monotonic() < give_up
        if select.select([terminal], [], [], 0.1)[0]:
            read += os.read(terminal, 65536)

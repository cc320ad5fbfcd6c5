import asyncio
import io
import os
import sys
from pathlib import Path

import pytest

from regtui.cli.console import Progress
from regtui.cli.counting import counting
from tests.support.virtual_time import in_virtual_time


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Within the test, as pytest puts its own stderr back between a fixture and it."""
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_progress_is_there_at_once_and_goes_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = on(Terminal(), monkeypatch)
    progress = Progress("Deleting:")
    progress.begin(2900)
    assert stderr.getvalue() == "\rDeleting: 0/2,900\x1b[K"
    progress.clear()
    assert stderr.getvalue().endswith("\r\x1b[K")


def test_a_repository_s_name_can_t_act_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = on(Terminal(), monkeypatch)
    Progress("Reading a\x1b]0;owned\x07\nb:").begin(1)
    assert stderr.getvalue() == "\rReading a�]0;owned� b: 0/1\x1b[K"


def test_progress_stays_on_one_line_that_can_be_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = on(Terminal(), monkeypatch)
    monkeypatch.setenv("COLUMNS", "40")
    Progress(f"Reading {'very/' * 30}long:").begin(20_000)
    (line,) = stderr.getvalue().removeprefix("\r").removesuffix("\x1b[K").splitlines()
    assert len(line) < 40
    assert line.endswith("… 0/20,000")


def test_what_is_read_in_one_go_is_counted_once_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [5]

    async def read(seconds: float) -> None:
        async with counting("Reading team/app:1.0:", lambda: requests[0]):
            requests[0] += 1_340
            await asyncio.sleep(seconds)

    stderr = on(Terminal(), monkeypatch)
    in_virtual_time(read(0.5))
    assert stderr.getvalue() == ""
    in_virtual_time(read(1.5))
    assert stderr.getvalue() == "\rReading team/app:1.0: 1,340 requests so far\x1b[K\r\x1b[K"


def test_without_a_terminal_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = on(io.StringIO(), monkeypatch)
    Progress("Deleting:").begin(2)
    assert not stderr.getvalue()


@pytest.mark.parametrize("is_pipe", [True, False])
def test_beside_records_that_somebody_reads_from_a_pipe_there_is_no_progress(
    is_pipe: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`regtui tags … | head` shows them on the same terminal."""
    stderr = on(Terminal(), monkeypatch)
    read, write = os.pipe() if is_pipe else (-1, os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY))
    with os.fdopen(write, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        Progress("Reading team/app:", beside_records=True).begin(2)
        assert stderr.getvalue() == ("" if is_pipe else "\rReading team/app: 0/2\x1b[K")
        Progress("Deleting:").begin(2)
        assert stderr.getvalue().endswith("\rDeleting: 0/2\x1b[K")
    if is_pipe:
        os.close(read)

"""A terminal that takes nothing stops the thread alone."""

import os
import threading

from regtui.ui.driver.output import OutputThread
from tests.support.patience import PATIENCE


def test_all_of_it_arrives_in_order_and_is_told() -> None:
    reading, writing = os.pipe()
    written = threading.Event()
    output = OutputThread(writing, written.set)
    output.start()
    data = bytes(range(256)) * 4_096
    # More than a pipe holds.
    output.write(data)
    output.write(b"end")
    assert output.is_busy()
    assert not written.is_set()
    read = b""
    while not read.endswith(b"end"):
        read += os.read(reading, 65536)
    assert read == data + b"end"
    assert written.wait(PATIENCE)
    output.close()
    assert not output.is_busy()
    os.close(reading)
    os.close(writing)


def test_a_terminal_set_to_non_blocking_gets_all_of_it_too() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    output = OutputThread(writing, lambda: None)
    output.start()
    output.write(b"x" * 300_000)
    read = 0
    while read < 300_000:
        read += len(os.read(reading, 65536))
    output.close()
    os.close(reading)
    os.close(writing)


def test_a_terminal_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    output = OutputThread(writing, lambda: None)
    output.start()
    output.write(b"lost")
    output.close()
    os.close(writing)

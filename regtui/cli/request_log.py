"""The log of requests and of trouble with the cache, and silence for everything that libraries would say on stderr."""

import logging
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from regtui.cli.console import warn
from regtui.errors import SettingsError, reason_of
from regtui.private_files import open_private


class _Handler(logging.StreamHandler[TextIO]):
    """Says once that it can't write any more. Python's own shows a traceback for each line: in the app, too."""

    def __init__(self, stream: TextIO, file: Path) -> None:
        super().__init__(stream)
        self._file = file
        self._has_failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._has_failed:
            self._has_failed = True
            warn(f"The log file {self._file} can't be written any more: {reason_of(error)}.")


def write_log(file: Path | None) -> None:
    """Requests go to `file`, readable for its owner alone; without one, nowhere. Raises SettingsError."""
    # Without any handler, Python writes warnings of asyncio and httpx to stderr.
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        logging.captureWarnings(True)
    if file is None:
        return
    try:
        descriptor = open_private(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, closes=True, devices=True)
        stream = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise SettingsError(f"The log file {file} can't be written: {reason_of(error)}.") from None
    handler = _Handler(stream, file)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    for name in ("regtui.requests", "regtui.content", "regtui.faults"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)

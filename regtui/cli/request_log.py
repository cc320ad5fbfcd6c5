"""The log of requests and of trouble with the cache, and silence for everything that libraries would say on stderr."""

import logging
import os
import stat
import sys
import time
from pathlib import Path

from regtui.errors import SettingsError


def write_log(file: Path | None) -> None:
    """Requests go to `file`, readable for its owner alone; without one, nowhere. Raises SettingsError."""
    # Without any handler, Python writes warnings of asyncio and httpx to stderr.
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        logging.captureWarnings(True)
    if file is None:
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
        stream = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise SettingsError(f"The log file {file} can't be written: {(error.strerror or '').lower()}.") from None
    handler = logging.StreamHandler(stream)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    for name in ("regtui.requests", "regtui.content"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)

"""A file system of so many bytes, to become full."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.containers import must_be_root


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    must_be_root("mount")
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)

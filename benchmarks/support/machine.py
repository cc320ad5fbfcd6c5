"""What the numbers were taken on, and how busy it was, in one line."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def described() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("textual", "httpx", "httptools"))
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[1]
    system = f"{platform.system()}, Python {platform.python_version()}, {libraries}"
    return f"{cores} cores ({_processor()}), load {load:.0f}; {system}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

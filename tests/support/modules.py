"""What a fresh interpreter has loaded."""

import subprocess
import sys


def modules_after(code: str) -> set[str]:
    """All that a fresh interpreter has loaded after running `code`; it may `tell()` earlier."""
    script = f"""
import sys
def tell():
    print('LOADED', *sys.modules, file=sys.__stdout__, flush=True)
{code}
tell()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    told = [line.split() for line in done.stdout.splitlines() if line.startswith("LOADED")]
    assert told, done.stdout + done.stderr
    return set(told[0][1:])

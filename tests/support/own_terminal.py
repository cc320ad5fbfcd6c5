"""Runs regtui with stdin as its controlling terminal, so that Ctrl+C becomes a signal: a child of `on_terminal`."""

import fcntl
import os
import sys
import termios

if __name__ == "__main__":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.execv(sys.executable, [sys.executable, "-m", "regtui", *sys.argv[1:]])

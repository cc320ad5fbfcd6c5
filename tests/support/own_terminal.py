"""Runs a command with stdin as its controlling terminal, so that Ctrl+C becomes a signal: a child of `on_command`."""

import fcntl
import os
import sys
import termios

if __name__ == "__main__":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.execv(sys.argv[1], sys.argv[1:])

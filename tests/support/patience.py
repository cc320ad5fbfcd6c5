"""How long a test waits for what must come."""

from typing import Final

PATIENCE: Final = 90.0
"""Seconds. Long, since all tests share two cores with the servers they start: only one that fails waits that long."""

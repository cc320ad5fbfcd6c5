"""`python -m regtui`."""

from regtui.cli.main import run

run()

"""Importing beside the app's loop: something is seen, and keys are answered, meanwhile."""

from importlib import import_module

from regtui.aside import aside


async def loaded(*modules: str) -> None:
    """Until they are imported: who imports them afterwards has them at once."""
    await aside(lambda: [import_module(module) for module in modules])

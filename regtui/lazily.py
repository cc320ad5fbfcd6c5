"""Packages whose names are imported when they are first asked for (PEP 562).

A package offers what many need, and each needs little of it: the app's first frame an address, not the client's httpx.
"""

import sys
from collections.abc import Callable
from importlib import import_module


def lazily(package: str, **modules: str) -> Callable[[str], object]:
    """The `__getattr__` of a package; `modules` says which of its modules has which names: `address="Address"`.

    Type checkers see the imports that stand beside it, under TYPE_CHECKING; a test holds the two against each other.
    """
    where = {name: f"{package}.{module}" for module, names in modules.items() for name in names.split()}

    def imported(name: str) -> object:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(where[name]), name)
        # The next time nobody asks.
        setattr(sys.modules[package], name, value)
        return value

    return imported

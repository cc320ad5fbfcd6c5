"""Python loads this at its start in every regtui that a test runs. Nothing is imported that isn't needed: tests look at
what a command loads."""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType

_CLIENT = "regtui.registry.http"


class _Client(MetaPathFinder):
    """Finds the client's module as it is, and watches what it makes, once it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _CLIENT:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        spec.loader = _Watched(spec.loader)
        return spec


class _Watched(Loader):
    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        from tests.support import watch
        from tests.support.watch import logins, passwords

        logins.watch(watch.tell)
        passwords.watch_command_lines()


sys.meta_path.insert(0, _Client())

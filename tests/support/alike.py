"""What runs alike in several ways runs in one of them, always the same: by its name, so that each way has its part.

In tests/integration those are the runtimes and the versions of a registry, unless a test is marked `each_runtime` or
`each_version`, or says a version in its code; elsewhere what a test's mark `alike` names. `make everything` runs all.
"""

import inspect
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from zlib import crc32

import pytest

# Read before any test changes the environment.
_ALL = bool(os.environ.get("REGTUI_ALL_TESTS"))

_RUNTIME = re.compile(r"(?<=[\[-])(?:podman|engine)(?=[\]-])")
_VERSION = re.compile(r"(?<=[\[-])(?:2\.8\.2|3\.1\.1)(?=[\]-])")
_SAYS_A_VERSION = re.compile(r"""["'](?:2|3|2\.8\.2|3\.1\.1|2\.|3\.)["']|version\]""")


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves one of those that are alike."""
    if _ALL:
        return
    alike: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        alike[_name_of_all(item)].append(item)
    chosen = {few[crc32(name.encode()) % len(few)] for name, few in alike.items()}
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]


def _name_of_all(item: pytest.Item) -> str:
    """Its own, without the ways of which one is enough."""
    name, found, made = item.nodeid, item.get_closest_marker("alike"), getattr(item, "callspec", None)
    if found is not None and made is not None:
        test, _, ways = name.partition("[")
        for way in filter(made.params.__contains__, found.args):
            ways = ways.replace(str(made.params[way]), way)
        name = f"{test}[{ways}"
    if item.get_closest_marker("integration"):
        if not item.get_closest_marker("each_runtime"):
            name = _RUNTIME.sub("containers", name)
        if not item.get_closest_marker("each_version") and not _expects_more_of_one(item):
            name = _VERSION.sub("version", name)
    return name


def _expects_more_of_one(item: pytest.Item) -> bool:
    """Whether the test, or a function of its file that it calls, says a version: it expects something else of that."""
    return isinstance(item, pytest.Function) and any(
        _SAYS_A_VERSION.search(inspect.getsource(function)) for function in _called(item.function)
    )


@cache
def _called(test: Callable[..., object]) -> tuple[Callable[..., object], ...]:
    found: dict[Callable[..., object], None] = {}
    left = [test]
    while left:
        function = left.pop()
        if function not in found:
            found[function] = None
            left.extend(_functions_in(function))
    return tuple(found)


def _functions_in(function: Callable[..., object]) -> Iterator[Callable[..., object]]:
    code = inspect.unwrap(function).__code__
    for name in code.co_names:
        named = function.__globals__.get(name)
        if inspect.isfunction(named) and named.__module__ == function.__module__:
            yield named


def examples(most: int) -> int:
    """How many hypothesis tries where it is to try `most`, one after the other: a third of them, each time others."""
    return most if _ALL else -(-most // 3)

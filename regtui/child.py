"""What the programs that regtui starts get to see of its environment: not its password. What a child has in its
environment, its own children have as well, and whoever may read /proc."""

import os
from collections.abc import Mapping
from typing import Final

_SECRETS: Final = frozenset({"REGTUI_PASSWORD"})


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """`environment`, ours if none is given, without our own secrets."""
    source = os.environ if environment is None else environment
    return {name: value for name, value in source.items() if name not in _SECRETS}

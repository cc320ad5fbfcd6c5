"""`regtui [REGISTRY]`, `regtui REGISTRY/REPOSITORY[:TAG]`, `regtui browse`: opens the app."""

import argparse
import asyncio
import sys

from regtui.cli.arguments import nearest_command
from regtui.cli.invocation import Invocation
from regtui.errors import UsageError
from regtui.session.place import Place, is_registry_alone, place_of
from regtui.session.target import Target
from regtui.settings.config import Config


def run(arguments: argparse.Namespace) -> int:
    """Raises UsageError where there is no terminal to draw on, RegtuiError."""
    named = arguments.registry_argument or arguments.registry or ""
    check_terminal(f"For scripts: regtui {_for_scripts(named)} {named}".rstrip())
    invocation = Invocation(arguments)
    _check_no_typo(arguments, invocation.config)
    target = _target(invocation, arguments)
    from regtui.ui.start import run_app

    return run_app(invocation.config, invocation.credentials, target, invocation.options)


def _for_scripts(named: str) -> str:
    """The command that shows what the browser would."""
    path, _, last = named.rpartition("://")[2].rpartition("/")
    if not path or not last:
        return "ls"
    return "inspect" if ":" in last or "@" in last else "tags"


def _check_no_typo(arguments: argparse.Namespace, config: Config) -> None:
    """`regtui tgas` is more likely a command than a host of that name. Raises UsageError."""
    word = arguments.registry_argument
    if (
        not word
        or arguments.is_browse
        or not word.isalnum()
        or word in config.profiles
        or word in ("localhost", "demo")
    ):
        return
    if near := nearest_command(word):
        raise UsageError(
            f"There is no command or profile {word}.", f"Nearest: {near}. If it is a host: regtui browse {word}"
        )


def _target(invocation: Invocation, arguments: argparse.Namespace) -> Target | None:
    """The registry, at the repository and tag that are named with it, or beside it (-r). None where nothing is
    configured, and nothing named: the connect screen asks."""
    apart, argument = arguments.registry, arguments.registry_argument
    # Two registries are refused; what can't be one is a name at the other.
    if (
        apart
        and argument
        and apart != argument
        and not is_registry_alone(argument, invocation.config, is_certain=False)
    ):
        reference = invocation.reference(argument)
        place = Place(apart, reference.repository, reference.tag or reference.digest or "")
        return place.on(invocation.target(apart))
    registry = invocation.registry(argument)
    return _place(invocation, registry) if registry else None


def _place(invocation: Invocation, registry: str) -> Target:
    place = place_of(registry, invocation.config)
    if not place.is_sure:
        # Rare, and the client is not loaded before the first frame.
        from regtui.session.opening import is_registry

        whole = invocation.target(registry)
        if asyncio.run(is_registry(whole)):
            return whole
    return place.on(invocation.target(place.registry))


def check_terminal(remedy: str) -> None:
    """Raises UsageError with `remedy` where stdin or stdout is no terminal."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise UsageError("The browser needs a terminal.", remedy)

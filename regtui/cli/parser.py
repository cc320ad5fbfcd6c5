"""How what is typed is read and explained: errors of one line, help with examples, kinds of values, completion."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from regtui import __version__
from regtui.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime


class Parser(argparse.ArgumentParser):
    """Raises UsageError where argparse would print its usage and exit: an error is one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See: {self.prog} --help")


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Leaves examples as they are written, and wraps the description."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def texts(description: str, examples: Sequence[str], more: str = "") -> dict[str, Any]:
    """What every parser is made with."""
    lines = ["examples:" if len(examples) > 1 else "example:", *(f"  {example}" for example in examples)]
    return {
        "description": description,
        "epilog": "\n".join([*lines, *(("", more) if more else ())]),
        "formatter_class": _HelpFormatter,
        # Scripts that rely on --pass would break with the next option that begins so.
        "allow_abbrev": False,
    }


def version_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", action="version", version=f"regtui {__version__}")


def path(text: str) -> Path:
    return Path(text).expanduser()


def days(text: str) -> int:
    if not text.isdecimal() or len(text) > 5:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return int(text)


def age_minutes(text: str) -> int:
    """`12h`, `7d`, `2w` in minutes."""
    match = re.fullmatch(r"([1-9]\d{0,4})([mhdw])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: 90m, 12h, 7d, 2w")
    return int(match[1]) * {"m": 1, "h": 60, "d": 1440, "w": 10080}[match[2]]


def byte_count(text: str) -> int:
    """`5G`, `500MB`, `1 TB`: decimal units, as sizes are shown."""
    from regtui import text as texts_

    count = texts_.byte_count(text)
    if count is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: 500M, 5G, 1T")
    return count


def percent(text: str) -> float:
    match = re.fullmatch(r"(\d{1,2}(?:\.\d{1,3})?)%?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage below 100")
    return float(match[1])


def share(text: str) -> float:
    """`50%` as a part of 1."""
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?)%?", text)
    if match is None or not 0 < float(match[1]) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 1 to 100")
    return float(match[1]) / 100


def period_seconds(text: str) -> float:
    """`90m`, `6h`, `1d` in seconds."""
    return age_minutes(text) * 60.0


def date(text: str) -> "datetime":
    """A day, from its beginning in UTC, or a time of RFC 3339."""
    from datetime import UTC, datetime

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: 2027-01-01") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


class PrintCompletion(argparse.Action):
    """Loads shtab only when a completion is asked for."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> NoReturn:
        import shtab

        for each in (parser, *subparsers(parser)):
            for action in each._actions:
                if action.metavar == "FILE":
                    action.complete = shtab.FILE  # type: ignore[attr-defined]
        sys.stdout.write(shtab.complete(parser, values) + "\n")
        parser.exit()


def subparsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    return [
        choice
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action.choices.values()
    ]

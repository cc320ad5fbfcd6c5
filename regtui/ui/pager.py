"""The terminal lent to the user's pager."""

import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Any, Final

from textual.app import SuspendNotSupported

from regtui.bounded_json import parse_json
from regtui.child import child_environment
from regtui.errors import RegtuiError, SettingsError, reason_of
from regtui.host.hosts import undisturbed
from regtui.text import clean

if TYPE_CHECKING:
    from textual.app import App

_USUAL: Final = "less"


def json_text(body: bytes) -> str:
    """Indented; what is no JSON as it is. Harmless on a terminal."""
    try:
        text = json.dumps(parse_json(body), indent=2, ensure_ascii=False)
    except ValueError:
        text = body.decode(errors="replace")
    return clean(text, limit=len(text), keep="\n") + "\n"


def page(app: "App[Any]", text: str) -> None:
    """Shows it, harmless text, in $PAGER, and comes back when that has ended. Raises SettingsError where it can't be
    started, RegtuiError where the app has no terminal to lend."""
    written = os.environ.get("PAGER", "").strip() or _USUAL
    failed: list[str] = []

    def run() -> None:
        try:
            command = shlex.split(written)
            subprocess.run(command, input=text, text=True, env=child_environment(), check=False)
        except ValueError:
            failed.append("its quotes don't match")
        except OSError as error:
            failed.append(reason_of(error))

    try:
        with app.suspend():
            undisturbed(run)
    except SuspendNotSupported:
        raise RegtuiError("There is no terminal to lend to a pager.") from None
    app.refresh(layout=True)
    if failed:
        raise SettingsError(f"The pager {written!r} can't be started: {failed[0]}.", "Set PAGER, or install less.")

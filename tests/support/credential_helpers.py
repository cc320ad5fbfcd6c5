"""Credential helpers, as real programs on a PATH of the test's own: `docker-credential-NAME`."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Keeps its entries, and what it was called with, beside itself.
_PROGRAM = """\
#!{python} -SE
import json, os, pathlib, sys
own = pathlib.Path({own!r})
said = sys.stdin.read()
with own.with_suffix(".calls").open("a") as calls:
    print(json.dumps({{"argv": sys.argv, "stdin": said, "environment": dict(os.environ)}}), file=calls)
entries = json.loads(own.read_text())
action = sys.argv[1]
if action == "store":
    entry = json.loads(said)
    entries[entry["ServerURL"]] = [entry["Username"], entry["Secret"]]
    own.write_text(json.dumps(entries))
elif said not in entries:
    print("credentials not found in native keychain")
    sys.exit(1)
elif action == "erase":
    del entries[said]
    own.write_text(json.dumps(entries))
else:
    user, secret = entries[said]
    print(json.dumps({{"ServerURL": said, "Username": user, "Secret": secret}}))
"""


@dataclass(frozen=True)
class HelperProgram:
    """A helper that was put on a PATH; `entries` are [user, secret] by server."""

    folder: Path
    name: str

    @property
    def _own(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def entries(self) -> dict[str, list[str]]:
        read: dict[str, list[str]] = json.loads(self._own.read_text())
        return read

    @property
    def calls(self) -> list[dict[str, Any]]:
        """argv, stdin and environment of each time it was started."""
        file = self._own.with_suffix(".calls")
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def path(self) -> str:
        """A PATH with it, for a command's environment."""
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"


def make_helper(folder: Path, name: str, entries: Mapping[str, tuple[str, str]]) -> HelperProgram:
    folder.mkdir(parents=True, exist_ok=True)
    helper = HelperProgram(folder, name)
    own = folder / f"{name}.json"
    own.write_text(json.dumps(entries))
    make_program(folder, name, _PROGRAM.format(python=sys.executable, own=str(own)))
    return helper


def make_program(folder: Path, name: str, text: str) -> HelperProgram:
    """A `docker-credential-NAME` of any content: those that hang or talk nonsense."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"docker-credential-{name}"
    program.write_text(text)
    program.chmod(0o755)
    return HelperProgram(folder, name)


# Hangs with a child that holds its output open, as helpers do that wait for a password dialog.
HANGING = '#!/bin/sh\necho $$ > "$0.pid"\nsleep 600 &\nsleep 600\n'

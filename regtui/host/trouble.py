"""What a host's programs print when they fail, as errors with a remedy."""

import re
from typing import Final

from regtui.host.errors import CollectionFailed, GarbageError, HostNotAllowed, NotOnHost
from regtui.host.hosts import ScriptOutput
from regtui.text import one_line

_COMMAND_NOT_FOUND: Final = 127
# By dash and busybox without "command".
_NOT_FOUND: Final = re.compile(r"\w: (?:command )?not found\s*$", re.MULTILINE)
# By runc, crun, sudo and runuser: not what runs the program is missing, but the program.
_NO_PROGRAM: Final = re.compile(
    r'exec: "([^"]{1,300})": (?:executable file not found|stat |permission denied)'
    r"|executable file `([^`']{1,300})[`'] not found"
    r"|sudo: ([^:\n]{1,300}): command not found"
    r"|runuser: failed to execute ([^:\n]{1,300}): No such file"
)
# By a shell that should have run it, and not by itself of another program.
_NO_SUDO: Final = re.compile(r"(?:^|: )sudo: (?:command )?not found\s*$", re.MULTILINE)
# Who isn't root often has no sbin on PATH.
_NO_ROOT: Final = re.compile(
    r"(?:^|: )runuser: (?:(?:command )?not found\s*$|may not be used by non-root)", re.MULTILINE
)
_SUDO_REFUSES: Final = re.compile(r"\bis not allowed to (?:execute|run)\b|sudo:.* not allowed|not in the sudoers")
_SOCKET: Final = re.compile(
    r"permission denied.{0,200}(?:socket|docker\.sock|podman\.sock)|(?:socket|\.sock).{0,200}permission denied",
    re.I | re.S,
)


def check(output: ScriptOutput, place: str, program: str) -> None:
    """Raises GarbageError where the script failed. `program`: what it called, in the user's words."""
    if output.code != 0:
        raise trouble(output, place, program)


def trouble(output: ScriptOutput, place: str, program: str) -> GarbageError:
    said = output.said
    if "sudo:" in said and ("password is required" in said or "terminal is required" in said):
        return HostNotAllowed(
            f"sudo on {place} asks for a password.", f"Allow {program} without one (NOPASSWD in its sudoers file)."
        )
    if _SUDO_REFUSES.search(said):
        return HostNotAllowed(f"sudo on {place} does not allow {program}.", "Allow it in its sudoers file.")
    if "sudo:" in said and "must have a tty" in said:
        return HostNotAllowed(
            f"sudo on {place} works on a terminal only, and regtui has none there.",
            "Take requiretty out of its sudoers file for this login.",
        )
    if _NO_SUDO.search(said):
        return NotOnHost(
            f"There is no sudo on {place}.", "Leave out sudo = true, and log in as somebody who may do it."
        )
    if _NO_ROOT.search(said):
        return HostNotAllowed(
            f"The login on {place} may not run the collector as the registry's user.",
            "Log in as root or as that user, or add sudo = true.",
        )
    if match := _NO_PROGRAM.search(said):
        named = one_line(next(filter(None, match.groups()), ""))[:200]
        return NotOnHost(
            f"There is no program {named} where the registry runs on {place}.",
            'Say which one is the registry\'s: binary = "…", below [registries.NAME.host] in the config file.',
        )
    if output.code == _COMMAND_NOT_FOUND or _NOT_FOUND.search(said):
        return NotOnHost(
            f"There is no {program} on {place}.",
            "Say how the registry is run there: runtime, below [registries.NAME.host] in the config file.",
        )
    if _SOCKET.search(said):
        return HostNotAllowed(
            f"The login may not use {program} on {place}: its socket refuses.",
            "Add sudo = true to the profile, or put the user into the group that may.",
        )
    if "Cannot connect to the Docker daemon" in said or "Is the docker daemon running" in said:
        return NotOnHost(f"{program} is not running on {place}.", "Start it there.")
    if "No space left on device" in said:
        return CollectionFailed(f"A disk of {place} is full.", "Make room for a few kilobytes, then collect again.")
    if "ermission denied" in said:
        return HostNotAllowed(
            f"The login on {place} lacks permission: {last_line(said)}.", "Log in as another user, or add sudo = true."
        )
    return CollectionFailed(
        f"{program} failed on {place} (exit {output.code}): {last_line(said) or 'it gives no reason'}."
    )


def last_line(said: str) -> str:
    """The last line that says anything, harmless to show."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return one_line(lines[-1])[:300].rstrip(".") if lines else ""

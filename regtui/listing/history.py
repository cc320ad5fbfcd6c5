"""The instructions of an image's history, as its Dockerfile had them.

Builders record the command line that ran, not the line that was written; these are the forms of Docker's classic
builder, of BuildKit, and of both on Windows. What isn't recognised stays as it is.
"""

import re
from typing import Final

_SHELL: Final = r"(?:/bin/(?:ba|a|da)?sh|cmd(?:\.exe)?|powershell(?:\.exe)?|pwsh(?:\.exe)?)"
# Classic builder, no command ran: `/bin/sh -c #(nop)  CMD ["bash"]`, behind whatever SHELL was set.
_NOP: Final = re.compile(rf"{_SHELL}\b.*?#\(nop\)\s*", re.DOTALL | re.IGNORECASE)
# The shells that stand there unless a Dockerfile says otherwise: they say nothing.
_DEFAULT_SHELL: Final = re.compile(r"(?:/bin/sh -c|cmd(?:\.exe)? /S /C)\s+", re.IGNORECASE)
# `|2 A=1 B=2 /bin/sh -c make`: the build arguments in effect. Values may hold spaces: the shell ends them.
_ARGUMENTS: Final = re.compile(rf"\|\d+ .*?(?={_SHELL}\s)", re.DOTALL | re.IGNORECASE)
_BUILDKIT: Final = re.compile(r"\s*# buildkit\s*\Z")


def instruction(created_by: str) -> str:
    """`created_by` of a history entry as an instruction: `RUN apk add curl`. The text isn't cleaned."""
    text = _BUILDKIT.sub("", created_by.strip())
    nop = _NOP.match(text)
    if nop:
        return text[nop.end() :].rstrip()
    keyword = "RUN " if text.startswith("RUN ") else ""
    command = text[len(keyword) :].lstrip()
    arguments = _ARGUMENTS.match(command)
    if arguments:
        command = command[arguments.end() :]
    shell = _DEFAULT_SHELL.match(command)
    if shell:
        command = command[shell.end() :]
    return f"RUN {command}" if keyword or arguments or shell else text

"""Text that fits a terminal: its width in cells, cut or padded to one, and sentences broken between their words."""

import re
import shutil
from functools import cache


def terminal_width() -> int:
    return shutil.get_terminal_size((120, 24)).columns


def cell_width(text: str) -> int:
    """Columns that `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    # As what draws the app has it. Names are ASCII, and it isn't loaded for those.
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, width: int, *, to_right: bool = False) -> str:
    space = " " * (width - cell_width(text))
    return space + text if to_right else text + space


def cut(text: str, width: int) -> str:
    """At most `width` columns of `text`, with an ellipsis where something is missing."""
    if cell_width(text) <= width:
        return text
    kept, used = "", 0
    for char in text:
        used += cell_width(char)
        if used > width - 1:
            break
        kept += char
    return kept + "…"


def wrapped(text: str, width: int, hang: int = 0) -> str:
    """`text`, which is one line, in lines of at most `width` cells; all but the first begin with `hang` spaces. What is
    longer than that without a space stays whole: the terminal breaks it, and copies it as one line."""
    if cell_width(text) <= width:
        return text
    lines, line, end = [], "", 0
    for begin, stop in _parts(text):
        gap, part = text[end:begin], text[begin:stop]
        if line.strip() and cell_width(line + gap + part) > width:
            lines.append(line)
            line, gap = " " * hang, ""
        line += gap + part
        end = stop
    return "\n".join([*lines, line])


def _parts(text: str) -> list[tuple[int, int]]:
    """Where the words and commands of `text` begin and end."""
    command, word = _patterns()
    commands = [match.span() for match in command.finditer(text)]
    found, at = [], 0
    for begin, stop in [*commands, (len(text), len(text))]:
        found += [match.span() for match in word.finditer(text, at, begin)]
        # Its full stop goes with it.
        rest = word.match(text, stop)
        at = rest.end() if rest and stop < len(text) else stop
        if stop > begin:
            found.append((begin, at))
    return found


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Of a command that is to be run, from the colon before it to the end of its sentence; and of a word. Made for the
    first line that is too long: most never are."""
    program = "regtui|chmod|chown|docker|kubectl|podman|ssh|sudo|systemctl"
    return re.compile(rf"(?<=: )(?:{program}) .*?(?=[.;]?(?: [A-Z]|$))"), re.compile(r"\S+")

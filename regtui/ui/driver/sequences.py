"""What a program writes to its terminal, taken apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

_TOKENS: Final = re.compile(
    r"\x1b\[(?P<parameters>[0-?]*)(?P<final>[ -/]*[@-~])"
    r"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|(?P<string>\x1b[PX^_].*?\x1b\\)"
    r"|(?P<escape>\x1b[ -/]*[0-~])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])",
    re.DOTALL,
)
# Questions, the window, the shape of the cursor: they leave the cells alone.
_HARMLESS_FINALS: Final = ("n", "c", "t", "$p", " q")
_ALTERNATE_SCREENS: Final = {"?47", "?1047", "?1049"}
_SYNCHRONIZED: Final = "?2026"
# Of the modes: columns, origin, left and right margins move or clear what is shown.
_CHANGING_MODES: Final = {"?3", "?6", "?69", *_ALTERNATE_SCREENS}


class SequenceKind(Enum):
    TEXT = "text"
    STYLE = "style"
    LINK = "link"
    MOVE = "move"
    RETURN = "return"
    NEXT_LINE = "next line"
    SYNCHRONIZED = "synchronized output"
    ALTERNATE_SCREEN = "alternate screen"
    HARMLESS = "leaves the cells alone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Token:
    """`value`: the text, the parameters of a style or a move, what is linked, `h` or `l`; else the sequence itself."""

    kind: SequenceKind
    value: str


def tokens(data: str) -> Iterator[Token]:
    """All of `data`, in order."""
    end = 0
    for match in _TOKENS.finditer(data):
        if match.start() != end:
            yield Token(SequenceKind.UNKNOWN, data[end : match.start()])
        end = match.end()
        text = match["text"]
        yield Token(SequenceKind.TEXT, text) if text is not None else _token(match)
    if end != len(data):
        # Broken off, to be continued by the next write.
        yield Token(SequenceKind.UNKNOWN, data[end:])


def _token(match: re.Match[str]) -> Token:
    sequence, parameters, final = match[0], match["parameters"], match["final"]
    if final is not None:
        return _control_sequence(sequence, parameters, final)
    if (osc := match["osc"]) is not None:
        return Token(SequenceKind.LINK, osc[2:]) if osc.startswith("8;") else Token(SequenceKind.HARMLESS, sequence)
    kinds = {
        "\r": SequenceKind.RETURN,
        "\n": SequenceKind.NEXT_LINE,
        "\x07": SequenceKind.HARMLESS,
        "\x1b=": SequenceKind.HARMLESS,
    }
    return Token(kinds.get(sequence, SequenceKind.UNKNOWN), sequence)


def _control_sequence(sequence: str, parameters: str, final: str) -> Token:
    is_private = parameters[:1] in ("<", "=", ">", "?")
    if final == "m" and not is_private:
        return Token(SequenceKind.STYLE, parameters)
    if final in ("H", "f") and not is_private:
        return Token(SequenceKind.MOVE, parameters)
    if final in ("h", "l") and parameters.startswith("?"):
        if parameters == _SYNCHRONIZED:
            return Token(SequenceKind.SYNCHRONIZED, final)
        if parameters in _ALTERNATE_SCREENS:
            return Token(SequenceKind.ALTERNATE_SCREEN, sequence)
        modes = {f"?{mode}" for mode in parameters[1:].split(";")}
        return Token(SequenceKind.UNKNOWN if modes & _CHANGING_MODES else SequenceKind.HARMLESS, sequence)
    # `CSI u` moves the cursor; with a prefix it is about the keyboard.
    is_harmless = final in _HARMLESS_FINALS or (final == "u" and is_private)
    return Token(SequenceKind.HARMLESS if is_harmless else SequenceKind.UNKNOWN, sequence)

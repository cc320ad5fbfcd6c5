"""What goes to stdout: an aligned table for people, tab-separated fields for pipes, JSON Lines for programs."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, TextIO

from regtui.cli.fitting import cell_width, cut, padded, terminal_width, wrapped
from regtui.errors import RegtuiError, reason_of
from regtui.text import clean, one_line, visible

_GAP: Final = "   "
_NARROW_GAP: Final = "  "
# Columns of a table that has more than its terminal takes.
_NARROWEST: Final = 20


class Form(Enum):
    TABLE = "table"
    FIELDS = "fields"
    JSON = "json"


class OutputFailed(RegtuiError):
    """stdout takes nothing more: a full disk."""


class Output:
    """Writes records in one form. Texts are cleaned here, so that callers hand over what the server said."""

    def __init__(self, form: Form, stream: TextIO | None = None) -> None:
        self.form = form
        self._stream = stream or sys.stdout
        self._coloured = form is Form.TABLE and is_coloured(self._stream)

    @classmethod
    def chosen(cls, as_json: bool, stream: TextIO | None = None) -> "Output":
        """JSON where that was asked for, else by what stdout is."""
        stream = stream or sys.stdout
        return cls(Form.JSON if as_json else Form.TABLE if stream.isatty() else Form.FIELDS, stream)

    def json(self, record: Mapping[str, object]) -> None:
        """One object on one line. ASCII, so that it is valid in every locale and no terminal acts on it."""
        self._write(_json(record) + "\n")

    def json_with_list(self, record: Mapping[str, object], key: str, items: Iterable[Mapping[str, object]]) -> None:
        """The same of `record`, which isn't empty, and the list at its last `key`: one item after the other, as each
        may take as much memory as a registry likes."""
        self._write(f"{_json(record)[:-1]},{_json(key)}:[")
        for number, item in enumerate(items):
            self._write(("," if number else "") + _json(item))
        self._write("]}\n")

    def fields(self, *fields: str) -> None:
        """Fields separated by tabs."""
        self._write("\t".join(map(one_line, fields)) + "\n")

    def line(self, text: str = "", style: str = "", *, keep_spaces: bool = False, hang: int = 0) -> None:
        """A line for people. `style`: `bold` or `warning`, where the terminal has colours. One whose spaces aren't kept
        is broken between its words on a terminal; so is one with a `hang`, the rest below the cell of that number."""
        line = clean(text) if keep_spaces else one_line(text)
        if self.form is Form.TABLE and (hang or not keep_spaces):
            line = wrapped(line, terminal_width(), hang)
        self._write(self._styled(line, style) + "\n")

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        right: frozenset[str] = frozenset(),
        warned: frozenset[int] = frozenset(),
        indent: str = "",
    ) -> None:
        """Aligned columns; the last is cut at the terminal's width, and left out where it is empty throughout. Where
        the others leave it no room, they are cut too, the widest first. A last column without a title has notes, which
        are read whole: where there is no room for one, each is below its row.

        `right`: columns aligned to the right. `warned`: rows in the warning colour.
        """
        cells = [[one_line(cell) for cell in row] for row in rows]
        while columns and all(not row[len(columns) - 1] for row in cells):
            columns = columns[:-1]
        if not columns:
            return
        notes = [row[len(columns) - 1] for row in cells] if not columns[-1] else []
        if notes and not self._has_room(columns, cells, indent):
            columns = columns[:-1]
        else:
            notes = []
        widths, gap = _layout(columns, cells, indent)
        for number, row in enumerate([list(columns), *cells]):
            parts = [
                padded(cut(cell, width), width, to_right=name in right)
                for name, cell, width in zip(columns[:-1], row, widths, strict=False)
            ]
            last = cut(row[len(columns) - 1], widths[-1])
            parts.append(padded(last, widths[-1], to_right=True) if columns[-1] in right else last)
            style = "bold" if number == 0 else "warning" if number - 1 in warned else ""
            self._write(indent + self._styled(gap.join(parts).rstrip(), style) + "\n")
            if number and notes and notes[number - 1]:
                below = f"{indent}{_GAP}{notes[number - 1]}"
                self._write(self._styled(wrapped(below, terminal_width(), len(indent + _GAP)), style) + "\n")

    @staticmethod
    def _has_room(columns: Sequence[str], cells: Sequence[Sequence[str]], indent: str) -> bool:
        """Whether all of the last column can be read beside the others."""
        widths, _ = _layout(columns, cells, indent)
        return all(cell_width(row[len(columns) - 1]) <= widths[-1] for row in cells)

    def flush(self) -> None:
        """What was written so far can be read by whoever waits for it."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _failed(error, self._stream) from None

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _failed(error, self._stream) from None

    def _styled(self, text: str, style: str) -> str:
        code = {"bold": "1", "warning": "33"}.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if code and self._coloured and text else text


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f")


def _layout(columns: Sequence[str], cells: Sequence[Sequence[str]], indent: str) -> tuple[list[int], str]:
    """How wide each column is, in cells, and what is between two."""
    widths = [max(cell_width(name), *(cell_width(row[at]) for row in cells), 0) for at, name in enumerate(columns)]
    between = len(widths) - 1
    needed = len(indent) + sum(widths)
    # Rather closer than cut, where that is enough, or all that helps.
    is_enough = needed + len(_NARROW_GAP) * between <= terminal_width() < needed + len(_GAP) * between
    least = len(indent) + sum(min(width, _NARROWEST) for width in widths)
    is_tight = least + len(_GAP) * between > terminal_width()
    gap = _NARROW_GAP if is_enough or is_tight else _GAP
    whole = terminal_width() - len(indent) - len(gap) * between
    widths[:-1] = _fitting(widths[:-1], whole - min(widths[-1], _NARROWEST))
    widths[-1] = min(widths[-1], max(whole - sum(widths[:-1]), _NARROWEST))
    return widths, gap


def _fitting(widths: list[int], room: int) -> list[int]:
    """`widths`, the widest made narrower until all fit into `room`, none below what can be read."""
    most = max(widths, default=0)
    while sum(min(width, most) for width in widths) > room and most > _NARROWEST:
        most -= 1
    return [min(width, most) for width in widths]


def _failed(error: OSError, stream: TextIO) -> OutputFailed:
    if stream is sys.stdout:
        # Else Python tries once more to write what is left, and fails once more.
        forget_stdout()
    return OutputFailed(f"The output can't be written: {reason_of(error)}.")


def write_raw(content: bytes) -> None:
    """Exact bytes to stdout; on a terminal, what it could act on is made visible. Raises OutputFailed."""
    try:
        sys.stdout.flush()
        if sys.stdout.isatty():
            content = visible(content.decode("utf-8", "backslashreplace")).encode("utf-8")
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _failed(error, sys.stdout) from None


def forget_stdout() -> None:
    """Whoever read stdout is gone: what is still written, and flushed at the end, goes nowhere instead of failing."""
    # A stdout that was replaced within Python, as tests do, has no descriptor to point elsewhere.
    with contextlib.suppress(io.UnsupportedOperation), open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def is_coloured(stream: TextIO) -> bool:
    """Whether `stream` takes colours, and the user wants them (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"

"""Expressions that people type, matched in time linear in what they are matched against.

RE2's syntax (https://github.com/google/re2/wiki/Syntax), which is Go's: no backtracking, so no look-around and no
backreferences. Measured on google-re2 1.1: the patterns that keep Python's engine busy for hours take microseconds,
those that would need much memory are refused.
"""

from typing import TYPE_CHECKING, Any, Final

from regtui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Nobody types more, and what is refused early can't be slow.
_LONGEST: Final = 500
_REMEDIES: "Final[Mapping[str, str]]" = {
    "(?!": "There is no look-around: what is to stay can be named by itself (--keep-match).",
    "(?=": "There is no look-around: conditions can be given together instead.",
    "(?<": "There is no look-around: what is to stay can be named by itself (--keep-match).",
}
_ESCAPED: Final = "To match a character that has a meaning of its own, put a \\ before it."


class Expression:
    """A compiled expression. `place` says where it was typed, for the error: `--match`."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str, place: str = "The expression") -> None:
        """Raises UsageError that names the place and what in the expression is wrong."""
        # 2.6 MB that only rules need.
        import re2

        self.text = text
        if len(text) > _LONGEST:
            raise UsageError(f"{place}: the expression is longer than {_LONGEST} characters.")
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True
        try:
            # As bytes, so that a tag that is no valid text can be looked at too.
            self._compiled: Any = re2.compile(text.encode(), options)
        except re2.error as error:
            raise _refused(text, place, error) from None
        except UnicodeEncodeError:
            raise UsageError(f"{place}: the expression is no valid text.") from None

    def is_in(self, name: str) -> bool:
        """Whether it matches anywhere in `name`; `^` and `$` bind it to the ends."""
        return self._compiled.search(name.encode(errors="replace")) is not None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def _refused(text: str, place: str, error: Exception) -> UsageError:
    """`--match: '1.(2' is no expression: missing ): 1.(2.`, and what to do."""
    detail = error.args[0] if error.args else ""
    reason = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
    what, _, part = reason.partition(": ")
    at = text.find(part) if part and part != text else -1
    where = f"{what}, at character {at + 1} ({part})" if at >= 0 else what
    return UsageError(f"{place}: {text!r} is no valid expression: {where}.", _REMEDIES.get(part, _ESCAPED))

"""What a diagnosis is made of. All immutable; both faces show these and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from regtui.errors import DONE, FAILED, RegtuiError

SUBJECTS: Final = ("name", "port", "TLS", "registry", "login", "catalog", "deletion", "clock", "SSH", "GC")
"""In the order in which they are told. What is behind a failure isn't checked, and told as such."""


class Verdict(Enum):
    """The value is what the JSON says."""

    GOOD = "ok"
    BAD = "failed"
    NONE = "skipped"
    """Not applicable here, or not reached."""

    @property
    def sign(self) -> str:
        return {Verdict.GOOD: "✓", Verdict.BAD: "✗", Verdict.NONE: "–"}[self]


@dataclass(frozen=True, slots=True)
class Check:
    """`subject`: one of SUBJECTS. `text`: what was found; server text may be in it: whoever shows it cleans it.
    `remedy`: what to do about it. `exit_code`: the kind of failure, DONE where there is none."""

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""
    exit_code: int = DONE


def good(subject: str, text: str, remedy: str = "") -> Check:
    return Check(subject, Verdict.GOOD, text, remedy)


def skipped(subject: str, text: str, remedy: str = "") -> Check:
    return Check(subject, Verdict.NONE, text, remedy)


def failed(subject: str, error: RegtuiError, *, remedy: str = "") -> Check:
    """`remedy`: in place of the error's own."""
    return Check(subject, Verdict.BAD, error.message, remedy or error.remedy, error.exit_code)


def bad(subject: str, text: str, remedy: str, code: int = FAILED) -> Check:
    return Check(subject, Verdict.BAD, text, remedy, code)


def exit_code(checks: Iterable[Check]) -> int:
    """By the first failure's kind; DONE where there is none."""
    return next((check.exit_code for check in checks if check.verdict is Verdict.BAD), DONE)

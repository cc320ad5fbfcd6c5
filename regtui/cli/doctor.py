"""`regtui doctor`: what is wrong on the way to a registry, and what to do about it."""

import argparse
import asyncio
from typing import Final

from regtui.cli.invocation import Invocation
from regtui.cli.output import Form, Output
from regtui.diagnosis.course import diagnose
from regtui.diagnosis.values import SUBJECTS, Check, Verdict, exit_code

_WIDTH: Final = max(map(len, SUBJECTS))
# The cell where what is said of a subject begins.
_HANG: Final = _WIDTH + 5


def run(arguments: argparse.Namespace) -> int:
    """The kind of the first failure. Raises UsageError, SettingsError."""
    output = Output.chosen(arguments.json)
    invocation = Invocation(arguments)
    target = invocation.target(arguments.registry_argument)
    if output.form is Form.TABLE:
        output.line(f"{target.name}  {target.address}" if target.name != str(target.address) else target.name, "bold")

    async def tell() -> int:
        checks = []
        async for check in diagnose(target):
            _tell(check, output)
            output.flush()
            checks.append(check)
        return exit_code(checks)

    return asyncio.run(tell())


def _tell(check: Check, output: Output) -> None:
    if output.form is Form.JSON:
        output.json(
            {
                "check": check.subject,
                "status": check.verdict.value,
                "message": check.text,
                "remedy": check.remedy or None,
                "exit_code": check.exit_code,
            }
        )
    elif output.form is Form.FIELDS:
        output.fields(check.subject, check.verdict.value, check.text, check.remedy)
    else:
        style = "warning" if check.verdict is Verdict.BAD else ""
        output.line(
            f" {check.verdict.sign} {check.subject:<{_WIDTH}}  {check.text}", style, keep_spaces=True, hang=_HANG
        )
        if check.remedy:
            output.line(f"   {'':<{_WIDTH}}  {check.remedy}", keep_spaces=True, hang=_HANG)

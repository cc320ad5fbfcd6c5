"""What a command of the user's own prints: a reference a line."""

from collections.abc import Iterable
from typing import Final

from regtui import bounds
from regtui.host.hosts import Host, Script
from regtui.host.trouble import last_line
from regtui.oci.reference import InvalidReference, Reference
from regtui.retention.errors import SourceFailed
from regtui.retention.own_names import OwnNames
from regtui.retention.uses import Use
from regtui.retention.values import PlaceKind, UsePlace
from regtui.text import one_line

_SHOWN: Final = 80


class Command:
    """A `Source`. The line is run by this machine's shell, as the config file has it."""

    def __init__(self, line: str, host: Host) -> None:
        self.name = f"command {one_line(line)[:_SHOWN]}"
        self._line = line
        self._host = host

    async def uses(self, names: OwnNames) -> Iterable[Use]:
        told = await self._host.run(Script('eval "$1"', (self._line,)))
        if told.code != 0:
            raise SourceFailed(f"It ended with exit code {told.code}: {last_line(told.said) or 'it gives no reason'}.")
        return list(_uses(told.stdout, names))


def _uses(printed: str, names: OwnNames) -> Iterable[Use]:
    place = UsePlace("the command of in_use", PlaceKind.COMMAND)
    lines = [line.strip() for line in printed.splitlines()]
    if len(lines) > bounds.USES:
        raise SourceFailed(f"It prints more than {bounds.USES:,} lines.")
    if not any(lines):
        # A pipe whose first program failed says nothing, too.
        raise SourceFailed("It prints nothing.")
    for line in filter(None, lines):
        try:
            Reference.parse(line)
        except InvalidReference:
            # What isn't understood may be a message of something that failed.
            raise SourceFailed(f"It prints what is no reference: {one_line(line)[:_SHOWN]}.") from None
        if (image := names.image(line)) is not None:
            yield Use(image, place)

"""What is in use, as far as the app knows by now: read beside everything else, as hosts and clusters take seconds."""

from regtui.errors import RegtuiError
from regtui.retention.values import NOT_USED, InUse, UnreadSource
from regtui.ui.open_registry import OpenRegistry


class KnownUses:
    """Of one open registry."""

    def __init__(self, registry: OpenRegistry) -> None:
        self._registry = registry
        self.has_sources = not registry.session.target.in_use.is_empty
        self.in_use: InUse | None = None if self.has_sources else NOT_USED
        """None until it was read."""

    async def read(self) -> None:
        """Read again where that was a while ago. What fails is part of what is known."""
        session = self._registry.session
        try:
            self.in_use = await self._registry.thread.call(session.in_use)
        except RegtuiError as error:
            self.in_use = InUse(unread=(UnreadSource(session.name, str(error)),))

"""Reading the details of the current tag into their pane."""

import asyncio
import contextlib

from regtui.errors import RegtuiError
from regtui.registry.errors import NotFound
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.details.view import DetailsView
from regtui.ui.widgets.pane import Pane

# Moving through tags loads nothing until the cursor rests.
_REST = 0.15


class DetailsReader:
    """Of one tag at a time."""

    def __init__(self, registry: OpenRegistry, pane: Pane, view: DetailsView) -> None:
        self._session, self._thread = registry.session, registry.thread
        self._pane = pane
        self._view = view
        self._wanted = ("", "")

    @property
    def repository(self) -> str:
        """Whose tag was wanted last."""
        return self._wanted[0]

    def want(self, repository: str, tag: str, *, anew: bool = False) -> bool:
        """Whether its details have to be read: nobody looks at them where the pane isn't shown, and those that were
        wanted last are there or on their way, unless they are wanted `anew`."""
        wanted = (repository, tag)
        if not self._pane.display or not tag or (wanted == self._wanted and not anew):
            return False
        self._wanted = wanted
        return True

    def forget(self) -> None:
        """They may be others now."""
        self._wanted = ("", "")

    def clear(self) -> None:
        """There is no tag whose they would be."""
        self.forget()
        self._pane.title("Details")
        self._pane.tell("")
        self._view.clear()

    async def load(self, repository: str, tag: str) -> None:
        """As soon as the cursor has rested."""
        await asyncio.sleep(_REST)
        before = self._view.details
        if before is None or self._view.said:
            self._pane.title(f"{repository}:{tag}", "reading …")
        else:
            # What is shown until then is another's: nobody shall take its digest for this one's.
            self._pane.title(f"{before.repository}:{before.reference}", f"reading {tag} …")
        try:
            details = await self._thread.call(self._session.details, repository, tag)
        except RegtuiError as error:
            words = "is broken: its manifest is gone. It can be deleted." if isinstance(error, NotFound) else ""
            self._pane.tell(f"{tag} {words}" if words else f"{error}\n\nr: try again", is_error=True)
            self._pane.title(f"{repository}:{tag}")
            return
        self._pane.tell("")
        self._view.show(details)
        self.title()
        with contextlib.suppress(RegtuiError):
            if (checked := await self._thread.call(self._session.checked, details)) is not details:
                self._view.show(checked)

    def title(self) -> None:
        if (details := self._view.details) is not None:
            self._pane.title(f"{details.repository}:{details.reference}", self._view.position)

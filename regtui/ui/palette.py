"""The command palette: every repository, beside Textual's own actions and themes."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from regtui.oci.reference import is_repository
from regtui.text import clean

if TYPE_CHECKING:
    from regtui.ui.screens.browser import BrowserScreen

_ACTIONS = (
    ("Reload from the registry", "reload"),
    ("Delete the marked tags", "delete"),
    ("Copy the pull reference", "copy(False)"),
    ("Copy the pull reference by digest", "copy(True)"),
    ("Zoom the pane", "zoom"),
    ("Show or hide signatures and empty repositories", "hidden"),
    ("Switch registry", "app.switch"),
)


class BrowserCommands(Provider):
    """Actions of the browser, and its repositories; a name that isn't listed can be opened too."""

    @property
    def _browser(self) -> "BrowserScreen | None":
        from regtui.ui.screens.browser import BrowserScreen

        return self.screen if isinstance(self.screen, BrowserScreen) else None

    async def discover(self) -> Hits:
        for title, action in _ACTIONS if self._browser else ():
            yield DiscoveryHit(title, self._runs(action))

    async def search(self, query: str) -> Hits:
        browser = self._browser
        if browser is None:
            return
        matcher = self.matcher(query)
        for title, action in _ACTIONS:
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), self._runs(action))
        names = browser.lines.model.names()
        for name in names:
            if (score := matcher.match(name)) > 0:
                yield Hit(score, Content(clean(name)), self._opens(name), help="repository")
        if query not in names and is_repository(query):
            yield Hit(0.01, Content(f"Open the repository {query}"), self._opens(query), help="not listed")

    def _runs(self, action: str) -> Callable[[], Awaitable[None]]:
        screen = self.screen

        async def run() -> None:
            await screen.run_action(action)

        return run

    def _opens(self, name: str) -> Callable[[], None]:
        browser = self._browser
        assert browser is not None

        def opened() -> None:
            browser.lines.model.add([name])
            browser.lines.model.select(name)
            browser.lines.changed()
            browser.repositories_pane.tell("")
            browser.open_repository(name)

        return opened

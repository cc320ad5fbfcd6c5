"""The command palette: every repository, beside Textual's own actions and themes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.binding import Binding
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Input
from textual.worker import Worker, WorkerError

from regtui.oci.reference import is_repository
from regtui.text import clean
from regtui.ui.keys import keys_held

if TYPE_CHECKING:
    from regtui.ui.screens.browser import BrowserScreen

# Ids of what only moves around, which nobody opens a palette for, and of what the app offers everywhere.
_LEFT_OUT = (
    "lines.",
    "pane.next",
    "pane.previous",
    "pane.back",
    "app.help",
    "app.palette",
    "app.quit",
    "app.interrupt",
)
# More than anyone scrolls through; the rest is found by typing.
_LISTED = 200
_ON_TAGS = ("delete", "copy", "rule", "tag", "compare", "check", "retention_marks")
# What is done too seldom for a key: what it does, and the browser's action.
_WITHOUT_KEY = (
    ("Check whether this tag can be pulled, and repair it", "check"),
    ("In use: which images run or are named, where, and which of those are gone", "in_use"),
    ("Retention: what the rules would delete, by repository", "retention"),
)


class BrowserCommands(Provider):
    """Actions of the browser, and its repositories; a name that isn't listed can be opened too."""

    @property
    def _browser(self) -> "BrowserScreen | None":
        from regtui.ui.screens.browser import BrowserScreen

        return self.screen if isinstance(self.screen, BrowserScreen) else None

    def _actions(self) -> Iterator[tuple[str, str, Callable[[], Awaitable[None]]]]:
        """(what it does, its key in words, doing it) of every key of the browser and its panes, but for moving around,
        and of what has none."""
        browser = self._browser
        if browser is None:
            return
        seen: set[str] = set()
        for node in (browser.table, browser, browser.lines, browser.view, browser.app):
            for binding in type(node).BINDINGS:
                if not isinstance(binding, Binding) or not binding.id or binding.id in seen:
                    continue
                seen.add(binding.id)
                if not binding.id.startswith(_LEFT_OUT):
                    key = browser.app.get_key_display(next(iter(Binding.make_bindings([binding]))))
                    yield binding.description.capitalize(), f"key: {key}", self._runs(node, binding.action)
        for title, action in _WITHOUT_KEY:
            yield title, "", self._runs(browser, action)

    async def discover(self) -> Hits:
        for title, key, run in self._actions():
            yield DiscoveryHit(title, run, help=key)
        for name in self._browser.lines.model.names()[:_LISTED] if self._browser else ():
            yield DiscoveryHit(clean(name), self._opens(name), help="repository")

    async def search(self, query: str) -> Hits:
        browser = self._browser
        if browser is None:
            return
        matcher = self.matcher(query)
        for title, key, run in self._actions():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), run, help=key)
        names = browser.lines.model.names()
        for name in names:
            if (score := matcher.match(name)) > 0:
                yield Hit(score, Content(clean(name)), self._opens(name), help="repository")
        if query not in names and is_repository(query):
            yield Hit(0.01, Content(f"Open the repository {query}"), self._opens(query), help="not listed")

    def _runs(self, node: DOMNode, action: str) -> Callable[[], Awaitable[None]]:
        browser = self._browser
        assert browser is not None

        async def run() -> None:
            # What is done to tags is asked for from here without going to their pane first. Not by its focus(), which
            # comes later: until then the action is refused.
            if node is browser.table or action.startswith(_ON_TAGS):
                browser.set_focus(browser.table)
            await browser.app.run_action(action, default_namespace=node)

        return run

    def _opens(self, name: str) -> Callable[[], None]:
        browser = self._browser
        assert browser is not None

        def opened() -> None:
            listed = browser.lines.model.node(name)
            if listed is None or not listed.is_repository:
                browser.open_typed(name)
                return
            browser.lines.model.select(name)
            browser.lines.changed()
            browser.open_repository(name)

        return opened


class Palette(CommandPalette):
    """Textual's, but for enter: it means what is found for all that was typed, however quickly."""

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        searching = [worker for worker in self.workers if worker.node is self and not worker.is_finished]
        if searching:
            event.stop()
            event.prevent_default()
            self.choose_when_found(searching)

    @work(exclusive=True, group="choose")
    async def choose_when_found(self, searching: Sequence[Worker[Any]]) -> None:
        with keys_held(self.app), contextlib.suppress(WorkerError):
            await asyncio.gather(*(worker.wait() for worker in searching))
        self._select_or_command()

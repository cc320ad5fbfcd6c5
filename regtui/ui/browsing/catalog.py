"""Reading the repositories of a registry into their pane; where it lists none, those whose names are known."""

from collections.abc import Callable

from regtui.errors import RegtuiError
from regtui.text import clean
from regtui.ui.browsing.last_time import LastTime
from regtui.ui.browsing.words import READING, catalog_words, is_unlisted, no_repository_words
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.pane import Pane
from regtui.ui.widgets.repositories.tree import RepositoryLines


class RepositoriesReader:
    """`on_count` is told how many there are, each time that changes."""

    def __init__(
        self,
        registry: OpenRegistry,
        pane: Pane,
        lines: RepositoryLines,
        last_time: LastTime,
        on_count: Callable[[int], None],
    ) -> None:
        self._session, self._thread = registry.session, registry.thread
        self._pane = pane
        self._lines = lines
        self._last_time = last_time
        self._on_count = on_count
        self._waiting = ""
        # Shown because they were named, not because they were listed; and those that the registry doesn't know.
        self._unlisted: set[str] = set()
        self._unknown: set[str] = set()
        self.is_unlisted = False
        """Whether the registry, or this login, has no list: then a name can be typed."""

    async def read(self, current: str) -> str:
        """Reads all of them; one of them, or empty where none is known. `current` stays, listed or not."""
        self._pane.title("Repositories", self._waiting or READING)
        self._pane.tell("" if self._lines.model.total else "Reading the repositories …")
        names, doubt = [current] if current and current not in self._unknown else [], ""
        try:
            async for page in self._thread.stream(self._session.repositories):
                self._lines.model.add(page.repositories)
                self._unlisted.difference_update(page.repositories)
                doubt = page.doubt or doubt
                names += page.repositories
                if self._lines.model.total:
                    self._pane.tell("")
                self._changed(self._waiting or READING)
        except RegtuiError as error:
            return self._not_read(error)
        if not doubt:
            self._lines.keep(names)
        self.is_unlisted = not self._lines.model.total
        if self.is_unlisted and (known := self._show_known("none listed by it")):
            return known
        if not self._lines.model.total:
            self._pane.tell(
                f"{self._session.host} has no repositories yet, or lists none.\n\n"
                "/ and enter: open one by its name\nr: look again"
            )
        self._changed("not complete" if doubt else "")
        if doubt:
            self._pane.app.notify(clean(doubt), severity="warning", timeout=10, markup=False)
        return names[0] if names else ""

    def _not_read(self, error: RegtuiError) -> str:
        self.is_unlisted = is_unlisted(error)
        known = self._show_known("not listed by it") if self.is_unlisted else ""
        if known:
            return known
        if self._lines.model.total and not self.is_unlisted:
            # Those of before stay: the tags beside them do, too.
            self._pane.title("Repositories", "not read · r: again")
            self._pane.app.notify(clean(str(error)), severity="error", timeout=10, markup=False)
        else:
            self._pane.title("Repositories", "not read")
            self._pane.tell(f"{catalog_words(error)}\n\nr: try again", is_error=True)
        return ""

    def _show_known(self, state: str) -> str:
        """Those that the profile names or that were typed, of a registry that lists none; the first of them, or empty
        without any."""
        known = self._last_time.known
        if not known:
            return ""
        self._lines.model.add(known)
        self._pane.tell("")
        self._changed(state)
        return known[0]

    def select_first(self) -> str:
        """Moves to the repository that was open the last time, or else to the first, and returns it: nobody opens a
        browser to look at an empty pane. Empty where there is none, or where the user has moved already."""
        model = self._lines.model
        line = model.first_repository
        first = model.shown[line].name if line is not None else ""
        left = model.node(self._last_time.repository)
        first = left.name if left is not None and left.is_repository else first
        if not first or model.cursor is None or model.line != 0:
            return ""
        self.select(first)
        return first

    def select(self, name: str) -> None:
        """Moves to it."""
        self._lines.model.select(name)
        self._lines.changed()

    def add_typed(self, name: str) -> None:
        """A repository by its name, listed or not, and moves to it."""
        self._last_time.add_typed(name)
        node = self._lines.model.node(name)
        if node is None or not node.is_repository:
            self._unlisted.add(name)
        self._unknown.discard(name)
        self._lines.model.add([name])
        self.select(name)
        self._pane.tell("")

    def without_tags(self, name: str) -> bool:
        """The registry has no tags of it, or doesn't know it: whether it is listed. One that isn't goes from the
        tree."""
        self._unknown.add(name)
        self._drop_unknown()
        if is_listed := self.lists(name):
            self.set_count(name, 0)
        return is_listed

    def lists(self, name: str) -> bool:
        """Whether the registry listed it, as far as is known."""
        node = self._lines.model.node(name)
        return node is not None and node.is_repository and name not in self._unlisted

    def _drop_unknown(self) -> None:
        """Where the list has one of them all the same, it comes with the list."""
        gone = self._unknown & self._unlisted
        self._unknown &= self._unlisted
        if not gone:
            return
        for name in gone:
            self._last_time.drop_typed(name)
        self._lines.keep([name for name in self._lines.model.names() if name not in gone])
        self._on_count(self._lines.model.total)

    def set_count(self, name: str, tags: int) -> None:
        self._lines.model.set_count(name, tags)
        self._lines.changed()

    def filter(self, text: str) -> None:
        self._lines.model.filter(text)
        self._lines.changed()
        found = self._lines.model.shown or not text
        self._pane.tell("" if found else no_repository_words(text.strip(), self.is_unlisted))

    def wait(self, word: str, *, is_reading: bool) -> None:
        """The registry wants to be asked less, as `word` says; not any more where that is empty."""
        self._waiting = word
        if is_reading:
            self._pane.title("Repositories", word or READING)

    def _changed(self, state: str) -> None:
        self._lines.changed()
        self._on_count(self._lines.model.total)
        self._pane.title("Repositories", state)

"""The dialogs that the browser opens, and what comes of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from textual.app import App

from regtui.errors import RegtuiError
from regtui.listing.usage import Usage
from regtui.oci.digest import Digest
from regtui.registry.values import Deletion
from regtui.session.session import Session
from regtui.text import age, clean, short_digest, size
from regtui.ui.browsing.uses import KnownUses
from regtui.ui.loading import loaded
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.tags.table import TagTable

# Dialogs are imported when they are opened: the first frame is quicker without them.
if TYPE_CHECKING:
    from regtui.ui.screens.rule import Marking
    from regtui.ui.screens.rule_preview import RuleTexts


NO_RULES: Final = "The config file has no retention rules for this registry: [[registries.NAME.retention]]."


class Browsing(Protocol):
    """What the dialogs need of the browser below them."""

    @property
    def app(self) -> App[Any]: ...
    @property
    def registry(self) -> OpenRegistry: ...
    @property
    def session(self) -> Session: ...
    @property
    def repository(self) -> str: ...
    @property
    def table(self) -> TagTable: ...
    @property
    def uses(self) -> KnownUses: ...
    @property
    def clock(self) -> Callable[[], datetime]: ...

    def go_to(self, repository: str, tag: str = "") -> None: ...
    def load_repositories(self) -> object: ...
    def load_tags(self, *, anew: bool = False) -> object: ...
    def load_uses(self) -> object: ...
    def stop_tags(self) -> None: ...
    def forget_details(self) -> None: ...
    def ask_deletion_anew(self) -> None: ...
    async def deletion_now(self) -> Deletion: ...


class BrowserDialogs:
    """Of one browser. What was found out or typed in one is there when it is opened again."""

    def __init__(self, browser: Browsing) -> None:
        self._browser = browser
        self._rule: RuleTexts | None = None
        self._usage = Usage()
        # (repository, (tag, what it led to) → why the rules select it): of the last time that they were asked.
        self._reasons: tuple[str, Mapping[tuple[str, Digest | None], str]] = ("", {})

    def forget_usage(self) -> None:
        """The bytes may be elsewhere now."""
        self._usage = Usage()

    def repositories_using(self, digest: Digest, but: str) -> list[str]:
        """The other repositories that have a blob, as far as usage was read."""
        return [f"{name}/…" for name in self._usage.repositories_using(digest) if name != but]

    def usage(self) -> None:
        from regtui.ui.screens.usage import UsageScreen

        browser = self._browser
        screen = UsageScreen(browser.registry, self._usage)

        def closed(repository: str | None) -> None:
            self._usage = screen.usage
            if repository is not None:
                browser.go_to(repository)

        browser.app.push_screen(screen, closed)

    def find(self) -> None:
        from regtui.ui.screens.find import FindScreen

        browser = self._browser
        browser.app.push_screen(
            FindScreen(browser.registry), lambda hit: browser.go_to(hit.repository, hit.tag) if hit else None
        )

    def compare(self) -> None:
        from regtui.listing.compare import two_of
        from regtui.ui.screens.compare import CompareScreen

        browser = self._browser
        pair = two_of(browser.table.model)
        if pair is None:
            self._warn("Mark two tags, or one and move to another.")
        else:
            browser.app.push_screen(CompareScreen(browser.registry, browser.repository, *pair))

    def tag(self) -> None:
        from regtui.ui.screens.tag import TagScreen

        browser = self._browser
        session, model = browser.session, browser.table.model
        row = model.find(model.cursor) if model.cursor else None
        digest = row.summary.digest if row is not None and row.summary is not None else None
        if row is None or digest is None:
            self._warn("Nothing is known behind this tag yet.")
        elif session.read_only:
            self._warn(f"{session.name} was opened read-only: no tag is added.")
        else:
            screen = TagScreen(browser.registry, browser.repository, row.tag, digest, model)
            browser.app.push_screen(screen, self._tag_added)

    async def page(self) -> None:
        """The manifest that the tag under the cursor leads to, as its registry sent it."""
        await loaded("regtui.ui.pager")
        from regtui.ui.pager import json_text, page

        browser = self._browser
        session, model = browser.session, browser.table.model
        row = model.find(model.cursor) if model.cursor else None
        digest = row.summary.digest if row is not None and row.summary is not None else None
        if digest is None:
            self._warn("Nothing is known behind this tag yet.")
            return
        try:
            fetched = await browser.registry.thread.call(session.manifest, browser.repository, digest)
            page(browser.app, json_text(fetched.body))
        except RegtuiError as error:
            self._warn(str(error))

    def _tag_added(self, tag: str | None) -> None:
        browser = self._browser
        if tag is not None:
            # One that was moved is asked for again.
            browser.table.model.remove([tag])
            browser.load_tags()
            browser.app.notify(f"Tagged {clean(browser.repository)}:{clean(tag)}", timeout=4, markup=False)

    def check(self) -> None:
        from regtui.ui.screens.check import CheckScreen

        browser = self._browser
        tag = browser.table.model.cursor
        if tag is None:
            self._warn("Choose a tag to check.")
        else:
            browser.app.push_screen(CheckScreen(browser.registry, browser.repository, tag), self._checked)

    def _checked(self, has_changed: bool | None) -> None:
        if has_changed:
            self._changed([])

    def rule(self) -> None:
        """Reading goes on meanwhile; marks are all that comes of it."""
        from regtui.ui.screens.rule import RuleScreen
        from regtui.ui.screens.rule_preview import RuleTexts

        browser = self._browser
        model, protect = browser.table.model, browser.session.target.protect
        if model.total:
            browser.load_uses()
            texts = self._rule or RuleTexts()
            screen = RuleScreen(browser.repository, model, protect, browser.clock, texts, browser.uses)
            browser.app.push_screen(screen, self._mark_by_rule)

    def _mark_by_rule(self, marking: "Marking | None") -> None:
        from regtui.ui.screens.rule_preview import marked_words

        if marking is not None:
            self._rule = marking.texts
            self._browser.table.mark(marking.tags)
            # The pane tells how many are marked: over the dialog that comes next, a toast would only be in the way.
            if marking.unread:
                self._browser.app.notify(marked_words(marking.tags, marking.unread), timeout=5, markup=False)

    async def retention_marks(self) -> None:
        """Marks what the rules of the config file select here: as marks, which can be changed before anything goes."""
        await loaded("regtui.ui.screens.retention")
        from regtui.ui.screens.retention import judged_here, marks_words, reasons_in

        browser = self._browser
        repository, model = browser.repository, browser.table.model
        if not repository:
            return
        if not browser.session.target.retention:
            self._warn(NO_RULES)
            return
        try:
            plan = await judged_here(browser.registry, repository, browser.clock())
        except RegtuiError as error:
            self._warn(str(error), timeout=12)
            return
        if browser.repository != repository or browser.table.model is not model:
            return
        judged = plan.contents.tags
        whys = reasons_in(plan, browser.clock())
        self._reasons = repository, {(tag, judged.get(tag)): why for tag, why in whys.items()}
        elsewhere = browser.table.mark_as({tag: judged.get(tag) for tag in plan.retention.going})
        if elsewhere:
            self._read_again(elsewhere)
        words, is_wrong = marks_words(plan, elsewhere)
        severity: Literal["warning", "information"] = "warning" if is_wrong else "information"
        browser.app.notify(clean(words), severity=severity, timeout=8, markup=False)

    def retention(self) -> None:
        from regtui.ui.screens.retention import RetentionScreen

        browser = self._browser
        if not browser.session.target.retention:
            self._warn(NO_RULES)
            return

        def closed(repository: str | None) -> None:
            if repository is not None:
                browser.go_to(repository)

        browser.app.push_screen(RetentionScreen(browser.registry, browser.clock), closed)

    # Called within a worker: they end when the dialog is closed.

    async def delete(self) -> None:
        browser = self._browser
        model = browser.table.model
        tags = model.marked or ([model.cursor] if model.cursor else [])
        if not tags or not browser.repository:
            return
        if obstacle := browser.session.deletion_obstacle(await browser.deletion_now()):
            browser.ask_deletion_anew()
            self._warn(obstacle, timeout=12)
            return
        # Filling in would compete with the plan for the registry; it goes on afterwards.
        browser.stop_tags()
        from regtui.ui.screens.delete import DeleteScreen

        unseen = model.marked_count - model.marked_shown
        seen = model.seen(tags)
        reasons = self._reasons[1] if self._reasons[0] == browser.repository else {}
        screen = DeleteScreen(
            browser.registry,
            browser.repository,
            tags,
            seen=seen,
            unseen=unseen,
            reasons={tag: why for tag in tags if (why := reasons.get((tag, seen.get(tag))))},
            known=self._known(tags, seen),
        )
        report = await browser.app.push_screen_wait(screen)
        if report is not None:
            if not report.removed:
                browser.ask_deletion_anew()
            self.forget_usage()
            model.clear_marks()
            # Else the details of what has gone are asked for, until the tags are listed anew.
            model.remove(report.removed)
            browser.table.changed()
            browser.forget_details()
        if changed := screen.changed.union(report.moved if report is not None else ()):
            model.ask_again(changed)
            browser.table.changed()
            browser.forget_details()
        if report is not None or model.filled < model.total:
            browser.load_tags()

    def _read_again(self, tags: Sequence[str]) -> None:
        """These lead elsewhere than the list shows."""
        self._browser.table.model.ask_again(tags)
        self._browser.table.changed()
        self._browser.forget_details()
        self._browser.load_tags()

    def _known(self, tags: Sequence[str], seen: Mapping[str, Digest | None]) -> dict[str, str]:
        """What the list says of them, as they were seen: `2 days ago      128 MB  23ffb64a5f8c`."""
        now = self._browser.clock()
        rows = [row for tag in tags if (row := self._browser.table.model.find(tag)) is not None]
        known = [(row.tag, row.summary) for row in rows if row.summary is not None]
        return {
            tag: f"{age(summary.created, now):<14} {size(summary.size):>7}  {short_digest(summary.digest)}"
            for tag, summary in known
            if tag in seen and summary.digest == seen[tag]
        }

    async def undo(self) -> None:
        from regtui.ui.screens.undo import undo_last

        report = await undo_last(self._browser.app, self._browser.registry)
        if report is not None:
            self._changed([outcome.reference for outcome in report.outcomes])

    async def settle_interrupted(self) -> None:
        """What an earlier run left half done is asked about before anything else is changed."""
        await loaded("regtui.ui.screens.interrupted_runs")
        from regtui.ui.screens.interrupted_runs import settle

        if await settle(self._browser.app, self._browser.registry):
            self._changed([f"{self._browser.repository}:{row.tag}" for row in self._browser.table.model.rows])

    def _changed(self, references: Sequence[str]) -> None:
        """What is shown of them isn't so any more."""
        prefix = f"{self._browser.repository}:"
        tags = [each.removeprefix(prefix) for each in references if each.startswith(prefix)]
        self._browser.table.model.ask_again(tags)
        self._browser.table.changed()
        self._browser.forget_details()
        self._browser.load_repositories()
        if self._browser.repository:
            self._browser.load_tags()

    def _warn(self, words: str, timeout: float | None = None) -> None:
        self._browser.app.notify(clean(words), severity="warning", timeout=timeout, markup=False)

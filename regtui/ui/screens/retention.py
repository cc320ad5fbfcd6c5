"""What the retention rules would delete, by repository, and why each tag goes or stays. Nothing is deleted here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from regtui.deletion.words import pushed_anew_words
from regtui.errors import RegtuiError
from regtui.registry.endurance import Endurance
from regtui.registry.errors import NotFound, RegistryError
from regtui.retention.planning import RepositoryRetention, Stop, TagReason
from regtui.retention.policy import entry_for
from regtui.retention.words import entry_words, rule_words, stop_sentence, unread_sentence, why
from regtui.session.retention import RetentionPlan
from regtui.text import clean, plural, size
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.lines import CursorLines
from regtui.ui.widgets.pane import Pane

# Columns that the numbers behind a name take.
_NUMBERS: Final = 40


@dataclass(slots=True, eq=False)
class RetentionRow:
    """A repository. `freed`: bytes, of this repository alone. `trouble`: why nothing goes, where that is no rule's."""

    retention: RepositoryRetention
    freed: int = 0
    trouble: str = ""
    is_open: bool = False

    @property
    def name(self) -> str:
        return self.retention.repository

    @property
    def goes(self) -> int:
        return 0 if self.trouble else len(self.retention.going)


async def judged_here(registry: OpenRegistry, repository: str, now: datetime) -> RetentionPlan:
    """What the rules mean in one repository. Raises RegtuiError, also where what is in use can't be read."""
    session, thread = registry.session, registry.thread
    in_use = await thread.call(session.in_use)
    if in_use.unread:
        raise RegtuiError(unread_sentence(in_use.unread[0]), "Rules delete nothing as long as that is so.")
    planner = session.retention(in_use, await thread.call(session.pulls), now=now)
    return await thread.call(planner.of, repository)


def marks_words(plan: RetentionPlan, elsewhere: Sequence[str] = ()) -> tuple[str, bool]:
    """What was marked and what wasn't; whether something is wrong. `elsewhere`: what would go, but that the list shows
    something else there."""
    retention = plan.retention
    if retention.entry is None:
        return f"No retention entry names {retention.repository}: nothing is deleted there by rules.", False
    if plan.stop is not None:
        return stop_sentence(plan.stop, retention, plan.detail), True
    marked = plural(len(retention.going) - len(elsewhere), "tag")
    words = f"{entry_words(retention.entry)}: {marked} marked."
    if used := len(retention.in_use):
        words += f" {plural(used, 'tag')} more would go, but {'is' if used == 1 else 'are'} in use."
    if elsewhere:
        words += f" {pushed_anew_words(elsewhere)}: not marked."
    return words, False


def reasons_in(plan: RetentionPlan, now: datetime) -> dict[str, str]:
    """Why each tag goes: with the entry that says so."""
    retention = plan.retention
    if retention.entry is None or plan.stop is not None:
        return {}
    place = retention.entry.place
    return {each.tag: f"{place}: {why(each, retention, now)}" for each in retention.tags if each.goes}


class RetentionLines(CursorLines):
    """Repositories, those that are open with their tags below them."""

    DEFAULT_CSS = """
    RetentionLines > .retention--dim { text-style: dim; }
    RetentionLines > .retention--goes { color: $text-warning; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"retention--dim", "retention--goes"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,l,space", "choose", "fold or unfold", show=False, id="retention.unfold"),
    ]

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.has_header = True
        self._clock = clock
        self._rows: Sequence[RetentionRow] = ()
        self._lines: list[tuple[RetentionRow, TagReason | None]] = []
        self._line = 0

    @property
    def row(self) -> RetentionRow | None:
        """The repository that the cursor is in."""
        return self._lines[self._line][0] if self._lines else None

    def show(self, rows: Sequence[RetentionRow]) -> None:
        # On the first line it stays there, until somebody has moved it.
        here = self._lines[self._line] if self._line else None
        self._rows = rows
        self._lines = [
            line for row in rows for line in [(row, None), *((row, each) for each in row.retention.tags if row.is_open)]
        ]
        self._line = self._lines.index(here) if here in self._lines else 0
        self.lines_changed()

    def toggle(self) -> None:
        if (row := self.row) is not None:
            row.is_open = not row.is_open
            self._line = self._lines.index((row, None))
            self.show(self._rows)

    def line_count(self) -> int:
        return len(self._lines)

    def cursor_line(self) -> int:
        return self._line

    def put_cursor(self, line: int) -> None:
        self._line = min(max(line, 0), max(len(self._lines) - 1, 0))

    def header(self, width: int) -> Text:
        return Text(self._columns(width, "  REPOSITORY, TAG", "GOES", "OF", "FREES", "WHY"), no_wrap=True)

    def line(self, number: int, width: int) -> Text:
        row, reason = self._lines[number]
        if reason is not None:
            return self._tag(row, reason, width)
        retention = row.retention
        entry = retention.entry
        name = f"{'▾' if row.is_open else '▸'} {clean(row.name)}"
        rule = rule_words(entry.rule) or "everything stays" if entry is not None else ""
        said = row.trouble or (f"{entry.place}: {rule}" if entry is not None else "")
        goes = f"{row.goes:,}" if not row.trouble else "–"
        freed = size(row.freed) if row.goes else ""
        text = Text(self._columns(width, name, goes, f"{len(retention.tags):,}", freed, clean(said)), no_wrap=True)
        if not row.goes:
            text.stylize(self.get_component_rich_style("retention--dim", partial=True))
        return text

    def _tag(self, row: RetentionRow, reason: TagReason, width: int) -> Text:
        goes = reason.goes and not row.trouble
        words = clean(why(reason, row.retention, self._clock()))
        text = Text(
            self._columns(width, f"    {clean(reason.tag)}", "goes" if goes else "", "", "", words), no_wrap=True
        )
        style = "retention--goes" if goes else "retention--dim"
        text.stylize(self.get_component_rich_style(style, partial=True))
        return text

    def _columns(self, width: int, name: str, goes: str, of: str, freed: str, said: str) -> str:
        room = max(min((width - _NUMBERS) * 2 // 5, 44), 18)
        name = name if len(name) <= room else f"{name[: room - 1]}…"
        return f"{name:<{room}} {goes:>5} {of:>5} {freed:>8}  {said}"


class RetentionScreen(Screen[str | None]):
    """Answers with the repository to go to; None for none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False, id="retention.back"),
        Binding("o", "open", "go to the repository", show=False, id="retention.open"),
        Binding("r", "again", "look again", show=False, id="retention.again"),
    ]

    def __init__(self, registry: OpenRegistry, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._session, self._thread = registry.session, registry.thread
        self._clock = clock
        self._lines = RetentionLines(clock)
        self._pane = Pane(self._lines, id="retention")
        self._rows: list[RetentionRow] = []
        self._total = 0
        self._is_done = False
        self._trouble = ""

    def compose(self) -> ComposeResult:
        yield self._pane
        yield Hints(("enter", "its tags, and why"), ("o", "go there"), ("r", "look again"), ("esc", "back"))

    def on_mount(self) -> None:
        self._lines.focus()
        self._show()
        self.read()

    @work(exclusive=True, group="retention")
    async def read(self) -> None:
        """One repository after the other, those in which most goes first once all are read."""
        self._rows, self._total, self._is_done, self._trouble = [], 0, False, ""
        try:
            await self._read()
        except RegtuiError as error:
            self._trouble = str(error)
        self._is_done = True
        self._rows.sort(key=lambda row: (-row.goes, row.name))
        self._show()

    async def _read(self) -> None:
        session, thread = self._session, self._thread
        in_use = await thread.call(session.in_use)
        if in_use.unread:
            raise RegtuiError(unread_sentence(in_use.unread[0]), "Rules delete nothing as long as that is so.")
        pulls = await thread.call(session.pulls)
        planner = session.retention(in_use, pulls, now=self._clock())
        entries = session.target.retention
        names = dict.fromkeys(session.target.known_repositories)
        async for page in thread.stream(session.repositories):
            names |= dict.fromkeys(page.repositories)
            self._trouble = page.doubt or self._trouble
        wanted = [name for name in names if entry_for(entries, name) is not None]
        self._total = len(wanted)
        endurance = Endurance(session)
        for number, name in enumerate(wanted):
            endurance.check(wanted, number)
            try:
                self._rows.append(_row(await thread.call(planner.of, name)))
            except NotFound:
                self._total -= 1
            except RegistryError as error:
                if error.affects_all:
                    raise
                self._rows.append(RetentionRow(RepositoryRetention(name, entry_for(entries, name)), trouble=str(error)))
            self._show()

    def _show(self) -> None:
        self._lines.show(self._rows)
        nothing = "No repository is named by a retention entry." if self._is_done else "Reading the repositories …"
        self._lines.tell("" if self._rows else self._trouble or nothing, is_error=bool(self._trouble))
        tags = sum(row.goes for row in self._rows)
        where = sum(1 for row in self._rows if row.goes)
        so_far = "" if self._is_done else " so far"
        what = f"{plural(tags, 'tag')} of {plural(where, 'repository', 'repositories')}"
        self._pane.title(f"Retention of {self._session.name} · {what} would go{so_far}", self._progress())

    def _progress(self) -> str:
        if self._trouble:
            return f"not complete: {clean(self._trouble)}"
        if not self._is_done:
            return f"{len(self._rows):,} of {self._total:,} read …" if self._total else "reading …"
        return f"regtui prune {self._session.name} deletes it, after asking"

    @on(CursorLines.Chosen, "RetentionLines")
    def _chosen(self) -> None:
        self._lines.toggle()

    def action_open(self) -> None:
        if (row := self._lines.row) is not None:
            self.dismiss(row.name)

    def action_again(self) -> None:
        self.read()

    def action_back(self) -> None:
        self.dismiss(None)


def _row(plan: RetentionPlan) -> RetentionRow:
    if plan.stop is not None:
        return RetentionRow(plan.retention, trouble=_stopped(plan.stop, plan.detail))
    if plan.plan is not None and plan.plan.obstacle:
        return RetentionRow(plan.retention, trouble=plan.plan.obstacle)
    return RetentionRow(plan.retention, plan.plan.freed if plan.plan is not None else 0)


def _stopped(stop: Stop, detail: str) -> str:
    what = "what is in use" if stop is Stop.UNREAD_USE else "all of it"
    return f"left alone: not {what} could be read: {detail}"

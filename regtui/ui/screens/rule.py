"""Marking by rule: what is typed shows at once which tags it means, and enter marks them. Nothing is deleted here."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from regtui.errors import UsageError
from regtui.listing.tag_row import TagRow
from regtui.listing.tags import TagList
from regtui.retention.tags_in_use import UsesHere
from regtui.retention.values import InUse
from regtui.text import age, clean, size
from regtui.ui.browsing.uses import KnownUses
from regtui.ui.keys import keys_held
from regtui.ui.screens.rule_preview import LABELS, Preview, RuleTexts, marked_before, preview
from regtui.ui.widgets.lines import Lines
from regtui.ui.widgets.tick import Tick

# Seconds: a letter more replaces what is being worked out, and what is read meanwhile comes in twice a second.
_REST = 0.05
_INTERVAL = 0.5
_HINT = "All conditions have to hold. Signatures and the like are left out."


@dataclass(frozen=True, slots=True)
class Marking:
    """What to mark, of what was typed, and how many tags weren't read yet."""

    tags: tuple[str, ...]
    texts: RuleTexts
    unread: int


class ChosenLines(Lines):
    """Tags with age and size, below a `title` with their number: those that would be marked, or those that stay."""

    def __init__(self, clock: Callable[[], datetime], title: str, sign: str) -> None:
        super().__init__()
        self.has_header = True
        self._clock = clock
        self._title = title
        self._sign = sign
        self._rows: Sequence[TagRow] = ()

    def show(self, rows: Sequence[TagRow]) -> None:
        self._rows = rows
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._rows)

    def header(self, width: int) -> Text:
        return Text(f"{self._title} · {len(self._rows):,}", no_wrap=True)

    def line(self, number: int, width: int) -> Text:
        row = self._rows[number]
        # Beside each other on a narrow terminal the name and its age have to do.
        room = width - 28 if width >= 44 else max(width - 18, 12)
        name = clean(row.tag)
        if cell_len(name) > room:
            name = f"{set_cell_size(name, room - 1)}…"
        name = set_cell_size(name, room)
        created = age(row.summary.created, self._clock()) if row.summary else "…"
        told = size(row.summary.largest_pull) if row.summary and width >= 44 else ""
        return Text(f"{self._sign} {name} ", no_wrap=True).append(f"{created:<15} {told:>8}".rstrip(), "dim")


class RuleScreen(ModalScreen[Marking | None]):
    """Answers with what to mark; None where nothing was chosen. `texts`: what was typed the last time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "cancel", show=False, id="rule.back"),
        # Not in a field, whose letters typed ahead come first: it says by itself when it is submitted.
        Binding("enter", "mark", "mark", show=False, priority=True, id="rule.mark"),
        # Priority: else what is typed ahead on a slow line would still go into the field before.
        Binding("tab", "app.focus_next", show=False, priority=True, id="rule.tab"),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True, id="rule.backtab"),
        Binding("down", "app.focus_next", "next field", show=False, id="rule.next"),
        Binding("up", "app.focus_previous", "previous field", show=False, id="rule.previous"),
    ]

    def __init__(
        self,
        repository: str,
        model: TagList,
        protect: Sequence[str],
        clock: Callable[[], datetime],
        texts: RuleTexts,
        uses: KnownUses,
    ) -> None:
        super().__init__()
        self._uses = uses
        self._repository = repository
        self._model = model
        self._protect = tuple(protect)
        self._clock = clock
        self._known: tuple[int, int, InUse | None] = (0, 0, None)
        self._match = _field(texts.match, r"^dev- (an expression, anywhere in the name)")
        self._older = _field(texts.older_than, "30d (h d w m y)")
        self._keep = _field(texts.keep, "5")
        self._by_version = Tick("by version", id="by-version")
        self._images = Tick("images, not tags", id="images")
        self._keep_match = _field(texts.keep_match, "^(latest|stable)$ (an expression)")
        self._prereleases = Tick("prereleases", id="prereleases")
        self._duplicates = Tick("duplicate names of one image", id="duplicates")
        self._by_version.value = texts.by_version
        self._images.value = texts.images
        self._prereleases.value = texts.prereleases
        self._duplicates.value = texts.duplicates
        self._said = Static(id="said")
        self._chosen = ChosenLines(clock, "Goes", "●")
        self._staying = ChosenLines(clock, "Stays", " ")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="rule"):
            for name, field in (("match", self._match), ("older_than", self._older)):
                yield Horizontal(Label(LABELS[name]), field, classes="field")
            yield Horizontal(
                Label(LABELS["keep"]), self._keep, self._by_version, self._images, classes="field", id="keep"
            )
            yield Horizontal(Label(LABELS["keep_match"]), self._keep_match, classes="field")
            yield Horizontal(Label("Only"), self._prereleases, self._duplicates, classes="field")
            yield self._said
            with Horizontal(id="both"):
                yield self._chosen
                yield self._staying

    def on_mount(self) -> None:
        dialog = self.query_one("#rule")
        dialog.border_title = Content(clean(f"Mark by rule: {self._repository}"))
        dialog.border_subtitle = "enter marks · tab next field · esc cancels"
        self._match.focus()
        self.set_interval(_INTERVAL, self._read_more)
        self.show_preview()

    @property
    def _texts(self) -> RuleTexts:
        return RuleTexts(
            match=self._match.value,
            older_than=self._older.value,
            keep=self._keep.value,
            by_version=self._by_version.value,
            images=self._images.value,
            keep_match=self._keep_match.value,
            prereleases=self._prereleases.value,
            duplicates=self._duplicates.value,
        )

    @on(Input.Changed)
    @on(Tick.Changed)
    def _changed(self) -> None:
        self.show_preview()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_mark()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "mark" or not isinstance(self.focused, Input)

    def _read_more(self) -> None:
        """The list goes on filling in below this screen."""
        if (self._model.total, self._model.filled, self._uses.in_use) != self._known:
            self.show_preview()

    @work(exclusive=True, group="preview")
    async def show_preview(self) -> None:
        await asyncio.sleep(_REST)
        await self._previewed(self._texts)

    @work(exclusive=True, group="preview")
    async def action_mark(self) -> None:
        """Marks what is typed now, shown already or not. Where that is nothing, it stays and says so."""
        texts = self._texts
        with keys_held(self.app):
            found = await self._previewed(texts)
        if found is not None and found.rows:
            tags = tuple(row.tag for row in found.rows)
            self.dismiss(Marking(tags, texts, len(found.choice.unread)))

    async def _previewed(self, texts: RuleTexts) -> Preview | None:
        """Shows and returns what `texts` select; None where they select nothing by themselves, or make no sense."""
        self._known = (self._model.total, self._model.filled, self._uses.in_use)
        try:
            rule = texts.rule()
        except UsageError as error:
            self._say([error.message, error.remedy], (), is_error=True)
            return None
        if not rule.selects:
            self._say(["A rule says which tags go: nothing is marked yet.", _HINT], ())
            return None
        rows = self._model.rows
        # A hundred thousand tags take longer than a key press may.
        used = UsesHere(self._uses.in_use, self._repository)
        found = await asyncio.to_thread(preview, rule, rows, self._clock(), self._protect, used)
        chosen = {row.tag for row in found.rows}
        before = [tag for tag in self._model.marked if tag not in chosen]
        # They go, too, with what the rule adds.
        staying = [row for row in found.staying if row.tag not in set(before)]
        self._say([*found.sentences(), marked_before(before)], found.rows, staying)
        return found

    def _say(
        self,
        sentences: Sequence[str],
        rows: Sequence[TagRow],
        staying: Sequence[TagRow] | None = None,
        *,
        is_error: bool = False,
    ) -> None:
        self._said.update(Content("\n".join(clean(sentence) for sentence in sentences if sentence)))
        self._said.set_class(is_error, "-error")
        self._chosen.show(rows)
        self._staying.show(self._model.rows if staying is None else staying)

    def action_back(self) -> None:
        self.dismiss(None)


def _field(value: str, placeholder: str) -> Input:
    field = Input(value, placeholder=placeholder, compact=True)
    field.cursor_blink = False
    return field

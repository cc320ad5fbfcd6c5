"""Another tag for an image. One that exists already is moved only after it was said what it is now."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from regtui.deletion.words import FOREVER
from regtui.errors import RegtuiError
from regtui.listing.tags import TagList
from regtui.oci.digest import Digest
from regtui.oci.reference import is_tag
from regtui.text import clean
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.question import Question


class TagScreen(ModalScreen[str | None]):
    """Answers with the tag that was added; None for none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "cancel", show=False, id="tag.back"),
        # Priority, as in the other forms: keys typed ahead go where they were meant.
        Binding("tab", "app.focus_next", show=False, priority=True, id="tag.tab"),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True, id="tag.backtab"),
        Binding("down,right", "app.focus_next", "next", show=False, id="tag.next"),
        Binding("up,left", "app.focus_previous", "previous", show=False, id="tag.previous"),
    ]

    def __init__(self, registry: OpenRegistry, repository: str, tag: str, digest: Digest, model: TagList) -> None:
        """`tag` and `digest`: the image, as it was shown. `model`: the other tags, as far as they are known."""
        super().__init__()
        self.question = Question(self)
        self._session, self._thread = registry.session, registry.thread
        self._repository = repository
        self._tag = tag
        self._digest = digest
        self._model = model
        self._taken: tuple[str, Digest] | None = None
        self._is_lost = False
        """Undo could not move it back: a word has to be typed for it."""
        self._field = Input(placeholder="the new tag", compact=True)
        self._field.cursor_blink = False
        self._said = Static(id="said")
        self._typed = Input(compact=True, id="typed")
        self._typed.cursor_blink = False
        self._keep = Button("Leave it", id="keep", compact=True)
        self._move = Button("Move the tag", id="move", variant="error", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="tag"):
            yield Static(
                Content(f"{clean(self._tag)} is {self._digest.short}. Its bytes are put under another name too.")
            )
            yield self._field
            yield self._said
            yield self._typed
            with Horizontal(id="buttons"):
                yield self._keep
                yield self._move

    def on_mount(self) -> None:
        dialog = self.query_one("#tag")
        dialog.border_title = Content(clean(f"Add a tag to {self._repository}:{self._tag}"))
        dialog.border_subtitle = "enter adds it · esc cancels"
        self._ask_to_move(False)
        self._field.focus()

    def _ask_to_move(self, ask: bool) -> None:
        if ask:
            self.question.ask()
        else:
            self.question.end()
        self._keep.display = self._move.display = ask
        self._typed.display = ask and self._is_lost
        self._typed.value = ""

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        if event.input is self._typed:
            return
        self._taken = None
        self._ask_to_move(False)
        self._say("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input is self._typed:
            self._move_pressed()
            return
        name = self._field.value.strip()
        if not is_tag(name):
            rule = "letters, digits, _ . and -, not . or - first, at most 128"
            self._say(f"{name!r} is no tag: {rule}." if name else f"A tag has {rule}.", is_error=True)
            return
        self.add(name, None)

    @on(Button.Pressed, "#move")
    def _move_pressed(self) -> None:
        if self._taken is None:
            return
        if self._is_lost and self._typed.value.strip() != FOREVER:
            self._typed.focus()
            return
        self.add(*self._taken)

    @on(Button.Pressed, "#keep")
    def _keep_pressed(self) -> None:
        self.dismiss(None)

    @work(exclusive=True, group="tag")
    async def add(self, name: str, instead_of: Digest | None) -> None:
        """Asks first where the tag is another image; `instead_of`: that image, once moving it was confirmed."""
        self._say("Asking the registry …")
        try:
            now = await self._thread.call(self._session.tagged, self._repository, name)
            if now == self._digest:
                self._say(f"{name} is this image already.")
                return
            if now is not None and now != instead_of:
                lost = await self._thread.call(self._session.no_way_back, self._repository, now)
                self._taken, self._is_lost = (name, now), bool(lost)
                self._say("\n".join(self._about(name, now, lost)), is_error=True)
                self._ask_to_move(True)
                self._keep.focus()
                return
            image, for_good = (self._repository, self._digest, name), self._taken is not None and self._is_lost
            done = await self._thread.call(self._session.add_tag, *image, instead_of=now, for_good=for_good)
        except RegtuiError as error:
            self._say(f"{error.message}\n{error.remedy}".strip(), is_error=True)
            return
        for notice in done.notices:
            self.app.notify(clean(notice), severity="warning", timeout=12, markup=False)
        self.dismiss(name)

    def _about(self, name: str, now: Digest, lost: str) -> list[str]:
        """What moving it means for the image that it is of now. `lost`: why undo could not move it back."""
        row = self._model.find(name)
        known = row is not None and row.summary is not None and row.summary.digest == now
        others = self._model.same_image(name) if known else ()
        lines = [f"{name} exists, and is another image: {now.short}."]
        if others:
            lines.append(f"Moved, that image stays as {', '.join(others[:3])}{' …' if len(others) > 3 else ''}.")
        elif known and self._model.filled == self._model.total:
            lines.append("Moved, that image has no tag left, and the next collection may take it.")
        else:
            lines.append("Moved, that image may have no tag left.")
        if lost:
            lines.append(f"Undo can't move it back, as {lost}. To move it for good, type {FOREVER}:")
        return lines

    def _say(self, text: str, *, is_error: bool = False) -> None:
        self._said.update(Content(clean(text, keep="\n")))
        self._said.set_class(is_error, "-error")

    def action_back(self) -> None:
        self.dismiss(None)

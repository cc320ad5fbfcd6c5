"""Undoing: what is put back, over what, and what can't be."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from regtui.deletion.belonging import belonging_question
from regtui.deletion.entry import Belonging, Entry, Kind
from regtui.deletion.undo import Undo
from regtui.deletion.undo_words import (
    earlier_sentence,
    interrupted_sentence,
    offers_overwriting,
    overwritten_by,
    title_of,
    typed_for_overwriting,
    undo_button,
    undo_confirmation,
    undo_notes,
    undo_sentences,
    what_of,
)
from regtui.deletion.values import Report
from regtui.errors import RegtuiError
from regtui.registry.endurance import Endurance
from regtui.registry.errors import RegistryError
from regtui.text import clean, plural
from regtui.ui.keys import keys_held
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.screens.confirm import ConfirmScreen
from regtui.ui.screens.plan import PlanScreen, Progress, Proposal

if TYPE_CHECKING:
    from textual.app import App


# Of a prune: what is held and looked through at once.
_MOST_PARTS: Final = 200
_MOST_SENTENCES: Final = 12


class UndoablePlanScreen(PlanScreen):
    """A plan whose result can be taken back."""

    def undoing(self, entry: Entry) -> PlanScreen:
        return UndoScreen(self._registry, entry)


class RunScreen(UndoablePlanScreen):
    """A plan that follows from a run of the journal."""

    def __init__(self, registry: OpenRegistry, entry: Entry) -> None:
        super().__init__(registry)
        self._entry = entry

    @property
    def repository(self) -> str:
        return self._entry.repository


class UndoScreen(RunScreen):
    """Takes `entry` back, after showing what that means."""

    OFFERS: ClassVar[tuple[str, ...]] = ("overwrite",)
    LOOKING = "Reading what is there …"
    DOING = "Putting back"
    DONE = "put back"
    VARIANT: ClassVar[Literal["primary", "error"]] = "primary"

    @property
    def heading(self) -> str:
        return f"{self._entry.repository} at {self._session.identity}: undo"

    async def propose(self, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        entry, changes = self._entry, self._session.changes
        undo = await self._thread.call(changes.plan_undo, entry, overwrite=chosen["overwrite"], on_progress=on_progress)
        await self._thread.call(changes.settle, undo)
        about = interrupted_sentence(entry) if entry.is_unfinished else f"{title_of(entry)}: {what_of(entry)}."
        sentences = [about, *undo_sentences(undo)]
        if undo.is_empty and (earlier := await self._thread.call(changes.last_before, entry)):
            sentences.append(earlier_sentence(self._session.target.undo_command(earlier.name)))
        # Also where nothing is left to be put back: then the run that was interrupted has only to be told its end.
        can_end = entry.is_unfinished and entry.kind is Kind.DELETION
        return Proposal(
            sentences=sentences,
            rows=undo.rows,
            notes=undo_notes(undo),
            button=undo_button(undo) if not undo.is_empty else "Put back",
            start=lambda: changes.undoing(undo),
            is_possible=not undo.obstacle and (not undo.is_empty or can_end),
            typed=undo_confirmation(undo),
            offers={"overwrite": offers_overwriting(undo)},
        )


class FinishUndoScreen(UndoScreen):
    """Puts back what an undo that was interrupted has not put back yet: it was confirmed when it began."""

    OFFERS: ClassVar[tuple[str, ...]] = ()

    @property
    def heading(self) -> str:
        return f"{self._entry.repository} at {self._session.identity}: finish the undo"

    async def propose(self, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        entry, changes = self._entry, self._session.changes
        undo = await self._thread.call(changes.plan_rest_of_undo, entry, on_progress=on_progress)
        return Proposal(
            sentences=[interrupted_sentence(entry), *undo_sentences(undo)],
            rows=undo.rows,
            notes=undo_notes(undo),
            button=undo_button(undo) if not undo.is_empty else "Finish",
            start=lambda: changes.undoing(undo),
            is_possible=not undo.obstacle,
        )


class UndoPruneScreen(UndoScreen):
    """Takes a prune back: all of its parts, one a repository."""

    @property
    def repository(self) -> str:
        return "the prune"

    @property
    def heading(self) -> str:
        return f"Prune at {self._session.identity}: undo"

    async def propose(self, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        entry, changes = self._entry, self._session.changes
        parts = await self._thread.call(changes.parts_to_undo, entry)
        if len(parts) > _MOST_PARTS:
            command = self._session.target.undo_command(entry.name)
            said = f"{len(parts):,} repositories are more than are shown here at once. Take it back with: {command}"
            return Proposal([said], [], {}, "Put back", lambda: changes.undoing_all([]), is_possible=False)
        undos: list[Undo] = []
        troubles: list[str] = []
        endurance = Endurance(self._session)
        for number, (run, repository) in enumerate(parts.items()):
            if endurance.is_over:
                troubles.append(endurance.sentence([*parts.values()][number:]))
                break
            on_progress(number, len(parts))
            part = await self._thread.call(changes.entry, run)
            try:
                undos.append(await self._thread.call(changes.plan_undo, part, overwrite=chosen["overwrite"]))
            except RegistryError as error:
                if error.affects_all:
                    raise
                troubles.append(f"{repository}: {error}")
        doing = [undo for undo in undos if not undo.is_empty or undo.entry.is_unfinished]
        sentences = [f"{title_of(entry)}: {what_of(entry)}."]
        told = troubles + [sentence for undo in undos for sentence in undo_sentences(undo, in_several=True)]
        sentences += told[:_MOST_SENTENCES]
        tags = plural(sum(len(undo.restoration.tags) for undo in doing), "tag")
        return Proposal(
            sentences=sentences if doing else [sentences[0], *troubles[:_MOST_SENTENCES], "Nothing to put back."],
            rows=[row for undo in doing for row in undo.rows],
            notes={reference: note for undo in doing for reference, note in undo_notes(undo).items()},
            button=f"Put back {tags} in {plural(len(doing), 'repository', 'repositories')}",
            start=lambda: changes.undoing_all(doing),
            is_possible=bool(doing) and not any(undo.obstacle for undo in undos),
            typed=typed_for_overwriting(
                sum(map(overwritten_by, doing)), for_good=any(undo.no_way_back for undo in doing)
            ),
            offers={"overwrite": offers_overwriting(*undos)},
        )


async def undo_last(app: "App[Any]", registry: OpenRegistry) -> Report | None:
    """Undoes the last deletion, asking; what was done, None for nothing. Called within a worker."""
    session = registry.session
    try:
        with keys_held(app):
            entry = await registry.thread.call(session.changes.last)
        for trouble in session.changes.troubles():
            app.notify(clean(trouble), severity="warning", timeout=12, markup=False)
    except RegtuiError as error:
        app.notify(clean(str(error)), severity="error", markup=False)
        return None
    if entry is None:
        app.notify(f"There is nothing to undo at {session.identity}.", timeout=4, markup=False)
        return None
    if entry.belongs_to(session.identity) is Belonging.UNKNOWN:
        question = ConfirmScreen("Undo", [belonging_question(entry, session.identity)], yes="It was", no="Cancel")
        if not await app.push_screen_wait(question):
            return None
    screen = UndoPruneScreen if entry.kind is Kind.PRUNE else UndoScreen
    return await app.push_screen_wait(screen(registry, entry.made_at(session.identity)))

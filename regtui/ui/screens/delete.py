"""Deleting tags: their plan, what may go along, and the rest of a deletion that was cut off."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from regtui.connection import Connection
from regtui.deletion import Manifests, Plan, Report
from regtui.deletion.undo_words import cut_off_sentence
from regtui.deletion.words import (
    attached_offer,
    method_sentence,
    now_offer,
    plan_notes,
    plan_sentences,
    planned_outcomes,
    typed_confirmation,
    whole_offer,
)
from regtui.text import plural
from regtui.ui.screens.plan import Progress, Proposal
from regtui.ui.screens.undo import RunScreen, UndoablePlanScreen


class DeleteScreen(UndoablePlanScreen):
    """Deletes `tags`, after showing what that means."""

    OFFERS: ClassVar[tuple[str, ...]] = ("attached", "whole", "now")

    def __init__(self, connection: Connection, repository: str, tags: Sequence[str]) -> None:
        super().__init__(connection)
        self._repository = repository
        self._tags = list(tags)

    @property
    def repository(self) -> str:
        return self._repository

    @property
    def heading(self) -> str:
        return f"{self._repository} at {self._connection.host}: delete tags"

    async def propose(self, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        plan = await self._connection.plan_deletion(
            self._repository,
            self._tags,
            with_attached=chosen["attached"],
            whole_manifests=chosen["whole"],
            untagged=Manifests.DELETED if chosen["now"] else Manifests.IN_TIME,
            on_progress=on_progress,
        )
        sentences = plan_sentences(plan)
        if not plan.obstacle and any(tag.stays_as for tag in plan.removed):
            sentences.append(method_sentence(plan))
        return Proposal(
            sentences=sentences,
            rows=planned_outcomes(plan),
            notes=plan_notes(plan),
            button=_button(plan),
            start=lambda: self._connection.deleting(plan),
            is_possible=not plan.obstacle and not plan.is_empty,
            typed=typed_confirmation(plan),
            offers={
                "attached": attached_offer(plan),
                "whole": whole_offer(plan),
                "now": now_offer(plan),
            },
        )

    def plan_anew(self, report: Report) -> bool:
        self._tags = list(report.moved) or self._tags
        return bool(report.moved)


class FinishScreen(RunScreen):
    """Does the rest of a deletion that was cut off, which was confirmed when it began."""

    @property
    def heading(self) -> str:
        return f"{self._entry.repository} at {self._connection.host}: finish the deletion"

    async def propose(self, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        entry = self._entry
        plan = await self._connection.changes.plan_rest(entry)
        rest = plan_sentences(plan) if plan.obstacle or not plan.is_empty else ["All of it was done before."]
        return Proposal(
            sentences=[cut_off_sentence(entry), *rest],
            rows=planned_outcomes(plan),
            notes=plan_notes(plan),
            button=_button(plan) if not plan.is_empty else "Finish",
            start=lambda: self._connection.changes.finishing(entry, plan),
            is_possible=not plan.obstacle,
        )


def _button(plan: Plan) -> str:
    tags, manifests = len(plan.removed), len(plan.manifests)
    return f"Delete {plural(tags, 'tag') if tags else plural(manifests, 'manifest')}"

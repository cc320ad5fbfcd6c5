"""Deleting tags: their plan, what may go along, and the rest of a deletion that was interrupted."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from regtui.deletion.proposal import DeletionProposal, Offer, taking
from regtui.deletion.request import Request
from regtui.deletion.undo import rest_proposal
from regtui.deletion.undo_words import interrupted_sentence, rest_sentences
from regtui.deletion.values import Plan, Report
from regtui.deletion.words import method_sentence
from regtui.oci.digest import Digest
from regtui.text import plural
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.screens.plan import Progress, Proposal
from regtui.ui.screens.undo import RunScreen, UndoablePlanScreen


class DeleteScreen(UndoablePlanScreen):
    """Deletes `tags`, after showing what that means: those that lead elsewhere by now than they did when they were
    `seen`, stay. `unseen`: how many of them the list doesn't show now. `changed`: what leads elsewhere."""

    OFFERS: ClassVar[tuple[str, ...]] = (Offer.ATTACHED.value, Offer.WHOLE.value, Offer.NOW.value)

    def __init__(
        self,
        registry: OpenRegistry,
        repository: str,
        tags: Sequence[str],
        *,
        seen: Mapping[str, Digest | None] | None = None,
        unseen: int = 0,
        reasons: Mapping[str, str] | None = None,
        known: Mapping[str, str] | None = None,
    ) -> None:
        """`reasons`: why rules select a tag. `known`: what the list says of each, its age and size."""
        super().__init__(registry)
        self.changed: set[str] = set()
        self._seen = seen or {}
        self._known = known or {}
        self._unseen = unseen
        self._reasons = reasons or {}
        self._repository = repository
        self._tags = list(tags)

    @property
    def repository(self) -> str:
        return self._repository

    @property
    def heading(self) -> str:
        return f"{self._repository} at {self._session.identity}: delete tags"

    async def propose(self, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        request = Request(self._repository, self._tags, seen=self._seen)
        for name, is_chosen in chosen.items():
            request = taking(request, Offer(name)) if is_chosen else request
        plan = await self._thread.call(self._session.plan_deletion, request, on_progress=on_progress)
        proposal = DeletionProposal(request, plan)
        self.changed |= {tag.tag for tag in plan.moved}
        sentences = [*proposal.sentences]
        if self._unseen:
            marked = plural(len(self._tags), "marked tag")
            sentences.insert(1, f"The filter hides {self._unseen:,} of {marked} in the list.")
        if not plan.obstacle and any(tag.stays_as for tag in plan.removed):
            sentences.append(method_sentence(plan))
        return Proposal(
            sentences=sentences,
            rows=proposal.rows,
            notes=self._with_facts(proposal.notes, plan),
            button=f"Delete {proposal.what}",
            start=lambda: self._session.deleting(plan),
            is_possible=proposal.is_possible,
            typed=proposal.typed,
            besides=f"confirm, and {proposal.replacing}" if proposal.replacing else "",
            offers={offer.value: label for offer, label in proposal.offers.items()},
        )

    def _with_facts(self, notes: Mapping[str, str], plan: Plan) -> Mapping[str, str]:
        """Beside each tag its age and size, then why it is there, then why rules select it. What the list says holds of
        what it showed alone."""
        told, chosen = dict(notes), set(self._tags)
        for tag in plan.removed:
            reference = f"{self._repository}:{tag.tag}"
            if tag.tag in self._seen and self._seen[tag.tag] == tag.digest:
                known, why = self._known.get(tag.tag, ""), self._reasons.get(tag.tag, "")
            elif tag.tag in chosen:
                known, why = f"leads to {tag.digest.short}" if tag.digest else "", ""
            else:
                continue
            note = " · ".join(filter(None, (notes.get(reference, ""), why)))
            told[reference] = "  ".join(filter(None, (known, note)))
        return told

    def plan_anew(self, report: Report) -> bool:
        self.changed |= set(report.moved)
        self._tags = list(report.moved) or self._tags
        # They are shown as what they are now.
        self._seen = {tag: digest for tag, digest in self._seen.items() if tag not in report.moved}
        return bool(report.moved)


class FinishScreen(RunScreen):
    """Does the rest of a deletion that was interrupted, which was confirmed when it began."""

    @property
    def heading(self) -> str:
        return f"{self._entry.repository} at {self._session.identity}: finish the deletion"

    async def propose(self, chosen: Mapping[str, bool], on_progress: Progress) -> Proposal:
        entry = self._entry
        plan = await self._thread.call(self._session.changes.plan_rest, entry)
        # The number is typed again.
        proposal = rest_proposal(entry, plan)
        return Proposal(
            sentences=[interrupted_sentence(entry), *rest_sentences(entry, plan)],
            rows=proposal.rows,
            notes=proposal.notes,
            button=f"Delete {proposal.what}" if not proposal.plan.is_empty else "Finish",
            start=lambda: self._session.changes.finishing(entry, plan),
            is_possible=not plan.obstacle,
            typed=proposal.typed,
        )

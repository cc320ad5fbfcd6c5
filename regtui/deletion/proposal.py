"""What is proposed before anything is deleted: the plan in words, what may be chosen besides, what has to be typed, and
what isn't done where nobody can be asked. Pure; the app and the commands show the same one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from regtui.deletion.request import Request
from regtui.deletion.values import Manifests, Outcome, Plan
from regtui.deletion.words import (
    GUARDED_REMEDY,
    attached_offer,
    guarded_sentence,
    later_offer,
    loss_reason,
    losses_sentence,
    names,
    now_offer,
    plan_notes,
    plan_sentences,
    planned_outcomes,
    replaced_remedy,
    replaced_sentence,
    replacing,
    typed_confirmation,
    typed_words,
    use_words,
    whole_offer,
)
from regtui.text import plural

_PROTECTED: Final = "protected: without --yes, it is deleted after its name is typed"


class Offer(Enum):
    """What may be chosen besides. The values name it in the app's screens and styles."""

    ATTACHED = "attached"
    """Signatures and the like go along."""
    WHOLE = "whole"
    """Manifests go with all their tags."""
    NOW = "now"
    """Manifests without a tag are deleted however long that takes."""
    LATER = "later"
    """They are left, however few they are."""


@dataclass(frozen=True, slots=True)
class DeletionProposal:
    """`plan` is what `request` means."""

    request: Request
    plan: Plan

    @property
    def is_possible(self) -> bool:
        return not self.plan.obstacle and not self.plan.is_empty

    @property
    def sentences(self) -> list[str]:
        return plan_sentences(self.plan)

    @property
    def rows(self) -> list[Outcome]:
        return planned_outcomes(self.plan)

    @property
    def notes(self) -> Mapping[str, str]:
        return plan_notes(self.plan)

    @property
    def offers(self) -> dict[Offer, str]:
        """Those that there are, each with its label."""
        labels = {
            Offer.ATTACHED: attached_offer(self.plan),
            Offer.WHOLE: whole_offer(self.plan),
            Offer.NOW: now_offer(self.plan),
            Offer.LATER: later_offer(self.plan),
        }
        return {offer: label for offer, label in labels.items() if label}

    @property
    def what(self) -> str:
        """`3 tags`, or `1 manifest` where no tag goes."""
        tags, manifests = len(self.plan.removed), len(self.plan.manifests)
        return plural(tags, "tag") if tags else plural(manifests, "manifest")

    @property
    def what_by_name(self) -> str:
        """`team/app:1.0`, or `these 3 tags of team/app`: which of several plans a question is about."""
        plan = self.plan
        if len(plan.removed) == 1:
            return f"{plan.repository}:{plan.removed[0].tag}"
        if not plan.removed and len(plan.manifests) == 1:
            return f"{plan.repository}@{plan.manifests[0].digest.short}"
        return f"these {self.what} of {plan.repository}"

    def question(self, where: object) -> str:
        """What is asked before it is done. `where`: the registry."""
        these = f"{self.what_by_name} from {where}" + (f", and {self.replacing}" if self.replacing else "")
        return f"To delete {these}, type {self.typed}:" if self.typed else f"Delete {these}? [y/N]"

    def is_confirmed_by(self, answer: str) -> bool:
        return answer == self.typed if self.typed else answer.lower() in ("y", "yes")

    @property
    def typed(self) -> str:
        """What has to be typed; empty where `y` is enough."""
        return typed_confirmation(self.plan, without_undo=self.request.without_undo)

    @property
    def typed_words(self) -> list[str]:
        """The same without the number: what one plan of several asks for."""
        return typed_words(self.plan, without_undo=self.request.without_undo)

    @property
    def loss(self) -> str:
        """The sentence about what undo could not put back; empty where there is nothing, or it was said already."""
        return "" if self.request.without_undo else losses_sentence(self.plan)

    @property
    def remedy(self) -> str:
        """What to do about `loss`."""
        for_good = "--without-undo deletes it for good." if self.plan.loses_what_goes else ""
        return " ".join(filter(None, (for_good, replaced_remedy(self.plan))))

    @property
    def in_the_way(self) -> str:
        """Why a rule deletes nothing here where nobody can be asked: a damaged tag might have to be replaced for it.
        Empty where none might, or that was said already."""
        return "" if self.request.without_undo else replaced_sentence(self.plan)

    @property
    def replacing(self) -> str:
        """Reads on in a question: what may be lost, and isn't deleted. Empty where nothing may be."""
        return replacing(self.plan)

    @property
    def guarded(self) -> str:
        """Why nothing is deleted by a rule, or where nobody can be asked: a damaged tag that is protected, or in use,
        might have to be replaced for it. Empty where none might."""
        return guarded_sentence(self.plan)

    @property
    def guarded_remedy(self) -> str:
        return GUARDED_REMEDY.format(names(self.plan.guarded_replaceable))

    @property
    def used(self) -> dict[str, str]:
        """Tag → where it is in use: `runs on app1 as web`."""
        return {tag.tag: use_words(tag.in_use) for tag in self.plan.removed if tag.in_use}

    @property
    def used_manifests(self) -> str:
        """A sentence about manifests that were named by digest and are in use; empty where none is."""
        used = self.plan.used_manifests
        return f"{used[0].label} {used[0].digest} is in use: {use_words(used[0].in_use)}." if used else ""

    @property
    def held(self) -> dict[str, str]:
        """tag → why it isn't deleted where nobody can be asked."""
        removed = self.plan.removed
        protected = {tag.tag: _PROTECTED for tag in removed if tag.protected} | {
            tag: f"stays: {why}; without --yes, it is deleted after its name is typed" for tag, why in self.used.items()
        }
        if self.request.without_undo:
            return protected
        lost = {tag.tag: f"undo could not put it back, as {loss_reason(tag.loss)}" for tag in removed if tag.loss}
        return {tag: f"{why}: --without-undo deletes it" for tag, why in lost.items()} | protected


def taking(request: Request, offer: Offer) -> Request:
    """The same, with what was offered besides."""
    match offer:
        case Offer.ATTACHED:
            return replace(request, with_attached=True)
        case Offer.WHOLE:
            return replace(request, whole_manifests=True)
        case Offer.NOW:
            return replace(request, untagged=Manifests.DELETED)
        case Offer.LATER:
            return replace(request, untagged=Manifests.LEFT)

"""`regtui check`: which tags can't be pulled, why, and what would mend them; with --repair, mends them."""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from regtui import limit
from regtui.cli.console import Progress, ask, say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.missing import tag_missing
from regtui.cli.output import Form, Output
from regtui.cli.running import check_askable
from regtui.errors import DONE, FAILED, UsageError
from regtui.names.order import order_key
from regtui.registry.endurance import Endurance
from regtui.registry.errors import NotARegistry, NotFound, RegistryError
from regtui.repair.values import CheckedReference, RepairPlan
from regtui.repair.words import effect_beside, put_back_sentence, remedy_of, repair_sentences
from regtui.session.opening import is_registry
from regtui.session.place import is_registry_alone, place_of
from regtui.session.session import Session
from regtui.text import plural

# Tags at a time; the client bounds their requests.
_AT_ONCE: Final = 8


@dataclass
class Tally:
    """How many tags were `checked`, are `broken`, couldn't be looked at, or lack something that can be put back."""

    checked: int = 0
    broken: int = 0
    unread: int = 0
    mendable: int = 0
    doubts: list[str] = field(default_factory=list)

    @property
    def code(self) -> int:
        return FAILED if self.broken or self.unread or self.doubts else DONE


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 where something is broken or couldn't be checked. Raises RegtuiError."""
    if (arguments.yes or arguments.dry_run) and not arguments.repair:
        raise UsageError("--yes and --dry-run go with --repair: a check alone changes nothing.")
    if arguments.repair:
        check_askable(arguments)
    invocation = Invocation(arguments)
    registry, repository, identifier = _place(invocation, arguments)
    output = Output.chosen(arguments.json)

    async def work(session: Session) -> int:
        checking = Checking(session, output, arguments)
        await checking.all(repository, identifier)
        return checking.tally.code

    try:
        return invocation.run(registry, work)
    except NotARegistry:
        # Nothing answers at the root of the host: what looks like a repository may be the path of a registry.
        whole = "" if arguments.registry else arguments.place or ""
        if not whole or place_of(whole, invocation.config).is_sure or not _answers(invocation, whole):
            raise
        repository = identifier = ""
        return invocation.run(whole, work)


def _answers(invocation: Invocation, registry: str) -> bool:
    return asyncio.run(is_registry(invocation.target(registry)))


def _place(invocation: Invocation, arguments: argparse.Namespace) -> tuple[str | None, str, str]:
    """(registry, repository or empty for all of them, tag or digest or empty for all tags)"""
    written = arguments.place
    if not written:
        return None, "", ""
    if not arguments.registry and is_registry_alone(written, invocation.config, is_certain=False):
        return written, "", ""
    reference = invocation.reference(written)
    return reference.registry, reference.repository, str(reference.identifier or "")


class Checking:
    """One run over a registry, a repository, or a reference."""

    def __init__(self, session: Session, output: Output, arguments: argparse.Namespace) -> None:
        self.tally = Tally()
        self._session = session
        self._output = output
        self._arguments = arguments

    async def all(self, repository: str, identifier: str) -> None:
        """Raises RegistryError where nothing can be checked."""
        if repository:
            await self._repository(repository, identifier)
        else:
            await self._each()
        if self._output.form is Form.TABLE:
            say(f"{plural(self.tally.checked, 'tag')} checked, {self.tally.broken:,} broken.")
            if self.tally.mendable and not self._arguments.repair:
                say("What can be put back is put back by the same command with --repair.")

    async def _each(self) -> None:
        endurance = Endurance(self._session)
        left: list[str] = []
        async for page in self._session.repositories():
            for name in page.repositories:
                if endurance.is_over:
                    left.append(name)
                else:
                    await self._listed(name)
            if page.doubt and page.doubt not in self.tally.doubts:
                self.tally.doubts.append(page.doubt)
                warn(page.doubt)
        if left:
            self.tally.doubts.append(endurance.sentence(left))
            warn(self.tally.doubts[-1])

    async def _listed(self, repository: str) -> None:
        """One of all: where it can't be read, the others can."""
        try:
            await self._repository(repository, "")
        except NotFound:
            return  # without tags, it may still be listed
        except RegistryError as error:
            if error.affects_all:
                raise
            self.tally.unread += 1
            warn(f"{repository}: {error}")

    async def _repository(self, repository: str, identifier: str) -> None:
        checked = await self._checked(repository, [identifier] if identifier else await self._tags(repository))
        if identifier:
            await self._refuse_missing(checked)
        self.tally.checked += len(checked)
        broken = [each for each in checked if each.is_broken]
        plan = await self._plan(repository, broken)
        mendable = [each for each in broken if plan.sources.keys() & set(each.lost)]
        self.tally.mendable += len(mendable)
        if mendable and self._arguments.repair and self._is_confirmed(plan, mendable):
            again = await self._repair(plan, mendable)
            broken = [again.get(each.identifier, each) for each in broken]
            checked = [again.get(each.identifier, each) for each in checked]
            plan = await self._plan(repository, broken)
        self.tally.broken += sum(each.is_broken for each in broken)
        for each in checked if self._arguments.all else broken:
            self._show(each, plan)
        self._output.flush()
        if not identifier:
            # Of a registry's thousands of repositories nothing is needed twice.
            await self._session.forget(repository)

    async def _tags(self, repository: str) -> list[str]:
        names = [name async for page in self._session.tags(repository) for name in page]
        return sorted(names, key=order_key, reverse=True)

    async def _checked(self, repository: str, identifiers: Sequence[str]) -> list[CheckedReference]:
        """In the order of `identifiers`, without those that couldn't be looked at."""
        progress = Progress(f"Checking {repository}:", beside_records=True)
        found: dict[str, CheckedReference] = {}
        alone = len(identifiers) == 1

        async def check(identifier: str) -> CheckedReference:
            return await self._session.check(repository, identifier)

        try:
            async for some in limit.each(identifiers, check, at_once=_AT_ONCE, expect=RegistryError):
                for one in some:
                    if one.result is not None:
                        found[one.item] = one.result
                    elif one.error is not None and (alone or one.error.affects_all):
                        raise one.error
                    else:
                        self.tally.unread += 1
                        progress.clear()
                        warn(f"{repository}:{one.item}: {one.error}")
                progress.show(len(found), len(identifiers))
        finally:
            progress.clear()
        return [found[identifier] for identifier in identifiers if identifier in found]

    async def _refuse_missing(self, checked: Sequence[CheckedReference]) -> None:
        """A tag that was named and isn't listed is no broken one."""
        for each in checked:
            if each.digest is None and each.identifier not in await self._tags(each.repository):
                raise await tag_missing(self._session, each.repository, each.identifier)

    async def _plan(self, repository: str, broken: Sequence[CheckedReference]) -> RepairPlan:
        lost = dict.fromkeys(digest for each in broken for digest in each.lost)
        progress = Progress("Looking for what is lost in other repositories:")
        try:
            return await self._session.plan_repair(repository, lost, on_progress=progress.show)
        finally:
            progress.clear()

    def _is_confirmed(self, plan: RepairPlan, mendable: Sequence[CheckedReference]) -> bool:
        for each in mendable:
            say(f"{each.name}: {each.problem}.")
        for sentence in repair_sentences(plan, mendable):
            say(sentence)
        if self._arguments.dry_run:
            return False
        return self._arguments.yes or ask("Put back? [y/N]").lower() in ("y", "yes")

    async def _repair(self, plan: RepairPlan, mendable: Sequence[CheckedReference]) -> dict[str, CheckedReference]:
        """Those that were broken, by tag or digest, as they are now."""
        async for outcome in self._session.repairing(plan):
            say(put_back_sentence(outcome))
        again = await self._checked(plan.repository, [each.identifier for each in mendable])
        return {each.identifier: each for each in again}

    def _show(self, each: CheckedReference, plan: RepairPlan) -> None:
        status = "broken" if each.is_broken else "ok"
        remedy = remedy_of(each, plan)
        match self._output.form:
            case Form.JSON:
                self._output.json(
                    {
                        "reference": each.name,
                        "digest": each.digest,
                        "status": status,
                        "problem": each.problem or None,
                        "effect": each.effect or None,
                        "repair": remedy or None,
                    }
                )
            case Form.FIELDS:
                self._output.fields(each.name, each.digest or "", status, each.problem, each.effect, remedy)
            case Form.TABLE:
                self._output.line(f"{each.name}   {status}", "warning" if each.is_broken else "")
                for text in filter(None, (each.problem, effect_beside(each), remedy)):
                    self._output.line(f"  {text}", keep_spaces=True, hang=2)

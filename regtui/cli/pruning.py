"""A run of `regtui prune`: all repositories that the retention rules name are looked at, what goes is shown, confirmed,
and deleted as one run, of which each repository is a part.

Where nobody is asked, each repository is planned and pruned in one go. Where somebody is, all of it is shown first;
then each is planned anew, and left where that says something else than what was confirmed. Of a repository nothing is
held but numbers, and the fingerprint of its plan.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from regtui.cli.console import Progress, ask, say, warn
from regtui.cli.interrupted_runs import say_remedies, tell_troubles
from regtui.cli.output import Form, Output
from regtui.cli.removal import lets_nothing_go, refusal_code, skipped_rows
from regtui.cli.running import Obstructed, RunResult, ShownOutcomes, carry_out, show_outcomes
from regtui.deletion.entry import Belonging, Entry
from regtui.deletion.undo_words import interrupted_sentence
from regtui.deletion.values import Action, Report, Status
from regtui.deletion.words import plan_sentences
from regtui.errors import DONE, FAILED, INTERRUPTED, RegtuiError
from regtui.registry.endurance import Endurance
from regtui.registry.errors import NotFound, RegistryError
from regtui.retention.freed import FreedBytes
from regtui.retention.planning import Stop
from regtui.retention.policy import entry_for
from regtui.retention.values import NoPulls, PullRecord
from regtui.retention.words import (
    entry_words,
    rule_words,
    stays_sentences,
    stop_sentence,
    unattended_sentence,
    unread_sentence,
)
from regtui.session.changes import RunningChange
from regtui.session.retention import RetentionPlan, RetentionPlanner
from regtui.session.session import Session
from regtui.text import plural, size

# Repositories that are looked at at a time: one's tags are asked for while another's are thought about.
_AHEAD: Final = 4
UNATTENDED_MOST: Final = 0.5
"""The share of a repository's tags that a rule may take where nobody looks."""


class UseUnknown(RegtuiError):
    """What is in use could not be read as a whole: then nothing is deleted by rules."""


class NotWhole(RegtuiError):
    """The registry doesn't list all that it has."""


@dataclass(frozen=True, slots=True)
class PruneOptions:
    """`most`: the share of a repository's tags that may go, of 1; None for any. `seconds`: after so many nothing more
    is begun; None for no limit. `asks`: whether somebody confirms it. `now`: as of when; None for now."""

    dry_run: bool
    asks: bool
    most: float | None = None
    seconds: float | None = None
    now: datetime | None = None


@dataclass(slots=True)
class PruneTally:
    """What was done, or in a dry run would be. `repositories`: in which anything goes. `stopped`: each repository in
    which nothing, or not all, was deleted that the rules select, and why."""

    tags: int = 0
    manifests: int = 0
    bytes: int = 0
    in_use: int = 0
    repositories: int = 0
    looked_at: int = 0
    stopped: dict[str, str] = field(default_factory=dict)
    codes: set[int] = field(default_factory=set)
    interrupted: bool = False
    is_declined: bool = False
    can_be_undone: bool = False
    seconds: float = 0.0

    @property
    def code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        if not self.codes:
            return DONE
        return next(iter(self.codes)) if len(self.codes) == 1 else FAILED

    def stop(self, repository: str, why: str, code: int = FAILED) -> None:
        self.stopped[repository] = why
        self.codes.add(code)

    def record(self) -> dict[str, object]:
        """The last line for programs."""
        return {
            "tags": self.tags,
            "manifests": self.manifests,
            "bytes": self.bytes,
            "in_use": self.in_use,
            "seconds": round(self.seconds, 3),
        }

    def sentence(self, *, planned: bool) -> str:
        where = plural(self.looked_at, "repository", "repositories")
        if not self.tags and not self.manifests:
            return f"Nothing {'goes' if planned else 'was deleted'} in {where}."
        what = f"{plural(self.tags, 'tag')} and {plural(self.manifests, 'manifest')}"
        of = f"{self.repositories:,} of {where}"
        freed = f" Up to {size(self.bytes)} become collectable." if self.bytes else ""
        return f"In all: {what} {'go' if planned else 'were deleted'} in {of}.{freed}"


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was shown of a repository, and may be confirmed."""

    repository: str
    fingerprint: bytes


class Pruning:
    """One run. `begin_part_of` is asked for the journal's name of the run right before the first change."""

    def __init__(
        self, session: Session, output: Output, options: PruneOptions, begin_part_of: Callable[[], str]
    ) -> None:
        self.tally = PruneTally()
        self._session = session
        self._output = output
        self._shown = ShownOutcomes(output)
        self._options = options
        self._begin_part_of = begin_part_of
        self._began = time.monotonic()
        self._running: RunningChange | None = None
        self._unfinished: dict[str, Entry] = {}
        self._pulls: PullRecord = NoPulls()
        self._freed = FreedBytes()
        self._shown_bytes: int | None = None
        self._is_out_of_time = False
        self._endurance = Endurance(session)

    @property
    def _is_over(self) -> bool:
        """Whether nothing more is begun."""
        return self._is_out_of_time or self._endurance.is_over

    async def run(self) -> None:
        """Raises RegtuiError where it ends early: what was done until then is in the tally."""
        with self._freed, self._limited():
            try:
                await self._run()
            finally:
                shown = self._shown_bytes
                is_as_shown = shown is not None and not self.tally.stopped and not self.tally.interrupted
                self.tally.bytes = shown if is_as_shown and shown is not None else self._freed.total
                self.tally.seconds = time.monotonic() - self._began

    async def _run(self) -> None:
        names = await self._names()
        if any(entry.rule.not_pulled_for is not None for entry in self._session.target.retention):
            # Only then: logs may be long, and are on the registry's host.
            self._pulls = await self._session.pulls()
            if trouble := self._session.pulls_trouble:
                warn(f"When images were pulled could not be read, so that none counts as not pulled: {trouble}")
        await self._planner()
        await self._look_for_unfinished()
        if not self._options.asks and not self._options.dry_run:
            await self._prune_each(names)
            return
        shown = await self._show_each(names)
        self.tally.bytes = self._freed.total
        say(self.tally.sentence(planned=True))
        if self._options.dry_run or not shown:
            return
        if not self._is_confirmed():
            self.tally = PruneTally(looked_at=self.tally.looked_at, codes={FAILED}, is_declined=True)
            say("Nothing was deleted.")
            return
        self._endurance = Endurance(self._session)
        # Those in which nothing goes are not looked at again, and may hold what the others free.
        self._shown_bytes = self.tally.bytes
        self._freed.clear()
        # What couldn't be looked at stays so.
        self.tally = PruneTally(looked_at=self.tally.looked_at, in_use=self.tally.in_use, codes=self.tally.codes)
        await self._prune_shown(shown)

    # Looking

    async def _planner(self) -> RetentionPlanner:
        """By what is in use now: a run takes hours where a registry is large. Raises UseUnknown."""
        in_use = await self._session.in_use()
        for source in in_use.unread:
            warn(unread_sentence(source))
        if not in_use.is_whole:
            raise UseUnknown(
                "Nothing more is deleted: an image that can't be seen to be in use may be.",
                "Make those sources readable, or take them out of the config file.",
            )
        return self._session.retention(in_use, self._pulls, now=self._options.now)

    async def _names(self) -> list[str]:
        """The repositories that an entry names. Raises NotWhole where nobody is asked and others may be missing."""
        session, entries = self._session, self._session.target.retention
        names = dict.fromkeys(session.target.known_repositories)
        doubts: dict[str, None] = {}
        try:
            async for page in session.repositories():
                names |= dict.fromkeys(page.repositories)
                if page.doubt:
                    doubts[page.doubt] = None
        except RegistryError as error:
            # One that doesn't list its own is pruned where the config names them.
            if error.affects_all or not names:
                raise
            warn(str(error))
        for doubt in doubts:
            warn(doubt)
        if doubts and not self._options.asks and not self._options.dry_run:
            raise NotWhole("Nothing was deleted: the registry doesn't list all of its repositories.")
        if doubts:
            self.tally.codes.add(FAILED)
        return [name for name in names if entry_for(entries, name) is not None]

    async def _look_for_unfinished(self) -> None:
        """What was interrupted is ended before anything else is changed there."""
        for entry in await self._session.changes.unfinished():
            if entry.belongs_to(self._session.identity) is Belonging.HERE:
                self._unfinished[entry.repository] = entry
        tell_troubles(self._session)

    def _is_settled(self, repository: str, progress: Progress) -> bool:
        """Whether nothing was interrupted there; else it is told, also where the rules select nothing."""
        entry = self._unfinished.get(repository)
        if entry is None:
            return True
        progress.clear()
        warn(interrupted_sentence(entry))
        say_remedies(self._session, entry)
        if entry.only_leaves_placeholders:
            return True
        self.tally.stop(repository, "an earlier run was interrupted there")
        return False

    def _tell_unsettled(self, repository: str, *, is_settled: bool) -> None:
        """After the plan: why it isn't carried out."""
        if not is_settled:
            say(f"{repository}: nothing of that is deleted, as an earlier run was interrupted there.")

    async def _show_each(self, names: list[str]) -> list[_Shown]:
        shown: list[_Shown] = []
        progress = Progress("Repositories:")
        progress.begin(len(names))
        number = 0
        async with aclosing(self._looked_at(names)) as looked:
            async for repository, found in looked:
                progress.show(number, len(names))
                number += 1
                plan = self._told(repository, found, progress)
                is_settled = self._is_settled(repository, progress)
                if plan is None:
                    continue
                self._count_planned(plan)
                if plan.plan is None or plan.stop is not None:
                    continue
                progress.clear()
                self._show(plan)
                self._tell_unsettled(repository, is_settled=is_settled)
                if is_settled and await self._is_possible(plan):
                    shown.append(_Shown(repository, plan.fingerprint))
        progress.clear()
        if number < len(names):
            self._leave(names[number:])
        return shown

    async def _looked_at(self, names: Iterable[str]) -> AsyncGenerator[tuple[str, RetentionPlan | RegistryError], None]:
        """Each, in its order, with the next ones being looked at meanwhile."""
        rest = iter(names)
        ahead: deque[tuple[str, asyncio.Task[RetentionPlan | RegistryError]]] = deque()
        try:
            while True:
                for name in islice(rest, _AHEAD - len(ahead) if not self._is_over else 0):
                    ahead.append((name, asyncio.create_task(self._looked(name))))
                if not ahead:
                    return
                name, task = ahead.popleft()
                yield name, await task
        finally:
            for _, task in ahead:
                task.cancel()
            await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)

    def _count_planned(self, plan: RetentionPlan) -> None:
        self.tally.looked_at += 1
        self.tally.in_use += len(plan.retention.in_use)
        goes = plan.plan if plan.stop is None else None
        self._freed.add(plan.contents, [manifest.digest for manifest in goes.manifests] if goes else ())
        if goes is not None:
            self.tally.tags += len(goes.removed)
            self.tally.manifests += len(goes.manifests)
            self.tally.repositories += 1

    async def _planned(self, repository: str, progress: Progress) -> RetentionPlan | None:
        return self._told(repository, await self._looked(repository), progress)

    async def _looked(self, repository: str) -> RetentionPlan | RegistryError:
        """Raises what would fail for every other, too."""
        try:
            return await (await self._planner()).of(repository)
        except RegistryError as error:
            if error.affects_all:
                raise
            return error

    def _told(self, repository: str, found: RetentionPlan | RegistryError, progress: Progress) -> RetentionPlan | None:
        """None where the repository isn't there, or can't be looked at, which is told. One that is stopped is told of,
        too."""
        if isinstance(found, NotFound):
            return None  # Listed, but without tags.
        if isinstance(found, RegistryError):
            progress.clear()
            warn(f"{repository}: {found}")
            self.tally.stop(repository, str(found))
            return None
        plan = self._braked(found)
        if plan.stop is not None:
            progress.clear()
            sentence = stop_sentence(plan.stop, plan.retention, plan.detail, self._options.most or 1.0)
            warn(sentence)
            self.tally.stop(repository, sentence)
        return plan

    def _braked(self, plan: RetentionPlan) -> RetentionPlan:
        most = self._options.most
        return plan.stopped(Stop.MOST) if most is not None and plan.retention.takes_more_than(most) else plan

    def _show(self, plan: RetentionPlan) -> None:
        """By repository and rule. In sentences on stderr; row by row where somebody reads it, or where a dry run makes
        it the result."""
        assert plan.plan is not None
        assert plan.entry is not None
        if self._output.form is Form.TABLE:
            self._output.line(f"{plan.repository}   {entry_words(plan.entry)}: {rule_words(plan.entry.rule)}", "bold")
        if self._options.dry_run or self._output.form is Form.TABLE:
            show_outcomes(self._output, plan.rows, plan.entry.place)
            self._output.flush()
        for sentence in (*plan_sentences(plan.plan), *stays_sentences(plan.retention)):
            say(sentence)
        if self._options.most is None and plan.retention.takes_more_than(UNATTENDED_MOST):
            say(unattended_sentence(plan.retention, UNATTENDED_MOST))

    def _is_confirmed(self) -> bool:
        """The number is typed, however small: nobody reads every line of a whole registry."""
        tally = self.tally
        these = f"{plural(tally.tags, 'tag')} in {plural(tally.repositories, 'repository', 'repositories')}"
        return ask(f"To delete {these} of {self._session.identity}, type {tally.tags}:") == str(tally.tags)

    # Deleting

    async def _prune_each(self, names: list[str]) -> None:
        progress = Progress("Repositories:")
        for number, repository in enumerate(names):
            if self._is_over:
                self._leave(names[number:])
                return
            progress.show(number, len(names))
            plan = await self._planned(repository, progress)
            is_settled = self._is_settled(repository, progress)
            if plan is None:
                continue
            self.tally.looked_at += 1
            self.tally.in_use += len(plan.retention.in_use)
            if plan.plan is None or plan.stop is not None:
                self._freed.add(plan.contents, ())
                continue
            progress.clear()
            self._show(plan)
            self._tell_unsettled(repository, is_settled=is_settled)
            if not is_settled or not await self._is_possible(plan):
                self._freed.add(plan.contents, ())
            elif not await self._prune(plan):
                return

    async def _prune_shown(self, shown: list[_Shown]) -> None:
        progress = Progress("Repositories:")
        for number, each in enumerate(shown):
            if self._is_over:
                self._leave([one.repository for one in shown[number:]])
                return
            plan = await self._planned(each.repository, progress)
            if plan is None or plan.stop is not None:
                continue
            if plan.plan is None or plan.fingerprint != each.fingerprint:
                why = "it has changed since the plan was shown"
                say(f"{each.repository}: nothing is deleted there, as {why}.")
                self._shown.final(skipped_rows(plan.rows, why))
                self.tally.stop(each.repository, why)
                continue
            if not await self._prune(plan):
                return

    async def _is_possible(self, plan: RetentionPlan) -> bool:
        """Whether it can be carried out, which else is told: of a dry run by the exit code. Raises Obstructed where
        that holds for the registry."""
        assert plan.plan is not None
        repository = plan.repository
        if self._options.dry_run:
            if plan.plan.obstacle:
                self.tally.codes.add(await refusal_code(self._session, repository))
            return True
        if not plan.plan.obstacle:
            return True
        support = await self._session.deletion(repository)
        if lets_nothing_go(support):
            raise Obstructed(plan.plan.obstacle, "Nothing was deleted.")
        warn(f"{repository}: {plan.plan.obstacle}")
        self.tally.stop(repository, plan.plan.obstacle, await refusal_code(self._session, repository))
        return False

    async def _prune(self, plan: RetentionPlan) -> bool:
        """Whether the next may be begun."""
        assert plan.plan is not None
        assert plan.entry is not None
        part_of = await asyncio.to_thread(self._begin_part_of)
        self._shown.rule = plan.entry.place
        running = self._running = self._session.deleting(plan.plan, part_of=part_of)
        total = len(plan.plan.removed) + len(plan.plan.manifests)
        try:
            result = await carry_out(running, self._shown, f"Deleting in {plan.repository}", total)
        except RegistryError as error:
            if error.affects_all:
                raise
            warn(f"{plan.repository}: {error}")
            self.tally.stop(plan.repository, str(error))
            return True
        finally:
            self._running = None
            self._count_done(plan, running.report)
        return self._goes_on(plan.repository, result)

    def _goes_on(self, repository: str, result: RunResult) -> bool:
        if result.stopped and not self._is_out_of_time:
            self.tally.interrupted = True
            self.tally.stopped[repository] = "stopped"
            return False
        if not result.is_complete:
            self.tally.stop(repository, "not all of it was deleted")
        return True

    def _count_done(self, plan: RetentionPlan, report: Report) -> None:
        gone = [o.digest for o in report.outcomes if o.action is Action.DELETE and o.status is Status.DONE and o.digest]
        self._freed.add(plan.contents, gone)
        self.tally.tags += report.count(Action.UNTAG, Status.DONE)
        self.tally.manifests += len(gone)
        self.tally.repositories += report.has_effect
        self.tally.can_be_undone = self.tally.can_be_undone or report.leaves_something

    # Time

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """After its time nothing more is begun."""
        if self._options.seconds is None:
            yield
            return

        def end() -> None:
            self._is_out_of_time = True
            if self._running is not None:
                self._running.stop()

        timer = asyncio.get_running_loop().call_later(self._options.seconds, end)
        try:
            yield
        finally:
            timer.cancel()

    def _leave(self, left: list[str]) -> None:
        warn(self._out_of_time(left) if self._is_out_of_time else self._endurance.sentence(left))
        for repository in left:
            self.tally.stop(repository, "out of time")

    def _out_of_time(self, left: list[str]) -> str:
        assert self._options.seconds is not None
        minutes = plural(max(1, round(self._options.seconds / 60)), "minute")
        return f"After {minutes} nothing more is begun: {plural(len(left), 'repository', 'repositories')} are left."

"""`regtui prune`: deletes what the config's retention rules select, and nothing that is in use."""

import argparse
import asyncio
import sys
from contextlib import nullcontext
from typing import Final

from regtui.cli.console import say, warn
from regtui.cli.invocation import Invocation, connected
from regtui.cli.notify import notify
from regtui.cli.output import Form, Output
from regtui.cli.prune_explain import check_entries, explain
from regtui.cli.prune_timer import timer
from regtui.cli.pruning import UNATTENDED_MOST, PruneOptions, PruneTally, Pruning
from regtui.cli.running import check_askable
from regtui.deletion.entry import PruneSummary
from regtui.deletion.journal import Journal, Run
from regtui.errors import DONE, FAILED, RegtuiError, UsageError
from regtui.session.session import Session
from regtui.session.target import Target
from regtui.settings.paths import journal_dir
from regtui.settings.registry_lock import only_one
from regtui.text import config_table, size

# Seconds after which a run that nobody watches begins nothing more.
_UNATTENDED: Final = 6 * 3600.0


def run(arguments: argparse.Namespace) -> int:
    """Nothing is deleted before it was shown and confirmed, or is what --yes may delete. Raises RegtuiError."""
    if arguments.install and not arguments.timer:
        raise UsageError("--install goes with --timer.", "See: regtui prune --help")
    invocation = Invocation(arguments)
    if arguments.timer or arguments.uninstall:
        return timer(invocation, arguments)
    target = invocation.target(_registry(invocation, arguments))
    if not target.retention:
        raise UsageError(
            f"The config file has no retention rules for {target.name or target.address.name}.",
            f"Add {_table(invocation, target.name)} to {invocation.config.path}: see regtui prune --help",
        )
    if arguments.check:
        return check_entries(invocation, target, arguments)
    if arguments.explain:
        return explain(invocation, target, arguments)
    if arguments.as_of is not None:
        arguments.dry_run = True
    check_askable(arguments)
    return _Prune(invocation, target, arguments).run()


def _table(invocation: Invocation, name: str) -> str:
    """What begins an entry; an address isn't how a table is called."""
    profile = name if name in invocation.config.profiles else "NAME"
    return f"{'' if profile == name else 'a profile of it and '}{config_table(profile, 'retention', is_list=True)}"


def _registry(invocation: Invocation, arguments: argparse.Namespace) -> str | None:
    """--explain names the registry within its reference."""
    if not arguments.explain:
        return invocation.registry(arguments.registry_argument)
    reference = invocation.reference(arguments.explain)
    return invocation.registry(reference.registry or arguments.registry_argument)


class _Prune:
    """One run of the command: what it does is recorded, told at its end, and handed to who is to be notified."""

    def __init__(self, invocation: Invocation, target: Target, arguments: argparse.Namespace) -> None:
        self._invocation = invocation
        self._target = target
        self._arguments = arguments
        self._output = Output.chosen(arguments.json)
        unattended = arguments.yes
        self._options = PruneOptions(
            dry_run=arguments.dry_run,
            asks=not unattended,
            most=arguments.most if arguments.most is not None else UNATTENDED_MOST if unattended else None,
            seconds=arguments.time_limit or (_UNATTENDED if unattended else None),
            now=arguments.as_of,
        )
        self._record: Run | None = None
        self._tally = PruneTally()

    def run(self) -> int:
        target = self._target
        lock = nullcontext() if self._options.dry_run or target.ephemeral else only_one(target.identity, "prune")
        with lock:
            error: RegtuiError | None = None
            code = FAILED
            try:
                code = asyncio.run(self._connected())
            except RegtuiError as failed:
                error = failed
                raise
            except KeyboardInterrupt:
                self._tally.interrupted = True
                raise
            finally:
                self._end(str(error) if error is not None else "")
            return code

    async def _connected(self) -> int:
        async with connected(self._target) as session:
            pruning = Pruning(session, self._output, self._options, lambda: self._begin(session).name)
            if not self._options.dry_run:
                self._begin(session)
            try:
                await pruning.run()
            finally:
                self._tally = pruning.tally
            code = await self._collect(session) or self._tally.code
            if self._record is not None and self._tally.can_be_undone and not session.target.ephemeral:
                say(f"To put it back: {session.target.undo_command(self._record.name)}")
            return code

    def _begin(self, session: Session) -> Run:
        if self._record is None:
            self._record = session.journal.begin_prune(session.identity, session.username)
        return self._record

    async def _collect(self, session: Session) -> int:
        """The exit code of the collection, where there is one."""
        arguments, tally = self._arguments, self._tally
        if not arguments.gc or self._options.dry_run or tally.interrupted:
            return DONE
        enough = session.target.gc_when or 1
        if tally.bytes < enough:
            say(f"Nothing is collected: {size(tally.bytes)} became free, and gc_when is {size(enough)}.")
            return DONE
        from regtui.cli.arguments import parse
        from regtui.cli.gc import collect_afterwards

        options = parse(["gc", *(["--yes"] if arguments.yes else []), *(["--json"] if arguments.json else [])])
        try:
            return await collect_afterwards(session, self._output, self._invocation.config, options)
        except RegtuiError as error:
            # What was deleted is deleted: it is still told.
            warn(str(error))
            return error.exit_code

    def _end(self, error: str) -> None:
        """Whatever happened: the last line, the record, the notification."""
        tally = self._tally
        if not self._options.dry_run:
            say(tally.sentence(planned=False)) if tally.looked_at or not error else None
            self._write_record(error)
        if self._output.form is Form.JSON and (not error or tally.looked_at):
            self._output.json(tally.record())
            self._output.flush()
        if not self._options.dry_run:
            sys.stdout.flush()
            notify(self._target.notify, self._summary(error))

    def _write_record(self, error: str) -> None:
        tally = self._tally
        record = self._record
        if record is None:
            if self._target.ephemeral:
                return
            try:
                # It never came so far: that it was tried is told in the log all the same.
                record = Journal(journal_dir()).begin_prune(self._target.identity, "")
            except RegtuiError as failed:
                warn(str(failed))
                return
        record.summed_up(
            PruneSummary(
                tags=tally.tags,
                manifests=tally.manifests,
                bytes=0 if tally.is_declined else tally.bytes,
                in_use=tally.in_use,
                repositories=tally.repositories,
                stopped=len(tally.stopped),
                seconds=round(tally.seconds, 3),
                error=error,
                declined=tally.is_declined,
            )
        )
        record.end((), interrupted=tally.interrupted)

    def _summary(self, error: str) -> dict[str, object]:
        """For who is notified: the last line, and what it is about."""
        record = self._record
        return self._tally.record() | {
            "registry": self._target.name or self._target.address.name,
            "run": record.name if record is not None else None,
            "repositories": self._tally.repositories,
            "stopped": [{"repository": name, "why": why} for name, why in self._tally.stopped.items()],
            "error": error or None,
        }

"""Undoing a prune: its parts in turn, one a repository, after all of them were shown and confirmed."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field

from regtui.cli.console import Progress, ask, say, warn
from regtui.cli.interrupted_runs import say_taking_back
from regtui.cli.output import Output
from regtui.cli.planned_undo import planned_undo, show_undo
from regtui.cli.running import Obstructed, ShownOutcomes, carry_out
from regtui.deletion.entry import Entry
from regtui.deletion.journal import RunInUse
from regtui.deletion.undo import StillRunning, Undo
from regtui.deletion.undo_words import not_unasked, overwritten_by, title_of, typed_for_overwriting, what_of
from regtui.deletion.values import Outcome
from regtui.errors import DONE, FAILED, INTERRUPTED, UsageError
from regtui.registry.endurance import Endurance
from regtui.registry.errors import RegistryError
from regtui.session.session import Session
from regtui.text import plural


@dataclass(frozen=True, slots=True)
class _ShownPart:
    """A part that was shown, and may be confirmed: its name, and what of it. `overwritten`: so many of its tags.
    `for_good`: another undo could not move all of these back."""

    run: str
    repository: str
    rows: frozenset[Outcome]
    tags: int
    overwritten: int
    for_good: bool


@dataclass(slots=True)
class _PlannedParts:
    """What was shown. `is_read`: of all that is still to be taken back; `is_whole`: all of that can be put back;
    `is_refused`: something stands against a part."""

    parts: list[_ShownPart] = field(default_factory=list)
    is_read: bool = True
    is_whole: bool = True
    is_refused: bool = False


async def undo_prune(session: Session, prune: Entry, output: Output, arguments: argparse.Namespace) -> int:
    """Raises UsageError, RegistryError, JournalFailed, Obstructed."""
    if arguments.finish:
        raise UsageError("A prune isn't finished, it is begun again: regtui prune.", "Its parts: regtui log --json")
    say(f"{title_of(prune)} at {session.identity}: {what_of(prune)}")
    parts = await session.changes.parts_to_undo(prune)
    if not parts:
        say("Nothing to put back.")
        return DONE
    shown = await _show_each(session, parts, output, arguments)
    if arguments.dry_run:
        is_idle = not shown.parts and not shown.is_whole
        return Obstructed.exit_code if shown.is_refused else FAILED if is_idle or not shown.is_read else DONE
    is_whole = shown.is_whole and shown.is_read
    if not shown.parts:
        return DONE if is_whole else FAILED
    if not arguments.yes and not _is_confirmed(shown.parts, session):
        say("Nothing was put back.")
        return FAILED
    return await _put_back(session, shown.parts, output, arguments, is_whole=is_whole)


async def _show_each(
    session: Session, parts: Mapping[str, str], output: Output, arguments: argparse.Namespace
) -> _PlannedParts:
    """`parts`: the run of each, and its repository. Of one that can't be looked at the others know nothing."""
    shown = _PlannedParts()
    progress, endurance = Progress("Repositories:"), Endurance(session)
    # The journal's records are large: each is read, planned and let go.
    for number, (run, repository) in enumerate(parts.items()):
        if endurance.is_over:
            warn(endurance.sentence([*parts.values()][number:]))
            shown.is_read = False
            break
        progress.show(number, len(parts))
        try:
            undo = await planned_undo(session, await session.changes.entry(run), overwrite=arguments.overwrite)
        except RegistryError as error:
            if error.affects_all:
                raise
            progress.clear()
            warn(f"{repository}: {error}")
            shown.is_read = False
            continue
        finally:
            progress.clear()
        show_undo(undo, output, dry_run=arguments.dry_run, in_several=True)
        if undo.restoration.kept:
            # By its part: once that is put back, nothing of the prune is left to be.
            say(f"To overwrite: {session.target.undo_command(run, '--overwrite')}")
        if undo.obstacle and not arguments.dry_run:
            raise Obstructed(undo.obstacle, "Nothing was put back.")
        unasked = not_unasked(undo) if arguments.yes else ""
        if unasked and not arguments.dry_run:
            raise Obstructed(unasked, "Nothing was put back. Without --yes it asks.")
        if unasked:
            say(unasked)
        shown.is_refused = shown.is_refused or bool(undo.obstacle or unasked)
        shown.is_whole = shown.is_whole and not _lacks(undo)
        if not undo.is_empty or undo.entry.is_unfinished:
            tags, over = len(undo.restoration.tags), overwritten_by(undo)
            part = _ShownPart(run, repository, frozenset(undo.rows), tags, over, bool(undo.no_way_back))
            shown.parts.append(part)
    return shown


async def _put_back(
    session: Session, shown: list[_ShownPart], output: Output, arguments: argparse.Namespace, *, is_whole: bool
) -> int:
    outcomes, endurance = ShownOutcomes(output), Endurance(session)
    for number, part in enumerate(shown):
        if endurance.is_over:
            warn(endurance.sentence([left.repository for left in shown[number:]]))
            return FAILED
        try:
            undo = await planned_undo(session, await session.changes.entry(part.run), overwrite=arguments.overwrite)
            if frozenset(undo.rows) != part.rows:
                say(f"{undo.repository} has changed since this was shown: nothing is put back there.")
                is_whole = False
                continue
            undoing = session.changes.undoing(undo)
            result = await carry_out(undoing, outcomes, "Putting back", len(undo.rows))
        except RegistryError as error:
            if error.affects_all:
                raise
            warn(f"{part.repository}: {error}")
            is_whole = False
            continue
        except (RunInUse, StillRunning) as error:
            warn(str(error))
            is_whole = False
            continue
        say_taking_back(session, undoing.report, undo)
        if result.stopped:
            return INTERRUPTED
        is_whole = is_whole and result.is_complete
    return DONE if is_whole else FAILED


def _lacks(undo: Undo) -> bool:
    return bool(undo.restoration.lost or undo.restoration.kept)


def _is_confirmed(shown: list[_ShownPart], session: Session) -> bool:
    tags = plural(sum(part.tags for part in shown), "tag")
    where = plural(len(shown), "repository", "repositories")
    over, for_good = sum(part.overwritten for part in shown), any(part.for_good for part in shown)
    if expected := typed_for_overwriting(over, for_good=for_good):
        return ask(f"To put back {tags} in {where} at {session.identity}, type {expected}:") == expected
    return ask(f"Put back {tags} in {where} at {session.identity}? [y/N]").lower() in ("y", "yes")

"""`regtui log`: what was deleted, restored and collected; when, by whom, where, with what result."""

import argparse
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from regtui.cli.console import say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.output import Form, Output
from regtui.deletion.entry import Entry, Kind, PruneSummary
from regtui.deletion.journal import Journal
from regtui.deletion.undo import undone
from regtui.deletion.undo_words import result_of, verb_of, what_of, who_of
from regtui.deletion.values import Status
from regtui.errors import DONE, FAILED
from regtui.registry.identity import RegistryId
from regtui.settings.paths import journal_dir
from regtui.text import plural, rfc3339, time_utc


def run(arguments: argparse.Namespace) -> int:
    """Raises RegtuiError."""
    invocation = Invocation(arguments)
    if arguments.prune is not None:
        before = datetime.now(UTC) - timedelta(days=arguments.prune)
        journal = Journal(journal_dir())
        count = journal.prune(before)
        for trouble in journal.troubles():
            warn(trouble)
        if journal.is_unreadable:
            return FAILED
        say(f"{plural(count, 'run')} forgotten that ended before {time_utc(before)}: they can't be undone any more.")
        return DONE
    named = arguments.registry_argument or arguments.registry
    return show_runs(Output.chosen(arguments.json), invocation.profile(named).identity if named else None)


def show_runs(output: Output, registry: RegistryId | None = None, *, undoable: bool = False) -> int:
    """The journal's runs, newest first; of all registries, or of that one. `undoable`: those alone that can be undone.

    The exit code. Raises JournalFailed.
    """
    journal = Journal(journal_dir())
    entries = journal.entries(registry)
    for trouble in journal.troubles():
        warn(trouble)
    if journal.is_unreadable:
        return FAILED
    taken_back = undone(entries)
    entries = [entry for entry in entries if not undoable or entry.kind.can_be_undone]
    if not entries and output.form is Form.TABLE:
        at, others = (f" at {registry}", " Other registries: regtui log") if registry else ("", "")
        say(f"Nothing was deleted, restored or collected{at} from here in the last 90 days.{others}")
    if output.form is Form.TABLE:
        prunes = {entry.name for entry in entries if entry.kind is Kind.PRUNE}
        # The prune says what its parts did.
        _table(output, [entry for entry in entries if entry.part_of not in prunes], taken_back)
    for entry in entries if output.form is not Form.TABLE else ():
        if output.form is Form.JSON:
            output.json(_record(entry, taken_back))
        else:
            output.fields(
                rfc3339(entry.time),
                entry.registry.in_full,
                entry.repository,
                who_of(entry),
                verb_of(entry),
                what_of(entry),
                result_of(entry, taken_back),
                entry.name,
            )
    output.flush()
    return DONE


def _table(output: Output, entries: list[Entry], taken_back: Collection[str]) -> None:
    for entry in entries:
        via = f" via {entry.registry.via}" if entry.registry.via else ""
        where = f"{entry.registry.address}/{entry.repository}".rstrip("/") + via
        result = result_of(entry, taken_back)
        output.line(f"{time_utc(entry.time)}   {verb_of(entry):<7}  {where}", "bold")
        output.line(f"  {what_of(entry)}", keep_spaces=True)
        style = "" if result in ("done", "undone", "running") else "warning"
        output.line(f"  {result} · by {who_of(entry)} · {entry.name}", style, keep_spaces=True)


def _record(entry: Entry, taken_back: Collection[str]) -> dict[str, object]:
    counts = {status: sum(1 for outcome in entry.results if outcome.status is status) for status in Status}
    collection = entry.collection
    record: dict[str, object] = {
        "run": entry.name,
        "time": rfc3339(entry.time),
        "action": verb_of(entry),
        "registry": entry.registry.spoken,
        "via": entry.registry.via or None,
        "repository": entry.repository or None,
        "by": entry.by,
        "user": entry.user or None,
        "result": result_of(entry, taken_back),
        "undoes": entry.undoes or None,
    }
    if collection is not None:
        return record | {
            "host": collection.host,
            "stages": [{"stage": stage, "status": status} for stage, status in collection.stages],
            "blobs": collection.blobs,
            "bytes": collection.bytes,
            "seconds": collection.seconds,
            "error": collection.error or None,
        }
    if entry.kind is Kind.PRUNE:
        prune = entry.prune or PruneSummary()
        return record | {
            "deleted_tags": prune.tags,
            "deleted_manifests": prune.manifests,
            "bytes": prune.bytes,
            "in_use": prune.in_use,
            "repositories": prune.repositories,
            "stopped": prune.stopped,
            "seconds": prune.seconds,
            "error": prune.error or None,
        }
    return record | {
        "part_of": entry.part_of or None,
        "tags": dict(entry.tags),
        "manifests": list(entry.manifests_changed),
        "removed_tags": dict(entry.removed_tags),
        "removed_manifests": list(entry.removed_manifests),
        "repaired": dict(entry.repaired),
        "done": counts[Status.DONE],
        "failed": counts[Status.FAILED],
        "skipped": counts[Status.SKIPPED],
    }

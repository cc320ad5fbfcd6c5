"""Deletion people can trust: a plan, carried out exactly, recorded first and checked afterwards."""

from regtui.deletion.entry import Collection, Entry, Kind
from regtui.deletion.execution import Execution
from regtui.deletion.inventory import read_contents
from regtui.deletion.journal import Journal, JournalFailed
from regtui.deletion.plan import make_plan
from regtui.deletion.values import (
    Action,
    Contents,
    Manifests,
    Method,
    Outcome,
    Plan,
    PlannedManifest,
    PlannedTag,
    Report,
    Status,
)

__all__ = [
    "Action",
    "Collection",
    "Contents",
    "Entry",
    "Execution",
    "Journal",
    "JournalFailed",
    "Kind",
    "Manifests",
    "Method",
    "Outcome",
    "Plan",
    "PlannedManifest",
    "PlannedTag",
    "Report",
    "Status",
    "make_plan",
    "read_contents",
]

"""Why the registry's collector failed, in sentences: what happened, and what to do."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from regtui.host.errors import CollectionFailed
from regtui.text import one_line, plural

SIGNALLED: Final = frozenset({129, 130, 137, 143})
"""Ended by a signal (hang-up, interrupt, kill, terminate), as shells and container runtimes say it."""


class GcOutcome(Enum):
    COMPLETE = "complete"
    NOTHING = "nothing to collect"
    CONFIG_MISSING = "config missing"
    CONFIG_INVALID = "config invalid"
    DRIVER_UNKNOWN = "driver unknown"
    NOT_READABLE = "storage not readable"
    NOT_DELETABLE = "storage not deletable"
    DISK_FULL = "disk full"
    LINK_DAMAGED = "link damaged"
    TAG_DAMAGED = "tag damaged"
    MANIFEST_DAMAGED = "manifest damaged"
    NAME_INVALID = "name invalid"
    NEVER_TAGGED = "never tagged"
    OPTION_UNKNOWN = "option unknown"
    CRASHED = "crashed"
    KILLED = "killed"
    NO_SUMMARY = "no summary"
    FAILED = "failed"

    @property
    def is_good(self) -> bool:
        return self in (GcOutcome.COMPLETE, GcOutcome.NOTHING)


class CollectorFailed(CollectionFailed):
    """The registry's own collector failed, or can't be shown to have succeeded. `outcome` says how."""

    def __init__(self, verdict: "GcVerdict") -> None:
        super().__init__(verdict.message, verdict.remedy)
        self.outcome = verdict.outcome


@dataclass(frozen=True, slots=True)
class GcVerdict:
    """What came of a run. `message`, `remedy`: full sentences, harmless to show; both empty for COMPLETE."""

    outcome: GcOutcome
    message: str = ""
    remedy: str = ""

    def check(self) -> None:
        """Raises CollectorFailed, unless it was complete or there was nothing to collect."""
        if not self.outcome.is_good:
            raise CollectorFailed(self)


_FAILED_AT: Final = re.compile(r"failed to garbage collect: (?:failed to mark: )?(?:filesystem: )*")
_DIGEST: Final = r"(sha\d+:[0-9a-f]{32,128})"

_Told = Callable[[re.Match[str]], tuple[GcOutcome, str, str]]


def _config_missing(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.CONFIG_MISSING,
        f"The collector finds no config file at {match[1]}.",
        "Name the file that the registry itself uses.",
    )


def _config_unspecified(_: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.CONFIG_MISSING,
        "The collector was given no config file.",
        "Name the file that the registry itself uses.",
    )


def _wrong_version(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.CONFIG_INVALID,
        f"The collector takes the config's storage for several ones ({match[1].strip()}).",
        "The config is for another version of the registry than this binary: name the config that belongs to it.",
    )


def _config_invalid(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.CONFIG_INVALID,
        f"The collector can't use its config: {match[1].rstrip(': ')}.",
        "Put the file right, or name the one that the registry itself uses.",
    )


def _driver(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.DRIVER_UNKNOWN,
        f"The collector doesn't know the storage driver {match[1]}.",
        "Use the binary that the registry itself runs: it was built with this driver.",
    )


def _nothing(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.NOTHING,
        f"There is nothing to collect: the storage is empty (it has no {match[1]}).",
        "If there should be images, the config names another root directory than the registry uses.",
    )


def _vanished(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.FAILED,
        f"{match[1]} went away while the collector was reading.",
        "Something else changes the storage: find out what, then run it again.",
    )


def _not_deletable(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.NOT_DELETABLE,
        f"The collector may not delete {match[1]}: {match[2]}.",
        "Run it as the user that the registry runs as, on storage that can be written to.",
    )


def _not_readable(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.NOT_READABLE,
        f"The collector may not read {match[1]}: permission denied.",
        "Run it as the user that the registry runs as, or with sudo.",
    )


def _full(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.DISK_FULL,
        f"The disk of the storage is full{f': {match[1]} could not be written' if match[1] else ''}.",
        "Make some room on it by hand (old logs, for example), then collect again.",
    )


def _tag_damaged(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.TAG_DAMAGED,
        f"A tag's link file is empty or damaged; the collector met it while looking for the tags of {match[1]}.",
        "On the host, `find ROOT -name link ! -size 71c` names such files; push that tag again, or delete it.",
    )


def _link_damaged(_: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.LINK_DAMAGED,
        "A link file in the storage is empty or damaged, and the collector stops there.",
        "On the host, `find ROOT -name link ! -size 71c` names such files; push that image again, or remove the link.",
    )


def _manifest_damaged(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.MANIFEST_DAMAGED,
        f"The manifest {match[1]} is damaged in the storage: {match[2]}.",
        "Push that image again, or delete the manifest.",
    )


def _name_invalid(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.NAME_INVALID,
        f"A directory below repositories/ can't be a repository: {match[1]}.",
        "Move it out of the registry's storage.",
    )


def _never_tagged(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.NEVER_TAGGED,
        f"{match[1]} never had a tag, and with --delete-untagged this version's collector stops at such a repository.",
        "Collect without that option; regtui finds untagged images by itself.",
    )


def _option_unknown(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.OPTION_UNKNOWN,
        f"This version's collector doesn't know {match[1]}.",
        "Leave that option out of the command.",
    )


def _crashed(match: re.Match[str]) -> tuple[GcOutcome, str, str]:
    return (
        GcOutcome.CRASHED,
        f"The collector crashed: {match[1]}.",
        "The registry's log on the host has the details.",
    )


# The first that fits is it: Go's words, and distribution's, which are the same from 2.7.1 to 3.1.1.
_CAUSES: Final[tuple[tuple[re.Pattern[str], _Told], ...]] = (
    (re.compile(r"(?:panic|fatal error|runtime): (.+)"), _crashed),
    (re.compile(r"Error: unknown (?:shorthand )?flag: (\S+)"), _option_unknown),
    (re.compile(r".*?(?:(\S+): )?no space left on device"), _full),
    (re.compile(r"configuration error: configuration path unspecified"), _config_unspecified),
    (re.compile(r"configuration error: open (.+?): no such file or directory"), _config_missing),
    (re.compile(r"configuration error: open (.+?): permission denied"), _not_readable),
    (re.compile(r"(?i:configuration error: .*must provide exactly one storage type\. Provided): (.+)"), _wrong_version),
    (re.compile(r"configuration error: (?:error parsing )?(.+)"), _config_invalid),
    (re.compile(r"failed to construct .*StorageDriver not registered: (\S+)"), _driver),
    (re.compile(r"failed to construct (.+)"), _config_invalid),
    (re.compile(r".*[Pp]ath not found: (\S+/(?:repositories|blobs))/?$"), _nothing),
    (re.compile(r".*[Pp]ath not found: (\S+)"), _vanished),
    (re.compile(r".*unlinkat (\S+): (permission denied|read-only file system|.* permitted)"), _not_deletable),
    (re.compile(r".*\b(?:open|stat|lstat|readdirent|read) (\S+): permission denied"), _not_readable),
    (re.compile(rf".*failed to retrieve tags for digest {_DIGEST}: invalid checksum digest"), _tag_damaged),
    (re.compile(r".*failed to retrieve tags unknown repository name=(\S+)"), _never_tagged),
    (re.compile(r".*invalid checksum digest"), _link_damaged),
    (re.compile(rf".*failed to retrieve manifest for digest {_DIGEST}: (.+)"), _manifest_damaged),
    (re.compile(r".*failed to parse repo name (.+?): "), _name_invalid),
)  # fmt: skip


def explain(line: str, repository: str, deleted: int | None) -> GcVerdict:
    """What the collector's own line of failure means. `repository`: the one it had begun last."""
    line = one_line(line)
    for pattern, told in _CAUSES:
        if match := pattern.match(line):
            outcome, message, remedy = told(match)
            break
    else:
        outcome, message, remedy = GcOutcome.FAILED, f"The collector failed: {_FAILED_AT.sub('', line)}.", ""
    if outcome is GcOutcome.LINK_DAMAGED and repository:
        message += f" It was reading {one_line(repository)}."
    if outcome.is_good:
        return GcVerdict(outcome, message, remedy)
    return GcVerdict(outcome, f"{message} {_so_far(deleted)}", remedy)


def killed(exit_code: int | None, deleted: int | None) -> GcVerdict:
    """It didn't come to its end by itself."""
    how = "It isn't known how the collector ended." if exit_code is None else _signal(exit_code)
    remedy = "What is left is collected by the next run."
    if exit_code == 137:
        remedy = "Often that is the kernel, for want of memory. " + remedy
    return GcVerdict(GcOutcome.KILLED, f"{how} {_so_far(deleted)}", remedy)


def idle(seconds: int, deleted: int | None) -> GcVerdict:
    """It did nothing for so long, and was ended."""
    message = f"The collector printed nothing and changed nothing for {seconds // 60} minutes: it was ended."
    remedy = "See whether its disk, or its network, hangs. What is left is collected by the next run."
    return GcVerdict(GcOutcome.KILLED, f"{message} {_so_far(deleted)}", remedy)


def no_summary(last: str) -> GcVerdict:
    """Exit code 0, and yet nothing that says it collected: as after an unknown option."""
    said = f" Its last words: {one_line(last, limit=200)}" if last else ""
    return GcVerdict(
        GcOutcome.NO_SUMMARY,
        f"The collector ended without its summary, so it can't be told that it did anything.{said}",
        "Look at its output; a collector made silent by --quiet prints no summary either.",
    )


def unexplained(exit_code: int, last: str, deleted: int | None) -> GcVerdict:
    """An exit code without a line that explains it."""
    said = f": {one_line(last, limit=400)}" if last else ""
    return GcVerdict(GcOutcome.FAILED, f"The collector failed with exit code {exit_code}{said}. {_so_far(deleted)}")


def _signal(exit_code: int) -> str:
    names = {129: "its connection was lost", 130: "it was interrupted", 137: "it was killed", 143: "it was stopped"}
    return f"The collector didn't finish: {names.get(exit_code, 'it was stopped')} (exit code {exit_code})."


def _so_far(deleted: int | None) -> str:
    if deleted is None:
        return "How much had been deleted by then isn't known."
    return f"{plural(deleted, 'blob')} had been deleted by then." if deleted else "Nothing was deleted."

"""What `registry garbage-collect` prints, read line by line: 2.7.1, 2.8.2 and 3.1.1, all of whose cases were recorded.

    output = CollectorOutput()
    for line in lines:
        finding = output.feed(line)      # what that line says; output.marked, .eligible … count along
    verdict = output.verdict(exit_code)  # COMPLETE, NOTHING, or what went wrong, in sentences

Success is the summary line together with exit code 0. Neither suffices: an unknown option prints the usage and exits
0, and the summary is printed before the sweep, which can still fail. Lines of stdout and stderr may come in any order,
with the CRs of a terminal, and with log lines as text or JSON in between; what can't be read is kept as OTHER. Memory
is what is eligible for deletion; markings, which are nine lines of ten, are counted and let go.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from regtui import bounds
from regtui.garbage.verdict import (
    SIGNALLED,
    GcOutcome,
    GcVerdict,
    explain,
    killed,
    no_summary,
    unexplained,
)
from regtui.oci.digest import Digest
from regtui.oci.reference import is_repository

_LONGEST_LINE: Final = 64 * 1024
"""Characters of a line that are looked at: 3.x names all tags of a repository beside an untagged manifest."""
_LONGEST_TEXT: Final = 2000
_MOST_NAMES: Final = 100_000
_MOST_MANIFESTS: Final = 20_000

_DIGEST: Final = r"(?P<digest>[a-z0-9]+:[0-9a-f]{32,128})"
_REPOSITORY: Final = r"(?P<repository>[^\s:{}]{1,255})"
_SUMMARY: Final = re.compile(r"(\d{1,18}) blobs marked, \d+ blobs and \d+ manifests eligible for deletion")
_DELETED_BLOB: Final = re.compile(r"Deleting blob: \S*/blobs/(\w+)/[0-9a-f]{2}/([0-9a-f]{32,128})")
_FAILURES: Final = (
    "failed to garbage collect: ",
    "failed to construct ",
    "configuration error: ",
    "Error: ",
    "panic: ",
    "fatal error: ",
    "runtime: out of memory",
)


class LineKind(Enum):
    """What a line says."""

    REPOSITORY = "repository"
    MANIFEST_MARKED = "manifest marked"
    BLOB_MARKED = "blob marked"
    MANIFEST_ELIGIBLE = "manifest eligible"
    SUMMARY = "summary"
    BLOB_ELIGIBLE = "blob eligible"
    LINK_ELIGIBLE = "link eligible"
    BLOB_DELETED = "blob deleted"
    FAILURE = "failure"
    OTHER = "other"

    @property
    def is_marking(self) -> bool:
        """Nine lines of ten: to be counted, not shown."""
        return self in (LineKind.MANIFEST_MARKED, LineKind.BLOB_MARKED)


_KINDS: Final = (
    (LineKind.BLOB_MARKED, re.compile(rf"{_REPOSITORY}: marking blob {_DIGEST}")),
    (LineKind.MANIFEST_MARKED, re.compile(rf"{_REPOSITORY}: marking manifest {_DIGEST}")),
    (LineKind.BLOB_ELIGIBLE, re.compile(rf"blob eligible for deletion: {_DIGEST}")),
    (LineKind.LINK_ELIGIBLE, re.compile(rf"{_REPOSITORY}: layer link eligible for deletion: {_DIGEST}")),
    (LineKind.MANIFEST_ELIGIBLE, re.compile(rf"manifest eligible for deletion: (?:{{{_REPOSITORY} )?{_DIGEST}")),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line, understood. `text` is the line itself, at most 2,000 characters: server text, to be cleaned."""

    kind: LineKind
    text: str
    repository: str = ""
    digest: Digest | None = None


class CollectorOutput:
    """What the lines fed so far amount to."""

    def __init__(self) -> None:
        self.repository = ""
        """The one that was begun last."""
        self.repositories = 0
        self.manifests = 0
        """Manifests marked so far."""
        self.marked: int | None = None
        """Blobs in use, by the summary; None before it."""
        self.eligible: dict[Digest, None] = {}
        """Blobs that go, in the collector's order, as many as are kept."""
        self.unkept = 0
        """How many more blobs, and manifests, are eligible than are kept."""
        self.names: set[str] = set()
        """The repositories, as many as are kept."""
        self.sample: dict[str, set[Digest]] = {}
        """Repository → its manifests that were marked, of some repositories."""
        self.untagged: list[tuple[str, Digest]] = []
        """(repository, digest) that --delete-untagged would delete."""
        self.links: dict[Digest, str] = {}
        """Eligible blob → the first repository that links it. 3.x only; 2.x doesn't tell."""
        self.swept = 0
        """Blobs whose deletion was begun, by the log: it stays 0 where the registry's log level hides that."""
        self._sweeping: Digest | None = None
        self._failure = ""
        self._last = ""

    @property
    def has_all_names(self) -> bool:
        return self.repositories <= _MOST_NAMES

    @property
    def has_whole_sample(self) -> bool:
        """Whether `sample` has all manifests that were marked."""
        return self.manifests <= _MOST_MANIFESTS

    @property
    def whole_sample(self) -> dict[str, set[Digest]]:
        """Of the repositories whose manifests are all there: the last one may be cut."""
        return self.sample if self.has_whole_sample else dict(list(self.sample.items())[:-1])

    def feed(self, line: str) -> Finding:
        """What the line says. Never raises."""
        line = line[:_LONGEST_LINE].rstrip()
        for kind, pattern in _KINDS:
            # The words are looked for first: ten times as fast as letting every pattern try.
            if kind in _quick(line) and (match := pattern.match(line)):
                digest = Digest.or_none(match["digest"])
                if digest is not None:
                    repository = match.groupdict().get("repository") or ""
                    return self._count(Finding(kind, line[:_LONGEST_TEXT], repository, digest))
        return self._count(self._rest(line))

    def verdict(self, exit_code: int | None, *, swept: int | None = None, was_heard: bool = True) -> GcVerdict:
        """What came of it. `exit_code` None: nobody heard (the connection was lost, or it was stopped). `swept`: blobs
        that are gone by the storage, where that was measured; else the log tells, so far as it `was_heard` to its end.
        """
        deleted = swept if swept is not None else self._deleted if was_heard else None
        if self._failure:
            return explain(self._failure, self.repository, deleted)
        if exit_code == 0:
            return GcVerdict(GcOutcome.COMPLETE) if self.marked is not None else no_summary(self._last)
        if exit_code is None or exit_code in SIGNALLED:
            return killed(exit_code, deleted)
        return unexplained(exit_code, self._last, deleted)

    @property
    def _deleted(self) -> int | None:
        """Blobs that are gone; None where that can't be told. The log names each just before it is deleted."""
        if self.marked is None:
            return 0
        if not self.swept:
            return None
        return self.swept - (self._sweeping is not None and self._sweeping in self._failure)

    def _rest(self, line: str) -> Finding:
        text = line[:_LONGEST_TEXT]
        if match := _SUMMARY.fullmatch(line):
            self.marked = int(match[1])
            return Finding(LineKind.SUMMARY, text)
        if match := _DELETED_BLOB.search(line):
            return Finding(LineKind.BLOB_DELETED, text, digest=Digest.or_none(f"{match[1]}:{match[2]}"))
        if line.startswith(_FAILURES):
            return Finding(LineKind.FAILURE, text)
        if is_repository(line):
            return Finding(LineKind.REPOSITORY, text, line)
        return Finding(LineKind.OTHER, text)

    def _count(self, finding: Finding) -> Finding:
        kind, digest = finding.kind, finding.digest
        if kind is LineKind.MANIFEST_MARKED:
            self.manifests += 1
            self._keep_sample(finding.repository, digest)
        elif kind is LineKind.REPOSITORY:
            self.repository = finding.repository
            self.repositories += 1
            if self.repositories <= _MOST_NAMES:
                self.names.add(finding.repository)
        elif kind is LineKind.BLOB_DELETED:
            self.swept += 1
            self._sweeping = digest
        elif kind is LineKind.FAILURE:
            # The first one is the cause; a panic's own trace, or "Error: exit status 1", comes after it.
            self._failure = self._failure or finding.text
        elif kind is LineKind.OTHER and finding.text:
            self._last = finding.text
            if self._failure.endswith(":"):  # what is wrong with the YAML is said on the next line
                self._failure += finding.text
        elif digest is not None:
            self._keep(finding, digest)
        return finding

    def _keep_sample(self, repository: str, digest: Digest | None) -> None:
        if digest is not None and self.manifests <= _MOST_MANIFESTS:
            self.sample.setdefault(repository, set()).add(digest)

    def _keep(self, finding: Finding, digest: Digest) -> None:
        if finding.kind is LineKind.BLOB_ELIGIBLE:
            if len(self.eligible) >= bounds.HOST_ELIGIBLE:
                self.unkept += digest not in self.eligible
            else:
                self.eligible[digest] = None
        elif finding.kind is LineKind.LINK_ELIGIBLE and digest in self.eligible:
            self.links.setdefault(digest, finding.repository)
        elif finding.kind is LineKind.MANIFEST_ELIGIBLE and len(self.untagged) >= bounds.HOST_ELIGIBLE:
            self.unkept += 1
        elif finding.kind is LineKind.MANIFEST_ELIGIBLE:
            self.untagged.append((finding.repository or self.repository, digest))


def _quick(line: str) -> tuple[LineKind, ...]:
    if ": marking " in line:
        return (LineKind.BLOB_MARKED, LineKind.MANIFEST_MARKED)
    if " eligible for deletion: " in line:
        return (LineKind.BLOB_ELIGIBLE, LineKind.LINK_ELIGIBLE, LineKind.MANIFEST_ELIGIBLE)
    return ()

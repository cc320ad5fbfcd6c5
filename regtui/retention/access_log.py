"""Pulls and pushes in the log of a registry, or of what stands in front of it. Pure; made for a million lines.

Three forms are understood: what distribution logs of each request, as text and as JSON, and the combined format, which
registries write besides, and nginx and others by themselves. A pull is a manifest that was fetched by GET and sent;
HEAD asks only, and what regtui itself reads is no pull. Lines in any other form are passed over.

A log is read in blocks of whole lines, in the order in which it was written. Where it has distribution's own lines, the
combined ones that tell of the same requests are passed over.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final
from urllib.parse import unquote_to_bytes

from regtui import bounds
from regtui.oci.digest import Digest
from regtui.oci.reference import is_repository, is_tag

_OWN_AGENT: Final = rb"regtui/"
_QUOTED: Final = rb'"(?:[^"\\\n]|\\.)*"'

# Each has the time, the method and what was asked for; the combined one the latter as one text, which is quicker.
_TEXT: Final = re.compile(
    rb'^time="?([^" \n]+)"? .*? http\.request\.method=(GET|PUT) '
    rb'.*? http\.request\.uri="?(/[^" \n]*)/manifests/([^" \n]+)"? '
    rb'(?:http\.request\.useragent=(?!"?' + _OWN_AGENT + rb")|(?!http\.request\.useragent))"
    rb".*? ?http\.response\.status=20[01](?: |$)",
    re.MULTILINE,
)
_JSON: Final = re.compile(
    rb'^\{"[^\n]*?"http\.request\.method":"(?P<method>GET|PUT)"[^\n]*?"http\.request\.uri":"(?P<path>/[^"\n]*)/manifests/'
    rb'(?P<reference>[^"\n]+)",(?:"http\.request\.useragent":"(?!' + _OWN_AGENT + rb')|(?!"http\.request\.useragent"))'
    rb'[^\n]*?"http\.response\.status":20[01],[^\n]*?"time":"(?P<time>[^"\n]+)"',
    re.MULTILINE,
)
_COMBINED: Final = re.compile(
    rb'\[([0-9A-Za-z/:]{20} [+-][0-9]{4})\] "((?:GET|PUT) /[^ "\n]*/manifests/[^ "\n]+) HTTP/[0-9.]+" 20[01] \S+'
    rb"(?: " + _QUOTED + rb' "(?!' + _OWN_AGENT + rb")| ?$)",
    re.MULTILINE,
)
# What tells that a request was logged, whichever it was.
_TEXT_TIME: Final = re.compile(rb'^time="?([^" \n]+)"? .*http\.request\.', re.MULTILINE)
_JSON_TIME: Final = re.compile(rb'^\{".*"http\.request\..*"time":"([^"\n]+)"', re.MULTILINE)
_COMBINED_TIME: Final = re.compile(rb'\[([0-9A-Za-z/:]{20} [+-][0-9]{4})\] "[A-Z]+ /')
_TIMED: Final = itemgetter(0)
_ASKED: Final = itemgetter(1)
_OWN_LINES: Final = b"response completed"

WANTED: Final = ("/manifests/", "/v2/ ", '/v2/"')
"""The lines that are worth being read have any of these: manifests, and the ping that clients begin with, by which it
is seen that requests are logged."""

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


@dataclass(frozen=True, slots=True)
class LoggedImages:
    """What a log tells: (repository, tag or digest) → when it was last pulled, and last pushed; `begin` and `end`:
    times of the first and last line about a request, None where there is none. `pulls`: how many were counted."""

    pulled: Mapping[tuple[str, str], datetime]
    pushed: Mapping[tuple[str, str], datetime]
    begin: datetime | None
    end: datetime | None
    pulls: int


class AccessLogReader:
    """Feed it, then ask. `prefix`: the path of the registry's address, where it has one."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix.encode()
        self._last: dict[bytes, bytes] = {}
        self._pulls = 0
        self._has_own_lines = False
        self._begin: datetime | None = None
        self._end: datetime | None = None
        self.is_too_much = False
        """Whether more names were pulled than are remembered: then nothing of them is known."""

    def feed(self, block: bytes) -> None:
        """Whole lines."""
        self._has_own_lines = self._has_own_lines or _OWN_LINES in block
        last = self._last
        if not self._has_own_lines:
            found = _COMBINED.findall(block)
            # The later one wins, and most are of few images.
            last.update(zip(map(_ASKED, found), map(_TIMED, found), strict=True))
            pushes = sum(1 for _, asked in found if asked.startswith(b"PUT")) if b'"PUT ' in block else 0
            self._pulls += len(found) - pushes
        else:
            for time, method, path, reference in _TEXT.findall(block):
                last[b"%s %s/manifests/%s" % (method, path, reference)] = time
                self._pulls += method == b"GET"
            if b'"msg":"response completed"' in block:
                for match in _JSON.finditer(block):
                    last[b"%s %s/manifests/%s" % match.group("method", "path", "reference")] = match["time"]
                    self._pulls += match["method"] == b"GET"
        self._note_times(block)
        if len(last) > bounds.PULLED_NAMES:
            self.is_too_much = True
            last.clear()

    def _note_times(self, block: bytes) -> None:
        if self._begin is None:
            self._begin = _first_time(block)
        self._end = _last_time(block) or self._end

    @property
    def images(self) -> LoggedImages:
        pulled: dict[tuple[str, str], datetime] = {}
        pushed: dict[tuple[str, str], datetime] = {}
        for asked, text in self._last.items():
            method, _, target = asked.partition(b" ")
            path, _, reference = target.rpartition(b"/manifests/")
            name, time = self._name(path, reference), _time(text)
            if name is None or time is None:
                continue
            times = pulled if method == b"GET" else pushed
            known = times.get(name)
            times[name] = time if known is None else max(known, time)
        return LoggedImages(pulled, pushed, self._begin, self._end, self._pulls)

    def _name(self, path: bytes, reference: bytes) -> tuple[str, str] | None:
        path = path.removeprefix(self._prefix)
        if not path.startswith(b"/v2/"):
            return None
        repository = unquote_to_bytes(path[4:]).decode("utf-8", "replace")
        named = unquote_to_bytes(reference.partition(b"?")[0]).decode("utf-8", "replace")
        is_name = is_tag(named) or Digest.or_none(named) is not None
        return (repository, named) if is_name and is_repository(repository) else None


def _first_time(block: bytes) -> datetime | None:
    for line in block.split(b"\n", 50)[:50]:
        if (time := _line_time(line)) is not None:
            return time
    return next(filter(None, map(_line_time, block.split(b"\n"))), None)


def _last_time(block: bytes) -> datetime | None:
    end = len(block)
    while end > 0:
        begin = block.rfind(b"\n", 0, end) + 1
        if (time := _line_time(block[begin:end])) is not None:
            return time
        end = begin - 1
    return None


def _line_time(line: bytes) -> datetime | None:
    """When a request was logged; None for any other line."""
    match = _TEXT_TIME.search(line) or _JSON_TIME.search(line) or _COMBINED_TIME.search(line)
    return _time(match[1]) if match else None


def _time(text: bytes) -> datetime | None:
    """`2026-11-28T11:32:21.134Z` and `28/Nov/2026:11:32:21 +0000`; None for anything else."""
    written = text.decode("ascii", "replace")
    try:
        if "/" not in written:
            # Nanoseconds are more than Python takes.
            time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", written))
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
        moment, zone = written.split(" ")
        day, month, rest = moment.split("/")
        year, hour, minute, second = rest.split(":")
        iso = f"{year}-{_MONTHS[month]:02}-{day}T{hour}:{minute}:{second}{zone[:3]}:{zone[3:]}"
        return datetime.fromisoformat(iso).astimezone(UTC)
    except (ValueError, KeyError, OverflowError):
        return None

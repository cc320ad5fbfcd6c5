"""Which columns of the tag table fit, how wide they are, and what stands in them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Final, Self

from rich.cells import cell_len, set_cell_size

from regtui.listing.columns import SortColumn
from regtui.listing.tag_row import TagRow
from regtui.listing.tags import TagList
from regtui.text import age, clean, short_age, short_digest, size

_LONGEST_TAG: Final = 40
_SHORTEST_TAG: Final = 12
# A longer name gives up what is beyond this for columns that would have no room.
_READABLE_TAG: Final = 22
_NARROWEST_SAME_IMAGE: Final = 12
_GAP: Final = 2
# So many rows tell what the columns need.
_LOOKED_AT: Final = 2000
# In place of the other names of an image, where there is no room for them.
_SAME: Final = "≡"
# `application/vnd.cncf.helm.config.v1+json` is a `cncf.helm`.
_TYPE_NOISE: Final = re.compile(r"\Avnd\.|(?:\.config)?(?:\.v\d+)?(?:\+\w+)?\Z")


class Times(Enum):
    """How the times in a list are written, in the order in which one key steps through them."""

    AGE = ("CREATED", 14)
    UTC = ("CREATED UTC", 16)
    LOCAL = ("CREATED HERE", 16)

    def __init__(self, title: str, width: int) -> None:
        self.title = title
        self.width = width

    @property
    def next(self) -> Self:
        ways = list(type(self))
        return ways[(ways.index(self) + 1) % len(ways)]

    def whole(self, time: datetime | None, now: datetime) -> str:
        """`3 weeks ago`, or to the minute."""
        return age(time, now) if self is Times.AGE else self._date(time, "%Y-%m-%d %H:%M")

    def short(self, time: datetime | None, now: datetime) -> str:
        """The same for a narrow column: the day alone."""
        return short_age(time, now) if self is Times.AGE else self._date(time, "%Y-%m-%d")

    @property
    def short_width(self) -> int:
        return 6 if self is Times.AGE else 10

    def _date(self, time: datetime | None, form: str) -> str:
        # None is the zone of this machine.
        zone: tzinfo | None = UTC if self is Times.UTC else None
        return "–" if time is None else f"{time.astimezone(zone):{form}}"


@dataclass(frozen=True, slots=True)
class Column:
    """`width` in cells, the gap to the next one not counted. `sorts_by`: what a click on its title does."""

    title: str
    width: int
    text: Callable[[TagRow], str]
    sorts_by: SortColumn | None = None
    is_right: bool = False


def columns_for(tags: TagList, width: int, now: datetime, times: Times = Times.AGE) -> list[Column]:
    """Those that fit `width` cells: the digest goes first, then the names of the same image, of which a sign is left;
    the tag's name never. What is there at one width is there at every larger one."""
    created = Column(times.title, times.width, lambda row: _created(row, now, times), SortColumn.CREATED)
    bytes_ = Column("SIZE", 7, _pull_size, SortColumn.SIZE, is_right=True)
    platform = Column("PLATFORM", 14, _platforms)
    same_image = Column("SAME IMAGE", _NARROWEST_SAME_IMAGE, lambda row: clean(", ".join(tags.same_image(row.tag))))
    digest = Column("DIGEST", 12, _digest, SortColumn.DIGEST)
    facts, pushed = _facts(tags, now, times)
    first = [created, bytes_, *facts, platform, same_image, digest, *pushed]
    others = list(first)
    if any(row.summary is not None and len(row.summary.platforms) > 1 for row in tags.shown[:_LOOKED_AT]):
        others.append(Column("TOTAL", 7, _total_size, is_right=True))
    longest = max((len(row.tag) for row in tags.shown[:_LOOKED_AT]), default=0)
    room = width - sum(column.width + _GAP for column in first)
    name_width = min(max(longest, _SHORTEST_TAG), max(room, _READABLE_TAG), _LONGEST_TAG)
    name = Column("TAG", name_width, lambda row: _cut(clean(row.tag), name_width), SortColumn.VERSION)
    fitting, left = _fitting(others, width - name.width)
    if same_image in fitting:
        total = [column for column in others[len(first) :] if column in fitting]
        columns = [
            column for column in (created, bytes_, *total, *facts, *pushed, platform, digest) if column in fitting
        ]
        return [name, *columns, replace(same_image, width=same_image.width + left)]
    # Before the platform, which would push it out again at a larger width.
    sign = Column("", 1, lambda row: _SAME if tags.same_image(row.tag) else "")
    fitting, _ = _fitting([created, bytes_, *facts[:1], sign, *facts[1:], platform], width - name.width)
    return [name, *(column for column in (created, bytes_, *facts, platform, sign) if column in fitting)]


def _facts(tags: TagList, now: datetime, times: Times) -> tuple[list[Column], list[Column]]:
    """What is known besides the registry, of any tag; and the least of it, which is shown where there is room left."""
    days = times.short_width
    in_use = Column("IN USE", 6, lambda row: str(row.facts.in_use or ""), SortColumn.IN_USE, is_right=True)
    pulled = Column("PULLED", days, lambda row: times.short(row.facts.pulled, now), SortColumn.PULLED, is_right=True)
    pushed = Column("PUSHED", days, lambda row: times.short(row.facts.pushed, now), SortColumn.PUSHED, is_right=True)
    known = tags.known_facts
    return [column for column in (in_use, pulled) if column.sorts_by in known], [pushed] * (SortColumn.PUSHED in known)


def _fitting(columns: Sequence[Column], room: int) -> tuple[list[Column], int]:
    """The first ones that fit, each with the gap before it, and the cells that are left."""
    fitting: list[Column] = []
    for column in columns:
        if room < column.width + _GAP:
            break
        fitting.append(column)
        room -= column.width + _GAP
    return fitting, room


def line_of(columns: Sequence[Column], cells: Sequence[str]) -> str:
    """The cells beside each other, each cut or padded to its column."""
    return (" " * _GAP).join(_fit(text, column) for column, text in zip(columns, cells, strict=True))


def column_at(columns: Sequence[Column], x: int) -> Column | None:
    """The column at cell `x` of a line."""
    for column in columns:
        if x < column.width + _GAP:
            return column
        x -= column.width + _GAP
    return None


def _fit(text: str, column: Column) -> str:
    cells = len(text) if text.isascii() else cell_len(text)
    if cells > column.width:
        return set_cell_size(text, column.width - 1) + "…"
    blank = " " * (column.width - cells)
    return blank + text if column.is_right else text + blank


def _cut(tag: str, width: int) -> str:
    """In the middle: long names differ at their end, `sha256-….sig` from `sha256-….sbom`."""
    if len(tag) <= width:
        return tag
    end = (width - 1) // 3
    return f"{tag[: width - 1 - end]}…{tag[-end:]}"


def _pull_size(row: TagRow) -> str:
    """What a pull transfers: of several platforms the largest, with a sign where they differ."""
    if row.summary is None:
        return ""
    pull = row.summary.pull_size
    if pull is None:
        return size(None)
    smallest, largest = map(size, pull)
    return largest if smallest == largest else f"≤{largest.replace(' ', '')}"


def _total_size(row: TagRow) -> str:
    """What all platforms of an index take together; nothing for what is one image."""
    summary = row.summary
    return size(summary.size) if summary is not None and len(summary.platforms) > 1 else ""


def _created(row: TagRow, now: datetime, times: Times) -> str:
    if row.summary is None:
        return "…"
    if row.summary.error:
        return "! broken" if row.summary.is_broken else "! not read"
    return times.whole(row.summary.created, now)


def _digest(row: TagRow) -> str:
    return short_digest(row.summary.digest) if row.summary else ""


def _platforms(row: TagRow) -> str:
    """The platform, or how many; what an artifact is."""
    summary = row.summary
    if summary is None:
        return ""
    if summary.artifact_type:
        return clean(_TYPE_NOISE.sub("", summary.artifact_type.rpartition("/")[2]))
    platforms = [str(image.platform) for image in summary.platforms if image.platform is not None]
    if len(platforms) > 1:
        return f"{len(platforms)} platforms"
    return clean(platforms[0]) if platforms else ""

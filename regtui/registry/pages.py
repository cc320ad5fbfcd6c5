"""Lists that come in pages: what leads from one to the next, and when it isn't worth going on."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TypeVar

import httpx

from regtui import bounds
from regtui.bounded_json import parse_json

T = TypeVar("T")


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class Bound(Enum):
    """What of a listing was too much."""

    SAME_AGAIN = "the same again"
    ITEMS = "items"
    SIZE = "bytes"
    REQUESTS = "requests"
    TIME = "seconds"

    def sentence(self, host: str, what: str, most: int) -> str:
        """`what` is listed, of which `most` are taken."""
        match self:
            case Bound.SAME_AGAIN:
                return f"{host} lists the same {what} again and again: there may be more."
            case Bound.ITEMS:
                return f"{host} lists more than {most:,} {what}: the rest wasn't read."
            case Bound.SIZE:
                return f"{host} lists its {what} in more than {bounds.LISTING // bounds.MIB} MiB: the rest wasn't read."
            case Bound.REQUESTS:
                return f"{host} lists its {what} in too many pages for so few: the rest wasn't read."
            case Bound.TIME:
                return f"{host} takes too long to list its {what}: the rest wasn't read."


class PagedListing:
    """Counts what one listing costs and brings. `most`: items that are taken, else as many as names. `clock`: in
    seconds."""

    def __init__(self, most: int | None = None, clock: Callable[[], float] = _loop_time) -> None:
        self.most = bounds.NAMES if most is None else most
        self._clock = clock
        self._waited = 0.0
        self.items = 0
        self._size = 0
        self._requests = 0
        self._idle = 0
        self._asked: set[int] = set()

    def page(self, size: int, fresh: int) -> None:
        """A page of `size` bytes came, with so many items that weren't there before."""
        self.request()
        self._size += size
        self.items += fresh
        self._idle = 0 if fresh else self._idle + 1

    def request(self) -> None:
        """A request was made for the listing's sake."""
        self._requests += 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While an answer is waited for. What is done between the pages is nobody's slowness but ours."""
        began = self._clock()
        try:
            yield
        finally:
            self._waited += self._clock() - began

    async def waited_for(self, answer: Awaitable[T]) -> T:
        """The same of one answer, which is given no more time than the listing has left. Raises TimeoutError."""
        left = bounds.listing_seconds(self.items) - self._waited
        with self.waiting():
            async with asyncio.timeout(max(left, 0.0)):
                return await answer

    def asks_again(self, query: dict[str, str] | None) -> bool:
        """Whether that page was asked for before: remembers it."""
        key = hash(str(query))
        known = key in self._asked
        self._asked.add(key)
        return known

    @property
    def bound(self) -> Bound | None:
        """Why it isn't worth going on; None where it is."""
        if self._idle >= bounds.IDLE_PAGES:
            return Bound.SAME_AGAIN
        if self.items > self.most:
            return Bound.ITEMS
        if self._size > bounds.LISTING:
            return Bound.SIZE
        if self._waited > bounds.listing_seconds(self.items):
            return Bound.TIME
        return Bound.REQUESTS if self.is_costly else None

    @property
    def is_costly(self) -> bool:
        """Whether it took more requests than what it brought is worth."""
        return self._requests >= bounds.listing_requests(self.items)


def next_query(response: httpx.Response) -> dict[str, str] | None:
    """The query of the next page. Of the Link only that counts: its host and path may be those of an inside that
    a proxy hides, with another scheme, port or prefix. Raises ValueError for one that is too long to be asked for."""
    if len(response.headers.get("Link", "")) > bounds.LINK:
        raise ValueError("the Link is too long")
    link = response.links.get("next", {}).get("url", "")
    return dict(httpx.QueryParams(link.partition("?")[2].partition("#")[0])) or None


def listed(response: httpx.Response, key: str) -> list[str]:
    """The texts in the list at `key`; none where it is null, as distribution has it. Raises ValueError for all else."""
    # Only names in ASCII can be asked for. Read so, one that isn't can't make the whole four times as large.
    value = parse_json(response.content, 2 * bounds.NAMES, "latin-1")
    names = value.get(key, "") if isinstance(value, dict) else ""
    if not isinstance(names, list | None):
        raise ValueError(f"no list of {key}")
    return [name for name in names or () if isinstance(name, str)]

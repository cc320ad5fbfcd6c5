"""The catalog, whole: paging that loses nothing, on registries whose own paging does.

Observed on distribution 2.7.1, 2.8.2 and 3.1.1: each page costs a walk of everything before it, so the largest page
comes first; and where a repository is nested in another and the next part of its name begins with a digit (`node`
and `node/18`), a page that ends there loses the outer one, loses everything after it (no Link), or makes 3.1.1
drop the connection. What fits one page is complete.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import httpx

from regtui import bounds
from regtui.oci.reference import is_repository
from regtui.registry import errors
from regtui.registry.errors import Where
from regtui.registry.pages import Bound, PagedListing, listed, next_query
from regtui.registry.values import CatalogPage

# 2.7.1 has no limit and needs 0.4 s for 10,000 in one page; the others answer 400 above 1,000, which costs nothing.
_PAGE_SIZES: Final = (100_000, 1_000, 500, 250, 100, 50, 20, 10, 5, 2, 1)
# What some answer where the page is too large for them, or for what stands before them; only 400 is sure to mean it.
_TOO_LARGE: Final = frozenset({400, 403, 413, 414, 416, 422, 500})
_FEW_SIZES: Final = frozenset({1_000, 100})

Fetch = Callable[[Mapping[str, str]], Awaitable[httpx.Response]]
Exists = Callable[[str], Awaitable[bool]]


class CatalogReader:
    """Reads one registry's catalog once. `fetch` asks for a page, `exists` whether a repository has a tag list."""

    def __init__(self, fetch: Fetch, exists: Exists, where: Where) -> None:
        self._fetch = fetch
        self._exists = exists
        self._where = where
        self._seen: set[str] = set()
        self._listing = PagedListing()
        self._page_size = 0
        self._has_linked = False
        self._doubt = ""

    async def pages(self) -> AsyncIterator[CatalogPage]:
        """New names, page by page; the last page carries the doubt, if there is one. Raises RegistryError."""
        try:
            response = await self._first_page()
        except TimeoutError:
            raise errors.BadAnswer(self._where, self._too_much(Bound.TIME)) from None
        while True:
            names = self._names(response)
            fresh = self._fresh(names)
            self._listing.page(len(response.content), len(fresh))
            if self._never_ends():
                break
            following = self._following(response)
            last = names[-1] if names else ""
            if following is None and (len(names) < self._page_size or (self._has_linked and not _hides(last))):
                break
            self._has_linked = self._has_linked or following is not None
            yield CatalogPage(fresh)
            # A full page without a Link may be the end, the registry's bug, or a proxy's work that lets no Link
            # through: one more question tells, which costs 2.x a walk of everything.
            query = following or {"n": str(self._page_size), "last": last}
            if not last or len(last) > bounds.LINK or self._listing.asks_again(query):
                fresh = ()
                break
            try:
                answer = await self._answered(query)
                lost = await self._lost_around(last) if answer is not None else ()
            except TimeoutError:
                self._doubt = self._too_much(Bound.TIME)
                fresh = ()
                break
            if answer is None:
                self._doubt = f"{self._where.host} breaks off its list after {last}: there may be more repositories."
                fresh = ()
                break
            response = answer
            if lost:
                yield CatalogPage(lost)
        yield CatalogPage(fresh, self._doubt)

    def _never_ends(self) -> bool:
        """Whether it isn't worth going on: pages that lead on and on, without names or with ever new ones."""
        bound = self._listing.bound
        if bound is not None:
            self._doubt = self._too_much(bound)
        return bound is not None

    def _too_much(self, bound: Bound) -> str:
        return bound.sentence(self._where.host, "repositories", self._listing.most)

    def _following(self, response: httpx.Response) -> dict[str, str] | None:
        try:
            return next_query(response)
        except ValueError:
            self._doubt = (
                f"{self._where.host} names a next page that can't be asked for: there may be more repositories."
            )
            return None

    async def _page(self, query: Mapping[str, str]) -> httpx.Response:
        return await self._listing.waited_for(self._fetch(query))

    async def _first_page(self) -> httpx.Response:
        """The first page, in the largest size that the registry takes."""
        sizes, refused = list(_PAGE_SIZES), None
        while sizes:
            self._page_size = size = sizes.pop(0)
            try:
                return await self._page({"n": str(size)})
            except errors.Unreachable as error:
                if not error.dropped:
                    raise
                if answer := await self._in_other_sizes({"n": str(size)}):
                    return answer
                raise
            except errors.RegistryError as error:
                if error.status not in _TOO_LARGE:
                    raise
                if error.status != 400:
                    sizes = [smaller for smaller in sizes if smaller in _FEW_SIZES]
                    refused = refused or error
        self._page_size = 0
        try:
            return await self._page({})
        except errors.RegistryError:
            if refused is not None:
                # It wasn't the size.
                raise refused from None
            raise

    async def _answered(self, query: Mapping[str, str]) -> httpx.Response | None:
        """The page, in another size where the registry drops the connection; None where it drops them all."""
        try:
            return await self._page(query)
        except errors.Unreachable as error:
            if not error.dropped:
                raise
        return await self._in_other_sizes(query)

    async def _in_other_sizes(self, query: Mapping[str, str]) -> httpx.Response | None:
        """3.1.1 panics where a page ends at such a name: another size moves the end."""
        size = self._page_size
        for other in dict.fromkeys((size, size - 1, size - 2, size // 2, 3, 2, 1)):
            if 0 < other <= size and str(other) != query.get("n"):
                try:
                    return await self._page({**query, "n": str(other)})
                except errors.Unreachable as error:
                    if not error.dropped:
                        raise
        return None

    async def _lost_around(self, boundary: str) -> tuple[str, ...]:
        """The repositories that contain `boundary` and weren't listed: those that its paging loses."""
        if not is_repository(boundary):
            # Nothing is asked with it: with `..` in it, the request would go elsewhere.
            return ()
        parts = boundary.split("/")
        outer = ["/".join(parts[:length]) for length in range(1, len(parts))]
        lost = [name for name in outer if name not in self._seen and await self._is_there(name)]
        fresh = self._fresh(lost)
        self._listing.items += len(fresh)
        return fresh

    async def _is_there(self, repository: str) -> bool:
        if self._listing.is_costly:
            return False
        self._listing.request()
        try:
            return await self._listing.waited_for(self._exists(repository))
        except errors.NotAllowed:
            # Whether it exists or not: this login couldn't look into it.
            return False
        except errors.RegistryError as error:
            if error.affects_all:
                raise
            self._doubt = f"{self._where.host} may hold more repositories: {repository} can't be looked up."
            return False

    def _names(self, response: httpx.Response) -> list[str]:
        try:
            return listed(response, "repositories")
        except ValueError:
            raise errors.BadAnswer(
                self._where, f"{self._where.host} answers the catalog with something that is no catalog."
            ) from None

    def _fresh(self, names: list[str]) -> tuple[str, ...]:
        """What wasn't named yet. Names outside the grammar can't be asked for; they are passed over."""
        fresh = [name for name in dict.fromkeys(names) if name not in self._seen and is_repository(name)]
        self._seen.update(fresh)
        return tuple(fresh)


def _hides(last: str) -> bool:
    """Whether a page that ends with `last` may hide that more follow: where a part of it but the first is walked before
    `_layers`, by which its outer repository is known. Of what a name may hold, only digits are."""
    return any(part[:1].isdigit() for part in last.split("/")[1:])

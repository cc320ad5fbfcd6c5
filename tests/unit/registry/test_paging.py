"""Lists, whole: Link in all its forms, page sizes that are refused, and what real registries lose on the way."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import httpx
import pytest

from regtui import bounds
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import BadAnswer, NotAllowed, NotAuthenticated, NotFound, RegistryError, ServerFailed
from regtui.registry.pages import Bound, PagedListing
from regtui.registry.values import Credential
from tests.support.virtual_time import in_virtual_time, now
from tests.unit.registry.scripted import Answer, Scripted, by_path, in_turn, pong, refusal


def tag_page(*names: str, link: str = "") -> httpx.Response:
    headers = {"Link": f'{link}; rel="next"'} if link else {}
    return httpx.Response(200, headers=headers, json={"name": "a", "tags": list(names) or None})


async def tags(client: RegistryClient) -> list[str]:
    return [name async for page in client.tags("a") for name in page]


async def catalog(client: RegistryClient) -> tuple[list[str], str]:
    """(the names, the doubt)"""
    pages = [page async for page in client.catalog()]
    return [name for page in pages for name in page.repositories], pages[-1].doubt


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        ("</v2/a/tags/list?last=x&n=1>", "last=x&n=1"),
        ("<https://registry.example.com/v2/a/tags/list?last=x&n=1>", "last=x&n=1"),
        # Behind a proxy: the inner host, the inner scheme, a path without the prefix.
        ("<http://registry:5000/v2/a/tags/list?last=x>", "last=x"),
        ("<http://bad:port/v2/a/tags/list?last=x>", "last=x"),
        ("<?last=x>", "last=x"),
        # Opaque to us, percent-encoded, unescaped (zot).
        ("</v2/a/tags/list?next=Zm9v%3D%3D>", "next=Zm9v%3D%3D"),
        ("</v2/a/tags/list?last=a/b&n=2>", "last=a%2Fb&n=2"),
    ],
)
async def test_of_a_link_only_the_query_counts(link: str, asked: str) -> None:
    registry = in_turn(tag_page("x", link=link), tag_page("y"))
    async with registry.client(address="https://registry.example.com/reg") as client:
        assert await tags(client) == ["x", "y"]
    assert registry.lines == ["GET /reg/v2/a/tags/list", f"GET /reg/v2/a/tags/list?{asked}"]
    assert {request.url.host for request in registry.asked} == {"registry.example.com"}


async def test_links_in_a_circle_end() -> None:
    link = "</v2/a/tags/list?last={}>"
    registry = in_turn(*(tag_page(name, link=link.format(name)) for name in "xyxy"))
    async with registry.client() as client:
        assert await tags(client) == ["x", "y"]


@pytest.mark.parametrize("link", ["", "</v2/a/tags/list>", "<>", "nonsense"])
async def test_no_link_or_one_that_leads_nowhere_is_the_end(link: str) -> None:
    async with in_turn(tag_page("x", link=link)).client() as client:
        assert await tags(client) == ["x"]


async def test_no_tags_are_null_or_an_empty_last_page() -> None:
    async with in_turn(tag_page()).client() as client:
        assert await tags(client) == []
    async with in_turn(tag_page("x", link="<?last=x>"), tag_page()).client() as client:
        assert await tags(client) == ["x"]


async def test_tags_that_nobody_could_ask_for_are_passed_over() -> None:
    async with in_turn(tag_page("x", "../other", "", "a b", "\x1b]0;", "y")).client() as client:
        assert await tags(client) == ["x", "y"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"5", b"{}", b'{"tags": 5}', b'{"tags": "abc"}', b'{"tags": {}}', b"[" * 100_000],
)
async def test_what_is_no_list(body: bytes) -> None:
    async with in_turn(httpx.Response(200, content=body)).client() as client:
        with pytest.raises(BadAnswer, match="no list"):
            await tags(client)
        with pytest.raises(BadAnswer, match="no catalog"):
            await catalog(client)


# The catalog


class Catalog:
    """Names in pages; `largest` n, as 2.8.2 and 3.1.1 have it; `refuses` names at which a page can't end."""

    def __init__(self, names: list[str], largest: int = 1000, *, loses: str = "", drops_at: str = "") -> None:
        self.names, self.largest = names, largest
        self.loses, self.drops_at = loses, drops_at
        self.registry = Scripted(self.script)

    def script(self, request: httpx.Request) -> Answer:
        if request.url.path.endswith("/tags/list"):
            name = request.url.path.removeprefix("/v2/").removesuffix("/tags/list")
            return tag_page("latest") if name in self.names else refusal(404, "NAME_UNKNOWN")
        size, last = int(request.url.params["n"]), request.url.params.get("last", "")
        if size > self.largest:
            return refusal(400, "PAGINATION_NUMBER_INVALID")
        rest = self.names[self.names.index(last) + 1 :] if last else self.names
        whole = len(rest) <= size
        page = rest[:size]
        if not whole and page[-1] == self.drops_at:
            return httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if not whole:
            page = [name for name in page if name != self.loses]
        link = {} if whole else {"Link": f'</v2/_catalog?last={page[-1]}&n={size}>; rel="next"'}
        return httpx.Response(200, headers=link, json={"repositories": page})


async def test_the_largest_page_comes_first_and_is_halved_where_refused() -> None:
    small = Catalog(["a", "b"], largest=60)
    async with small.registry.client() as client:
        assert await catalog(client) == (["a", "b"], "")
    sizes = [int(request.url.params["n"]) for request in small.registry.asked]
    assert sizes[:2] == [100_000, 1_000]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 50


async def test_many_pages() -> None:
    names = [f"r{number:03}" for number in range(120)]
    many = Catalog(names, largest=50)
    async with many.registry.client() as client:
        assert await catalog(client) == (names, "")


def pages_of(registry: Scripted, size: int) -> list[str]:
    """The `last` of every page of that size."""
    return [r.url.params.get("last", "") for r in registry.asked if r.url.params.get("n") == str(size)]


async def test_a_last_page_that_is_full_is_not_asked_what_follows_where_links_came_before() -> None:
    names = [f"r{number:03}" for number in range(150)]
    full = Catalog(names, largest=50)
    async with full.registry.client() as client:
        assert await catalog(client) == (names, "")
    assert pages_of(full.registry, 50) == ["", "r049", "r099"]


@pytest.mark.parametrize("last", ["node/18", "team/3/web"])
async def test_a_full_page_that_may_hide_what_follows_is_asked_for_more(last: str) -> None:
    # 2.x: where a page ends with such a name there is no Link, although more follow.
    pages = {"": ["a", "b"], "b": ["c", last], last: ["z"]}

    def script(request: httpx.Request) -> Answer:
        if request.url.params.get("n", "2") != "2":
            return refusal(400, "PAGINATION_NUMBER_INVALID")
        if request.url.path != "/v2/_catalog":
            return refusal(404, "NAME_UNKNOWN")
        page = pages[request.url.params.get("last", "")]
        link = {"Link": '<?last=b&n=2>; rel="next"'} if page == ["a", "b"] else {}
        return httpx.Response(200, headers=link, json={"repositories": page})

    registry = Scripted(script)
    async with registry.client() as client:
        assert await catalog(client) == (["a", "b", "c", last, "z"], "")
    assert pages_of(registry, 2) == ["", "b", last]


async def test_an_empty_catalog() -> None:
    nothings: list[list[str] | None] = [[], None]
    for empty in nothings:
        async with in_turn(httpx.Response(200, json={"repositories": empty})).client() as client:
            assert await catalog(client) == ([], "")


async def test_a_repository_that_a_page_loses_is_found_again() -> None:
    # 2.x: `node` is walked after `node/18`, and lost where a page ends between them.
    names = ["a", "node/18", "node", "z1", "z2"]
    nested = Catalog(names, largest=2, loses="node")
    nested.names = ["a", "node/18", "z1", "z2"]
    nested.registry.script = lambda request: (
        tag_page("latest") if request.url.path == "/v2/node/tags/list" else nested.script(request)
    )
    async with nested.registry.client() as client:
        found, doubt = await catalog(client)
    assert (sorted(found), doubt) == (sorted(names), "")


async def test_a_list_that_breaks_off_without_a_link_goes_on() -> None:
    pages = {"": ["a", "b"], "b": ["c", "d"], "d": []}

    def script(request: httpx.Request) -> Answer:
        if request.url.params["n"] != "2":
            return refusal(400, "PAGINATION_NUMBER_INVALID")
        return httpx.Response(200, json={"repositories": pages[request.url.params.get("last", "")]})

    async with Scripted(script).client() as client:
        assert await catalog(client) == (["a", "b", "c", "d"], "")


async def test_a_page_at_which_the_registry_drops_the_connection_is_asked_in_another_size() -> None:
    names = ["a", "b", "c", "d", "e", "f", "g"]
    dropping = Catalog(names, largest=2, drops_at="d")
    async with dropping.registry.client(tries=2) as client:
        found, doubt = await catalog(client)
    assert (sorted(found), doubt) == (names, "")


async def test_where_no_size_helps_the_list_says_that_it_may_not_be_whole() -> None:
    def script(request: httpx.Request) -> Answer:
        if "last" in request.url.params:
            return httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx.Response(200, headers={"Link": '<?last=b>; rel="next"'}, json={"repositories": ["a", "b"]})

    async with Scripted(script).client(tries=1) as client:
        found, doubt = await catalog(client)
    assert found == ["a", "b"]
    assert "may be more repositories" in doubt


@pytest.mark.parametrize(("status", "doubtful"), [(401, False), (403, False), (500, True)])
async def test_a_lost_one_that_cant_be_looked_up_does_not_end_the_list(status: int, doubtful: bool) -> None:
    challenge = 'Bearer realm="https://auth/t",error="insufficient_scope"'

    def script(request: httpx.Request) -> Answer:
        if request.url.host == "auth":
            return httpx.Response(200, json={"token": "t"})
        if request.url.path == "/v2/b/tags/list":
            return refusal(status, "DENIED", WWW_Authenticate=challenge)
        if "last" in request.url.params:
            return httpx.Response(200, json={"repositories": ["c"]})
        return httpx.Response(200, headers={"Link": '<?last=b/1>; rel="next"'}, json={"repositories": ["a", "b/1"]})

    async with Scripted(script).client(Credential("ci", "x"), tries=1) as client:
        found, doubt = await catalog(client)
    assert found == ["a", "b/1", "c"]
    assert bool(doubt) is doubtful


async def test_names_that_are_none_and_names_told_twice_are_passed_over() -> None:
    listed = httpx.Response(200, json={"repositories": ["b", "a", "b", "UPPER", "../x", 5, None, ""]})
    async with in_turn(listed).client() as client:
        assert await catalog(client) == (["b", "a"], "")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refusal(401, "UNAUTHORIZED"), NotAuthenticated, 4),
        (refusal(403, "DENIED"), NotAllowed, 4),
        (httpx.Response(404, text="404 page not found"), NotFound, 5),
        (refusal(404, "NAME_UNKNOWN"), NotFound, 5),
    ],
)
async def test_a_catalog_that_is_refused(answer: httpx.Response, kind: type[RegistryError], code: int) -> None:
    async with by_path({"/v2/_catalog": answer}).client() as client:
        with pytest.raises(kind) as caught:
            await catalog(client)
    assert caught.value.exit_code == code
    assert caught.value.operation == "listing the repositories"
    assert "  " not in str(caught.value)
    assert " ." not in str(caught.value)


# Lists that never end


def leading_on(key: str, names: Callable[[int], list[str]]) -> Scripted:
    """Each page leads to another one."""
    pages = count()

    def script(request: httpx.Request) -> Answer:
        page = next(pages)
        link = f'</v2/list?last=page{page}&n=2>; rel="next"'
        return httpx.Response(200, headers={"Link": link}, json={key: names(page)})

    return Scripted(script)


async def test_a_catalog_that_goes_round_and_round_ends() -> None:
    registry = leading_on("repositories", lambda page: ["a", "b"])
    async with registry.client() as client:
        names, doubt = await catalog(client)
    assert names == ["a", "b"]
    assert doubt == "registry.example.com lists the same repositories again and again: there may be more."
    assert len(registry.asked) < 20


async def test_a_catalog_of_ever_new_names_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.bounds.NAMES", 100)
    registry = leading_on("repositories", lambda page: [f"r{page}a", f"r{page}b"])
    async with registry.client() as client:
        names, doubt = await catalog(client)
    assert 100 <= len(names) <= 104
    assert doubt == "registry.example.com lists more than 100 repositories: the rest wasn't read."


@pytest.mark.parametrize("names", [lambda page: [], lambda page: ["1", "2"], lambda page: [f"{page}a", f"{page}b"]])
async def test_tags_that_never_end_are_no_list(
    names: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half a list must never look like a whole one: deletion plans are made of it.
    monkeypatch.setattr("regtui.bounds.NAMES", 100)
    registry = leading_on("tags", names)
    async with registry.client() as client:
        with pytest.raises(BadAnswer, match=r"the same tags of a again and again|more than 100 tags of a"):
            async for _ in client.tags("a"):
                pass
    assert len(registry.asked) < 60


async def test_ever_new_names_one_a_page_end() -> None:
    """A request for each name is more than a listing is worth."""
    registry = leading_on("tags", lambda page: [f"t{page}"])
    async with registry.client() as client:
        with pytest.raises(BadAnswer, match="in too many pages for so few"):
            await tags(client)
    assert len(registry.asked) < 1_200
    registry = leading_on("repositories", lambda page: [f"r{page}"])
    async with registry.client() as client:
        names, doubt = await catalog(client)
    assert len(names) == len(registry.asked) < 1_200
    assert doubt == "registry.example.com lists its repositories in too many pages for so few: the rest wasn't read."


async def test_all_pages_together_have_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.bounds.LISTING", 10_000)
    registry = leading_on("tags", lambda page: [f"t{page}", "x" * 1_000])
    async with registry.client() as client:
        with pytest.raises(BadAnswer, match="lists its tags of a in more than"):
            await tags(client)
    assert len(registry.asked) < 20


class Clock:
    """Goes on by `step` seconds each time it is read."""

    def __init__(self, step: float) -> None:
        self.step = step
        self.now = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_a_listing_is_waited_for_so_long_and_longer_for_all_that_it_brings() -> None:
    listing = PagedListing(clock=Clock(29.0))
    for _ in range(20):
        assert listing.bound is None
        with listing.waiting():
            pass
        listing.page(10, 1)
    for _ in range(100):
        with listing.waiting():
            pass
        listing.page(10, 1_000)
    assert listing.bound is None
    for _ in range(500):
        with listing.waiting():
            pass
        listing.page(10, 1)
    assert listing.bound is Bound.TIME


def test_what_is_done_between_the_pages_is_not_the_registrys_slowness() -> None:
    clock = Clock(0.0)
    listing = PagedListing(clock=clock)
    for _ in range(100):
        with listing.waiting():
            clock.now += 1.0
        clock.now += 10_000.0
        listing.page(10, 1)
    assert listing.bound is None


def trickling(registry: Scripted, seconds: float) -> Scripted:
    """Each of its answers takes so long."""

    async def late(request: httpx.Request) -> Answer:
        await asyncio.sleep(seconds)
        answer = registry.script(request)
        assert not isinstance(answer, Awaitable)
        return answer

    return Scripted(late)


def test_a_list_that_trickles_is_told() -> None:
    async def read() -> None:
        async with trickling(leading_on("tags", lambda page: [f"t{page}"]), 200.0).client() as client:
            with pytest.raises(BadAnswer, match="takes too long to list its tags of a"):
                await tags(client)
        async with trickling(leading_on("repositories", lambda page: [f"r{page}"]), 200.0).client() as client:
            names, doubt = await catalog(client)
        assert names
        assert doubt == "registry.example.com takes too long to list its repositories: the rest wasn't read."

    in_virtual_time(read())


@pytest.mark.parametrize("ask", ["tags", "catalog", "referrers"])
def test_one_page_is_waited_for_no_longer_than_a_list(ask: str) -> None:
    async def read() -> float:
        async with trickling(in_turn(pong()), 10_000.0).client() as client:
            asked: dict[str, Callable[[], Awaitable[object]]] = {
                "tags": lambda: tags(client),
                "catalog": lambda: catalog(client),
                "referrers": lambda: client.referrers("a", Digest.of(b"x")),
            }
            with pytest.raises(BadAnswer, match=r"takes too long to list its .*: the rest wasn't read"):
                await asked[ask]()
        return now()

    assert in_virtual_time(read()) == bounds.LISTING_SECONDS


@pytest.mark.parametrize("code", ["MANIFEST_UNKNOWN", "BLOB_UNKNOWN"])
async def test_a_catalog_that_is_not_there_is_no_missing_manifest(code: str) -> None:
    async with in_turn(refusal(404, code)).client() as client:
        with pytest.raises(NotFound) as caught:
            await catalog(client)
    assert caught.value.message == "registry.example.com does not offer listing the repositories."


async def test_a_tag_that_is_listed_twice_is_one() -> None:
    async with in_turn(tag_page("x", "y", "x", link="<?last=x>"), tag_page("y", "z", "z")).client() as client:
        assert [page async for page in client.tags("a")] == [("x", "y"), ("z",)]


@pytest.mark.parametrize(
    "name",
    [
        "a/../../b/c",
        "../../admin/x",
        "/".join("a" * 14_313),
        "a//b",
        "a/b?c=d/e",
        "a/b#c/d",
        "UPPER/x/1",
        "x" * 200 + "/1/" + "y" * 200,
        "a/\r\nX: y/z",
    ],
    ids=lambda name: name[:12],
)
async def test_nothing_is_asked_with_a_catalog_name_that_is_none(name: str) -> None:
    pages = [["b", name], [name], ["c"]]

    def script(request: httpx.Request) -> Answer:
        if request.url.path != "/v2/_catalog":
            return refusal(404, "NAME_UNKNOWN")
        link = {"Link": '<?last=x>; rel="next"'} if len(pages) == 3 else {}
        return httpx.Response(200, headers=link, json={"repositories": pages.pop(0) if pages else []})

    registry = Scripted(script)
    async with registry.client() as client:
        names, _ = await catalog(client)
    assert set(names) <= {"b", "c"}
    assert {request.url.path for request in registry.asked} == {"/v2/_catalog"}
    assert len(registry.asked) < 5


async def test_the_outer_ones_of_deep_names_are_looked_up_as_far_as_what_is_listed_is_worth_it() -> None:
    deep = [f"r{number}/" + "/".join("1" * 120) for number in range(200)]

    def script(request: httpx.Request) -> Answer:
        if request.url.path != "/v2/_catalog":
            return refusal(404, "NAME_UNKNOWN")
        last = request.url.params.get("last")
        at = deep.index(last) + 1 if last else 0
        link = {"Link": f'<?last={deep[at]}>; rel="next"'} if at < len(deep) - 1 else {}
        return httpx.Response(200, headers=link, json={"repositories": [deep[at]]})

    registry = Scripted(script)
    async with registry.client() as client:
        await catalog(client)
    assert len(registry.asked) < 1_300


@pytest.mark.parametrize("key", ["tags", "repositories"])
async def test_a_link_that_is_too_long_to_be_asked_for_makes_no_whole_list(key: str) -> None:
    link = f'<?last={"x" * 65_536}>; rel="next"'
    registry = in_turn(httpx.Response(200, headers={"Link": link}, json={key: ["x"]}))
    async with registry.client() as client:
        if key == "tags":
            with pytest.raises(BadAnswer, match="something that is no list"):
                await tags(client)
        else:
            names, doubt = await catalog(client)
            assert names == ["x"]
            assert "next page that can't be asked for" in doubt


# Pages that are too large for somebody


@pytest.mark.parametrize("status", [400, 403, 413, 414, 416, 422, 500])
@pytest.mark.parametrize("most", [1_000, 100, 0])
async def test_a_large_page_that_is_refused_in_whatever_way_is_asked_for_smaller(status: int, most: int) -> None:
    def script(request: httpx.Request) -> Answer:
        if int(request.url.params.get("n", 0)) > most:
            return refusal(status, "UNKNOWN")
        return httpx.Response(200, json={"repositories": ["a", "b"]})

    registry = Scripted(script)
    async with registry.client(tries=1) as client:
        names, doubt = await catalog(client)
    assert (names[:2], doubt) == (["a", "b"], "")


@pytest.mark.parametrize(("status", "kind"), [(403, NotAllowed), (500, ServerFailed)])
async def test_what_is_refused_in_every_size_is_told_as_it_was_first(status: int, kind: type[RegistryError]) -> None:
    registry = Scripted(lambda request: refusal(status, "DENIED" if "n" in request.url.params else "OTHER"))
    async with registry.client(tries=1) as client:
        with pytest.raises(kind) as caught:
            await catalog(client)
    assert caught.value.codes == ("DENIED",)
    assert len(registry.asked) == 4


# Referrers


async def test_referrers_that_never_end_are_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.bounds.REFERRERS", 100)
    pages = count()

    def script(request: httpx.Request) -> Answer:
        page = next(pages)
        made = [
            {"mediaType": mt.OCI_MANIFEST, "digest": Digest.of(f"{page} {each}".encode()), "size": 1}
            for each in range(10)
        ]
        return httpx.Response(200, headers={"Link": f'<?next={page}>; rel="next"'}, json={"manifests": made})

    registry = Scripted(script)
    async with registry.client() as client:
        with pytest.raises(BadAnswer, match="more than 100 referrers"):
            await client.referrers("a", Digest.of(b""))
    assert len(registry.asked) == 11


def referrers_page(*contents: bytes, link: str = "") -> httpx.Response:
    made = [{"mediaType": mt.OCI_MANIFEST, "digest": Digest.of(each), "size": 1} for each in contents]
    return httpx.Response(200, headers={"Link": f'{link}; rel="next"'} if link else {}, json={"manifests": made})


@pytest.mark.parametrize(
    ("first", "is_asked_again"),
    [
        (httpx.Response(404, text="404 page not found"), False),
        (refusal(404, "NOT_FOUND"), False),
        (refusal(404, "MANIFEST_UNKNOWN"), True),
        (refusal(404, "NAME_UNKNOWN"), True),
    ],
)
async def test_that_one_manifest_is_unknown_says_nothing_of_the_referrers_of_others(
    first: httpx.Response, is_asked_again: bool
) -> None:
    async with in_turn(first, referrers_page(b"x")).client() as client:
        assert await client.referrers("a", Digest.of(b"1")) is None
        assert (await client.referrers("a", Digest.of(b"2")) is not None) == is_asked_again


async def test_a_registry_that_has_listed_referrers_lists_them() -> None:
    nothing = httpx.Response(404, text="404 page not found")
    async with in_turn(referrers_page(), nothing, referrers_page(b"x")).client() as client:
        assert await client.referrers("a", Digest.of(b"1")) == ()
        assert await client.referrers("a", Digest.of(b"2")) is None
        assert await client.referrers("a", Digest.of(b"3"))


async def test_a_list_of_referrers_that_ends_in_nothing_is_none() -> None:
    registry = in_turn(referrers_page(b"x", link="<?next=2>"), httpx.Response(404, text="404 page not found"))
    async with registry.client() as client:
        with pytest.raises(NotFound):
            await client.referrers("a", Digest.of(b"1"))

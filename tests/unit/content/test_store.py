"""What was read once isn't read again, and what may have moved is."""

import asyncio
import gc
from collections.abc import AsyncIterator

import httpx
import pytest

from regtui.content import ContentStore
from regtui.oci import Digest
from regtui.oci import media_type as mt
from regtui.registry import ManifestNotFound, RegistryClient
from tests.unit.registry.scripted import Answer, Scripted, refusal


class Repository:
    """Tags that can be moved, in front of manifests by digest."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.tags: dict[str, Digest] = {}
        self.registry = Scripted(self.script)

    def add(self, body: bytes, tag: str = "") -> Digest:
        digest = Digest.of(body)
        self.content[digest] = body
        if tag:
            self.tags[tag] = digest
        return digest

    def script(self, request: httpx.Request) -> Answer:
        reference = request.url.path.rpartition("/")[2]
        digest = self.tags.get(reference, reference)
        if digest not in self.content:
            return refusal(404, "MANIFEST_UNKNOWN")
        headers = {"Docker-Content-Digest": digest, "Content-Type": mt.OCI_INDEX}
        return httpx.Response(200, headers=headers, content=self.content[digest])

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.registry.asked]


@pytest.fixture
def repository() -> Repository:
    return Repository()


@pytest.fixture
async def client(repository: Repository) -> AsyncIterator[RegistryClient]:
    async with repository.registry.client() as client:
        yield client


async def test_by_digest_it_is_read_once_for_all_who_ask(repository: Repository, client: RegistryClient) -> None:
    store = ContentStore(client)
    digest = repository.add(b"one")
    both = await asyncio.gather(*(store.manifest("a", digest) for _ in range(20)))
    await store.manifest("a", digest)
    assert {fetched.body for fetched in both} == {b"one"}
    assert repository.methods == ["GET"]
    # That one repository has it doesn't mean that another has.
    await store.manifest("b", digest)
    assert len(repository.methods) == 2


async def test_a_config_is_read_once(repository: Repository, client: RegistryClient) -> None:
    store = ContentStore(client)
    digest = repository.add(b"{}")
    assert [await store.config("a", digest) for _ in range(3)] == [b"{}"] * 3
    assert repository.methods == ["GET"]


async def test_a_tag_is_always_asked_for_and_costs_a_head_where_it_did_not_move(
    repository: Repository, client: RegistryClient
) -> None:
    store = ContentStore(client)
    repository.add(b"one", "x")
    assert (await store.current("a", "x")).body == b"one"
    assert (await store.current("a", "x")).body == b"one"
    assert repository.methods == ["GET", "HEAD"]
    repository.add(b"two", "x")
    assert (await store.current("a", "x")).body == b"two"
    assert (await store.manifest("a", "x")).body == b"two"
    assert repository.methods == ["GET", "HEAD", "HEAD", "GET", "GET"]


async def test_what_was_forgotten_is_asked_for_again(repository: Repository, client: RegistryClient) -> None:
    store = ContentStore(client)
    digest = repository.add(b"one", "x")
    await store.manifest("a", "x")
    await store.manifest("b", digest)
    store.forget("a")
    await store.manifest("b", digest)
    await store.manifest("a", digest)
    assert len(repository.methods) == 3


async def test_a_failure_is_told_to_all_and_not_remembered(repository: Repository, client: RegistryClient) -> None:
    store = ContentStore(client)
    late = Digest.of(b"late")
    told = await asyncio.gather(*(store.manifest("a", late) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in told] == [ManifestNotFound] * 3
    assert len(repository.methods) == 1
    repository.add(b"late")
    assert (await store.manifest("a", late)).body == b"late"


async def test_who_gives_up_does_not_take_it_from_the_others(repository: Repository, client: RegistryClient) -> None:
    store = ContentStore(client)
    digest = repository.add(b"one")
    first, second = (asyncio.create_task(store.manifest("a", digest)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).body == b"one"
    assert repository.methods == ["GET"]


async def test_a_failure_that_nobody_waits_for_is_not_printed(caplog: pytest.LogCaptureFixture) -> None:
    answer_now = asyncio.Event()

    async def late() -> Answer:
        await answer_now.wait()
        return refusal(404, "MANIFEST_UNKNOWN")

    async with Scripted(lambda request: late()).client() as client:
        asking = asyncio.create_task(ContentStore(client).manifest("a", Digest.of(b"none")))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        answer_now.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    del asking
    await asyncio.sleep(0)
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def test_the_least_recently_used_goes_first(repository: Repository, client: RegistryClient) -> None:
    store = ContentStore(client, capacity=8)
    one, two, three = (repository.add(body) for body in (b"1111", b"2222", b"3333"))
    for digest in (one, two, one, three, one):
        await store.manifest("a", digest)
    assert len(repository.methods) == 3
    await store.manifest("a", two)
    assert len(repository.methods) == 4
    # Larger than everything: given, and not kept.
    large = repository.add(b"0" * 100)
    assert len((await store.manifest("a", large)).body) == 100
    await store.manifest("a", large)
    assert len(repository.methods) == 6

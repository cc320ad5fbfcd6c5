"""What was read once isn't read again, and what may have moved is."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from pathlib import Path

import httpx
import pytest

from regtui import bounds
from regtui.content.disk import Disk, Tags
from regtui.content.shared_disk import SharedDisk
from regtui.content.store import ContentStore, NotCached
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import ManifestNotFound
from regtui.registry.values import FetchedManifest
from tests.support.patience import PATIENCE
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


async def test_where_head_names_another_digest_than_get_it_is_not_asked_again(repository: Repository) -> None:
    nonsense = httpx.Response(200, headers={"Docker-Content-Digest": Digest.of(b"nonsense")})
    digests = [repository.add(tag.encode(), tag) for tag in ("x", "y")]
    registry = Scripted(lambda request: nonsense if request.method == "HEAD" else repository.script(request))
    async with registry.client() as client:
        store = ContentStore(client)
        for tag in ("x", "y"):
            await store.manifest("a", tag)
        # Kept on disk, or as here in memory: a HEAD could do.
        assert [(await store.current("a", tag)).digest for tag in ("x", "y")] == digests
        assert [await store.digest("a", tag) for tag in ("x", "y")] == digests
    assert [request.method for request in registry.asked] == ["GET", "GET", "HEAD", *["GET"] * 4]


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


# Between runs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "content.sqlite"


def run(client: RegistryClient, file: Path, user: str = "ci") -> ContentStore:
    """The store of another run of regtui on the same cache."""
    return ContentStore(client, SharedDisk(file, lambda: f"{user}@registry.example.com"))


async def test_a_second_run_asks_by_head_alone(repository: Repository, client: RegistryClient, file: Path) -> None:
    names = [f"1.{number}" for number in range(500)]
    config = repository.add(b"{}")
    for name in names:
        repository.add(name.encode(), name)
    first = run(client, file)
    for name in names:
        await first.current("a", name)
    await first.config("a", config)
    await first.close()
    assert repository.methods == ["GET"] * 501
    repository.registry.asked.clear()

    second = run(client, file)
    await second.recall("a")
    bodies = await asyncio.gather(*(second.current("a", name) for name in names))
    assert [each.body.decode() for each in bodies] == names
    assert await second.config("a", config) == b"{}"
    assert repository.methods == ["HEAD"] * 500
    await second.close()


async def test_of_tags_that_did_not_move_nothing_is_written(
    repository: Repository, client: RegistryClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["1.0", "1.1", "1.2"]
    for name in names:
        repository.add(name.encode(), name)
    first = run(client, file)
    for name in names:
        await first.current("a", name)
    await first.close()
    written: dict[str, Digest] = {}
    visited: set[str] = set()
    write = Disk.write

    def noted(disk: Disk, sent: Mapping[str, Iterable[FetchedManifest]], tags: Mapping[tuple[str, str], Tags]) -> None:
        for (_, name), digests in tags.items():
            visited.add(name)
            written.update(digests)
        write(disk, sent, tags)

    monkeypatch.setattr(Disk, "write", noted)
    second = run(client, file)
    await second.recall("a")
    moved = repository.add(b"anew", "1.1")
    for name in names:
        await second.current("a", name)
    await second.close()
    assert written == {"1.1": moved}
    # But it is known that somebody was there: what nobody visits goes first.
    assert visited == {"a"}
    third = run(client, file)
    assert await third.recall("a") == repository.tags
    await third.close()


async def test_what_waits_for_a_slow_disk_is_bounded_and_what_comes_later_is_kept_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_free, taken = threading.Event(), 0
    write = Disk.write

    def slow(disk: Disk, sent: Mapping[str, Iterable[FetchedManifest]], tags: Mapping[tuple[str, str], Tags]) -> None:
        nonlocal taken
        is_free.wait(PATIENCE)
        taken += sum(len(content.body) for contents in sent.values() for content in contents)
        write(disk, sent, tags)

    monkeypatch.setattr(Disk, "write", slow)
    disk = SharedDisk(file, lambda: "ci@registry.example.com")
    bodies = [bytes([number]) * bounds.MIB for number in range(2 * bounds.UNWRITTEN // bounds.MIB)]
    for body in bodies:
        disk.keep(FetchedManifest(Digest.of(body), "", body))
    is_free.set()
    await disk.tags("a")
    assert await disk.read(Digest.of(bodies[0])) is not None
    assert await disk.read(Digest.of(bodies[-1])) is None
    assert bounds.UNWRITTEN - bounds.MIB <= taken <= bounds.UNWRITTEN
    disk.keep(FetchedManifest(Digest.of(bodies[-1]), "", bodies[-1]))
    await disk.tags("a")
    assert await disk.read(Digest.of(bodies[-1])) is not None
    await disk.close()


async def test_what_was_not_kept_when_the_run_began_is_not_looked_for_on_the_disk(
    repository: Repository, client: RegistryClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, *new = [repository.add(body) for body in (b"{}", b"[1]", b"[2]", b"[3]")]
    first = run(client, file)
    await first.config("a", known)
    await first.close()
    looked_for: list[Digest] = []
    read = Disk.read

    def noted(disk: Disk, origin: str, digests: Collection[Digest]) -> dict[Digest, FetchedManifest]:
        looked_for.extend(digests)
        return read(disk, origin, digests)

    monkeypatch.setattr(Disk, "read", noted)

    # So little memory that all comes from the disk.
    second = ContentStore(client, SharedDisk(file, lambda: "ci@registry.example.com"), capacity=0)
    await second.recall("a")
    del repository.registry.asked[:]
    for digest in (known, *new):
        await second.config("a", digest)
    assert looked_for == [known]
    assert len(repository.methods) == len(new)
    # What this run kept is there, too.
    await second.recall("a")
    for digest in (known, *new):
        await second.config("a", digest)
    assert looked_for == [known, known, *new]
    assert len(repository.methods) == len(new)
    await second.close()


async def test_where_much_is_kept_the_disk_is_asked(
    repository: Repository, client: RegistryClient, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtui.content.shared_disk._LISTABLE", 1)
    digests = [repository.add(body) for body in (b"{}", b"[1]")]
    first = run(client, file)
    for digest in digests:
        await first.config("a", digest)
    await first.close()
    second = run(client, file)
    await second.recall("a")
    del repository.registry.asked[:]
    for digest in digests:
        await second.config("a", digest)
    assert repository.methods == []
    await second.close()


async def test_a_tag_that_moved_meanwhile_is_read(repository: Repository, client: RegistryClient, file: Path) -> None:
    old = repository.add(b"old", "x")
    repository.add(b"known", "y")
    first = run(client, file)
    for tag in "xy":
        await first.current("a", tag)
    await first.close()
    second = run(client, file)
    assert (await second.recall("a"))["x"] == old
    repository.registry.asked.clear()
    repository.add(b"new", "x")
    assert (await second.current("a", "x")).body == b"new"
    # To where another pointed: its content is known.
    repository.tags["y"] = old
    assert (await second.current("a", "y")).body == b"old"
    assert repository.methods == ["HEAD", "GET", "HEAD"]
    await second.close()


async def test_a_manifest_that_is_gone_is_gone_however_well_it_is_kept(
    repository: Repository, client: RegistryClient, file: Path
) -> None:
    digest = repository.add(b"one", "x")
    first = run(client, file)
    await first.current("a", "x")
    await first.close()
    second = run(client, file)
    await second.recall("a")
    del repository.content[digest]
    with pytest.raises(ManifestNotFound):
        await second.current("a", "x")
    with pytest.raises(ManifestNotFound):
        await second.manifest("a", digest)
    await second.close()


async def test_that_we_have_it_proves_nothing_of_another_repository(
    repository: Repository, client: RegistryClient, file: Path
) -> None:
    secret = repository.add(b"secret", "x")
    first = run(client, file)
    await first.current("private", "x")
    await first.close()
    second = run(client, file)
    del repository.content[secret]
    with pytest.raises(ManifestNotFound):
        await second.current("public", secret)
    with pytest.raises(ManifestNotFound):
        await second.manifest("public", secret)
    # Named by a manifest of that repository, it isn't read again.
    assert (await second.named("public", secret)).body == b"secret"
    await second.close()


async def test_another_user_is_shown_no_names(repository: Repository, client: RegistryClient, file: Path) -> None:
    repository.add(b"one", "x")
    first = run(client, file)
    await first.current("a", "x")
    await first.close()
    other = run(client, file, user="eve")
    assert await other.recall("a") == {}
    await other.close()


async def test_after_a_reload_everything_is_read_again(
    repository: Repository, client: RegistryClient, file: Path
) -> None:
    digest, config = repository.add(b"one", "x"), repository.add(b"{}")
    for _ in range(2):
        store = run(client, file)
        await store.recall("a")
        await store.current("a", "x")
        await store.config("a", config)
        repository.registry.asked.clear()
        store.forget("a")
        assert await store.recall("a") == {}
        await store.current("a", "x")
        await store.named("a", digest)
        await store.config("a", config)
        assert repository.methods == ["GET", "GET"]
        await store.close()


async def test_tags_that_are_not_listed_any_more_are_not_remembered(
    repository: Repository, client: RegistryClient, file: Path
) -> None:
    for tag in "xyz":
        repository.add(tag.encode(), tag)
    first = run(client, file)
    for tag in "xyz":
        await first.current("a", tag)
    await first.close()
    second = run(client, file)
    assert set(await second.recall("a")) == {"x", "y", "z"}
    await second.listed("a", {"y"})
    await second.close()
    third = run(client, file)
    assert set(await third.recall("a")) == {"y"}
    await third.close()


async def test_only_what_is_kept_can_be_had_without_asking(
    repository: Repository, client: RegistryClient, file: Path
) -> None:
    one = repository.add(b"one", "x")
    first = run(client, file)
    await first.current("a", "x")
    await first.close()
    repository.registry.asked.clear()
    second = run(client, file)
    assert (await second.kept.current("a", one)).body == b"one"
    with pytest.raises(NotCached):
        await second.kept.config("a", Digest.of(b"other"))
    assert repository.methods == []
    await second.close()


async def test_repositories_that_name_the_same_wait_for_one_request(
    repository: Repository, client: RegistryClient
) -> None:
    store = ContentStore(client)
    digest = repository.add(b"shared")
    found = await asyncio.gather(*(store.named(name, digest) for name in "abc"))
    assert {each.body for each in found} == {b"shared"}
    assert repository.methods == ["GET"]


async def test_whoever_asks_by_a_digest_from_elsewhere_waits_for_no_other_repository(
    repository: Repository, client: RegistryClient
) -> None:
    store = ContentStore(client)
    digest = repository.add(b"one")
    await asyncio.gather(store.named("a", digest), store.manifest("b", digest), store.named("c", digest))
    # `b` hasn't named it: whether its user may see it there is for the registry to say.
    assert sorted(request.url.path.split("/")[2] for request in repository.registry.asked) == ["a", "b"]


async def test_what_a_repository_has_shown_may_be_asked_for_by_its_digest(
    repository: Repository, client: RegistryClient
) -> None:
    store = ContentStore(client)
    one, two = repository.add(b"one", "1.0"), repository.add(b"two", "2.0")
    await store.manifest("a", "1.0")
    await store.named("b", two)
    await store.digest("a", "2.0")
    assert repository.methods == ["GET", "GET", "HEAD"]
    # What a tag led to, by GET or by HEAD.
    assert [(await store.manifest("a", digest)).body for digest in (one, two)] == [b"one", b"two"]
    assert len(repository.methods) == 3
    assert store.is_reread("a") is False
    store.forget("a")
    assert (store.is_reread("a"), store.is_reread("b")) == (True, False)
    await store.manifest("a", one)
    assert len(repository.methods) == 4


async def test_where_another_repository_fails_it_is_asked_for_in_this_one() -> None:
    body = b"shared"

    def script(request: httpx.Request) -> Answer:
        if request.url.path.startswith("/v2/a/"):
            return refusal(404, "MANIFEST_UNKNOWN")
        return httpx.Response(200, headers={"Content-Type": mt.OCI_INDEX}, content=body)

    async with Scripted(script).client() as client:
        store = ContentStore(client)
        failed, found, same = await asyncio.gather(
            *(store.named(name, Digest.of(body)) for name in "abb"), return_exceptions=True
        )
    assert isinstance(failed, ManifestNotFound)
    assert getattr(found, "body", b"") == getattr(same, "body", b"") == body

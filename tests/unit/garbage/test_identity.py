"""Whether a storage is that of a registry: by what both say, and never by that one of them says nothing."""

from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from regtui.garbage.identity import Known, ask_before, must_list_nothing, prove_by_output, prove_by_storage
from regtui.garbage.output import CollectorOutput
from regtui.garbage.storage import Listing, Storage
from regtui.host.errors import Unsafe
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotAllowed, NotFound, Where

A, B, C = (Digest(f"sha256:{letter * 64}") for letter in "abc")
Tags = dict[tuple[str, str], Digest]


@dataclass
class FakeRegistry:
    """What it answers."""

    tags_of: Tags = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    manifests: Collection[tuple[str, Digest]] = ()
    blobs: Collection[tuple[str, Digest]] = ()
    host: str = "registry.example.com"
    lists: bool = True

    async def catalog(self) -> AsyncIterator[Any]:
        if not self.lists:
            raise NotAllowed(Where(self.host), "not allowed")
        names = self.names if self.names is not None else tuple(sorted({name for name, _ in self.tags_of}))
        # A page each.
        for name in names:
            yield SimpleNamespace(repositories=(name,))

    async def tags(self, repository: str) -> AsyncIterator[tuple[str, ...]]:
        yield tuple(tag for name, tag in self.tags_of if name == repository)

    async def resolve(self, repository: str, reference: str) -> Any:
        if (repository, reference) in self.tags_of:
            return SimpleNamespace(digest=self.tags_of[repository, reference])
        if (repository, reference) in self.manifests:
            return SimpleNamespace(digest=Digest(reference))
        raise NotFound(Where(self.host), "not there")

    async def has_blob(self, repository: str, digest: Digest) -> bool:
        return (repository, digest) in self.blobs


@dataclass
class FakeStorage:
    tags_of: Tags
    names: tuple[str, ...] = ()
    revisions: dict[str, frozenset[Digest]] = field(default_factory=dict)
    layers: dict[Digest, str] = field(default_factory=dict)

    async def listing(self) -> Listing:
        names = tuple(sorted({*self.names, *(name for name, _ in self.tags_of)}))
        revisions: dict[str, set[Digest]] = {name: set(digests) for name, digests in self.revisions.items()}
        for (name, _), digest in self.tags_of.items():
            revisions.setdefault(name, set()).add(digest)
        whole = {name: frozenset(digests) for name, digests in revisions.items()}
        return Listing(repositories=names, tags=tuple(sorted(self.tags_of)), revisions=whole)

    async def heads(self, tags: Iterable[tuple[str, str]]) -> Tags:
        return {tag: self.tags_of[tag] for tag in tags}

    async def sizes(self, digests: Iterable[Digest]) -> dict[Digest, int]:
        return dict.fromkeys(digests, 1)

    async def owners(self, digests: Iterable[Digest]) -> dict[Digest, str]:
        return {digest: self.layers[digest] for digest in digests if digest in self.layers}


async def prove(registry: FakeRegistry, storage: FakeStorage, *eligible: Digest) -> None:
    client, asked = cast(RegistryClient, registry), cast(Storage, storage)
    await prove_by_storage("prod", client, asked, await storage.listing(), eligible)


MANY: Tags = {(f"team/app{number:02}", "1.0"): A for number in range(12)}


async def test_what_agrees_is_proof() -> None:
    await prove(FakeRegistry(MANY), FakeStorage(MANY), B)


@pytest.mark.parametrize(
    "storage",
    [
        # All of its tags were deleted, then its manifests, then there are only layers, then nothing but blobs.
        FakeStorage({("team/secret", "1.0"): A}),
        FakeStorage({}, ("team/secret",), {"team/secret": frozenset([B])}),
        FakeStorage({}, ("team/secret",), layers={C: "team/secret"}),
        FakeStorage({}, ("team/secret",)),
        FakeStorage({}),
    ],
)
async def test_a_registry_that_has_nothing_is_no_proof(storage: FakeStorage) -> None:
    with pytest.raises(Unsafe, match=r"It can't be shown that the storage|The storage on prod isn't that of"):
        await prove(FakeRegistry(), storage, C)


async def test_what_the_registry_answers_of_an_image_without_a_tag_is_proof() -> None:
    untagged = FakeStorage({}, ("team/app",), {"team/app": frozenset([B])})
    await prove(FakeRegistry(names=("team/app",), manifests=[("team/app", B)]), untagged, C)
    layers = FakeStorage({}, ("team/app",), layers={C: "team/app"})
    await prove(FakeRegistry(names=("team/app",), blobs=[("team/app", C)]), layers, C)
    with pytest.raises(Unsafe, match="push an image, then try again"):
        await prove(FakeRegistry(names=("team/app",)), FakeStorage({}, ("team/app",)), C)
    # Where nothing goes, the names alone do.
    await prove(FakeRegistry(names=("team/app",)), layers)
    with pytest.raises(Unsafe, match="can't be shown"):
        await prove(FakeRegistry(names=("team/app", "team/more")), FakeStorage({}, ("team/app", "team/more", "x")))


async def test_a_replica_that_lags_in_one_of_many_repositories_is_another_ones() -> None:
    for name, tag in (("team/app11", "new"), ("team/new", "1.0")):
        with pytest.raises(Unsafe, match=f"{name}(:{tag})?, which the registry lists, isn't there"):
            await prove(FakeRegistry({**MANY, (name, tag): B}), FakeStorage(MANY), C)
        with pytest.raises(Unsafe, match=f"{name}:{tag}, in the storage {B}, is not there by the registry"):
            await prove(FakeRegistry(MANY), FakeStorage({**MANY, (name, tag): B}), C)


async def test_what_is_pushed_meanwhile_is_no_other_registrys() -> None:
    class Pushed(FakeStorage):
        looks = 0

        async def listing(self) -> Listing:
            self.looks += 1
            if self.looks == 2:
                self.tags_of = {**self.tags_of, ("team/app", "new"): B}
            return await super().listing()

    await prove(FakeRegistry({("team/app", "1.0"): A, ("team/app", "new"): B}), Pushed({("team/app", "1.0"): A}), C)


def collected(marked: Iterable[tuple[str, Digest]], *eligible: Digest) -> CollectorOutput:
    output = CollectorOutput()
    for name, digest in marked:
        output.feed(name)
        output.feed(f"{name}: marking manifest {digest} ")
    output.feed(f"1 blobs marked, {len(eligible)} blobs and 0 manifests eligible for deletion")
    for digest in eligible:
        output.feed(f"blob eligible for deletion: {digest}")
    return output


async def by_output(registry: FakeRegistry, output: CollectorOutput, before: Known | None = None) -> None:
    client = cast(RegistryClient, registry)
    await prove_by_output("prod", client, output, before or await ask_before(client))


async def test_by_the_collectors_output_nothing_of_nothing_is_no_proof() -> None:
    with pytest.raises(Unsafe, match="can't be shown"):
        await by_output(FakeRegistry(), collected([], B))
    with pytest.raises(Unsafe, match="team/app, which the collector finds, isn't there by the registry"):
        await by_output(FakeRegistry(), collected([("team/app", A)], B))
    await by_output(FakeRegistry(names=("team/app",), blobs=[("team/app", B)]), collected([("team/app", A)], B))


async def test_by_the_collectors_output_each_tag_has_to_be_found_unless_it_moved_meanwhile() -> None:
    tags = {("team/app", "1.0"): A, ("team/app", "own"): B}
    await by_output(FakeRegistry(tags), collected([("team/app", A), ("team/app", B)], C))
    with pytest.raises(Unsafe, match=f"team/app:own leads to {B} by the registry, which the collector doesn't find"):
        await by_output(FakeRegistry(tags), collected([("team/app", A)], C))
    moved = Known(("team/app",), {("team/app", "1.0"): A, ("team/app", "own"): C})
    await by_output(FakeRegistry(tags), collected([("team/app", A)], C), moved)


async def test_a_registry_that_does_not_list_its_repositories_has_to_have_some_of_what_goes() -> None:
    """One small repository may be alike in two registries."""
    alike: Tags = {("base/alpine", "3.20"): A}
    prod = FakeRegistry({**MANY, **alike}, lists=False)
    with pytest.raises(Unsafe, match=f"{C}, in the storage a blob of base/alpine, is not there by the registry"):
        await prove(prod, FakeStorage(alike, layers={C: "base/alpine"}), C)
    for eligible in ([C], []):
        with pytest.raises(Unsafe, match="doesn't list its repositories for this login") as raised:
            await prove(prod, FakeStorage(alike), *eligible)
        assert "log in as somebody who may list" in raised.value.remedy
    known = FakeRegistry(alike, lists=False, blobs=[("base/alpine", C)])
    await prove(known, FakeStorage(alike, layers={C: "base/alpine"}), B, C)
    await prove(FakeRegistry(MANY, lists=False), FakeStorage(MANY))


async def test_a_copy_with_other_garbage_is_another_registry() -> None:
    copy = FakeStorage(MANY, layers={C: "team/app00"})
    with pytest.raises(Unsafe, match=f"{C}, in the storage a blob of team/app00, is not there by the registry"):
        await prove(FakeRegistry(MANY), copy, C)


async def test_by_the_collectors_output_a_registry_that_lists_nothing_has_to_have_some_of_what_goes() -> None:
    alike: Tags = {("base/alpine", "3.20"): A}
    output = collected([("base/alpine", A)], C)
    with pytest.raises(Unsafe, match="doesn't list its repositories for this login"):
        await by_output(FakeRegistry({**MANY, **alike}, lists=False), output)
    await by_output(FakeRegistry(alike, lists=False, blobs=[("base/alpine", C)]), output)


async def test_that_a_registry_lists_nothing_is_not_that_it_may_not_be_listed() -> None:
    await must_list_nothing("prod", cast(RegistryClient, FakeRegistry()))
    with pytest.raises(Unsafe, match="lists team/app00"):
        await must_list_nothing("prod", cast(RegistryClient, FakeRegistry(MANY)))
    with pytest.raises(Unsafe, match=r"whether registry\.example\.com has images can't be told") as raised:
        await must_list_nothing("prod", cast(RegistryClient, FakeRegistry(MANY, lists=False)))
    assert "log in as somebody who may list" in raised.value.remedy

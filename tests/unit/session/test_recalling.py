"""What is remembered is read once, for the list that shows it and for the filler that checks it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from regtui.content.shared_disk import SharedDisk
from regtui.content.store import ContentStore
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.session.recalling import Recalling
from tests.unit.registry.scripted import Scripted

BODY = b'{"schemaVersion": 2, "manifests": []}'
TAGS = ("1.0", "1.1")


def answered(request: httpx.Request) -> httpx.Response:
    headers = {"Docker-Content-Digest": Digest.of(BODY), "Content-Type": mt.OCI_INDEX}
    return httpx.Response(200, headers=headers, content=BODY)


@pytest.fixture
async def content(tmp_path: Path) -> AsyncIterator[ContentStore]:
    """Of a second run: in the first, the tags of two repositories were read."""
    disk = tmp_path / "content.sqlite"
    async with Scripted(answered).client() as client:
        first = ContentStore(client, SharedDisk(disk, lambda: "origin"))
        for tag in TAGS:
            await first.manifest("a", tag)
            await first.manifest("b", tag)
        await first.close()
        second = ContentStore(client, SharedDisk(disk, lambda: "origin"))
        yield second
        await second.close()


async def told(recalling: Recalling, repository: str) -> list[str]:
    return [tag async for batch in recalling.batches(repository) for tag, _ in batch]


async def test_all_who_ask_share_what_is_read(content: ContentStore) -> None:
    recalling = Recalling(content)
    first, second = await asyncio.gather(recalling.of("a"), recalling.of("a"))
    assert first is second
    assert set(first.tags) == set(TAGS)
    assert await told(recalling, "a") == list(TAGS)
    assert await recalling.of("a") is first
    assert first.is_told


async def test_a_list_that_is_shown_again_is_told_again(content: ContentStore) -> None:
    recalling = Recalling(content)
    assert [await told(recalling, "a") for _ in range(2)] == [list(TAGS)] * 2


async def test_another_repository_has_its_own(content: ContentStore) -> None:
    recalling = Recalling(content)
    first = await recalling.of("a")
    assert (await recalling.of("b")).repository == "b"
    assert await recalling.of("a") is not first


async def test_nothing_is_remembered_of_what_is_to_be_read_anew(content: ContentStore) -> None:
    recalling = Recalling(content)
    assert (await recalling.of("a")).tags
    content.forget("a")
    assert not (await recalling.of("a")).tags
    assert (await recalling.of("b")).tags

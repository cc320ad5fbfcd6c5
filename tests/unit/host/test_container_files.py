"""A file out of a container, as a tar archive that the container's side makes: it may be anything."""

import asyncio
import gzip
import tarfile
from base64 import b64encode
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.host.container_files import LARGEST, ContainerFile, read_file, way_to
from regtui.host.hosts import Script, ScriptOutput


class Copies:
    """A host that copies this out of whatever it is asked for."""

    place = "this machine"
    login = ""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.asked: list[str] = []

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        self.asked.append(script.arguments[-2])
        return ScriptOutput(0, b64encode(self.archive).decode(), "")

    async def lines(self, script: Script) -> AsyncGenerator[str, None]:
        yield ""

    def blocks(self, script: Script) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError

    async def close(self) -> None: ...


def copied(archive: bytes) -> ContainerFile:
    return asyncio.run(read_file(Copies(archive), ["docker"], "registry", "/etc/config.yml"))


def entry(content: bytes = b"", **changes: object) -> bytes:
    """An archive of one."""
    member = tarfile.TarInfo("config.yml")
    member.size = len(content)
    for name, value in changes.items():
        setattr(member, name, value)
    return member.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % 512) + bytes(1024)


def test_a_file_is_read_with_when_it_was_changed() -> None:
    assert copied(entry(b"storage: {}", mtime=12)) == ContainerFile("/etc/config.yml", "storage: {}", 12.0)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_what_is_no_file_isnt_read(kind: bytes) -> None:
    assert copied(entry(type=kind)).why == "it is no file"


def test_a_link_is_followed_inside_and_not_for_ever() -> None:
    host = Copies(entry(type=tarfile.SYMTYPE, linkname="../../../../etc/shadow"))
    told = asyncio.run(read_file(host, ["docker"], "registry", "/etc/config.yml"))
    assert told.why == "it is a link without an end"
    # By the runtime, that sees the container alone.
    assert set(host.asked[1:]) == {"registry:/etc/shadow"}


def test_a_link_that_is_no_path_is_no_word_either() -> None:
    assert copied(entry(type=tarfile.SYMTYPE, linkname="x\n-oops")).text is None


class Linked(Copies):
    """A host whose container has these links."""

    def __init__(self, links: dict[str, str]) -> None:
        super().__init__(b"")
        self.links = links

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        path = script.arguments[-2].partition(":")[2]
        target = self.links.get(path)
        link = {"type": tarfile.SYMTYPE, "linkname": target} if target else {"type": tarfile.DIRTYPE}
        self.archive = entry(**link)
        return await super().run(script)


@pytest.mark.parametrize(
    ("links", "way"),
    [
        ({}, ["/etc/r/config.yml"]),
        ({"/etc/r/config.yml": "/etc/real.yml"}, ["/etc/r/config.yml", "/etc/real.yml"]),
        ({"/etc/r/config.yml": "../real.yml"}, ["/etc/r/config.yml", "/etc/real.yml"]),
        ({"/etc/r": "/srv/r"}, ["/etc/r", "/srv/r/config.yml"]),
        (
            {"/etc/r": "../srv", "/srv/config.yml": "./a/../b.yml", "/srv/b.yml": "/c.yml"},
            ["/etc/r", "/srv/config.yml", "/srv/b.yml", "/c.yml"],
        ),
        # What is mounted is no link.
        ({"/data": "/elsewhere", "/etc/r/config.yml": "/data/c.yml"}, ["/etc/r/config.yml", "/data/c.yml"]),
    ],
)
def test_each_link_on_the_way_to_a_file(links: dict[str, str], way: list[str]) -> None:
    host = Linked(links)
    assert asyncio.run(way_to(host, ["docker"], "registry", "/etc/r/config.yml", {"/data": "/srv"})) == way


@pytest.mark.parametrize("target", ["config.yml", "/etc/r/config.yml", "a/" * 2000, "../" * 2000, "/"])
def test_a_way_without_an_end_ends(target: str) -> None:
    host = Linked({"/etc/r/config.yml": target, "/etc/r": "/etc/r"})
    asyncio.run(way_to(host, ["docker"], "registry", "/etc/r/config.yml", ()))
    assert len(host.asked) <= 64


def _sparse(size: int) -> bytes:
    """A file of that size without a byte, as PAX has it."""
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(size)}
    return entry(b"0\n" + bytes(510), pax_headers=headers)


BOMBS = {
    "sparse": _sparse(1 << 40),
    "large": entry(b"x" * (LARGEST + 1)),
    "compressed": gzip.compress(entry(b"x" * (1 << 20))),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_file_that_is_made_to_grow_doesnt(bomb: str) -> None:
    told = copied(BOMBS[bomb])
    assert told.text is None
    assert told.why


@given(st.binary(max_size=2000), st.data())
def test_an_archive_may_be_anything(raw: bytes, data: st.DataObject) -> None:
    copied(raw)
    archive = bytearray(entry(b"x: 1", pax_headers={"GNU.sparse.map": "0,1", "size": "4", "mtime": "nan"}))
    for _ in range(5):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    copied(bytes(archive))


@given(st.dictionaries(st.sampled_from(["size", "mtime", "path", "GNU.sparse.size", "GNU.sparse.map"]), st.text()))
def test_its_headers_may_be_anything(headers: dict[str, str]) -> None:
    copied(entry(b"x: 1", pax_headers=headers))


def test_what_is_no_base64_is_no_file() -> None:
    class Says(Copies):
        async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
            return ScriptOutput(0, "\x80🙂=" * 100, "")

    assert asyncio.run(read_file(Says(b""), ["docker"], "registry", "/c.yml")).text is None


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_headers_without_an_end(kind: bytes) -> None:
    """Each is read within the one before it."""
    header = tarfile.TarInfo("x")
    header.type = kind
    assert copied(header.tobuf() * 5000 + entry(b"storage: {}")).why == "the runtime gives no file"

"""Questions to the storage, answered by real shells from a storage directory as the registry lays it out."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from regtui import bounds
from regtui.garbage import scripts
from regtui.garbage.storage import Storage as StorageOfHost
from regtui.host.errors import GarbageError
from regtui.host.hosts import LocalHost, Script, ScriptOutput
from regtui.host.runtimes import Unit
from tests.support.programs import find_program

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


class Storage:
    def __init__(self, directory: Path, shell: str) -> None:
        self.root = directory / "it's the root"
        self.shell = f"{find_program('busybox')} sh" if shell == "busybox" else "dash"

    @property
    def repositories(self) -> Path:
        return self.root / "docker/registry/v2/repositories"

    def blob(self, digest: str, size: int) -> Path:
        return self._file(self.root / f"docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data", "x" * size)

    def link(self, path: str, text: str = "") -> Path:
        return self._file(self.repositories / path, text)

    def fill(self) -> None:
        """app has a tag, a revision and a layer; app/nested an upload; empty nothing but a layer."""
        self.link("app/_manifests/tags/v1/current/link", f"sha256:{A}")
        self.link(f"app/_manifests/tags/v1/index/sha256/{A}/link", f"sha256:{A}")
        self.link(f"app/_manifests/revisions/sha256/{A}/link", f"sha256:{A}")
        self.link(f"app/_layers/sha256/{B}/link", f"sha256:{B}")
        # Of an upload without a byte there is but the directory.
        (self.repositories / "app/nested/_uploads/0f1e").mkdir(parents=True)
        self.link(f"app/nested/_layers/sha256/{B}/link", f"sha256:{B}")
        self.link(f"empty/_layers/sha256/{C}/link", f"sha256:{C}")
        (self.repositories / "empty/_manifests/tags").mkdir(parents=True)

    def ask(self, question: str, *stdin: str) -> list[str]:
        unit = Unit("docker", "registry", "/c.yml", True, "", root=str(self.root), shell=self.shell)
        told = asyncio.run(LocalHost().run(scripts.question(unit, *question.split(), stdin=stdin)))
        assert told.stderr == ""
        return sorted(told.stdout.splitlines())

    @staticmethod
    def _file(path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture(params=["dash", "busybox"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Storage(tmp_path, request.param)


def test_all_blobs_are_counted_and_only_they(storage: Storage) -> None:
    storage.blob(A, 1234)
    storage.blob(B, 70_000)
    storage.link("app/_uploads/0f1e/data", "not yet one")
    (storage.blob(C, 0).parent / "startedat").write_text("of another driver")
    assert storage.ask("measure") == ["3 71234"]


def test_a_storage_that_was_never_written_to_is_no_failure(storage: Storage) -> None:
    for question in ("measure", "facts", "sizes", "layers"):
        assert storage.ask(question) in ([], ["0 0"])


def test_what_there_is_is_told_by_repository(storage: Storage) -> None:
    storage.fill()
    assert storage.ask("facts") == [
        "repository app",
        "repository app",
        "repository app/nested",
        "repository empty",
        "repository empty",
        f"revision app sha256:{A}",
        "tag app v1",
        "upload app/nested",
    ]


def test_sizes_of_the_blobs_that_are_asked_for_and_there(storage: Storage) -> None:
    storage.blob(A, 1234)
    storage.blob(B, 70_000)
    assert storage.ask("sizes", f"sha256:{A}", f"sha256:{C}") == [f"1234 sha256:{A}"]
    assert storage.ask("sizes", f"sha256:{C}") == []


def test_whose_the_layers_are_that_are_asked_for(storage: Storage) -> None:
    storage.fill()
    assert storage.ask("layers", f"sha256:{B}") == [f"layer app sha256:{B}", f"layer app/nested sha256:{B}"]


def test_only_what_is_empty_is_removed_and_what_nests_below_it_stays(storage: Storage) -> None:
    storage.fill()
    storage.link(f"empty/nested/_manifests/revisions/sha256/{A}/link", f"sha256:{A}")
    names = ("app", "app/nested", "empty", "nowhere")
    assert storage.ask("remove_empty", *names) == ["removed empty"]
    assert not (storage.repositories / "empty/_layers").exists()
    assert (storage.repositories / f"empty/nested/_manifests/revisions/sha256/{A}/link").exists()
    assert len([line for line in storage.ask("facts") if line in ("repository app", "upload app/nested")]) == 3


def test_a_tag_or_the_data_of_an_upload_keeps_a_repository(storage: Storage) -> None:
    storage.link("tagged/_manifests/tags/v1/current/link", "")
    storage.link("uploading/_uploads/0f1e/data", "x")
    storage.link(f"revision/_manifests/revisions/sha256/{A}/link", "")
    assert storage.ask("remove_empty", "tagged", "uploading", "revision") == []


def test_directories_that_held_only_what_was_removed_go_with_it(storage: Storage) -> None:
    storage.fill()
    storage.link(f"team/deep/er/_layers/sha256/{C}/link")
    assert storage.ask("remove_empty", "team/deep/er") == ["removed team/deep/er"]
    assert not (storage.repositories / "team").exists()
    assert (storage.repositories / "app").exists()


def test_a_name_stays_a_word(storage: Storage) -> None:
    storage.fill()
    hostile = "x'; touch pwned; $(touch pwned)"
    storage.ask("remove_empty", hostile)
    assert not list(storage.root.rglob("pwned"))


@pytest.mark.parametrize("way", ["", " while-it-runs"])
@pytest.mark.parametrize("link", ["repositories", "repositories/team", "repositories/team/app"])
def test_nothing_that_a_link_leads_to_is_removed(storage: Storage, link: str, way: str) -> None:
    """Whoever may write to the storage doesn't choose what whoever collects in it removes elsewhere."""
    elsewhere = storage.root.parent / "elsewhere"
    name = "team/app"
    rest = f"repositories/{name}"[len(link) :].lstrip("/")
    kept = elsewhere / rest / "_layers"
    upload = elsewhere / rest / "_uploads" / "ssh"
    for directory in (kept, upload):
        directory.mkdir(parents=True)
        os.utime(directory, (0, 0))
    place = storage.root / "docker/registry/v2" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere)
    assert storage.ask("remove_uploads 10", f"{name} ssh") == []
    upload.rmdir()
    upload.parent.rmdir()
    assert storage.ask(f"remove_empty{way}", name) == []
    assert kept.exists()


@pytest.mark.parametrize("way", ["", " while-it-runs"])
@pytest.mark.parametrize("part", ["_uploads", "_layers", "_manifests"])
def test_a_part_that_is_a_link_is_nobodys_to_remove(storage: Storage, part: str, way: str) -> None:
    elsewhere = storage.root.parent / "elsewhere"
    (elsewhere / "ssh").mkdir(parents=True)
    os.utime(elsewhere / "ssh", (0, 0))
    (storage.repositories / "app").mkdir(parents=True)
    (storage.repositories / "app" / part).symlink_to(elsewhere)
    assert storage.ask("remove_uploads 10", "app ssh") == []
    assert storage.ask(f"remove_empty{way}", "app") == []
    assert (elsewhere / "ssh").exists()


def test_when_tags_were_pushed(storage: Storage) -> None:
    """By the links that they are; repositories may be called as the parts of others are."""
    storage.fill()
    for name, seconds in (("app", 1_700_000_000), ("team/index", 1_700_000_001), ("revisions", 1_700_000_002)):
        link = storage.link(f"{name}/_manifests/tags/v1/current/link", f"sha256:{A}")
        storage.link(f"{name}/_manifests/tags/v1/index/sha256/{A}/link", f"sha256:{A}")
        os.utime(link, (seconds, seconds))
    assert storage.ask("pushed") == [
        "pushed app v1 1700000000",
        "pushed revisions v1 1700000002",
        "pushed team/index v1 1700000001",
    ]


def test_a_tag_that_leads_out_of_the_storage_or_is_endless_fills_no_memory(storage: Storage, tmp_path: Path) -> None:
    storage.fill()
    big = tmp_path / "big"
    big.write_text("a" * 300_000)
    for name in ("linked", "above"):
        (storage.repositories / f"app/_manifests/tags/{name}").mkdir()
    storage.link("app/_manifests/tags/huge/current/link", "b" * 300_000)
    (storage.repositories / "app/_manifests/tags/linked/current").mkdir()
    (storage.repositories / "app/_manifests/tags/linked/current/link").symlink_to(big)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/link").write_text("c")
    (storage.repositories / "app/_manifests/tags/above/current").symlink_to(tmp_path / "elsewhere")
    told = storage.ask("heads", "app v1", "app linked", "app above", "app huge")
    assert told == [f"head app huge {'b' * 200}", f"head app v1 sha256:{A}"]


def test_a_collector_at_work_is_seen_by_every_shell(storage: Storage, tmp_path: Path) -> None:
    """Its command line holds NULs, at which some programs stop reading."""
    (tmp_path / "garbage-collect").write_text("read -r line")
    words = ["registry", "garbage-collect", "/of a test.yml"]
    with subprocess.Popen(words, executable="/bin/sh", cwd=tmp_path, stdin=subprocess.PIPE) as collector:
        unit = Unit("docker", "registry", "/c.yml", True, "", root=str(storage.root), shell=storage.shell)
        told = asyncio.run(LocalHost().run(scripts.question(unit, "collecting", words[-1])))
        assert told.stdout == f"{collector.pid}\n"


def test_a_storage_that_lists_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch, storage: Storage) -> None:
    storage.fill()
    unit = Unit("docker", "registry", "/c.yml", True, "", root=str(storage.root), shell=storage.shell)
    asked = asyncio.run(StorageOfHost(LocalHost(), unit).listing())
    assert asked.tags == (("app", "v1"),)
    monkeypatch.setattr(bounds, "HOST_ITEMS", 2)
    with pytest.raises(GarbageError, match="lists more than 2 repositories, tags, manifests and uploads"):
        asyncio.run(StorageOfHost(LocalHost(), unit).listing())


def test_all_that_is_looked_at_before_a_collection_is_one_question(storage: Storage) -> None:
    storage.fill()
    storage.blob(A, 1234)
    storage.link("app/nested/_uploads/0f1e/data", "begun")
    asked: list[Script] = []

    class Counting(LocalHost):
        async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
            asked.append(script)
            return await super().run(script, is_long=is_long)

    unit = Unit("docker", "registry", "/c.yml", True, "", root=str(storage.root), shell=storage.shell)
    host = StorageOfHost(Counting(), unit)
    facts = asyncio.run(host.facts())
    assert len(asked) == 1
    assert (facts.used, [(each.repository, each.id, each.bytes) for each in facts.pending]) == (
        1234,
        [("app/nested", "0f1e", 5)],
    )
    disk = os.statvfs(storage.root)
    assert facts.disk is not None
    assert facts.free is not None
    assert 0 < facts.free < facts.disk <= disk.f_blocks * disk.f_frsize
    assert facts.listing == asyncio.run(host.listing())
    assert facts.listing.tags == (("app", "v1"),)
    assert facts.pending == asyncio.run(host.pending())

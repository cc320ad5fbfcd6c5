"""What a container runs: by digest where its engine knows one, else by its name."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.host.container_list import inspect_containers
from regtui.host.errors import GarbageError, NotOnHost
from regtui.host.hosts import LocalHost, Script, ScriptOutput
from regtui.oci.digest import Digest
from regtui.retention.containers import ContainerHost
from regtui.retention.errors import SourceFailed
from regtui.retention.own_names import OwnImage, OwnNames

NAMES = OwnNames(["registry.example.com"])
APP = "registry.example.com/team/app"
ONE, TWO, BUILT = (Digest("sha256:" + letter * 64) for letter in "abc")
ID = "d" * 64
CONFIG = Digest(f"sha256:{ID}")


class Host:
    """Answers as docker and podman do. `engines`: what each prints of its containers, and of their images."""

    place = "ci@app1"
    login = ""

    def __init__(self, **engines: tuple[list[object], list[object]]) -> None:
        self.engines = engines

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        engine = script.arguments[0]
        if engine not in self.engines:
            return ScriptOutput(0, "absent\n", "")
        containers, images = self.engines[engine]
        if "image" in script.arguments:
            printed = "".join(json.dumps(image) + "\n" for image in images)
            return ScriptOutput(0, printed, "") if images else ScriptOutput(1, "", f"Error: No such image: {ID}")
        lines = [line if isinstance(line, str) else json.dumps(line) for line in containers]
        return ScriptOutput(0, "\n".join([str(len(lines)), *lines]), "")

    def lines(self, script: Script) -> AsyncGenerator[str, None]:
        raise NotImplementedError

    def blocks(self, script: Script) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError

    async def close(self) -> None: ...


def used(**engines: tuple[list[object], list[object]]) -> dict[str, list[OwnImage]]:
    found: dict[str, list[OwnImage]] = {}
    for use in asyncio.run(ContainerHost("app1", Host(**engines), called="app1").uses(NAMES)):
        found.setdefault(use.place.words, []).append(use.image)
    return found


def test_docker_knows_the_digest_by_which_it_was_pulled() -> None:
    other = "sha256:" + "e" * 64
    containers: list[object] = [["1" * 64, "/web", f"sha256:{ID}", f"{APP}:1.4"], ["2" * 64, "/db", other, "db"]]
    images: list[object] = [[f"sha256:{ID}", [f"{APP}@{ONE}", f"registry.example.com/other@{ONE}"]], [other, None]]
    assert used(docker=(containers, images)) == {"runs on app1 as web": [OwnImage("team/app", "", ONE, (), CONFIG)]}


def test_an_image_without_a_name_is_used_by_all_that_it_had() -> None:
    images: list[object] = [[f"sha256:{ID}", [f"{APP}@{ONE}", f"registry.example.com/other@{ONE}"]]]
    found = used(docker=([["1" * 64, "/web", f"sha256:{ID}", f"sha256:{ID}"]], images))
    assert [image.repository for image in found["runs on app1 as web"]] == ["team/app", "other"]


def test_podman_knows_it_also_where_the_tag_moved() -> None:
    moved: list[object] = [["1" * 64, "web", ID, f"{APP}:1.4", f"{APP}:1.4", ONE]]
    assert used(podman=(moved, [[ID, []]])) == {"runs on app1 as web": [OwnImage("team/app", "1.4", ONE, (), CONFIG)]}
    # What is called the same was pulled, and built there before.
    known: list[object] = [[ID, [f"{APP}@{TWO}", f"{APP}@{BUILT}"]]]
    here: list[object] = [["1" * 64, "web", ID, f"{APP}:1.4", f"{APP}:1.4", BUILT]]
    assert used(podman=(here, known)) == {"runs on app1 as web": [OwnImage("team/app", "", TWO, (BUILT,), CONFIG)]}


def test_without_a_digest_the_name_counts() -> None:
    containers: list[object] = [["1" * 64, "/web", f"sha256:{ID}", f"{APP}:1.4"]]
    assert used(docker=(containers, [])) == {"runs on app1 as web": [OwnImage("team/app", "1.4")]}
    assert used(docker=(containers, [[f"sha256:{ID}", None]])) == {"runs on app1 as web": [OwnImage("team/app", "1.4")]}


def test_podman_by_the_name_of_docker_is_counted_once() -> None:
    asked: list[object] = [["1" * 64, "web", ID, f"{APP}:1.4"]]
    more: list[object] = [["1" * 64, "web", ID, f"{APP}:1.4", f"{APP}:1.4", ONE]]
    found = used(docker=(asked, []), podman=(more, []))
    assert found == {"runs on app1 as web": [OwnImage("team/app", "1.4", ONE, (), CONFIG)]}


def test_names_are_shown_as_plain_text() -> None:
    containers: list[object] = [["1" * 64, "/a\x1b[2J\nb" + "x" * 500, f"sha256:{ID}", f"{APP}:1"]]
    (words,) = used(docker=(containers, []))
    assert "\x1b" not in words
    assert "\n" not in words
    assert len(words) < 300


def test_what_is_no_list_of_images_is_no_knowledge() -> None:
    """What a container's image is called by digest keeps that digest."""
    containers: list[object] = [["1" * 64, "/web", f"sha256:{ID}", f"{APP}:1.4"]]
    whole: list[object] = [f"sha256:{ID}", [f"{APP}@{ONE}"]]
    assert used(docker=(containers, [whole]))
    no_images: list[object] = [["no id", None], [f"sha256:{ID}", [1]], [f"sha256:{ID}", "x"], [BUILT, None], {}]
    for wrong in no_images:
        with pytest.raises(SourceFailed, match="doesn't tell what its images are"):
            used(docker=(containers, [wrong]))


PRINTED = (
    *("Cannot connect", "[]", "3F2A9C0D1E", "", "\n\n", "code 0", ID, f"CONTAINER ID\n{ID.upper()}", f"IMAGE\n{ID}"),
    *("CONTAINER ID\n3f2a", "CONTAINER ID\n{}", f"CONTAINER ID\n{ID}\nwarning: x", f"CONTAINER ID\n\n{ID}"),
)


@given(st.sampled_from(PRINTED) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@settings(max_examples=30)
def test_an_engine_that_prints_something_else_is_no_knowledge(printed: str) -> None:
    """Whatever it is asked, as a broken wrapper does, which says that all went well. Only the heading alone, which it
    prints in answer to the list, is a list of none."""
    with TemporaryDirectory() as directory:
        with_engine(Path(directory), printed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", directory)
            with pytest.raises(GarbageError, match="docker"):
                asyncio.run(ContainerHost("here", LocalHost(), called="here").uses(NAMES))
            with pytest.raises(GarbageError, match="docker"):
                asyncio.run(inspect_containers(LocalHost(), ["docker"]))


@pytest.mark.parametrize("prints", ["yes '{}'", "yes ''", "yes 0", f"yes {ID}"])
def test_what_prints_without_an_end_does_not_fill_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prints: str
) -> None:
    """The shell there holds what it took into a variable. Here it may have 200 MB for all."""
    with_engine(tmp_path, "")
    (tmp_path / "docker").write_text(f"#!/bin/sh\nexec {which('yes')} {prints.partition(' ')[2]}\n")
    (tmp_path / "sh").unlink()
    (tmp_path / "sh").write_text(f'#!/bin/sh\nulimit -v 200000\nexec {which("sh")} "$@"\n')
    (tmp_path / "sh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GarbageError, match="no list of containers"):
        asyncio.run(ContainerHost("here", LocalHost(), called="here").uses(NAMES))


def test_a_heading_alone_is_a_list_of_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_engine(tmp_path, "CONTAINER ID\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asyncio.run(ContainerHost("here", LocalHost(), called="here").uses(NAMES)) == []
    assert asyncio.run(inspect_containers(LocalHost(), ["docker"])) == "[]\n"


def with_engine(directory: Path, printed: str) -> None:
    """A PATH with a docker, and nothing else that this machine may have."""
    (directory / "printed").write_text(printed)
    (directory / "docker").write_text(f"#!/bin/sh\nexec cat {directory}/printed\n")
    (directory / "docker").chmod(0o755)
    for tool in ("sh", "cat", "sed", "grep", "head", "tail"):
        (directory / tool).symlink_to(str(which(tool)))


@pytest.mark.parametrize(
    "lines", [["no json"], [["1" * 64, "web"]], [{"ID": 1}], [["1" * 64, "web", 3, "x"]], ["[" * 10_000], ["", '["1"]']]
)
def test_what_is_no_list_of_containers_is_no_knowledge(lines: list[object]) -> None:
    with pytest.raises(SourceFailed, match="doesn't tell what its containers are"):
        used(docker=(lines, []))


def test_a_host_without_an_engine_uses_nothing_that_is_known() -> None:
    with pytest.raises(NotOnHost, match="neither docker nor podman"):
        used()

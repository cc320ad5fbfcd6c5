"""What a container runs: by digest where its engine knows one, else by its name."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from regtui.host.errors import NotOnHost
from regtui.host.hosts import Script, ScriptOutput
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
            return ScriptOutput(0, "".join(json.dumps(image) + "\n" for image in images), "")
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
    containers: list[object] = [["1", "/web", f"sha256:{ID}", f"{APP}:1.4"], ["2", "/db", "sha256:" + "e" * 64, "db"]]
    images: list[object] = [[f"sha256:{ID}", [f"{APP}@{ONE}", f"registry.example.com/other@{ONE}"]]]
    assert used(docker=(containers, images)) == {"runs on app1 as web": [OwnImage("team/app", "", ONE, (), CONFIG)]}


def test_an_image_without_a_name_is_used_by_all_that_it_had() -> None:
    images: list[object] = [[f"sha256:{ID}", [f"{APP}@{ONE}", f"registry.example.com/other@{ONE}"]]]
    found = used(docker=([["1", "/web", f"sha256:{ID}", f"sha256:{ID}"]], images))
    assert [image.repository for image in found["runs on app1 as web"]] == ["team/app", "other"]


def test_podman_knows_it_also_where_the_tag_moved() -> None:
    moved: list[object] = [["1", "web", ID, f"{APP}:1.4", f"{APP}:1.4", ONE]]
    assert used(podman=(moved, [[ID, []]])) == {"runs on app1 as web": [OwnImage("team/app", "1.4", ONE, (), CONFIG)]}
    # What is called the same was pulled, and built there before.
    known: list[object] = [[ID, [f"{APP}@{TWO}", f"{APP}@{BUILT}"]]]
    here: list[object] = [["1", "web", ID, f"{APP}:1.4", f"{APP}:1.4", BUILT]]
    assert used(podman=(here, known)) == {"runs on app1 as web": [OwnImage("team/app", "", TWO, (BUILT,), CONFIG)]}


def test_without_a_digest_the_name_counts() -> None:
    containers: list[object] = [["1", "/web", f"sha256:{ID}", f"{APP}:1.4"]]
    assert used(docker=(containers, [])) == {"runs on app1 as web": [OwnImage("team/app", "1.4")]}
    assert used(docker=(containers, [[f"sha256:{ID}", None]])) == {"runs on app1 as web": [OwnImage("team/app", "1.4")]}


def test_podman_by_the_name_of_docker_is_counted_once() -> None:
    asked: list[object] = [["1", "web", ID, f"{APP}:1.4"]]
    more: list[object] = [["1", "web", ID, f"{APP}:1.4", f"{APP}:1.4", ONE]]
    found = used(docker=(asked, []), podman=(more, []))
    assert found == {"runs on app1 as web": [OwnImage("team/app", "1.4", ONE, (), CONFIG)]}


def test_names_are_shown_as_plain_text() -> None:
    containers: list[object] = [["1", "/a\x1b[2J\nb" + "x" * 500, f"sha256:{ID}", f"{APP}:1"]]
    (words,) = used(docker=(containers, []))
    assert "\x1b" not in words
    assert "\n" not in words
    assert len(words) < 300


@pytest.mark.parametrize(
    "lines", [["no json"], [["1", "web"]], [{"ID": 1}], [["1", "web", 3, "x"]], ["[" * 10_000], ["", '["1"]']]
)
def test_what_is_no_list_of_containers_is_no_knowledge(lines: list[object]) -> None:
    with pytest.raises(SourceFailed, match="doesn't tell what its containers are"):
        used(docker=(lines, []))


def test_a_host_without_an_engine_uses_nothing_that_is_known() -> None:
    with pytest.raises(NotOnHost, match="neither docker nor podman"):
        used()

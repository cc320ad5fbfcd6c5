"""Killed with -9 at any step of a deletion, regtui finishes or reverts it at its next start: on 2.8.2 and 3.1.1, with
crane as witness. The client talks to the registry through a proxy that holds the step's request until it is dead."""

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.clients import ClientFailed, crane, crane_digest, crane_validate
from tests.support.commands import Regtui
from tests.support.content import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Recipe
from tests.support.images import open_registry, push_image, push_index
from tests.support.meddler import Fault, Meddler, Request, meddling
from tests.support.patience import PATIENCE
from tests.support.servers import RegistryServer

TAGS = "abcde"
ACCEPT = ", ".join((DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST))
_SECONDS = PATIENCE


@dataclass
class Scene:
    """A repository of its own in a shared registry, reached through a proxy by a user of their own."""

    server: RegistryServer
    meddler: Meddler
    regtui: Regtui
    home: Path
    repository: str

    @property
    def name(self) -> str:
        return f"{self.server.host}/{self.repository}"

    def tags(self) -> set[str]:
        return set(crane("ls", self.name).split())

    def kill(self, *tags: str, at: Callable[[Request], Fault | None]) -> None:
        """`rm` of the tags, killed where `at` holds a request."""
        self.kill_command("rm", *(f"{self.repository}:{tag}" for tag in tags), at=at)

    def kill_command(self, name: str, *arguments: str, at: Callable[[Request], Fault | None]) -> None:
        self.meddler.held.clear()
        self.meddler.seen.clear()
        self.meddler.decide = at
        command = [sys.executable, "-m", "regtui", name, "-r", self.meddler.url, *arguments, "--yes"]
        nowhere = subprocess.DEVNULL
        environment = self.regtui.environment
        process = subprocess.Popen(command, env=environment, stdin=nowhere, stdout=nowhere, stderr=subprocess.PIPE)
        try:
            assert self.meddler.held.wait(_SECONDS), process.stderr and process.stderr.read()
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        self.meddler.decide = lambda _: None
        self.meddler.release.set()

    def run(self) -> str:
        """The name of the one run that was interrupted."""
        runs = self.regtui.records("undo", "-r", self.meddler.url, "--list")
        (run,) = (record["run"] for record in runs if record["result"] == "interrupted")
        return str(run)

    def settle(self, *, finish: bool) -> None:
        done = self.regtui("undo", "-r", self.meddler.url, self.run(), "--yes", *(["--finish"] if finish else []))
        assert done.returncode == 0, done
        assert all(
            record["result"] != "interrupted"
            for record in self.regtui.records("undo", "-r", self.meddler.url, "--list")
        )
        for placeholder in self.placeholders():
            with pytest.raises(ClientFailed):
                crane_digest(f"{self.name}@{placeholder}")

    def placeholders(self) -> list[str]:
        found = []
        for file in self.home.rglob("*.jsonl"):
            records = [json.loads(line) for line in file.read_text().splitlines()]
            found += [record["digest"] for record in records if record["record"] == "placeholder"]
        return found


@pytest.fixture
def scene(shared_registry: RegistryServer, tmp_path: Path) -> Iterator[Scene]:
    with meddling(shared_registry.url) as meddler:
        yield Scene(shared_registry, meddler, Regtui(tmp_path), tmp_path, f"killed/{uuid4().hex[:12]}")


def at_change(number: int, *, reaches: bool) -> Callable[[Request], Fault | None]:
    return lambda request: Fault(reaches=reaches, hold=True) if request.change == number else None


def at_the_check(scene: Scene) -> Callable[[Request], Fault | None]:
    """All is done; the result is looked at, and not yet recorded."""

    def decide(request: Request) -> Fault | None:
        is_list = request.path.endswith("/tags/list")
        changed = any(seen.change is not None for seen in scene.meddler.seen)
        return Fault(reaches=True, hold=True) if is_list and changed else None

    return decide


STEPS = {
    "before the first change": (1, False),
    "after the first change": (1, True),
    "before the second": (2, False),
    "after the second": (2, True),
    "at the check": (0, True),
}


@pytest.mark.parametrize("finish", [True, False], ids=["finish", "put back"])
@pytest.mark.parametrize("step", STEPS)
def test_one_of_five_tags_and_a_kill_at_any_step(scene: Scene, step: str, finish: bool) -> None:
    number, reaches = STEPS[step]
    if scene.server.version == "3.1.1" and number == 2:
        return  # it deletes a tag by itself, in one step
    with open_registry(scene.server.url) as writer:
        recipe = Recipe(name="killed")
        digest = {push_image(writer, scene.repository, tag, recipe=recipe).digest for tag in TAGS}.pop()
    scene.kill("c", at=at_change(number, reaches=reaches) if number else at_the_check(scene))

    refused = scene.regtui("rm", "-r", scene.meddler.url, f"{scene.repository}:a", "--yes")
    assert refused.returncode == 1
    assert "was interrupted" in refused.stderr
    scene.settle(finish=finish)

    assert scene.tags() == set(TAGS) - ({"c"} if finish else set())
    for tag in scene.tags():
        assert crane_digest(f"{scene.name}:{tag}") == digest
    crane_validate(f"{scene.name}:a")


def test_the_empty_index_of_another_machine_is_not_taken_for_the_image(scene: Scene, tmp_path: Path) -> None:
    if scene.server.version == "3.1.1":
        return  # it deletes a tag by itself
    with open_registry(scene.server.url) as writer:
        recipe = Recipe(name="killed")
        digest = {push_image(writer, scene.repository, tag, recipe=recipe).digest for tag in TAGS}.pop()
    scene.kill("c", at=at_change(2, reaches=False))
    other = tmp_path / "other machine"
    other.mkdir()
    elsewhere = Regtui(other)
    assert "isn't over" in elsewhere("tags", "-r", scene.meddler.url, scene.repository).stderr
    refused = elsewhere("rm", "-r", scene.meddler.url, f"{scene.repository}:c", "--yes")
    assert refused.returncode == 6
    assert "it is an empty index of another deletion, by another user or machine" in refused.stderr
    forever = elsewhere("rm", "-r", scene.meddler.url, f"{scene.repository}:c", "--yes", "--without-undo")
    assert forever.returncode == 0, forever
    assert "c" not in scene.tags()
    elsewhere("undo", scene.meddler.url, "--yes")
    assert "c" not in scene.tags()
    scene.settle(finish=False)
    assert crane_digest(f"{scene.name}:c") == digest


def test_what_was_pushed_anew_is_overwritten_by_the_command_that_was_printed(scene: Scene) -> None:
    with open_registry(scene.server.url) as writer:
        old = push_image(writer, scene.repository, "a", recipe=Recipe(name="a")).digest
        push_image(writer, scene.repository, "keep", recipe=Recipe(name="keep"))
        scene.kill("a", at=at_the_check(scene))
        push_image(writer, scene.repository, "a", recipe=Recipe(name="anew"))
    undone = scene.regtui("undo", "-r", scene.meddler.url, scene.run(), "--yes")
    (command,) = (line for line in undone.stderr.splitlines() if line.startswith("To overwrite: regtui "))
    assert scene.regtui(*shlex.split(command)[3:], "--yes").returncode == 0
    assert crane_digest(f"{scene.name}:a") == old


@pytest.mark.parametrize("finish", [True, False], ids=["finish", "put back"])
@pytest.mark.parametrize("number", [5, 14])
def test_many_tags_and_an_index_and_a_kill_in_between(scene: Scene, number: int, finish: bool) -> None:
    """5: among the placeholders of twelve tags, or the tags; 14: among the manifests."""
    with open_registry(scene.server.url) as writer:
        digests = {f"v{n}": push_image(writer, scene.repository, f"v{n}").digest for n in range(11)}
        multi = push_index(writer, scene.repository, "multi", attestations=True)
        digests["multi"] = multi.digest
        push_image(writer, scene.repository, "stays")
    scene.kill(*digests, at=at_change(number, reaches=number != 5))
    scene.settle(finish=finish)

    assert scene.tags() == {"stays"} | (set() if finish else set(digests))
    crane_validate(f"{scene.name}:stays")
    if finish:
        # What was done before the kill and after it is one run, and is undone as one.
        assert scene.regtui("undo", "-r", scene.meddler.url, "--yes").returncode == 0
    with open_registry(scene.server.url) as reader:
        for tag, digest in digests.items():
            answer = reader.get(f"v2/{scene.repository}/manifests/{tag}", headers={"Accept": ACCEPT})
            assert answer.headers["Docker-Content-Digest"] == digest
    assert crane_digest(f"{scene.name}:multi") == multi.digest
    for platform in multi.children[:2]:
        crane_validate(f"{scene.name}@{platform.digest}")


@pytest.mark.parametrize("reaches", [False, True], ids=["before", "after"])
def test_an_undo_that_was_killed_is_finished(scene: Scene, reaches: bool) -> None:
    with open_registry(scene.server.url) as writer:
        digests = {tag: push_image(writer, scene.repository, tag).digest for tag in ("a", "b")}
        digests["multi"] = push_index(writer, scene.repository, "multi").digest
        push_image(writer, scene.repository, "stays")
    names = [f"{scene.repository}:{tag}" for tag in digests]
    deleted = scene.regtui("rm", "-r", scene.meddler.url, *names, "--yes")
    assert deleted.returncode == 0, deleted.stderr
    scene.kill_command("undo", at=at_change(3, reaches=reaches))
    refused = scene.regtui("undo", "-r", scene.meddler.url, "--yes")
    assert "An undo in" in refused.stderr
    scene.settle(finish=True)
    assert scene.tags() == {*digests, "stays"}
    for tag, digest in digests.items():
        assert crane_digest(f"{scene.name}:{tag}") == digest
        crane_validate(f"{scene.name}:{tag}")


def test_a_tag_that_stands_in_the_way_since_is_not_lost_by_finishing(scene: Scene) -> None:
    """Nobody confirmed that when it began: it was whole."""
    if scene.server.version == "3.1.1":
        return  # no damaged tag stands in the way there
    with open_registry(scene.server.url) as writer:
        for tag in ("a", "keep"):
            push_image(writer, scene.repository, tag, recipe=Recipe(name=tag))
        recipe = Recipe(name="shared")
        for tag in ("c", "d"):
            push_image(writer, scene.repository, tag, recipe=recipe)
    scene.kill("c", at=at_change(1, reaches=True))
    repositories = scene.server.storage / "docker/registry/v2/repositories"
    link = repositories / scene.repository / "_manifests/tags/keep/current/link"
    link.write_text("")
    refused = scene.regtui("undo", "-r", scene.meddler.url, scene.run(), "--finish", "--yes")
    assert refused.returncode == 6, refused
    assert "keep of " in refused.stderr
    assert "Nothing was changed. Without --yes it is asked for." in refused.stderr
    dry = scene.regtui("undo", "-r", scene.meddler.url, scene.run(), "--finish", "--yes", "--dry-run")
    assert (dry.returncode, "keep of " in dry.stderr) == (6, True), dry
    assert link.read_text() == ""
    link.unlink()
    scene.settle(finish=False)

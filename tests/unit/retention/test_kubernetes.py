"""What a pod uses, by the words that kubectl prints of it."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtui.host.hosts import LocalHost
from regtui.oci.digest import Digest
from regtui.retention.errors import SourceFailed
from regtui.retention.kubernetes import Cluster, pod_images
from regtui.retention.own_names import OwnImage, OwnNames

NAMES = OwnNames(["registry.example.com"])
APP = "registry.example.com/team/app"
ONE = Digest("sha256:" + "a" * 64)


def word(*parts: str) -> str:
    return "/".join(quote_plus(part) for part in parts)


def test_what_runs_counts_by_its_digest() -> None:
    words = [word("spec", "web", f"{APP}:1.4", "IfNotPresent"), word("status", "web", f"{APP}@{ONE}", f"{APP}:1.4")]
    assert pod_images(words, NAMES) == [OwnImage("team/app", "", ONE)]


def test_a_tag_that_is_asked_for_at_every_start_counts_besides() -> None:
    words = [word("spec", "web", f"{APP}:1.4", "Always"), word("status", "web", f"docker-pullable://{APP}@{ONE}", "x")]
    assert pod_images(words, NAMES) == [OwnImage("team/app", "", ONE), OwnImage("team/app", "1.4")]


def test_a_node_may_call_it_by_another_name() -> None:
    words = [word("spec", "web", f"{APP}:1.4", "IfNotPresent"), word("status", "web", f"quay.io/mirror@{ONE}", "x")]
    assert pod_images(words, NAMES) == [OwnImage("team/app", "", ONE)]


def test_without_a_digest_the_name_counts_of_that_container() -> None:
    words = [
        word("spec", "web", f"{APP}:1.4", "IfNotPresent"),
        word("spec", "side", f"{APP}:1.5", "IfNotPresent"),
        word("spec", "foreign", "nginx", "Always"),
        word("status", "web", f"{APP}@{ONE}", f"{APP}:1.4"),
        word("status", "side", "docker://sha256:" + "b" * 64, f"{APP}:1.5"),
    ]
    assert pod_images(words, NAMES) == [OwnImage("team/app", "", ONE), OwnImage("team/app", "1.5")]


@given(st.lists(st.text(max_size=30), max_size=8))
def test_no_word_hides_another(words: list[str]) -> None:
    mine = word("spec", "mine own", f"{APP}:1.4", "IfNotPresent")
    quoted = [word("spec", text, text, text) for text in words if text != "mine own"]
    assert OwnImage("team/app", "1.4") in pod_images([*quoted, mine], NAMES)


def told(printed: str) -> list[OwnImage]:
    """What a kubectl that prints this, whatever it is asked, says is in use."""
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        kubectl = Path(directory) / "kubectl"
        (kubectl.parent / "printed").write_text(printed, newline="")
        kubectl.write_text(f"#!/bin/sh\nexec /bin/cat {directory}/printed\n")
        kubectl.chmod(0o755)
        patch.setenv("PATH", f"{directory}:/usr/bin:/bin")
        return [use.image for use in asyncio.run(Cluster("prod", LocalHost()).uses(NAMES))]


SPEC = word("spec", "web", f"{APP}:1.4", "Always")
WRONG = ("", "\n", "No resources found", "list\n", "end\n", f"list\ndefault web {SPEC}\n", f"default web {SPEC}\nend\n")


@given(st.sampled_from(WRONG) | st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=30)
def test_a_kubectl_that_prints_something_else_is_no_knowledge(printed: str) -> None:
    with pytest.raises(SourceFailed, match="doesn't tell what pods there are"):
        told(printed)


@pytest.mark.parametrize(
    "line", ["x", "default", "", "default web x", f"default web {SPEC}x/y", f"default web  {SPEC}"]
)
def test_a_line_that_is_no_object_is_no_knowledge(line: str) -> None:
    with pytest.raises(SourceFailed, match="doesn't tell what pods there are"):
        told(f"list\n{line}\nend\n")


def test_a_cluster_may_use_nothing() -> None:
    assert told("list\nend\n") == []
    assert set(told(f"list\ndefault web {SPEC}\nend\n")) == {OwnImage("team/app", "1.4")}

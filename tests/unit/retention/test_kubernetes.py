"""What a pod uses, by the words that kubectl prints of it."""

from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.digest import Digest
from regtui.retention.kubernetes import pod_images
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

"""References are compared as Docker normalises them, with all names of the registry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.digest import Digest
from regtui.retention.own_names import OwnImage, OwnNames

DIGEST = Digest("sha256:" + "a" * 64)
NAMES = OwnNames(["https://registry.example.com", "registry.internal:5000"])


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("registry.example.com/team/app:1.4", OwnImage("team/app", "1.4")),
        ("registry.example.com:443/team/app:1.4", OwnImage("team/app", "1.4")),
        ("Registry.Example.COM/team/app:1.4", OwnImage("team/app", "1.4")),
        ("registry.internal:5000/team/app", OwnImage("team/app", "latest")),
        (f"registry.example.com/team/app@{DIGEST}", OwnImage("team/app", "", DIGEST)),
        (f"registry.example.com/team/app:1.4@{DIGEST}", OwnImage("team/app", "1.4", DIGEST)),
        (f"docker-pullable://registry.example.com/team/app@{DIGEST}", OwnImage("team/app", "", DIGEST)),
        ("registry.internal/team/app:1.4", None),
        ("registry.example.com:5000/team/app:1.4", None),
        ("registry.example.com.evil.com/team/app:1.4", None),
        ("nginx:1.25", None),
        ("team/app:1.4", None),
        ("registry.example.com/Team/app:1.4", None),
        ("registry.example.com/team/app@sha256:abc", None),
        ("registry.example.com", None),
        ("", None),
        ("sha256:" + "a" * 64, None),
        ("registry.example.com/" + "a" * 5000, None),
    ],
)
def test_what_a_reference_names(text: str, image: OwnImage | None) -> None:
    assert NAMES.image(text) == image


def test_the_registry_of_names_without_a_host_is_docker_hub() -> None:
    names = OwnNames(["registry.example.com", "docker.io"])
    assert names.image("nginx:1.25") == names.image("index.docker.io/library/nginx:1.25")
    assert names.image("nginx:1.25") == OwnImage("library/nginx", "1.25")
    assert names.image("team/app") == OwnImage("team/app", "latest")
    assert names.image("localhost/app") is None


def test_a_path_of_the_address_is_no_part_of_the_repository() -> None:
    names = OwnNames(["registry.example.com/mirror", "[::1]:5000"])
    assert names.image("registry.example.com/mirror/team/app:1") == OwnImage("team/app", "1")
    assert names.image("registry.example.com/team/app:1") is None
    assert names.image("[::1]:5000/app:2") == OwnImage("app", "2")


def test_a_tag_that_stands_beside_the_name() -> None:
    assert NAMES.image("registry.example.com/app", tag="1.4") == OwnImage("app", "1.4")
    assert NAMES.image("registry.example.com/app", tag="${TAG}") == OwnImage("app")
    assert NAMES.image("registry.example.com/app", tag="") == OwnImage("app")
    assert NAMES.image("registry.example.com/app:1.3", tag="1.4") == OwnImage("app", "1.3")


@given(st.text(max_size=60))
def test_no_text_is_more_than_passed_over(text: str) -> None:
    for written in (text, f"registry.example.com/{text}"):
        image = NAMES.image(written)
        assert image is None or image.repository
    NAMES.is_own(text)

"""What files name, in every form in which people write it."""

import asyncio
import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.digest import Digest
from regtui.retention.errors import SourceFailed
from regtui.retention.files import Files, images_in
from regtui.retention.own_names import OwnImage, OwnNames

NAMES = OwnNames(["registry.example.com", "registry.internal:5000"])
DIGEST = Digest("sha256:" + "b" * 64)
APP = OwnImage("team/app", "1.4")


def named(text: str) -> list[tuple[OwnImage, int]]:
    return [(found.image, found.line) for found in images_in(text, NAMES)]


COMPOSE = """\
services:
  web:
    image: registry.example.com/team/app:1.4
  db:
    image: postgres:16
  cache:
    image: "registry.internal:5000/team/cache"
"""
HELM = """\
image:
  registry: registry.example.com
  repository: team/app
  tag: 1.10
sidecar:
  image:
    repository: registry.example.com/team/sidecar
    pullPolicy: Always
other:
  registry: quay.io
  repository: team/app
  tag: "9"
"""
GLOBAL = """\
global:
  imageRegistry: registry.example.com
web:
  image: {repository: team/app, tag: "1.4"}
"""
KUSTOMIZE = f"""\
images:
- name: app
  newName: registry.example.com/team/app
  newTag: "1.4"
- name: registry.example.com/team/worker
  digest: {DIGEST}
"""
CHART = """\
dependencies:
- name: base
  repository: oci://registry.example.com/charts
  version: 1.2.3
"""
TEMPLATE = """\
{{- if .Values.on }}
      image: registry.example.com/team/app:1.4
{{- end }}
"""


def test_compose() -> None:
    assert named(COMPOSE) == [(APP, 3), (OwnImage("team/cache", "latest"), 7)]


def test_helm_values_keep_tags_as_they_are_written() -> None:
    assert named(HELM) == [(OwnImage("team/app", "1.10"), 3), (OwnImage("team/sidecar"), 7)]
    assert named(GLOBAL) == [(APP, 4)]


def test_kustomize_and_charts() -> None:
    assert named(KUSTOMIZE) == [(APP, 3), (OwnImage("team/worker", "", DIGEST), 5)]
    assert named(CHART) == [(OwnImage("charts/base", "1.2.3"), 3)]


def test_what_is_no_yaml_is_searched() -> None:
    assert named(TEMPLATE) == [(APP, 2)]
    assert named("# v\n\nRUN x\nFROM registry.example.com/team/app:1.4 AS build\n\tx: [") == [(APP, 4)]
    assert named('- "run: docker pull registry.example.com/team/app:1.4 && x"') == [(APP, 1)]


@pytest.mark.parametrize("tag", ["${TAG}", "${TAG:-1.4}", "$TAG", "1.${MINOR}", "{{ tag }}", "<version>"])
def test_a_tag_that_is_not_written_out_may_be_any(tag: str) -> None:
    assert [image for image, _ in named(f"image: registry.example.com/team/app:{tag}")] == [OwnImage("team/app")]
    assert [image for image, _ in named(f"\t{{ registry.example.com/team/app:{tag}")] == [OwnImage("team/app")]


@pytest.mark.parametrize("path", ["$APP", "${APP}", "team/$APP", "team/{{ app }}"])
def test_a_repository_that_is_not_written_out_is_not_guessed(path: str) -> None:
    with pytest.raises(SourceFailed, match="line 2 names an image"):
        named(f"a: b\nimage: registry.example.com/{path}:1\n")


def test_what_is_no_reference_is_passed_over() -> None:
    assert named("url: https://registry.example.com/v2/team/app/manifests/1.4") == []
    assert named("host: registry.example.com") == []
    assert named("mail: root@registry.example.com/team") == []
    assert named("image: myregistry.example.com/team/app:1") == []
    assert named("see registry.example.com/team/app:1.4.") == [(APP, 1)]


@given(
    image=st.sampled_from([APP, OwnImage("a", "v1"), OwnImage("a-b/c_d", "x.Y-z"), OwnImage("z", "", DIGEST)]),
    name=st.sampled_from(["registry.example.com", "REGISTRY.example.com", "registry.internal:5000"]),
    before=st.text(alphabet=" \n\t\"'=[({:,x", max_size=6),
    after=st.text(alphabet=" \n\t\"'])},;x", max_size=6),
)
def test_a_reference_in_any_text_is_found(image: OwnImage, name: str, before: str, after: str) -> None:
    written = f"{name}/{image.repository}" + (f":{image.tag}" if image.tag else f"@{image.digest}")
    text = f"{before.rstrip('x')}{written} {after}"
    assert image in [found.image for found in images_in(text, NAMES)]


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=8),
        lambda each: (
            st.lists(each, max_size=3)
            | st.dictionaries(st.sampled_from(["image", "name", "tag", "repository", "x"]), each, max_size=4)
        ),
        max_leaves=12,
    ),
    st.booleans(),
)
def test_a_reference_anywhere_in_a_document_is_found(around: object, is_json: bool) -> None:
    document = [around, {"deep": [{"image": "registry.example.com/team/app:1.4", "name": "web", "around": around}]}]
    text = json.dumps(document) if is_json else yaml.safe_dump(document)
    assert APP in [found.image for found in images_in(text, NAMES)]


def test_depth_and_aliases_cost_nothing() -> None:
    assert named("[" * 100_000 + "registry.example.com/team/app:1.4") == [(APP, 1)]
    bomb = "a: &a [registry.example.com/team/app:1.4]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
    )
    assert named(bomb) == [(APP, 1)]


def uses(pattern: str) -> list[str]:
    return [f"{use.image.repository}:{use.image.tag} {use.place.where}" for use in asyncio.run(_uses(pattern))]


async def _uses(pattern: str):  # type: ignore[no-untyped-def]
    return await Files(pattern).uses(NAMES)


def test_a_pattern_names_files_with_their_lines(home: Path) -> None:
    (home / "gitops/prod").mkdir(parents=True)
    (home / "gitops/prod/web.yaml").write_text(COMPOSE)
    (home / "gitops/prod/.env").write_text("IMAGE=registry.example.com/team/app:1.4\n")
    assert uses("~/gitops/**/*.yaml") == [
        "team/app:1.4 ~/gitops/prod/web.yaml:3",
        "team/cache:latest ~/gitops/prod/web.yaml:7",
    ]
    assert uses("~/gitops/*/.env") == ["team/app:1.4 ~/gitops/prod/.env:1"]


def test_what_cannot_be_read_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceFailed, match="There is no file"):
        uses("~/nowhere/*.yaml")
    os.mkfifo(home / "pipe.yaml")
    with pytest.raises(SourceFailed, match="is no file"):
        uses("~/pipe.yaml")
    (home / "gone.yaml").symlink_to(home / "nowhere")
    with pytest.raises(SourceFailed, match="can't be read: no such file"):
        uses("~/gone.*")
    (home / "large.yaml").write_bytes(b"x" * 100)
    monkeypatch.setattr("regtui.bounds.USE_FILE", 99)
    with pytest.raises(SourceFailed, match="is larger than"):
        uses("~/large.yaml")

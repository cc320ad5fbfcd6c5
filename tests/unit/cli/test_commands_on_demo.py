"""find, usage, compare and tag, against the registry in memory."""

import json
from dataclasses import replace

import pytest

from regtui.cli.main import main
from regtui.session import resolving
from regtui.session.target import demo_target

Captured = pytest.CaptureFixture[str]
Record = dict[str, object]


@pytest.fixture(autouse=True)
def one_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same demo registry for every run of a test."""
    target = demo_target()
    monkeypatch.setattr(resolving, "demo_target", lambda: replace(target))


def records(capsys: Captured) -> list[Record]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def digest_of(capsys: Captured, repository: str, tag: str) -> str:
    assert main(["tags", "-r", "demo", repository, "--json"]) == 0
    return next(str(record["digest"]) for record in records(capsys) if record["tag"] == tag)


# find


def test_a_tag_is_found_by_words_of_it_and_of_its_repository(capsys: Captured) -> None:
    assert main(["find", "-r", "demo", "COMMON", "0.0.4", "--json"]) == 0
    found = records(capsys)
    assert {record["repository"] for record in found} == {"fullstack/common"}
    assert found[0].keys() == {"reference", "repository", "tag", "digest"}
    assert {str(record["tag"]) for record in found} >= {"0.0.43", "0.0.42", "0.0.4"}
    assert {record["digest"] for record in found} == {None}


@pytest.mark.parametrize("asked", [slice(None), slice(len("sha256:"), 19)])
def test_a_digest_is_found_under_every_tag_that_has_it(asked: slice, capsys: Captured) -> None:
    digest = digest_of(capsys, "fullstack/common", "0.0.43")
    assert main(["find", "-r", "demo", digest[asked], "--json"]) == 0
    found = records(capsys)
    assert [record["reference"] for record in found] == ["fullstack/common:latest", "fullstack/common:0.0.43"]
    assert {record["digest"] for record in found} == {digest}


def test_what_is_nowhere_is_exit_code_5(capsys: Captured) -> None:
    assert main(["find", "-r", "demo", "no-such-tag"]) == 5
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "Nothing was found.\n")


# usage


def test_each_repository_and_namespace_has_its_bytes_and_those_of_its_own(capsys: Captured) -> None:
    assert main(["usage", "demo", "--json"]) == 0
    *rows, last = records(capsys)
    spaces = [row for row in rows if "namespace" in row]
    repositories = {str(row["repository"]): row for row in rows if "repository" in row}
    assert last["registry"] == "demo"
    assert last.keys() == {"registry", "tags", "manifests", "bytes", "own_bytes", "complete"}
    assert main(["ls", "demo", "--json"]) == 0
    assert {record["repository"] for record in records(capsys)} == repositories.keys()
    sums = {key: sum(int(str(row[key])) for row in repositories.values()) for key in ("tags", "bytes", "own_bytes")}
    assert last["tags"] == sums["tags"]
    # What several use counts once in all, and as nobody's own.
    assert sums["own_bytes"] < int(str(last["bytes"])) < sums["bytes"]
    common = repositories["fullstack/common"]
    inside = next(row for row in spaces if row["namespace"] == "fullstack")
    assert int(str(common["own_bytes"])) <= int(str(common["bytes"])) < int(str(inside["bytes"]))
    assert common["complete"] is True


def test_usage_to_a_pipe_is_name_bytes_own_bytes_and_tags(capsys: Captured) -> None:
    assert main(["usage", "demo"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0][0] == "fullstack/"
    assert all(len(row) == 4 and all(number.isdecimal() for number in row[1:]) for row in rows)


# compare


def test_what_two_images_differ_in_is_a_line_each(capsys: Captured) -> None:
    assert main(["compare", "-r", "demo", "fullstack/common:0.0.42", "fullstack/common:0.0.43", "--json"]) == 0
    found = records(capsys)
    assert all(record.keys() == {"what", "platform", "name", "left", "right"} for record in found)
    version = next(each for each in found if each["name"] == "label org.opencontainers.image.version")
    assert (version["what"], version["left"], version["right"]) == ("config", "0.0.42", "0.0.43")
    layers = [record for record in found if record["what"] == "layer"]
    assert layers
    assert all((layer["left"] is None) != (layer["right"] is None) for layer in layers)


def test_one_that_is_not_there_is_told_with_those_that_are_like_it(capsys: Captured) -> None:
    assert main(["compare", "-r", "demo", "fullstack/common:0.0.43", "fullstack/common:0.0.433"]) == 5
    assert "0.0.43" in capsys.readouterr().err


# tag


def test_an_image_has_another_tag(capsys: Captured) -> None:
    digest = digest_of(capsys, "fullstack/common", "0.0.40")
    assert main(["tag", "-r", "demo", "fullstack/common:0.0.40", "rollback", "--json"]) == 0
    assert records(capsys) == [
        {
            "reference": "fullstack/common:rollback",
            "digest": digest,
            "action": "tag",
            "status": "done",
            "error": None,
        }
    ]
    assert digest_of(capsys, "fullstack/common", "rollback") == digest


def test_a_tag_of_another_image_is_moved_only_where_that_was_said(capsys: Captured) -> None:
    before = digest_of(capsys, "fullstack/common", "stable")
    command = ["tag", "-r", "demo", "fullstack/common:0.0.43", "stable"]
    assert main(command) == 2
    told = capsys.readouterr().err
    assert before.removeprefix("sha256:")[:12] in told
    assert "Add --overwrite to move it." in told
    assert digest_of(capsys, "fullstack/common", "stable") == before
    assert main([*command, "--overwrite"]) == 0
    assert capsys.readouterr().err == ""
    assert digest_of(capsys, "fullstack/common", "stable") == digest_of(capsys, "fullstack/common", "0.0.43")


def test_a_tag_that_is_the_image_already_stays_as_it_is(capsys: Captured) -> None:
    assert main(["tag", "-r", "demo", "fullstack/common:0.0.43", "latest"]) == 0
    assert capsys.readouterr().out.split("\t")[3:] == ["skipped", "it is this image already\n"]


@pytest.mark.parametrize(
    "words", [("fullstack/common", "x"), ("fullstack/common:0.0.43", "-x "), ("tools/cli:1", "a/b")]
)
def test_what_is_no_image_or_no_tag_is_wrong_usage(words: tuple[str, str], capsys: Captured) -> None:
    assert main(["tag", "-r", "demo", words[0], "--", words[1]]) == 2
    assert capsys.readouterr().out == ""


def test_a_registry_that_is_read_only_gets_no_tag(capsys: Captured) -> None:
    assert main(["tag", "-r", "demo", "fullstack/common:0.0.43", "x", "--read-only"]) == 2
    assert "read-only" in capsys.readouterr().err

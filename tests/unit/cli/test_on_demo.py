"""The commands against the registry in memory."""

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from regtui.cli.main import main
from regtui.session import resolving
from regtui.session.target import demo_target

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def one_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same demo registry for every run of a test: what one deletes, the next doesn't find."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "REGTUI_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    target = demo_target()
    monkeypatch.setattr(resolving, "demo_target", lambda: replace(target))


def lines(capsys: Captured) -> list[str]:
    return capsys.readouterr().out.splitlines()


def records(capsys: Captured) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines(capsys)]


def test_ls(capsys: Captured) -> None:
    assert main(["ls", "demo"]) == 0
    names = lines(capsys)
    assert "fullstack/common" in names
    assert main(["ls", "--json", "-r", "demo"]) == 0
    assert records(capsys) == [{"repository": name} for name in names]


def test_the_registry_may_come_from_the_environment(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGTUI_REGISTRY", "demo")
    assert main(["tags", "tools/cli", "--names"]) == 0
    assert lines(capsys)


def test_tags_are_listed_newest_version_first(capsys: Captured) -> None:
    assert main(["tags", "-r", "demo", "fullstack/common"]) == 0
    rows = [line.split("\t") for line in lines(capsys)]
    names = [row[0] for row in rows]
    assert [name for name in names if name[0] == "0"][:3] == ["0.0.43", "0.0.42", "0.0.41"]
    _, created, size, platforms, digest = rows[names.index("0.0.43")]
    assert created.endswith("Z")
    assert size.isdecimal()
    assert platforms == "linux/amd64"
    assert digest.startswith("sha256:")
    assert main(["tags", "-r", "demo", "fullstack/common", "--names"]) == 0
    assert lines(capsys) == names


def test_tags_are_sorted_over_the_whole_list(capsys: Captured) -> None:
    assert main(["tags", "-r", "demo", "fullstack/common", "--json"]) == 0
    by_version = records(capsys)
    for key, of in (("created", "created"), ("size", "pull_size")):
        assert main(["tags", "-r", "demo", "fullstack/common", "--json", "--sort", key]) == 0
        found = records(capsys)
        values = [str(record[of]) if key == "created" else int(str(record["size"])) for record in found]
        assert values == sorted(values, reverse=True)
        assert sorted(map(str, found)) == sorted(map(str, by_version))
        assert found != by_version


def test_what_has_no_date_is_last(capsys: Captured) -> None:
    assert main(["tags", "-r", "demo", "legacy/billing", "--json", "--sort", "created"]) == 0
    created = [str(record["created"] or "") for record in records(capsys)]
    assert created == sorted(created, reverse=True)
    assert created[-2:] == ["", ""]


def test_names_alone_are_sorted_by_version(capsys: Captured) -> None:
    assert main(["tags", "-r", "demo", "fullstack/common", "--names", "--sort", "size"]) == 2
    assert "--names" in capsys.readouterr().err


def test_a_tag_s_json_record(capsys: Captured) -> None:
    assert main(["tags", "-r", "demo", "fullstack/gateway", "--json"]) == 0
    record = records(capsys)[0]
    assert list(record) == ["repository", "tag", "digest", "media_type", "created", "size", "pull_size", "platforms"]
    platforms = record["platforms"]
    assert isinstance(platforms, list)
    sizes = [platform["size"] for platform in platforms]
    assert record["pull_size"] == [min(sizes), max(sizes)]
    assert max(sizes) < record["size"]
    assert [platform["platform"] for platform in platforms] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def test_a_broken_tag_is_an_answer(capsys: Captured) -> None:
    assert main(["tags", "-r", "demo", "legacy/billing", "--json"]) == 0
    broken = [record for record in records(capsys) if record["digest"] is None]
    assert [record["error"] for record in broken] == ["its manifest is gone"]
    assert main(["tags", "-r", "demo", "legacy/billing"]) == 0
    assert "its manifest is gone." in capsys.readouterr().err


def test_hostile_names_reach_no_terminal(capsys: Captured) -> None:
    for command in (["tags", "-r", "demo", "sandbox/hostile"], ["inspect", "-r", "demo", "sandbox/hostile:platforms"]):
        assert main(command) == 0
        said = capsys.readouterr()
        assert not set(said.out + said.err) & set("\x1b\x07\x9b\u202e")


def test_inspect_writes_exact_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    import hashlib

    assert main(["inspect", "-r", "demo", "fullstack/gateway:latest", "--json"]) == 0
    record = json.loads(capfdbinary.readouterr().out)
    assert main(["inspect", "-r", "demo", "fullstack/gateway", "--raw"]) == 0
    assert "sha256:" + hashlib.sha256(capfdbinary.readouterr().out).hexdigest() == record["digest"]
    assert main(["inspect", "-r", "demo", "fullstack/gateway", "--raw", "--platform", "linux/arm/v7"]) == 0
    of_platform = "sha256:" + hashlib.sha256(capfdbinary.readouterr().out).hexdigest()
    assert of_platform == record["platforms"][2]["digest"]


def test_inspect_s_json_record(capsys: Captured) -> None:
    assert main(["inspect", "-r", "demo", "fullstack/common:0.0.43", "--json"]) == 0
    (record,) = records(capsys)
    assert {"reference", "digest", "media_type", "size", "manifest", "platforms"} <= record.keys()
    assert record["reference"] == "fullstack/common:0.0.43"
    (platform,) = cast("list[dict[str, dict[str, object]]]", record["platforms"])
    assert platform["config"]["architecture"] == "amd64"


def test_a_platform_that_isn_t_there(capsys: Captured) -> None:
    assert main(["inspect", "-r", "demo", "fullstack/common:0.0.43", "--platform", "plan9/mips"]) == 5
    said = capsys.readouterr().err
    assert said == "regtui: fullstack/common:0.0.43 is not made for plan9/mips. It is for linux/amd64.\n"
    assert main(["inspect", "-r", "demo", "fullstack/common:0.0.43", "--platform", "mips"]) == 2


def test_an_unknown_tag_names_the_nearest(capsys: Captured) -> None:
    assert main(["inspect", "-r", "demo", "fullstack/common:0.0.99"]) == 5
    assert capsys.readouterr().err.startswith("regtui: fullstack/common has no tag 0.0.99. Nearest: 0.0.9, ")
    assert main(["inspect", "-r", "demo", "fullstack/nothing:1"]) == 5
    assert capsys.readouterr().err == "regtui: demo.localhost has no repository fullstack/nothing.\n"


def test_a_tag_given_to_tags_is_explained(capsys: Captured) -> None:
    assert main(["tags", "-r", "demo", "fullstack/common:latest"]) == 2
    assert "regtui inspect fullstack/common:latest" in capsys.readouterr().err


def names(capsys: Captured, repository: str) -> list[str]:
    assert main(["tags", "-r", "demo", repository, "--names"]) == 0
    return lines(capsys)


def test_rm_removes_what_was_named_and_nothing_else(capsys: Captured) -> None:
    before = names(capsys, "fullstack/common")
    assert main(["rm", "-r", "demo", "fullstack/common:latest", "fullstack/common:0.0.9", "--yes", "--json"]) == 0
    told = records(capsys)
    assert all(list(record) == ["reference", "digest", "action", "status", "error"] for record in told)
    assert {(record["action"], record["status"]) for record in told} == {("untag", "done"), ("delete", "done")}
    assert len({(record["reference"], record["action"]) for record in told}) == len(told) == 3
    assert set(before) - set(names(capsys, "fullstack/common")) == {"latest", "0.0.9"}


def test_a_dry_run_changes_nothing(capsys: Captured) -> None:
    before = names(capsys, "fullstack/common")
    assert main(["rm", "-r", "demo", "fullstack/common:0.0.9", "--dry-run", "--json"]) == 0
    assert {record["status"] for record in records(capsys)} == {"planned"}
    assert names(capsys, "fullstack/common") == before


@pytest.mark.parametrize(
    "command",
    [
        ["rm", "-r", "demo", "fullstack/common:0.0.9"],
        ["rm", "-r", "demo", "--all-repositories", "--match", "^0.0.9$"],
    ],
    ids=["rm", "sweep"],
)
def test_a_dry_run_ends_as_the_run_would_be_refused_and_says_why_once(command: list[str], capsys: Captured) -> None:
    """A script that asks first has nothing but the exit code."""
    assert main([*command, "--dry-run", "--read-only"]) == 6
    assert capsys.readouterr().err.count("opened read-only") == 1
    assert main([*command, "--dry-run"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["fullstack/common"], 2, "names no tag"),
        (["fullstack/common:0.0.9"], 2, "Nobody can be asked here."),
        (["fullstack/common:0.0.9", "--yes", "--read-only"], 6, "opened read-only"),
        (["fullstack/common:0.0.9", "fullstack/common:0.0.99", "--yes"], 5, "has no tag 0.0.99. Nearest: "),
        (["fullstack/common@sha256:" + "0" * 64, "--yes"], 5, "has no manifest sha256:000"),
        (["fullstack/common:1@sha256:" + "0" * 64, "--yes"], 2, "a tag and a digest"),
        (["fullstack/common:0.0.9", "fullstack/nothing:1", "--yes"], 5, "has no repository fullstack/nothing"),
    ],
)
def test_rm_that_is_not_carried_out(capsys: Captured, arguments: list[str], code: int, sentence: str) -> None:
    before = names(capsys, "fullstack/common")
    assert main(["rm", "-r", "demo", *arguments]) == code
    assert sentence in capsys.readouterr().err
    assert names(capsys, "fullstack/common") == before


def test_a_digest_with_tags_goes_only_with_manifest(capsys: Captured) -> None:
    assert main(["tags", "-r", "demo", "fullstack/common", "--json"]) == 0
    digests = {record["tag"]: record["digest"] for record in records(capsys)}
    reference = f"fullstack/common@{digests['latest']}"
    assert main(["rm", "-r", "demo", reference, "--yes"]) == 6
    assert "0.0.43, latest" in capsys.readouterr().err
    assert main(["rm", "-r", "demo", reference, "--yes", "--manifest"]) == 0
    assert digests.keys() - set(names(capsys, "fullstack/common")) == {"0.0.43", "latest"}


def test_protected_tags_are_left_alone_without_a_question(capsys: Captured, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('protect = ["latest"]\n')
    command = ["rm", "-r", "demo", "--config", str(config), "--yes", "--json"]
    both = ["fullstack/common:latest", "fullstack/common:0.0.9"]
    assert main([*command, *both, "--dry-run"]) == 1, "a rehearsal says what the run will"
    rehearsed = {str(record["reference"]): record["status"] for record in records(capsys)}
    assert (rehearsed["fullstack/common:latest"], rehearsed["fullstack/common:0.0.9"]) == ("skipped", "planned")
    assert main([*command, *both]) == 1
    told = {str(record["reference"]): record for record in records(capsys)}
    assert told["fullstack/common:latest"]["status"] == "skipped"
    assert str(told["fullstack/common:latest"]["error"]).startswith("protected: ")
    assert told["fullstack/common:0.0.9"]["status"] == "done"
    assert main([*command, "fullstack/common:0.0.43", "--manifest"]) == 1
    assert {"latest", "0.0.43"} <= set(names(capsys, "fullstack/common"))


def test_the_log_has_requests_and_is_private(tmp_path: Path, capsys: Captured) -> None:
    log = tmp_path / "requests.log"
    assert main(["ls", "demo", "--log-file", str(log)]) == 0
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "GET http://demo.localhost/v2/ 200 " in log.read_text()


def test_login_without_anybody_to_ask(capsys: Captured) -> None:
    assert main(["login", "registry.example.com"]) == 2
    assert "--password-stdin" in capsys.readouterr().err


def test_what_protects_nothing_is_told_and_by_the_doctor_too(tmp_path: Path, capsys: Captured) -> None:
    config = tmp_path / "config.toml"
    config.write_text('protect = ["^latest$"]\n')
    assert main(["ls", "demo", "--config", str(config)]) == 0
    told = (
        'protect protects nothing by "^latest$": shell patterns are meant (* ? [a-z]), not expressions. Write "latest".'
    )
    assert capsys.readouterr().err == f"regtui: The config file {config}: {told}\n"
    assert main(["doctor", "demo", "--json", "--config", str(config)]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    checks = [json.loads(line) for line in captured.out.splitlines()]
    assert [(check["check"], check["message"]) for check in checks if check["status"] == "failed"] == [
        ("deletion", told)
    ]


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost:5000", "registry.example.com:443"])
def test_a_registry_is_not_taken_for_an_image(capsys: Captured, host: str) -> None:
    assert main(["tags", host]) == 2
    told = capsys.readouterr().err
    assert f"{host} is a registry, not a repository." in told
    assert f"regtui ls {host}" in told


def test_one_image_is_told_as_one(capsys: Captured) -> None:
    assert main(["tags", "tools/cli:1.0"]) == 2
    assert "regtui inspect tools/cli:1.0" in capsys.readouterr().err

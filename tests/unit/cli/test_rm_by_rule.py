"""`regtui rm` by rule against the registry in memory: what is refused, asked, told, and left alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from regtui.cli import running, sweep
from regtui.cli.main import main
from regtui.demo.sample import sample_storage
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.session import resolving
from regtui.session.target import demo_target

Captured = pytest.CaptureFixture[str]
RM = ["rm", "-r", "demo"]


class Failing(httpx.AsyncBaseTransport):
    """The demo, but for paths that contain one of `failing`: answered by that status. `before`: somebody else does
    something before each request, by its path."""

    def __init__(self) -> None:
        self.inner = LocalTransport(sample_storage(datetime.now(UTC)), "2.8.2")
        self.failing: dict[str, int] = {}
        self.asked: list[str] = []
        self.before: Callable[[str], object] = lambda path: None

    @property
    def storage(self) -> MemoryStorage:
        return self.inner.storage

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        self.before(request.url.path)
        for part, status in self.failing.items():
            if part in request.url.path:
                return httpx.Response(status, json={"errors": [{"code": "UNKNOWN", "message": "no"}]})
        return await self.inner.handle_async_request(request)


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch) -> Failing:
    """The registry that every run of a test meets."""
    transport = Failing()
    target = replace(demo_target(), http=HttpSettings(transport=transport, retry=RetryPolicy(tries=1)))
    monkeypatch.setattr(resolving, "demo_target", lambda: replace(target))
    return transport


def tags(demo: Failing, repository: str) -> set[str]:
    return set(demo.storage.repositories[repository].tags)


def all_tags(demo: Failing) -> dict[str, set[str]]:
    return {name: set(repository.tags) for name, repository in demo.storage.repositories.items()}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Nothing is named. Name REPOSITORY:TAG, or a REPOSITORY with a rule."),
        (["fullstack/common"], "fullstack/common names no tag."),
        (["fullstack/common:latest", "--keep", "3"], "fullstack/common:latest is one image, and a rule looks at"),
        (["fullstack/common", "--keep-match", "^v"], "--keep-match says what stays, and nothing says what goes."),
        (["fullstack/common", "--match", ""], "--match is empty."),
        (["fullstack/common", "--match", "x", "--older-than", ""], "--older-than is empty."),
        (["fullstack/common", "--match", "1.(2"], "--match: '1.(2' is no valid expression: missing )."),
        (["fullstack/common", "--older-than", "30"], "--older-than: '30' has no unit."),
        (["fullstack/common", "--match", "x", "--keep-by", "version"], "--keep-by says how --keep counts"),
        (["fullstack/common", "--keep", "3", "--manifest"], "--manifest takes other tags along"),
        (["fullstack/common", "--keep", "3"], "Nobody can be asked here."),
        (["--all-repositories"], "--all-repositories needs a rule."),
        (["--all-repositories", "--keep", "3"], "Nobody can be asked here."),
        (["fullstack/common", "--all-repositories", "--keep", "3"], "--all-repositories names them all, and fullstack"),
    ],
)
def test_what_makes_no_sense_is_refused(demo: Failing, capsys: Captured, arguments: list[str], sentence: str) -> None:
    before = all_tags(demo)
    assert main([*RM, *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"regtui: {sentence}")
    assert said.count("\n") == 1
    assert all_tags(demo) == before
    assert not demo.asked


def test_no_repository_and_no_match(demo: Failing, capsys: Captured) -> None:
    assert main([*RM, "fullstack/nothing", "--keep", "3", "--yes"]) == 5
    assert "has no repository fullstack/nothing" in capsys.readouterr().err
    assert main([*RM, "fullstack/common", "--match", "^nothing$", "--yes", "--json"]) == 0
    assert capsys.readouterr() == ("", "fullstack/common: no tag matches.\n")


def test_names_alone_ask_for_no_tag(demo: Failing, capsys: Captured) -> None:
    assert main([*RM, "fullstack/common", "--match", "^nothing$", "--yes"]) == 0
    assert main([*RM, "fullstack/common", "--keep", "900", "--keep-by", "version", "--yes"]) == 0
    assert not [path for path in demo.asked if "/manifests/" in path]


def test_only_what_is_in_question_is_read(demo: Failing, capsys: Captured) -> None:
    assert main([*RM, "fullstack/common", "--match", "^0.0.1.$", "--older-than", "99y", "--yes"]) == 0
    asked = {path.rpartition("/")[2] for path in demo.asked if "/manifests/" in path}
    assert {tag for tag in asked if not tag.startswith("sha256:")} == {f"0.0.{patch}" for patch in range(10, 20)}


def test_several_repositories_by_one_rule(demo: Failing, capsys: Captured) -> None:
    command = [*RM, "fullstack/common", "tools/cli", "fullstack/gateway", "--keep", "2", "--yes", "--json"]
    assert main(command) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {record["status"] for record in records} == {"done"}
    assert [len(tags(demo, name)) for name in ("fullstack/common", "tools/cli", "fullstack/gateway")] == [2, 2, 2]


def test_a_tag_that_can_not_be_read_stays_and_is_no_success(demo: Failing, capsys: Captured) -> None:
    demo.failing["/manifests/0.0.10"] = 500
    before = tags(demo, "fullstack/common")
    assert main([*RM, "fullstack/common", "--match", "^0.0.1[0-2]$", "--older-than", "1h", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "regtui: 1 tag of fullstack/common could not be read, and stays: 0.0.10." in said
    assert before - tags(demo, "fullstack/common") == {"0.0.11", "0.0.12"}


def when_planned(demo: Failing, repository: str, do: Callable[[], object]) -> None:
    """Does it once, after the rule has looked at the repository, and before the plan is made."""
    listed = 0

    def before(path: str) -> None:
        nonlocal listed
        listed += path == f"/v2/{repository}/tags/list"
        if listed == 2:
            listed += 1
            do()

    demo.before = before


@pytest.mark.parametrize("which", [["fullstack/common"], ["--all-repositories"]])
def test_what_was_pushed_anew_since_the_rule_looked_at_it_stays(
    demo: Failing, capsys: Captured, which: list[str]
) -> None:
    fresh = demo.storage.tag("fullstack/common", "latest")
    assert fresh is not None
    when_planned(demo, "fullstack/common", lambda: demo.storage.set_tag("fullstack/common", "0.0.10", fresh))
    before = tags(demo, "fullstack/common")
    rule = ["--match", "^0.0.1[0-2]$", "--older-than", "1h"]
    assert main([*RM, *which, *rule, "--yes", "--json"]) == 1
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    (row,) = [row for row in rows if row["reference"] == "fullstack/common:0.0.10"]
    assert (row["digest"], row["status"]) == (fresh, "skipped")
    assert row["error"] == "not deleted: it was pushed anew since it was listed"
    assert "0.0.10 was pushed anew since it was listed: it stays." in told.err
    assert before - tags(demo, "fullstack/common") == {"0.0.11", "0.0.12"}
    assert demo.storage.tag("fullstack/common", "0.0.10") == fresh


def test_a_rehearsal_says_so_too(demo: Failing, capsys: Captured) -> None:
    fresh = demo.storage.tag("fullstack/common", "latest")
    assert fresh is not None
    when_planned(demo, "fullstack/common", lambda: demo.storage.set_tag("fullstack/common", "0.0.10", fresh))
    rule = ["--match", "^0.0.10$", "--older-than", "1h"]
    assert main([*RM, "fullstack/common", *rule, "--dry-run", "--json"]) == 1
    told = capsys.readouterr()
    assert [json.loads(line)["status"] for line in told.out.splitlines()] == ["skipped"]
    assert told.err.startswith("At demo.localhost:\nNothing to delete.\n0.0.10 was pushed anew")


def test_what_is_gone_since_the_rule_looked_at_it_is_told_and_the_rest_goes(demo: Failing, capsys: Captured) -> None:
    when_planned(demo, "fullstack/common", lambda: demo.storage.repositories["fullstack/common"].tags.pop("0.0.10"))
    before = tags(demo, "fullstack/common")
    rule = ["--match", "^0.0.1[0-2]$", "--older-than", "1h"]
    assert main([*RM, "fullstack/common", *rule, "--yes"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.split("\t") for line in told if "0.0.10" in line] == [
        ["fullstack/common:0.0.10", "", "untag", "skipped", "it was gone already"]
    ]
    assert before - tags(demo, "fullstack/common") == {"0.0.10", "0.0.11", "0.0.12"}


# All repositories


def test_a_repository_that_fails_is_told_and_the_others_go_on(demo: Failing, capsys: Captured) -> None:
    demo.failing["/fullstack/gateway/tags/list"] = 500
    before = all_tags(demo)
    assert main([*RM, "--all-repositories", "--match", "^latest$", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "regtui: fullstack/gateway: " in said
    after = all_tags(demo)
    for name, had in before.items():
        assert had - after.get(name, set()) == ({"latest"} & had if name != "fullstack/gateway" else set()), name


def interactive(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], str]) -> None:
    monkeypatch.setattr(running, "is_interactive", lambda: True)
    monkeypatch.setattr(sweep, "ask", answer)


def test_the_number_is_asked_for_once(demo: Failing, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    questions: list[str] = []

    def answer(question: str) -> str:
        questions.append(question)
        return "y"

    interactive(monkeypatch, answer)
    before = all_tags(demo)
    assert main([*RM, "--all-repositories", "--match", "^latest$"]) == 1
    count = sum("latest" in each for each in before.values())
    (question,) = questions
    assert question.startswith(f"To delete {count} tags in {count} repositories of demo.localhost, type {count}:")
    assert capsys.readouterr().err.endswith("Nothing was deleted.\n")
    assert all_tags(demo) == before
    interactive(monkeypatch, lambda _: str(count))
    assert main([*RM, "--all-repositories", "--match", "^latest$"]) == 0
    assert not any("latest" in each for each in all_tags(demo).values())


def test_what_changed_since_it_was_shown_is_left_alone(
    demo: Failing, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag moved while the question stood: that repository is skipped, and said; the others are done."""
    repositories = demo.storage.repositories
    moved = repositories["fullstack/common"].tags["0.0.9"]

    def answer(question: str) -> str:
        demo.storage.set_tag("fullstack/common", "latest", moved)
        return question.rpartition(" ")[2].rstrip(":")

    interactive(monkeypatch, answer)
    assert main([*RM, "--all-repositories", "--match", "^latest$", "--json"]) == 1
    told = capsys.readouterr()
    records = [json.loads(line) for line in told.out.splitlines()]
    skipped = [record for record in records if record["status"] == "skipped"]
    assert {record["reference"] for record in skipped} >= {"fullstack/common:latest"}
    assert {record["error"] for record in skipped} == {"changed since the plan was shown"}
    assert "fullstack/common has changed since the plan was shown: nothing is deleted there." in told.err
    assert demo.storage.tag("fullstack/common", "latest") == moved
    assert demo.storage.tag("fullstack/gateway", "latest") is None


def test_protected_tags_are_passed_over_everywhere(
    demo: Failing, capsys: Captured, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = tmp_path_factory.mktemp("config") / "config.toml"
    config.write_text('protect = ["latest"]\n')
    before = all_tags(demo)
    assert main([*RM, "--config", str(config), "--all-repositories", "--match", "^(latest|stable)$", "--yes"]) == 0
    assert {name for tags in all_tags(demo).values() for name in tags} >= {"latest"}
    for name, had in before.items():
        assert had - all_tags(demo).get(name, set()) == {"stable"} & had

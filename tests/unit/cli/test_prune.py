"""`regtui prune` against the registry in memory: what is asked, told, left alone, and collected afterwards."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from regtui import bounds
from regtui.cli import find, pruning, running, usage
from regtui.cli.main import main
from regtui.demo.collector import DemoCollector
from regtui.demo.sample import sample_storage
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.retention.policy import entry_of
from regtui.retention.settings import InUseSettings
from regtui.session import resolving
from regtui.session.target import Target, demo_target
from regtui.settings.paths import journal_dir

Captured = pytest.CaptureFixture[str]
PRUNE = ["prune", "demo"]
RULES = (
    entry_of({"keep": "5", "match": r"^\d"}, ["fullstack/*"], flags=(), number=1, line=7),
    entry_of({"older_than": "3y"}, ["*"], flags=(), number=2, line=12),
)


class Demo(httpx.AsyncBaseTransport):
    """The demo. `on_path`: called with each request's path, which it may answer."""

    def __init__(self) -> None:
        self.inner = LocalTransport(sample_storage(datetime.now(UTC)), "2.8.2")
        self.on_path: Callable[[str, str], httpx.Response | None] = lambda method, path: None
        self.target = Target(demo_target().address)

    @property
    def storage(self) -> MemoryStorage:
        return self.inner.storage

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.on_path(request.method, request.url.path)
        return answer if answer is not None else await self.inner.handle_async_request(request)

    def tags(self) -> dict[str, set[str]]:
        return {name: set(repository.tags) for name, repository in self.storage.repositories.items()}


async def at_once(_: float) -> None:
    """Nobody watches."""


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch) -> Demo:
    transport = Demo()
    transport.target = replace(
        demo_target(),
        http=HttpSettings(transport=transport, retry=RetryPolicy(tries=1)),
        retention=RULES,
        make_collector=lambda _: DemoCollector(transport.storage, "2.8.2", at_once),
    )
    monkeypatch.setattr(resolving, "demo_target", lambda: replace(transport.target))
    return transport


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], str]) -> list[str]:
    """Somebody sits there; what they are asked."""
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return answer(question)

    monkeypatch.setattr(pruning, "ask", ask)
    monkeypatch.setattr(running, "is_interactive", lambda: True)
    return asked


def test_all_of_it_is_shown_and_the_number_is_typed(
    demo: Demo, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = demo.tags()
    asked = answering(monkeypatch, lambda question: "y")
    assert main(PRUNE) == 1
    assert "Nothing was deleted." in capsys.readouterr().err
    assert demo.tags() == before
    (question,) = asked
    number = question.rpartition("type ")[2].rstrip(":")
    assert question.startswith(f"To delete {number} tags in ")

    answering(monkeypatch, lambda question: number)
    assert main([*PRUNE, "--json"]) == 0
    *_, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert last["tags"] == int(number)
    after = demo.tags()
    assert sum(map(len, before.values())) - sum(map(len, after.values())) >= int(number)
    assert {name for name in before if before[name] != after[name]} >= {"fullstack/common"}


def test_what_has_changed_since_it_was_shown_is_left(
    demo: Demo, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def push(question: str) -> str:
        common = demo.storage.repositories["fullstack/common"]
        common.tags["0.0.2"] = common.tags["latest"]
        return question.rpartition("type ")[2].rstrip(":")

    before = demo.tags()
    answering(monkeypatch, push)
    assert main(PRUNE) == 1
    said = capsys.readouterr().err
    assert "fullstack/common: nothing is deleted there, as it has changed since the plan was shown." in said
    assert demo.tags()["fullstack/common"] == before["fullstack/common"] | {"0.0.2"}
    assert demo.tags() != before | {"fullstack/common": demo.tags()["fullstack/common"]}


@pytest.mark.parametrize("options", [["--yes"], ["--dry-run"], []])
def test_where_what_is_in_use_cannot_be_read_nothing_is_deleted(
    demo: Demo, capsys: Captured, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    demo.target = replace(demo.target, in_use=InUseSettings(command="echo no such host >&2; exit 255"))
    asked = answering(monkeypatch, lambda question: "yes")
    before = demo.tags()
    assert main([*PRUNE, *options]) == 1
    said = capsys.readouterr().err
    assert "What is in use can't be read from command echo" in said
    assert "an image that can't be seen to be in use may be" in said
    assert demo.tags() == before
    assert not asked


def test_a_dry_run_ends_as_the_run_would_be_refused(demo: Demo, capsys: Captured) -> None:
    assert main([*PRUNE, "--dry-run", "--read-only"]) == 6
    assert "opened read-only" in capsys.readouterr().err
    assert main([*PRUNE, "--yes", "--read-only"]) == 6
    assert main([*PRUNE, "--dry-run"]) == 0


@pytest.mark.parametrize(("options", "is_told"), [([], True), (["--most", "100%"], False)])
def test_a_dry_run_says_what_a_timer_would_not_do(options: list[str], is_told: bool, capsys: Captured) -> None:
    assert main([*PRUNE, "--dry-run", *options]) == 0
    told = capsys.readouterr().err
    sentence = "fullstack/common: unattended (--yes) nothing is deleted there, as that is"
    assert (sentence in told) is is_told


@pytest.mark.parametrize("options", [["--yes", "--most", "100%"], ["--dry-run"], []])
@pytest.mark.parametrize("keep", ["5", "500"], ids=["something goes", "nothing goes"])
def test_where_a_run_was_interrupted_that_is_told_also_where_nothing_goes(
    demo: Demo, capsys: Captured, monkeypatch: pytest.MonkeyPatch, keep: str, options: list[str]
) -> None:
    demo.target = replace(
        demo.target,
        ephemeral=False,
        retention=(entry_of({"keep": keep, "match": r"^\d"}, ["fullstack/common"], flags=(), number=1, line=7),),
    )
    assert main(["rm", "-r", "demo", "fullstack/common:0.0.9", "--yes"]) == 0
    (file,) = journal_dir().glob("*.jsonl")
    file.write_text(file.read_text().splitlines(keepends=True)[0])
    before = demo.tags()
    capsys.readouterr()
    asked = answering(monkeypatch, lambda question: question.rpartition("type ")[2].rstrip(":"))
    assert main([*PRUNE, *options]) == 1
    said = capsys.readouterr().err
    assert said.count("A deletion in fullstack/common (0.0.9) was interrupted") == 1
    assert f"To finish it: regtui undo {file.stem} --finish" in said
    why = "fullstack/common: nothing of that is deleted, as an earlier run was interrupted there."
    assert (why in said) == (keep == "5")
    assert demo.tags() == before
    assert not asked


def test_a_repository_that_fails_stops_itself_alone(demo: Demo, capsys: Captured) -> None:
    before = demo.tags()
    error = httpx.Response(500, json={"errors": [{"code": "UNKNOWN", "message": "no"}]})
    demo.on_path = lambda method, path: error if "/fullstack/common/manifests/0.0.9" in path else None
    assert main([*PRUNE, "--yes", "--most", "100%"]) == 1
    assert "fullstack/common: nothing is deleted there, as not all of it could be read" in capsys.readouterr().err
    after = demo.tags()
    assert after["fullstack/common"] == before["fullstack/common"]
    assert after != before


def test_a_catalog_that_is_not_whole_stops_everything_where_nobody_is_asked(demo: Demo, capsys: Captured) -> None:
    before = demo.tags()
    names = {"repositories": ["fullstack/common"]}
    # A page that leads to itself.
    again = {"Link": '</v2/_catalog?n=1&last=a>; rel="next"'}
    demo.on_path = lambda method, path: (
        httpx.Response(200, json=names, headers=again) if path.endswith("/_catalog") else None
    )
    assert main([*PRUNE, "--yes"]) == 1
    assert "Nothing was deleted" in capsys.readouterr().err
    assert demo.tags() == before


def test_when_its_time_is_over_nothing_more_is_begun(
    demo: Demo, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop's clock jumps past the limit with the first request for a tag."""
    before = demo.tags()
    over: list[pruning.Pruning] = []
    limited = pruning.Pruning._limited

    def remembered(self: pruning.Pruning):  # type: ignore[no-untyped-def]
        over.append(self)
        return limited(self)

    def end(method: str, path: str) -> None:
        if "/manifests/" in path:
            over[0]._is_out_of_time = True

    monkeypatch.setattr(pruning.Pruning, "_limited", remembered)
    demo.on_path = end
    assert main([*PRUNE, "--yes", "--most", "100%"]) == 1
    said = capsys.readouterr().err
    assert "After 360 minutes nothing more is begun: " in said
    assert sum(before[name] != tags for name, tags in demo.tags().items()) <= 1


def test_it_collects_afterwards_where_enough_became_free(demo: Demo, capsys: Captured) -> None:
    demo.target = replace(demo.target, gc_when=10**15)
    assert main([*PRUNE, "--yes", "--most", "100%", "--gc"]) == 0
    assert "Nothing is collected: " in capsys.readouterr().err
    demo.inner = LocalTransport(sample_storage(datetime.now(UTC)), "2.8.2")
    demo.target = replace(demo.target, gc_when=1)
    demo.target = replace(demo.target, make_collector=lambda _: DemoCollector(demo.storage, "2.8.2", at_once))
    blobs = len(demo.storage.blobs)
    assert main([*PRUNE, "--yes", "--most", "100%", "--gc", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1].keys() == {"tags", "manifests", "bytes", "in_use", "seconds"}
    assert any("stage" in line for line in lines[:-1])
    assert len(demo.storage.blobs) < blobs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--timer", "noon"], "--timer: 'noon' is no time to run at."),
        (["--most", "0"], "'0' is no percentage from 1 to 100"),
        (["--as-of", "soon"], "'soon' is no date: 2027-01-01"),
        (["--time-limit", "ever"], "'ever' is no age"),
        (["--check", "--explain", "a:1"], "not allowed with argument"),
        (["--install"], "--install goes with --timer."),
    ],
)
def test_what_makes_no_sense_is_refused(capsys: Captured, tmp_path: Path, arguments: list[str], said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[registries.prod]\n[[registries.prod.retention]]\nrepositories = ["*"]\nkeep = 1\n')
    assert main(["prune", "prod", "--config", str(file), *arguments]) == 2
    assert said in capsys.readouterr().err


def silent(*paths: str) -> Callable[[str, str], httpx.Response | None]:
    """What is asked there is waited for in vain."""

    def on_path(method: str, path: str) -> httpx.Response | None:
        if any(each in path for each in paths):
            raise httpx.ReadTimeout("")
        return None

    return on_path


@pytest.mark.parametrize("path", ["/fullstack/common/tags/list", "/fullstack/common/manifests/"])
@pytest.mark.parametrize("options", [["--dry-run"], ["--yes", "--most", "100%"]])
def test_a_repository_that_can_not_be_read_is_told_and_left_and_is_no_registry_that_is_gone(
    demo: Demo, capsys: Captured, path: str, options: list[str]
) -> None:
    before = demo.tags()
    demo.on_path = silent(path)
    assert main([*PRUNE, *options]) == 1
    assert "fullstack/common" in capsys.readouterr().err
    assert main(["check", "demo"]) == 1
    assert main(["rm", "-r", "demo", "--all-repositories", "--older-than", "3y", "--dry-run"]) == 1
    # One alone, too: the registry answers.
    assert main(["check", "-r", "demo", "fullstack/common"]) == 1
    assert demo.tags()["fullstack/common"] == before["fullstack/common"]


def test_what_could_not_be_read_is_not_forgotten_once_the_rest_is_confirmed(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.on_path = silent("/fullstack/gateway/manifests/")
    answering(monkeypatch, lambda question: question.rpartition("type ")[2].rstrip(":"))
    assert main(PRUNE) == 1


@pytest.mark.parametrize("options", [["--dry-run"], ["--yes", "--most", "100%"]])
def test_where_too_much_hangs_the_rest_is_left_and_told_in_one_sentence(
    demo: Demo, capsys: Captured, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setattr(bounds, "ALL_SILENCES", 0.0)
    monkeypatch.setattr(pruning, "_AHEAD", 1)
    before = demo.tags()
    names = sorted(before)
    demo.on_path = silent(f"/{names[1]}/")
    assert main([*PRUNE, *options]) == 1
    said = capsys.readouterr().err
    why = "demo.localhost has let requests about its repositories time out for an hour in all"
    assert f"{why}: {len(names) - 2} repositories were left out, from {names[2]} on." in said
    after = demo.tags()
    assert {name: after[name] for name in names[1:]} == {name: before[name] for name in names[1:]}

    assert main(["check", "demo"]) == 1
    assert f"repositories were left out, from {names[2]} on." in capsys.readouterr().err
    assert main(["rm", "-r", "demo", "--all-repositories", "--older-than", "3y", "--dry-run"]) == 1
    assert f"repositories were left out, from {names[2]} on." in capsys.readouterr().err
    for module in (find, usage):
        monkeypatch.setattr(module, "_AT_ONCE", 1)
    for command in (["find", "-r", "demo", "0.0"], ["usage", "demo"]):
        assert main(command) == 1
        assert f"repositories were left out, from {names[2]} on." in capsys.readouterr().err


def pruned(demo: Demo) -> tuple[dict[str, set[str]], list[str]]:
    """What was there before a prune that can be undone, and in which repositories it took something, the last first."""
    demo.target = replace(demo.target, ephemeral=False)
    before = demo.tags()
    main([*PRUNE, "--yes", "--most", "100%"])
    after = demo.tags()
    changed = [name for name in before if before[name] != after[name]]
    assert len(changed) > 2
    return before, changed[::-1]


@pytest.mark.parametrize("hangs", ["manifests/", ""])
def test_a_repository_that_hangs_keeps_nothing_of_a_prune_from_being_undone_elsewhere(
    demo: Demo, capsys: Captured, hangs: str
) -> None:
    before, changed = pruned(demo)
    demo.on_path = silent(f"/{changed[1]}/{hangs}")
    capsys.readouterr()
    assert main(["undo", "-r", "demo", "--yes"]) == 1
    assert changed[1] in capsys.readouterr().err
    after = demo.tags()
    assert [name for name in before if before[name] != after[name]] == [changed[1]]
    demo.on_path = silent()
    assert main(["undo", "-r", "demo", "--yes"]) == 0
    assert demo.tags() == before


@pytest.mark.parametrize(("options", "done"), [(["--dry-run"], 0), (["--yes"], 1)])
def test_where_too_much_hangs_the_rest_of_an_undo_is_left_and_told_in_one_sentence(
    demo: Demo, capsys: Captured, monkeypatch: pytest.MonkeyPatch, options: list[str], done: int
) -> None:
    before, changed = pruned(demo)
    monkeypatch.setattr(bounds, "ALL_SILENCES", 0.0)
    demo.on_path = silent(f"/{changed[1]}/")
    capsys.readouterr()
    assert main(["undo", "-r", "demo", *options]) == 1
    why = "demo.localhost has let requests about its repositories time out for an hour in all"
    left = changed[2:]
    what = (
        f"{left[0]} was left out." if len(left) == 1 else f"{len(left)} repositories were left out, from {left[0]} on."
    )
    assert f"{why}: {what}" in capsys.readouterr().err
    after = demo.tags()
    assert [name for name in changed if before[name] == after[name]] == changed[:done]

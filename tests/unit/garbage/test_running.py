"""What a run says of itself, by what its host tells."""

import pytest

from regtui.garbage.account import Account
from regtui.garbage.running import Running
from regtui.garbage.words import report_sentences
from regtui.host.hosts import LocalHost
from regtui.host.runtimes import Unit
from regtui.oci.digest import Digest

MARK = "7e57"


def run(before: str, after: str) -> Running:
    gone = [Digest(f"sha256:{letter * 64}") for letter in "ab"]
    sizes: dict[Digest, int | None] = dict.fromkeys(gone, 100)
    running = Running(LocalHost(), Unit("docker", "registry", "/c.yml", True, ""), sizes, MARK)
    lines = ["begun 1 /x", "stage collect started", f"used before {before}", "", "exit 0", f"used after {after}"]
    for line in lines:
        if line:
            running._read(f"::regtui-{MARK} {line}")
            continue
        running._read("4 blobs marked, 2 blobs and 0 manifests eligible for deletion")
        for digest in gone:
            running._read(f"blob eligible for deletion: {digest}")
    return running


@pytest.mark.parametrize(
    ("after", "freed", "swept", "came"),
    [("4 800", 200, 2, False), ("9 4813", 0, 0, True), ("5 900", 100, 1, True), ("4 850", 150, 2, True)],
)
def test_no_figure_is_less_than_nothing_and_what_came_meanwhile_is_seen(
    after: str, freed: int, swept: int, came: bool
) -> None:
    running = run("6 1000", after)
    assert (running.freed, running.swept, running.came_meanwhile) == (freed, swept, came)
    assert (running.blobs, running.bytes) == (2, 200)


def test_the_reason_of_a_failure_is_what_was_said_before_it() -> None:
    """What a runtime prints when it starts the registry again is its name, or its id."""
    unit = Unit("docker", "registry", "/c.yml", True, "", container="0123abcd")
    running = Running(LocalHost(), unit, {}, MARK)
    for line in ("begun 1 /x", "stage keep-out started"):
        running._read(f"::regtui-{MARK} {line}")
    running._read("0123abcd")
    running._read("redis at 127.0.0.1:6379: it does not answer")
    running._read(f"::regtui-{MARK} failed What is in redis can't be cleared: nothing was swept.")
    for line in ("registry", "0123abcd"):
        running._read(line)
    for line in ("down", "failed Nor this.", "end"):
        running._read(f"::regtui-{MARK} {line}")
    reason = "What is in redis can't be cleared: nothing was swept. redis at 127.0.0.1:6379: it does not answer."
    assert running.troubles == [reason, "Nor this."]


def test_that_something_was_pushed_meanwhile_is_said() -> None:
    account = Account()
    account.blobs, account.freed, account.was_pushed_to = 2, 200, True
    (line, *_) = report_sentences(account.report("prod", 200))
    assert line.startswith("200 B freed in 2 blobs on prod, in ")
    assert line.endswith("Something was pushed meanwhile: this is what the collector said.")

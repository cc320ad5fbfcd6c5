"""The journal: on disk before anything goes, for this user alone, readable after a crash at any byte."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from regtui.deletion import Action, Contents, Journal, JournalFailed, Kind, Outcome, Plan, Status, make_plan
from regtui.deletion.inventory import stored
from regtui.deletion.undo import last_deletion, undone
from regtui.deletion.values import Method, StoredManifest
from regtui.oci import Digest
from regtui.oci import media_type as mt
from regtui.registry import FetchedManifest, RegistryId

REGISTRY = RegistryId.parse("http://registry.example.com:5000")
OTHER = RegistryId.parse("https://other.example.com")


def manifest(text: str = "") -> StoredManifest:
    value = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": [], "x": text}
    body = json.dumps(value, ensure_ascii=False).encode()
    return stored(FetchedManifest(Digest.of(body), mt.OCI_INDEX, body))


def plan(*tags: str) -> Plan:
    one = manifest("ü\u2028")
    contents = Contents("team/app", dict.fromkeys(tags, one.digest), {one.digest: one})
    return make_plan(contents, tags, method=Method.PLACEHOLDER)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal"


@pytest.fixture(params=["on disk", "in memory"])
def journal(request: pytest.FixtureRequest, directory: Path) -> Journal:
    return Journal(directory if request.param == "on disk" else None)


def test_what_was_written_is_read_back(journal: Journal) -> None:
    planned = plan("a", "b")
    run = journal.begin(REGISTRY, "ci", planned)
    digest = planned.manifests[0].digest
    run.end([Outcome("team/app:a", digest, Action.UNTAG, Status.FAILED, "why")], interrupted=False)

    (entry,) = journal.entries(REGISTRY)
    assert journal.entry(run.name) == entry
    assert (entry.kind, entry.repository, entry.registry, entry.user) == (Kind.DELETION, "team/app", REGISTRY, "ci")
    assert entry.by
    assert entry.tags == {"a": digest, "b": digest}
    assert entry.manifests_changed == (digest,)
    assert entry.manifests() == {digest: planned.contents.manifests[digest]}
    assert entry.status_of(Action.UNTAG, "team/app:a") is Status.FAILED
    assert not entry.is_unfinished
    assert not entry.is_complete


def test_only_the_registry_asked_for_is_told_of_whatever_its_scheme(journal: Journal) -> None:
    one, two = RegistryId.parse("https://one.example.com"), RegistryId.parse("two.example.com")
    journal.begin(one, "", plan("a")).end((), interrupted=False)
    journal.begin(two, "", plan("a")).end((), interrupted=False)
    assert [entry.registry for entry in journal.entries(RegistryId.parse("http://One.example.com:80/"))] == [one]
    assert [entry.registry for entry in journal.entries()] == [two, one]


def test_only_this_user_can_read_it(directory: Path) -> None:
    run = Journal(directory).begin(REGISTRY, "", plan("a"))
    run.close()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / f"{run.name}.jsonl").stat().st_mode) == 0o600


def test_a_file_torn_at_any_byte_is_read_as_far_as_it_is_whole(directory: Path) -> None:
    journal = Journal(directory)
    run = journal.begin(REGISTRY, "", plan("a"))
    run.placed(Digest.of(b"placeholder"), ["a"])
    run.end([Outcome("team/app:a", None, Action.UNTAG, Status.DONE)], interrupted=False)
    file = directory / f"{run.name}.jsonl"
    whole = file.read_bytes()
    first = whole.index(b"\n")

    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        unfinished = journal.unfinished(REGISTRY)
        if length < first:
            assert (journal.entries(), unfinished) == ([], [])  # nothing was deleted yet
        else:
            assert [entry.name for entry in unfinished] == [run.name]
    file.write_bytes(whole)
    # It ended, but nothing says that the placeholder went.
    assert [entry.standing for entry in journal.unfinished(REGISTRY)] == [(Digest.of(b"placeholder"),)]


def test_after_a_torn_line_the_next_one_stands_by_itself(directory: Path) -> None:
    journal = Journal(directory)
    run = journal.begin(REGISTRY, "", plan("a"))
    run.close()
    with (directory / f"{run.name}.jsonl").open("a") as file:
        file.write('{"record": "placehol')
    resumed = journal.resume(journal.entry(run.name), REGISTRY)
    resumed.end([Outcome("team/app:a", None, Action.UNTAG, Status.DONE)], interrupted=False)
    assert journal.unfinished(REGISTRY) == []
    assert journal.entry(run.name).is_complete


def test_what_is_under_way_is_not_unfinished_and_is_not_resumed_by_another(journal: Journal) -> None:
    run = journal.begin(REGISTRY, "", plan("a"))
    (entry,) = journal.entries()
    assert entry.is_running
    assert journal.unfinished(REGISTRY) == []
    with pytest.raises(JournalFailed, match="another window"):
        journal.resume(entry, REGISTRY)
    run.close()
    assert [entry.name for entry in journal.unfinished(REGISTRY)] == [run.name]


def test_what_was_cut_off_at_another_registry_is_no_business_of_this_one(journal: Journal) -> None:
    journal.begin(OTHER, "", plan("a")).close()
    here = journal.begin(REGISTRY, "", plan("a"))
    here.close()
    assert [entry.name for entry in journal.unfinished(REGISTRY)] == [here.name]


@pytest.mark.parametrize("torn", ["", '{"record": "resum'], ids=["whole", "torn"])
def test_a_run_that_had_ended_and_is_cut_off_as_it_is_resumed_is_unfinished(directory: Path, torn: str) -> None:
    journal, placeholder = Journal(directory), Digest.of(b"placeholder")
    run = journal.begin(REGISTRY, "", plan("a"))
    run.placed(placeholder, ["a"])
    run.end([Outcome("team/app:a", None, Action.UNTAG, Status.FAILED, "…")], interrupted=False)
    with (directory / f"{run.name}.jsonl").open("a") as file:
        file.write(torn)

    resumed = journal.resume(journal.entry(run.name), REGISTRY)
    resumed.taken_away(placeholder)
    resumed.close()
    (entry,) = journal.unfinished(REGISTRY)
    assert (entry.ended, entry.standing) == (None, ())
    assert entry.has_effect


def test_a_run_that_was_stopped_is_not_complete_and_takes_nothing_back(journal: Journal) -> None:
    run = journal.begin(REGISTRY, "", plan("a", "b"))
    run.end([Outcome("team/app:a", None, Action.UNTAG, Status.DONE)], interrupted=False)
    restore = journal.begin_restore(
        REGISTRY, "", "team/app", undoes=run.name, tags={}, before={}, by_digest=[], manifests={}
    )
    restore.end([Outcome("team/app:a", None, Action.RESTORE, Status.DONE)], interrupted=True)
    newest, oldest = journal.entries()
    assert (newest.is_complete, oldest.is_complete) == (False, True)
    assert undone([newest, oldest]) == set()
    assert last_deletion([newest, oldest]) == oldest


def test_what_was_taken_back_is_not_once_that_was_taken_back_too(journal: Journal) -> None:
    run = journal.begin(REGISTRY, "", plan("a"))
    run.end([Outcome("team/app:a", None, Action.UNTAG, Status.DONE)], interrupted=False)
    restore = journal.begin_restore(
        REGISTRY, "", "team/app", undoes=run.name, tags={}, before={}, by_digest=[], manifests={}
    )
    restore.end([Outcome("team/app:a", None, Action.RESTORE, Status.DONE)], interrupted=False)
    assert undone(journal.entries()) == {run.name}
    again = journal.begin(REGISTRY, "", plan("a"), undoes=restore.name)
    again.end([Outcome("team/app:a", None, Action.UNTAG, Status.DONE)], interrupted=False)
    assert undone(journal.entries()) == {restore.name}


def test_how_each_step_ended_is_found_by_what_it_was(journal: Journal) -> None:
    run = journal.begin(REGISTRY, "", plan("a", "b"))
    told = [
        Outcome("team/app:a", None, Action.UNTAG, Status.DONE),
        Outcome("team/app:b", None, Action.UNTAG, Status.SKIPPED),
        Outcome("team/app:b", None, Action.RESTORE, Status.FAILED),
    ]
    run.end(told, interrupted=False)
    (entry,) = journal.entries()
    assert [entry.status_of(one.action, one.reference) for one in told] == [one.status for one in told]
    assert entry.status_of(Action.DELETE, "team/app:a") is None
    assert entry.status_of(Action.UNTAG, "team/app:c") is None


@pytest.mark.parametrize("result", ["done", "failed", "interrupted"])
def test_a_collection_was_interrupted_where_it_says_so(journal: Journal, result: str) -> None:
    name = journal.record_collection(
        REGISTRY, host="localhost", stages=[], blobs=None, freed=None, seconds=1.0, result=result
    )
    assert journal.entry(name).interrupted == (result == "interrupted")


def test_a_placeholder_that_stands_keeps_a_run_open_until_it_is_gone(journal: Journal) -> None:
    placeholder = Digest.of(b"placeholder")
    run = journal.begin(REGISTRY, "", plan("a"))
    run.placed(placeholder, ["a"])
    run.end([Outcome("team/app:a", None, Action.UNTAG, Status.FAILED, "…")], interrupted=False)
    (entry,) = journal.unfinished(REGISTRY)
    assert entry.standing == (placeholder,)

    resumed = journal.resume(entry, REGISTRY)
    resumed.taken_away(placeholder)
    resumed.end((), interrupted=False)
    assert journal.unfinished(REGISTRY) == []


def test_a_collection_is_recorded_too(journal: Journal) -> None:
    name = journal.record_collection(
        REGISTRY,
        host="ssh://registry.example.com",
        stages=[("dry run", "done"), ("collect", "failed")],
        blobs=12,
        freed=340_000_000,
        seconds=8.5,
        result="failed",
        error="no space left",
        username="ci",
    )
    entry = journal.entry(name)
    assert entry.kind is Kind.COLLECTION
    assert not entry.is_unfinished
    assert entry.collection is not None
    assert entry.collection.stages == (("dry run", "done"), ("collect", "failed"))
    assert (entry.collection.blobs, entry.collection.bytes, entry.collection.result) == (12, 340_000_000, "failed")
    assert journal.unfinished(REGISTRY) == []


def test_pruning_forgets_what_ended_and_keeps_what_was_cut_off(journal: Journal) -> None:
    journal.begin(REGISTRY, "", plan("a")).end((), interrupted=False)
    cut_off = journal.begin(REGISTRY, "", plan("b"))
    cut_off.close()
    assert journal.prune(datetime.now(UTC) - timedelta(days=1)) == 0
    assert journal.prune(datetime.now(UTC) + timedelta(seconds=2)) == 1
    assert [entry.name for entry in journal.entries()] == [cut_off.name]


def test_pruning_keeps_what_is_under_way(journal: Journal) -> None:
    run = journal.begin(REGISTRY, "", plan("a"))
    assert journal.prune(datetime.now(UTC) + timedelta(seconds=2)) == 0
    run.end((), interrupted=False)
    assert journal.prune(datetime.now(UTC) + timedelta(seconds=2)) == 1


def test_the_last_line_of_a_run_tells_alone_whether_something_stands(directory: Path) -> None:
    journal = Journal(directory)
    run = journal.begin(REGISTRY, "", plan("a"))
    first, second = Digest.of(b"first"), Digest.of(b"second")
    run.placed(first, ["a"])
    run.placed(second, ["a"])
    run.taken_away(first)
    run.end((), interrupted=False)
    last = (directory / f"{run.name}.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["standing"] == [second]


def test_what_is_older_than_ninety_days_goes_with_the_next_run(directory: Path) -> None:
    journal = Journal(directory)
    run = journal.begin(REGISTRY, "", plan("a"))
    run.end((), interrupted=False)
    then = datetime.now(UTC) - timedelta(days=91)
    old = f"{then:%Y%m%dT%H%M%SZ}{run.name[16:]}"
    file = directory / f"{run.name}.jsonl"
    (directory / f"{old}.jsonl").write_text(
        file.read_text().replace(f"{datetime.now(UTC):%Y-%m-%d}", f"{then:%Y-%m-%d}")
    )
    file.unlink()
    assert [entry.name for entry in journal.entries()] == [old]
    new = journal.begin(REGISTRY, "", plan("a"))
    new.close()
    assert [entry.name for entry in journal.entries()] == [new.name]


def test_a_run_that_cant_be_written_to_any_more_is_not_resumed(directory: Path) -> None:
    journal = Journal(directory)
    run = journal.begin(REGISTRY, "", plan("a"))
    run.close()
    entry = journal.entry(run.name)
    (directory / f"{run.name}.jsonl").unlink()
    with pytest.raises(JournalFailed, match="Nothing was changed"):
        journal.resume(entry, REGISTRY)


def test_no_room_for_the_record_means_that_nothing_goes(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    with pytest.raises(JournalFailed, match="Nothing was changed"):
        Journal(tmp_path / "journal").begin(REGISTRY, "", plan("a"))


@pytest.mark.parametrize("name", ["nothing", "../../etc/passwd", "20261124T101112Z-host-0123abcd"])
def test_an_unknown_run_is_said_to_be_unknown(journal: Journal, name: str) -> None:
    with pytest.raises(JournalFailed, match="no run"):
        journal.entry(name)


@pytest.mark.parametrize(
    "text", ["", "[]", "null\n", '{"record": "deletion"}\n', '{"record": "deletion", "time": 5}\n']
)
def test_a_file_that_is_no_record_is_passed_over(directory: Path, text: str) -> None:
    directory.mkdir(parents=True)
    (directory / "20261124T101112Z-host-0123abcd.jsonl").write_text(text)
    assert Journal(directory).entries() == []
    assert Journal(directory).unfinished(REGISTRY) == []

"""The journal: on disk before anything goes, for this user alone, readable after a crash at any byte."""

import errno
import fcntl
import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from regtui import bounds
from regtui.deletion.entry import Kind, PruneSummary
from regtui.deletion.inventory import stored
from regtui.deletion.journal import Journal, JournalFailed
from regtui.deletion.journal_storage import number_of
from regtui.deletion.plan import make_plan
from regtui.deletion.request import Request
from regtui.deletion.restoration import Situation, make_restoration
from regtui.deletion.undo import last_deletion, parts_to_undo, undone
from regtui.deletion.undo_words import interrupted_sentence, result_of, what_of
from regtui.deletion.values import Action, Contents, Method, Outcome, Plan, Status, StoredManifest
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.private_files import read_private
from regtui.registry.identity import RegistryId
from regtui.registry.values import FetchedManifest

REGISTRY = RegistryId.parse("http://registry.example.com:5000")
OTHER = RegistryId.parse("https://other.example.com")


def manifest(text: str = "") -> StoredManifest:
    value = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": [], "x": text}
    body = json.dumps(value, ensure_ascii=False).encode()
    return stored(FetchedManifest(Digest.of(body), mt.OCI_INDEX, body))


def plan(*tags: str) -> Plan:
    one = manifest("ü\u2028")
    contents = Contents("team/app", dict.fromkeys(tags, one.digest), {one.digest: one})
    return make_plan(contents, Request("team/app", tags), method=Method.PLACEHOLDER)


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
            assert (journal.entries(), unfinished) == ([], [])
            # A crash before anything was changed leaves that, and so does a disk that lost what was written.
            (sentence,) = troubles(directory)
            assert f"{run.name}.jsonl is passed over: it is cut off within its first record" in sentence
        else:
            assert [entry.name for entry in unfinished] == [run.name]
    file.write_bytes(whole)
    # It ended, but nothing says that the placeholder went.
    assert [entry.standing for entry in journal.unfinished(REGISTRY)] == [(Digest.of(b"placeholder"),)]


def troubles(directory: Path) -> list[str]:
    journal = Journal(directory)
    journal.entries()
    return journal.troubles()


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


def test_what_was_interrupted_at_another_registry_is_no_business_of_this_one(journal: Journal) -> None:
    journal.begin(OTHER, "", plan("a")).close()
    here = journal.begin(REGISTRY, "", plan("a"))
    here.close()
    assert [entry.name for entry in journal.unfinished(REGISTRY)] == [here.name]


@pytest.mark.parametrize("torn", ["", '{"record": "resum'], ids=["whole", "torn"])
def test_a_run_that_had_ended_and_is_interrupted_as_it_is_resumed_is_unfinished(directory: Path, torn: str) -> None:
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


def test_pruning_forgets_what_ended_and_keeps_what_was_interrupted(journal: Journal) -> None:
    journal.begin(REGISTRY, "", plan("a")).end((), interrupted=False)
    interrupted = journal.begin(REGISTRY, "", plan("b"))
    interrupted.close()
    assert journal.prune(datetime.now(UTC) - timedelta(days=1)) == 0
    assert journal.prune(datetime.now(UTC) + timedelta(seconds=2)) == 1
    assert [entry.name for entry in journal.entries()] == [interrupted.name]


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


class Clock:
    """Stands in for the journal's: what it says is what a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = datetime.now(UTC)
        monkeypatch.setattr("regtui.deletion.journal.utc_now", lambda: self.now)

    def goes(self, days: float) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def removed(journal: Journal, *tags: str) -> str:
    """A deletion that ended; its name."""
    run = journal.begin(REGISTRY, "", plan(*tags))
    run.end([Outcome(f"team/app:{tag}", None, Action.UNTAG, Status.DONE) for tag in tags], interrupted=False)
    return run.name


def told(journal: Journal) -> list[str]:
    return [entry.name for entry in journal.entries()]


def test_what_is_older_than_ninety_days_goes_with_the_next_run_unless_it_is_of_the_last_fifty(
    journal: Journal, clock: Clock
) -> None:
    old = [removed(journal, "a") for _ in range(60)]
    clock.goes(days=91)
    new = removed(journal, "a")
    # Of the runs that there were when it began, fifty stay. And the clock is believed once a second run agrees with it.
    assert told(journal) == [new, *reversed(old)]
    newest = removed(journal, "a")
    assert told(journal) == [newest, new, *reversed(old[-49:])]


def test_the_age_of_a_run_counts_from_its_end(journal: Journal, clock: Clock) -> None:
    """It was interrupted, and is finished long after: from now on it can be undone, as any other."""
    cut = journal.begin(REGISTRY, "", plan("a"))
    cut.close()
    for _ in range(60):
        removed(journal, "b")
    clock.goes(days=91)
    removed(journal, "b")
    journal.resume(journal.entry(cut.name), REGISTRY).end([], interrupted=False)
    removed(journal, "b")
    assert cut.name in told(journal)
    clock.goes(days=91)
    for _ in range(2):
        removed(journal, "b")
    assert cut.name not in told(journal)


def test_what_is_younger_stays_however_much_there_is(journal: Journal, clock: Clock) -> None:
    runs = []
    for _ in range(70):
        clock.goes(days=1)
        runs.append(removed(journal, "a"))
    assert told(journal) == runs[::-1]


@pytest.mark.parametrize("days", [100, 40_000])
def test_one_run_by_a_clock_that_is_far_ahead_forgets_nothing(journal: Journal, clock: Clock, days: int) -> None:
    runs = [removed(journal, "a") for _ in range(60)]
    clock.goes(days=days)
    runs.append(removed(journal, "a"))
    clock.goes(days=-days)
    runs += [removed(journal, "a") for _ in range(2)]
    assert told(journal) == runs[::-1]


@pytest.mark.parametrize("days", [-0.001, -1, -10_000])
def test_a_clock_that_is_set_back_does_not_change_which_deletion_was_the_last(
    journal: Journal, clock: Clock, days: float
) -> None:
    first = removed(journal, "a")
    clock.goes(days=days)
    second = removed(journal, "b")
    assert told(journal) == [second, first]
    last = last_deletion(journal.entries())
    assert last is not None
    assert last.name == second
    run = journal.begin(REGISTRY, "", plan("c"))
    run.close()
    clock.goes(days=days)
    later = journal.begin(REGISTRY, "", plan("d"))
    later.close()
    assert [entry.name for entry in journal.unfinished(REGISTRY)] == [run.name, later.name]


def test_runs_of_earlier_versions_have_no_number_and_came_before(directory: Path, clock: Clock) -> None:
    journal = Journal(directory)
    old = []
    for _ in range(2):
        name = removed(journal, "a")
        clock.goes(days=0.001)
        file = directory / f"{name}.jsonl"
        without = name[:16] + name[name.index("-") :]
        file.rename(directory / f"{without}.jsonl")
        old.append(without)
    assert told(journal) == old[::-1]
    clock.goes(days=-1)
    new = removed(journal, "b")
    assert told(journal) == [new, *old[::-1]]
    assert journal.entry(old[0]).name == old[0]


def test_two_that_begin_at_once_have_different_numbers(directory: Path, clock: Clock) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(lambda _: removed(Journal(directory), "a"), range(40)))
    assert sorted(number_of(name) for name in names) == list(range(1, 41))


# What isn't trusted is told by name


def spoiled(directory: Path, how: str) -> str:
    """A run whose file something is wrong with; its name."""
    name = removed(Journal(directory), "a")
    file = directory / f"{name}.jsonl"
    text = file.read_text()
    match how:
        case "readable by others":
            file.chmod(0o644)
        case "writable by others":
            file.chmod(0o602)
        case "a link":
            file.rename(directory.parent / "elsewhere")
            file.symlink_to(directory.parent / "elsewhere")
        case "a pipe":
            file.unlink()
            os.mkfifo(file, 0o600)
        case "a folder":
            file.unlink()
            file.mkdir(mode=0o700)
        case "of another user":
            os.chown(file, 65534, -1)
        case "cut within its first record":
            file.write_text(text[:60])
        case "cut to nothing":
            file.write_text("")
        case "no record":
            file.write_text("null\n")
        case "zeroes":
            file.write_bytes(bytes(len(text)))
        case "the first line without its time":
            file.write_text(text.replace('"time"', '"tame"', 1))
        case "a line in the middle":
            first, rest = text.split("\n", 1)
            file.write_text(f"{first}\n{'x' * 20}\n{rest}")
        case "no digest":
            file.write_text(text.replace("sha256:", "sha256;"))
        case "a path for a repository":
            file.write_text(text.replace('"team/app"', '"../../other"'))
        case "a path for a tag":
            file.write_text(text.replace('"tags": {"a"', '"tags": {"../../x/manifests/y"'))
    return name


HOWS = [
    "readable by others",
    "writable by others",
    "a link",
    "a pipe",
    "a folder",
    pytest.param("of another user", marks=pytest.mark.skipif(os.geteuid() != 0, reason="needs root")),
    "no record",
    "zeroes",
    "the first line without its time",
    "a line in the middle",
    "no digest",
    "a path for a repository",
    "a path for a tag",
    "cut within its first record",
    "cut to nothing",
]


@pytest.mark.parametrize("how", HOWS)
def test_a_file_that_can_t_be_trusted_is_told_by_name_and_neither_read_nor_removed(directory: Path, how: str) -> None:
    name = spoiled(directory, how)
    whole = removed(Journal(directory), "b")
    journal = Journal(directory)
    assert told(journal) == [whole]
    (sentence,) = journal.troubles()
    assert f"{name}.jsonl is passed over: " in sentence
    assert journal.troubles() == [], "each is told once"
    with pytest.raises(JournalFailed, match=name):
        journal.entry(name)
    assert journal.prune(datetime.now(UTC) + timedelta(days=1)) == 1
    assert [path.name for path in directory.iterdir()] == [f"{name}.jsonl"]


def test_a_run_that_says_nothing_of_where_it_was_reached_from_is_not_taken_for_one_from_here(directory: Path) -> None:
    name = removed(Journal(directory), "a")
    file = directory / f"{name}.jsonl"
    file.write_text(file.read_text().replace('"via": ""', '"via": null'))
    entry = Journal(directory).entry(name)
    assert not entry.knows_via
    assert entry.registry == REGISTRY


def test_a_tag_that_was_repaired_before_a_run_was_interrupted_is_told(directory: Path) -> None:
    journal = Journal(directory)
    run = journal.begin(REGISTRY, "", plan("a"))
    run.write("repair", digest=Digest.of(b"empty"), tags=["damaged"])
    run.close()
    (entry,) = journal.unfinished(REGISTRY)
    assert entry.repaired == {"damaged": Digest.of(b"empty")}
    assert "Damaged in the registry's storage: damaged. It leads to an empty index since." in interrupted_sentence(
        entry
    )


def test_a_file_that_isn_t_called_as_a_run_is_told(directory: Path) -> None:
    name = removed(Journal(directory), "a")
    (directory / f"{name} (copy).jsonl").write_bytes((directory / f"{name}.jsonl").read_bytes())
    journal = Journal(directory)
    assert told(journal) == [name]
    assert "(copy)" in journal.troubles()[0]


@pytest.mark.parametrize("text", ["", "{", '{"record": "deletion", "time": "20'])
def test_what_is_just_being_begun_is_no_trouble(directory: Path, text: str) -> None:
    directory.mkdir(parents=True, mode=0o700)
    with (directory / "20261124T101112Z-host-0123abcd.jsonl").open("w") as file:
        os.fchmod(file.fileno(), 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(text)
        file.flush()
        journal = Journal(directory)
        assert journal.entries() == []
        assert journal.unfinished(REGISTRY) == []
        assert journal.troubles() == []


def test_a_record_that_there_was_no_room_for_leaves_no_file(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(
            os, "fsync", lambda handle: full(handle) if not stat.S_ISDIR(os.fstat(handle).st_mode) else None
        )
        with pytest.raises(JournalFailed, match="no space left on device"):
            Journal(directory).begin(REGISTRY, "", plan("a"))
    assert list(directory.iterdir()) == []
    assert troubles(directory) == []


def test_bytes_that_aren_t_what_their_digest_says_are_never_put_anywhere(directory: Path) -> None:
    name = removed(Journal(directory), "a")
    file = directory / f"{name}.jsonl"
    record, rest = file.read_text().split("\n", 1)
    first = json.loads(record)
    (digest,) = [Digest(manifest["digest"]) for manifest in first["manifests"]]
    for spoil in ({"body": "{}"}, {"body": None}, {"body_base64": "%"}, {"media_type": None, "body": ""}):
        broken = {**first, "manifests": [{**first["manifests"][0], **spoil}]}
        file.write_text(f"{json.dumps(broken)}\n{rest}")
        entry = Journal(directory).entry(name)
        assert entry.manifests() == {}
        assert entry.damaged() == {digest}
        situation = Situation(tags={}, present=frozenset(), lost={})
        restoration = make_restoration(entry, situation, entry.manifests(), entry.blobs())
        assert restoration.is_empty
        assert "is damaged: it isn't what its digest says" in restoration.lost["team/app:a"]


def test_a_folder_that_is_open_to_others_is_closed(directory: Path) -> None:
    mask = os.umask(0)
    try:
        removed(Journal(directory), "a")
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        directory.chmod(0o777)
        assert len(told(Journal(directory))) == 1
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    finally:
        os.umask(mask)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_folder_of_another_user_is_not_trusted(directory: Path) -> None:
    removed(Journal(directory), "a")
    os.chown(directory, 65534, -1)
    journal = Journal(directory)
    assert told(journal) == []
    assert "nothing in it is trusted" in journal.troubles()[0]
    with pytest.raises(JournalFailed, match=r"Nothing was changed: .*another user's"):
        journal.begin(REGISTRY, "", plan("b"))


def test_of_runs_that_ended_only_the_end_is_read_at_a_start(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(directory)
    for _ in range(20):
        removed(journal, "a")
    run = journal.begin(REGISTRY, "", plan("b"))
    run.close()
    read: list[Path] = []

    def counted(path: Path, *, most: int) -> bytes:
        read.append(path)
        return read_private(path, most=most)

    monkeypatch.setattr("regtui.deletion.journal_storage.read_private", counted)
    assert [entry.name for entry in journal.unfinished(REGISTRY)] == [run.name]
    assert [path.stem for path in read] == [run.name]


def test_a_tag_s_status_is_looked_up_at_once_however_many_there_are(journal: Journal) -> None:
    tags = [f"v{number}" for number in range(8000)]
    run = journal.begin(REGISTRY, "", plan("a"))
    run.end([Outcome(f"team/app:{tag}", None, Action.UNTAG, Status.DONE) for tag in tags], interrupted=False)
    (entry,) = journal.entries()
    looks = 0

    class Counted(str):
        def __eq__(self, other: object) -> bool:
            nonlocal looks
            looks += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    assert all(entry.status_of(Action.UNTAG, Counted(f"team/app:{tag}")) is Status.DONE for tag in tags)
    assert looks <= 2 * len(tags)


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


def test_a_prune_is_one_run_of_several_deletions(journal: Journal) -> None:
    prune = journal.begin_prune(REGISTRY, "ci")
    for _ in range(2):
        part = journal.begin(REGISTRY, "ci", plan("a"), part_of=prune.name)
        part.end([Outcome("team/app:a", plan("a").removed[0].digest, Action.UNTAG, Status.DONE)], interrupted=False)
    summary = PruneSummary(tags=2, manifests=1, bytes=340, in_use=1, repositories=2, stopped=1, seconds=1.5)
    prune.summed_up(summary)
    prune.end((), interrupted=False)

    entries = journal.entries(REGISTRY)
    first = entries[-1]
    assert (first.kind, first.prune, first.repository) == (Kind.PRUNE, summary, "")
    assert [entry.part_of for entry in entries] == [prune.name, prune.name, ""]
    assert what_of(first) == "2 tags and 1 manifest in 2 repositories, up to 340 B"
    assert result_of(first) == "1 repository left"
    # The whole is what is undone last, not its last part.
    assert last_deletion(entries) == first
    assert [part.name for part in parts_to_undo(entries, first)] == [entry.name for entry in entries[:2]]
    assert undone(entries) == set()


def test_a_prune_is_undone_where_all_of_its_parts_are(journal: Journal) -> None:
    earlier = journal.begin(REGISTRY, "ci", plan("before"))
    done = [Outcome("team/app:a", plan("a").removed[0].digest, Action.UNTAG, Status.DONE)]
    earlier.end(done, interrupted=False)
    prune = journal.begin_prune(REGISTRY, "ci")
    parts = []
    for _ in range(2):
        part = journal.begin(REGISTRY, "ci", plan("a"), part_of=prune.name)
        part.end(done, interrupted=False)
        parts.append(part.name)
    prune.end((), interrupted=False)

    def restore(name: str) -> None:
        run = journal.begin_restore(
            REGISTRY, "ci", "team/app", undoes=name, tags={}, before={}, by_digest=(), manifests={}
        )
        run.end((), interrupted=False)

    restore(parts[0])
    entries = journal.entries(REGISTRY)
    found = last_deletion(entries)
    assert found is not None
    assert found.name == prune.name
    assert [part.name for part in parts_to_undo(entries, found)] == [parts[1]]
    restore(parts[1])
    entries = journal.entries(REGISTRY)
    assert undone(entries) == {*parts, prune.name}
    before = last_deletion(entries)
    assert before is not None
    assert before.name == earlier.name


@pytest.mark.parametrize("parts", ["done", "reverted", "both"])
def test_a_prune_that_was_killed_is_undone_where_all_of_its_parts_are_put_back(journal: Journal, parts: str) -> None:
    digest = plan("a").removed[0].digest
    done = Outcome("team/app:a", digest, Action.UNTAG, Status.DONE)
    prune = journal.begin_prune(REGISTRY, "ci")
    prune.close()
    names = []
    for is_done in [True] * (parts != "reverted") + [False] * (parts != "done"):
        part = journal.begin(REGISTRY, "ci", plan("a"), part_of=prune.name)
        part.end([done], interrupted=False) if is_done else part.close()
        names.append(part.name)

    def result() -> str:
        entries = journal.entries(REGISTRY)
        return result_of(next(entry for entry in entries if entry.name == prune.name), undone(entries))

    for name in names:
        assert result() == "interrupted"
        restore = journal.begin_restore(
            REGISTRY, "ci", "team/app", undoes=name, tags={}, before={}, by_digest=(), manifests={}
        )
        restore.end((), interrupted=False)
        entry = journal.entry(name)
        if entry.is_unfinished:
            assert result() == "interrupted"
            skipped = Outcome("team/app:a", digest, Action.UNTAG, Status.SKIPPED, f"reverted by {restore.name}")
            journal.resume(entry, REGISTRY).end([skipped], interrupted=True)
    assert result() == "undone"


def test_a_prune_that_deleted_nothing_is_nothing_to_undo(journal: Journal) -> None:
    prune = journal.begin_prune(REGISTRY, "ci")
    prune.summed_up(PruneSummary())
    prune.end((), interrupted=False)
    (entry,) = journal.entries(REGISTRY)
    assert last_deletion([entry]) is None
    assert what_of(entry) == "nothing to delete"
    assert result_of(entry) == "done"


def test_a_prune_that_was_not_confirmed_is_not_called_done(journal: Journal) -> None:
    prune = journal.begin_prune(REGISTRY, "ci")
    prune.summed_up(PruneSummary(declined=True))
    prune.end((), interrupted=False)
    (entry,) = journal.entries(REGISTRY)
    assert (what_of(entry), result_of(entry)) == ("what its rules select", "not confirmed")
    assert last_deletion([entry]) is None


def test_a_prune_that_never_ended_stands_in_nobodys_way(journal: Journal) -> None:
    prune = journal.begin_prune(REGISTRY, "ci")
    prune.close()
    (entry,) = journal.entries(REGISTRY)
    assert result_of(entry) == "interrupted"
    assert journal.unfinished(REGISTRY) == []


def test_what_utf_8_has_no_bytes_for_ends_no_run(journal: Journal) -> None:
    """As a name in the environment, or a text in somebody's JSON: whoever hands it on hasn't looked."""
    run = journal.begin(REGISTRY, "ci \udcff", plan("a"))
    failed = Outcome("team/app:a", plan("a").manifests[0].digest, Action.UNTAG, Status.FAILED, "no \ud800")
    run.end([failed], interrupted=False)
    (entry,) = journal.entries(REGISTRY)
    assert (run.trouble, entry.is_unfinished, journal.troubles()) == ("", False, [])
    assert (entry.user, entry.results[0].error) == ("ci \ufffd", "no \ufffd")


def test_a_file_that_is_larger_than_a_run_s_is_passed_over_by_name(directory: Path) -> None:
    """It isn't read: three gigabytes of it took six of memory. All others are as before."""
    journal = Journal(directory)
    large, other = (journal.begin(REGISTRY, "ci", plan("a")) for _ in range(2))
    for run in (large, other):
        run.end((), interrupted=False)
    os.truncate(directory / f"{large.name}.jsonl", bounds.JOURNAL + 1)
    assert [entry.name for entry in journal.entries()] == [other.name]
    assert journal.troubles() == [f"The journal's {large.name}.jsonl is passed over: it has more than 512 MiB."]
    assert journal.unfinished(REGISTRY) == []
    with pytest.raises(JournalFailed, match="it has more than 512 MiB"):
        journal.entry(large.name)


def test_what_would_not_be_read_again_is_not_begun(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "JOURNAL_RECORD", 1000)
    with pytest.raises(JournalFailed, match="Nothing was changed: what would go takes more than"):
        journal.begin(REGISTRY, "ci", plan("a", "b" * 100, "c" * 100))
    assert (journal.entries(), journal.troubles()) == ([], [])
    assert 2 * bounds.JOURNAL_RECORD < bounds.JOURNAL


def test_of_a_collection_only_what_was_recorded_last_stays(journal: Journal) -> None:
    """What else has its name's end, as a deletion, stays."""

    def record(run: str, result: str) -> None:
        journal.record_collection(
            REGISTRY, host="here", stages=[], blobs=None, freed=None, seconds=0.0, result=result, run=run
        )

    other = journal.begin(REGISTRY, "", plan("a"))
    other.end((), interrupted=False)
    called = other.name[-8:]
    assert not journal.has_collection("0123456789abcdef")
    for run, result in (("0123456789abcdef", "failed"), (called, "done"), ("0123456789abcdef", "done")):
        record(run, result)
    assert journal.has_collection("0123456789abcdef")
    assert [entry.kind for entry in journal.entries()] == [Kind.COLLECTION, Kind.COLLECTION, Kind.DELETION]
    assert [entry.collection.result for entry in journal.entries() if entry.collection] == ["done", "done"]

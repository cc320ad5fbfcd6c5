"""The collector's output, line by line: what it says, and what came of it."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui import bounds
from regtui.garbage.output import CollectorOutput, LineKind
from regtui.garbage.verdict import CollectorFailed, GcOutcome, GcVerdict
from tests.unit.garbage import printed
from tests.unit.garbage.printed import digest


def read(text: str) -> CollectorOutput:
    output = CollectorOutput()
    for line in text.splitlines():
        output.feed(line)
    return output


def verdict(text: str, exit_code: int | None) -> GcVerdict:
    return read(text).verdict(exit_code)


@pytest.mark.parametrize("text", [printed.DRY_2, printed.DRY_3], ids=["2.x", "3.x"])
def test_a_dry_run_tells_what_is_marked_and_what_would_go(text: str) -> None:
    output = read(text)
    assert output.verdict(0).outcome is GcOutcome.COMPLETE
    assert (output.repositories, output.manifests, output.marked) == (3, 3, 6)
    assert list(output.eligible) == [digest("a"), digest("b")]


def test_only_3_tells_whose_blob_it_was_and_only_for_those_that_go() -> None:
    assert read(printed.DRY_2).links == {}
    assert read(printed.DRY_3).links == {digest("a"): "backend/app"}


@pytest.mark.parametrize("text", [printed.UNTAGGED_2, printed.UNTAGGED_3], ids=["2.x", "3.x"])
def test_untagged_manifests_are_named_with_their_repository(text: str) -> None:
    assert read(text).untagged == [("backend/app", digest("0"))]


@pytest.mark.parametrize("log", [printed.SWEEP_TEXT, printed.SWEEP_JSON], ids=["text", "JSON"])
def test_the_sweep_is_counted_from_the_log_of_either_form(log: str) -> None:
    output = read(printed.DRY_2 + log)
    assert output.swept == 2
    assert output.verdict(0).outcome is GcOutcome.COMPLETE


def test_a_terminals_line_ends_change_nothing() -> None:
    output, plain = CollectorOutput(), CollectorOutput()
    for line in (printed.DRY_3 + printed.SWEEP_TEXT).splitlines():
        assert output.feed(line + "\r").kind is plain.feed(line).kind
    assert output.eligible == plain.eligible


def test_log_lines_of_any_level_may_stand_in_between() -> None:
    marking = printed.MARKING.splitlines()
    log = printed.DEBUG_3.splitlines()
    mixed = [line for index in range(len(marking)) for line in (marking[index], log[index % len(log)])]
    output = read("\n".join(mixed) + "\n" + printed.SUMMARY)
    assert (output.manifests, output.repositories, output.marked) == (3, 3, 6)


def test_markings_are_told_from_what_is_worth_a_line() -> None:
    output = CollectorOutput()
    kinds = [output.feed(line).kind for line in printed.DRY_3.splitlines()]
    assert sum(kind.is_marking for kind in kinds) == 7
    assert LineKind.SUMMARY in kinds
    assert not LineKind.BLOB_ELIGIBLE.is_marking


# The end


def test_no_summary_no_success() -> None:
    assert verdict(printed.MARKING, 0).outcome is GcOutcome.NO_SUMMARY


def test_the_exit_code_counts_too_since_the_summary_comes_before_the_sweep() -> None:
    assert verdict(printed.DRY_2, 1).outcome is GcOutcome.FAILED


@pytest.mark.parametrize("text", [printed.USAGE_27, printed.USAGE_28], ids=["2.7.1", "2.8.2"])
def test_an_unknown_option_is_no_success_though_it_exits_0(text: str) -> None:
    found = verdict(text, 0)
    assert found.outcome is GcOutcome.OPTION_UNKNOWN
    assert "--quiet" in found.message


def test_a_silent_collector_proves_nothing() -> None:
    assert verdict(printed.SWEEP_TEXT, 0).outcome is GcOutcome.NO_SUMMARY


@pytest.mark.parametrize("exit_code", [None, 130, 137, 143])
def test_killed_during_the_sweep_says_how_far_it_was(exit_code: int | None) -> None:
    found = verdict(printed.DRY_2 + printed.SWEEP_TEXT, exit_code)
    assert found.outcome is GcOutcome.KILLED
    assert "2 blobs had been deleted by then." in found.message


def test_killed_while_marking_nothing_was_deleted() -> None:
    assert "Nothing was deleted." in verdict(printed.MARKING, 143).message


def test_where_only_the_runtimes_client_ended_the_log_does_not_tell_what_was_deleted() -> None:
    output = CollectorOutput()
    for line in printed.MARKING.splitlines():
        output.feed(line)
    assert "isn't known" in output.verdict(125, was_heard=False).message
    assert "Nothing was deleted." in output.verdict(125, swept=0, was_heard=False).message
    assert "3 blobs had been deleted by then." in output.verdict(137, swept=3, was_heard=False).message


def test_where_the_log_level_hides_the_sweep_it_isnt_claimed_that_nothing_was_deleted() -> None:
    assert "isn't known" in verdict(printed.DRY_2, 137).message


def test_the_blob_that_could_not_be_deleted_is_not_counted() -> None:
    text = printed.DRY_2 + printed.SWEEP_TEXT
    path = f"/var/lib/registry/docker/registry/v2/blobs/sha256/bb/{'b' * 64}/data"
    text += f"failed to garbage collect: failed to delete blob {digest('b')}: filesystem: "
    text += f"unlinkat {path}: read-only file system"
    found = verdict(text, 1)
    assert found.outcome is GcOutcome.NOT_DELETABLE
    assert path in found.message
    assert "1 blob had been deleted by then." in found.message


MARK = "failed to garbage collect: failed to mark: filesystem: "
FAILURES = [
    (MARK + "Path not found: /docker/registry/v2/repositories", GcOutcome.NOTHING, "nothing to collect"),
    (
        "failed to garbage collect: error enumerating blobs: filesystem: Path not found: /docker/registry/v2/blobs",
        GcOutcome.NOTHING,
        "/docker/registry/v2/blobs",
    ),
    (MARK + "Path not found: /docker/registry/v2/repositories/a/_manifests/x", GcOutcome.FAILED, "went away"),
    ("failed to garbage collect: failed to mark: s3aws: Path not found: /v2/repositories", GcOutcome.NOTHING, "empty"),
    ("configuration error: open /etc/r.yml: no such file or directory", GcOutcome.CONFIG_MISSING, "/etc/r.yml"),
    ("configuration error: open /etc/registry.yml: permission denied", GcOutcome.NOT_READABLE, "/etc/registry.yml"),
    ("configuration error: configuration path unspecified", GcOutcome.CONFIG_MISSING, "no config file"),
    (printed.INVALID_YAML, GcOutcome.CONFIG_INVALID, "line 1: cannot unmarshal"),
    (
        "configuration error: error parsing /c.yml: No storage configuration provided",
        GcOutcome.CONFIG_INVALID,
        "/c.yml: No storage configuration provided",
    ),
    (
        "configuration error: error parsing /c.yml: must provide exactly one storage type. Provided: [tag filesystem]",
        GcOutcome.CONFIG_INVALID,
        "[tag filesystem]",
    ),
    ("failed to construct foo driver: StorageDriver not registered: foo", GcOutcome.DRIVER_UNKNOWN, "foo"),
    (MARK + "open /srv/docker/registry/v2/repositories: permission denied", GcOutcome.NOT_READABLE, "/srv"),
    (MARK + "filesystem: invalid checksum digest format", GcOutcome.LINK_DAMAGED, "link file"),
    (
        f"{MARK}filesystem: failed to retrieve tags for digest {digest('0')}: invalid checksum digest format",
        GcOutcome.TAG_DAMAGED,
        digest("0"),
    ),
    (
        f"{MARK}filesystem: failed to retrieve manifest for digest {digest('0')}: invalid character 'b' looking for",
        GcOutcome.MANIFEST_DAMAGED,
        "invalid character 'b'",
    ),
    (MARK + "failed to parse repo name UPPER: invalid reference format", GcOutcome.NAME_INVALID, "UPPER"),
    (MARK + "filesystem: failed to retrieve tags unknown repository name=team/app", GcOutcome.NEVER_TAGGED, "team/app"),
    (MARK + "write /var/lib/registry/x: no space left on device", GcOutcome.DISK_FULL, "/var/lib/registry/x"),
    ("panic: runtime error: index out of range [1]\n\ngoroutine 1 [running]:", GcOutcome.CRASHED, "index out of range"),
    ("fatal error: out of memory", GcOutcome.CRASHED, "out of memory"),
    (MARK + "something new", GcOutcome.FAILED, "The collector failed: something new."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "outcome", "words"), FAILURES, ids=[entry[0][-50:] for entry in FAILURES])
def test_each_failure_says_what_happened_and_what_to_do(text: str, outcome: GcOutcome, words: str) -> None:
    found = verdict("backend/app\n" + text, 1)
    assert found.outcome is outcome
    assert words in found.message
    assert found.remedy or outcome is GcOutcome.FAILED
    assert "failed to garbage collect" not in found.message
    assert "\n" not in found.message


def test_a_damaged_link_names_the_repository_that_was_being_read() -> None:
    found = verdict(printed.MARKING + MARK + "filesystem: invalid checksum digest format", 1)
    assert "empty" in found.message


def test_an_unexplained_exit_code_tells_the_last_words() -> None:
    found = verdict("sh: docker-registry: not found", 127)
    assert found.outcome is GcOutcome.FAILED
    assert "127" in found.message
    assert "sh: docker-registry: not found" in found.message


def test_what_is_no_success_is_raised_and_an_empty_storage_is_none() -> None:
    with pytest.raises(CollectorFailed, match="--quiet") as caught:
        verdict(printed.USAGE_28, 0).check()
    assert caught.value.outcome is GcOutcome.OPTION_UNKNOWN
    verdict(printed.DRY_2, 0).check()
    verdict(FAILURES[0][0], 1).check()


def test_escape_sequences_never_reach_a_verdict() -> None:
    assert "\x1b" not in verdict(MARK + "\x1b]52;c;aGk=\x07", 1).message


# Whatever comes

KNOWN = [
    line
    for text in (printed.DRY_3, printed.UNTAGGED_2, printed.UNTAGGED_3, printed.SWEEP_TEXT, printed.SWEEP_JSON,
                 printed.USAGE_28, printed.INVALID_YAML, *(entry[0] for entry in FAILURES))
    for line in text.splitlines()
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(KNOWN), st.text(max_size=200))), st.sampled_from([None, 0, 1, 2, 127, 137]))
def test_no_line_in_any_order_breaks_it(lines: list[str], exit_code: int | None) -> None:
    output = CollectorOutput()
    for line in lines:
        assert output.feed(line).text == line[:2000].rstrip() or len(line) > 2000
    found = output.verdict(exit_code)
    assert found.outcome is not GcOutcome.COMPLETE or (exit_code == 0 and output.marked is not None)
    assert found.message or found.outcome is GcOutcome.COMPLETE


@given(st.randoms(use_true_random=False))
def test_stdout_and_stderr_may_arrive_in_any_order(dice: random.Random) -> None:
    stdout, stderr = printed.DRY_3.splitlines(), printed.SWEEP_TEXT.splitlines()
    output = CollectorOutput()
    while stdout or stderr:
        source = stdout if stdout and (not stderr or dice.random() < 0.5) else stderr
        output.feed(source.pop(0))
    assert (output.marked, len(output.eligible), output.swept) == (6, 2, 2)
    assert output.verdict(0).outcome is GcOutcome.COMPLETE


def test_ten_megabytes_stream_in_little_memory() -> None:
    output = CollectorOutput()
    lines = [f"team/app-{n:04}: marking blob sha256:{n:064x}" for n in range(1000)]
    tracemalloc.start()
    for _ in range(10_000_000 // sum(map(len, lines))):
        for line in lines:
            output.feed(line)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < 2_000_000


def test_the_first_failure_is_the_cause() -> None:
    told = verdict("panic: runtime error: index out of range\nError: exit status 1\n", 2)
    assert told.outcome is GcOutcome.CRASHED


def test_what_is_eligible_without_an_end_is_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HOST_ELIGIBLE", 3)
    output = CollectorOutput()
    for number in (*range(5), 0, 1):
        output.feed(f"blob eligible for deletion: sha256:{number:064x}")
        output.feed(f"team/app: layer link eligible for deletion: sha256:{number:064x}")
    for number in range(4):
        output.feed(f"manifest eligible for deletion: sha256:{number:064x}")
    assert (len(output.eligible), len(output.links), len(output.untagged), output.unkept) == (3, 3, 3, 3)

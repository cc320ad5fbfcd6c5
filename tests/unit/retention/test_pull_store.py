"""What logs told is kept, and since when it was told without a gap."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.digest import Digest
from regtui.registry.identity import RegistryId
from regtui.retention.access_log import LoggedImages
from regtui.retention.errors import SourceFailed
from regtui.retention.log_source import ReadBefore
from regtui.retention.pull_store import PullStore
from regtui.retention.values import UNKNOWN_PULLS

HERE = RegistryId.parse("registry.example.com")
VIA = RegistryId.parse("registry.example.com", "admin@bastion")
NOW = datetime.now(UTC).replace(microsecond=0)
DIGEST = Digest("sha256:" + "a" * 64)


def days(count: float) -> datetime:
    return NOW - timedelta(days=count)


def logged(begin: float, end: float, pulled: dict[str, float] | None = None, **pushed: float) -> LoggedImages:
    """In days before now."""
    return LoggedImages(
        {("app", name): days(ago) for name, ago in (pulled or {}).items()},
        {("app", name): days(ago) for name, ago in pushed.items()},
        days(begin),
        days(end),
        0,
    )


@pytest.fixture
def store(tmp_path: Path) -> PullStore:
    return PullStore(tmp_path / "state/pulls.sqlite")


def add(store: PullStore, images: LoggedImages, *, log: str = "log", continues: bool = False) -> None:
    store.add(HERE, log, images, ReadBefore(), continues=continues)


def test_the_latest_is_kept_by_tag_and_by_digest(store: PullStore, tmp_path: Path) -> None:
    assert store.of(HERE, "app", NOW) == UNKNOWN_PULLS
    add(store, logged(100, 50, {"1.4": 60, str(DIGEST): 70}, v1=80))
    add(store, logged(50, 0, {"1.4": 65, str(DIGEST): 1}))
    pulls = store.of(HERE, "app", NOW)
    assert pulls.tags == {"1.4": days(60)}
    assert pulls.digests == {DIGEST: days(1)}
    assert pulls.pushed == {"v1": days(80)}
    assert pulls.since == days(100)
    assert pulls.last("1.4", DIGEST) == days(1)
    assert store.of(HERE, "other", NOW).tags == {}
    assert store.of(VIA, "app", NOW).since is None
    file = tmp_path / "state/pulls.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_gap_is_known_and_nothing_before_it_counts(store: PullStore) -> None:
    add(store, logged(200, 100))
    add(store, logged(50, 0))
    pulls = store.of(HERE, "app", NOW)
    assert pulls.since == days(50)
    assert not pulls.not_for(timedelta(days=90), "1.4", None, NOW)
    assert pulls.not_for(timedelta(days=40), "1.4", None, NOW)
    assert [(span.begin, span.end) for span in store.spans(HERE)] == [(days(200), days(100)), (days(50), days(0))]
    # What lay in between is found in a file that was rotated.
    add(store, logged(120, 40))
    assert store.of(HERE, "app", NOW).since == days(200)


def test_a_log_that_is_read_on_has_no_gap(store: PullStore) -> None:
    add(store, logged(200, 100))
    add(store, logged(50, 0), continues=True)
    assert store.of(HERE, "app", NOW).since == days(200)


def test_a_log_that_ends_is_not_known_until_now(store: PullStore) -> None:
    """Requests that aren't logged any more, or another file: whoever asks for the registry is logged."""
    add(store, logged(200, 3))
    assert store.of(HERE, "app", NOW).since is None


def test_another_log_begins_anew(store: PullStore) -> None:
    add(store, logged(200, 0, {"1.4": 10}))
    add(store, logged(5, 0), log="other", continues=True)
    pulls = store.of(HERE, "app", NOW)
    assert (pulls.since, pulls.tags) == (days(5), {"1.4": days(10)})


def test_a_file_that_is_none_of_ours_is_told(tmp_path: Path) -> None:
    file = tmp_path / "pulls.sqlite"
    file.write_text("something else, and longer than a header of sixteen bytes" * 50)
    with pytest.raises(SourceFailed, match="can't be used"):
        add(PullStore(file), logged(1, 0))
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceFailed, match="it is a link"):
        add(PullStore(file), logged(1, 0))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), min_size=1, max_size=12))
def test_spans_are_what_days_of_a_calendar_say(
    tmp_path_factory: pytest.TempPathFactory, read: list[tuple[int, int]]
) -> None:
    """Against a count by days: without a gap since the first day from which on all are known."""
    store = PullStore(tmp_path_factory.mktemp("spans") / "pulls.sqlite")
    for end, length in read:
        add(store, logged(end + length, end))
    known = {day for end, length in read for day in range(2 * end, 2 * (end + length) + 1)}
    if not {0, 1, 2} & known:
        assert store.of(HERE, "app", NOW).since is None
        return
    first = min({0, 1, 2} & known)
    while first + 1 in known:
        first += 1
    assert store.of(HERE, "app", NOW).since == days(first / 2)

"""A second visit to a real repository: one small request for each tag, none for what was seen, and no stale answer."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.clients import crane, crane_digest
from tests.support.commands import Regtui
from tests.support.images import open_registry, push_image, push_index
from tests.support.meddler import Fault, meddling
from tests.support.seed import seed_repository
from tests.support.servers import VERSIONS, RegistryServer, start_registry

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
NAMES = [f"1.{number}" for number in range(400)]


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with start_registry(request.param, tmp_path_factory.mktemp("registry")) as started:
        first = datetime(2026, 1, 1, tzinfo=UTC)
        seed_repository(
            started.storage, REPOSITORY, [(name, first + timedelta(days=day)) for day, name in enumerate(NAMES)]
        )
        with open_registry(started.url) as writer:
            push_index(writer, REPOSITORY, "index", attestations=True)
        yield started


class Visits:
    """`regtui tags` again and again, with one home; what it asked the registry for, by its log."""

    def __init__(self, server: RegistryServer, home: Path) -> None:
        self._arguments = ("tags", "-r", server.url, REPOSITORY)
        self._log = home / "requests.log"
        self._regtui = Regtui(home)

    def __call__(self, *options: str) -> tuple[dict[str, dict[str, object]], Counter[str]]:
        self._log.unlink(missing_ok=True)
        records = self._regtui.records(*self._arguments, "--log-file", str(self._log), *options)
        requests = [line.split()[1:3] for line in self._log.read_text().splitlines()]
        asked = Counter(
            f"{method} {url.rpartition('/')[0].rpartition('/')[2]}" for method, url in requests if REPOSITORY in url
        )
        return {str(record["tag"]): record for record in records}, asked


@pytest.fixture
def visits(server: RegistryServer, tmp_path: Path) -> Visits:
    return Visits(server, tmp_path)


def test_it_costs_a_head_for_each_tag_and_says_the_same(visits: Visits) -> None:
    first, cold = visits()
    assert cold["GET manifests"] == len(NAMES) + 1 + 2
    assert cold["GET blobs"] == len(NAMES) + 2
    second, warm = visits()
    assert second == first
    assert dict(warm) == {"GET tags": 1, "HEAD manifests": len(NAMES) + 1}
    uncached, asked = visits("--no-cache")
    assert uncached == first
    assert asked == cold


def test_what_changed_meanwhile_is_seen(visits: Visits, server: RegistryServer) -> None:
    visits()
    with open_registry(server.url) as writer:
        pushed = push_image(writer, REPOSITORY, "1.7")
    crane("tag", f"{server.host}/{REPOSITORY}:1.8", "new")
    # As after a deletion that was interrupted: the tag is there, its manifest isn't.
    digest = crane_digest(f"{server.host}/{REPOSITORY}:1.9")
    crane("delete", f"{server.host}/{REPOSITORY}@{digest}")
    link = server.storage / f"docker/registry/v2/repositories/{REPOSITORY}/_manifests/tags/1.9/current/link"
    link.parent.mkdir(parents=True)
    link.write_text(digest)
    records, asked = visits()
    assert records["1.7"]["digest"] == pushed.digest == crane_digest(f"{server.host}/{REPOSITORY}:1.7")
    assert records["new"]["digest"] == records["1.8"]["digest"]
    assert records["1.9"]["digest"] is None
    assert "gone" in str(records["1.9"]["error"])
    # The manifest that moved, by its digest, the new tag, and why 1.9 has none; of the blobs the new image's config.
    assert (asked["GET manifests"], asked["GET blobs"]) == (3, 1)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 500, 501])
def test_where_head_is_refused_the_second_visit_shows_all_and_rm_removes(
    server: RegistryServer, tmp_path: Path, status: int
) -> None:
    repository = f"head/refused-{status}"
    with open_registry(server.url) as writer:
        kept, going = (push_image(writer, repository, tag) for tag in ("kept", "going"))
    regtui = Regtui(tmp_path)
    with meddling(server.url, lambda request: Fault(status=status) if request.method == "HEAD" else None) as front:
        for _ in range(2):
            records = regtui.records("tags", "-r", front.url, repository)
            shown = {str(record["tag"]): (record["digest"], record.get("error")) for record in records}
            assert shown == {"kept": (kept.digest, None), "going": (going.digest, None)}
        regtui("rm", "-r", front.url, f"{repository}:going", "--yes")
    assert crane("ls", f"{server.host}/{repository}").split() == ["kept"]
    assert crane_digest(f"{server.host}/{repository}:kept") == kept.digest

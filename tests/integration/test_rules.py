"""`regtui rm` by rule, on real registries; what is left is what crane and skopeo say."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.support.clients import ClientFailed, crane, crane_digest, skopeo_list_tags
from tests.support.commands import Regtui, failed
from tests.support.content import Recipe
from tests.support.images import open_registry, push_artifact, push_image, push_index
from tests.support.meddler import Fault, Request, meddling
from tests.support.servers import RegistryServer

NOW = datetime.now(UTC)


@pytest.fixture
def writer(shared_registry: RegistryServer) -> Iterator[httpx.Client]:
    with open_registry(shared_registry.url) as client:
        yield client


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> str:
    """One of its own for each test of the shared registry."""
    return f"rules/{request.function.__name__}"


def push_ages(writer: httpx.Client, repository: str, days: Mapping[str, float]) -> dict[str, str]:
    """Images so many days old; returns their digests."""
    return {
        tag: push_image(writer, repository, tag, recipe=Recipe(repository, created=NOW - timedelta(days=age))).digest
        for tag, age in days.items()
    }


AGES = {"1.0": 400, "1.1": 300, "1.2": 20, "1.10": 10, "dev-1": 60, "dev-2": 40, "dev-3": 5}


def left(server: RegistryServer, repository: str) -> set[str]:
    """What two other clients say."""
    tags = crane("ls", f"{server.host}/{repository}").split()
    assert sorted(tags) == sorted(skopeo_list_tags(f"{server.host}/{repository}"))
    return set(tags)


@pytest.mark.parametrize(
    ("name", "options", "goes"),
    [
        ("match", ["--match", "^dev-"], {"dev-1", "dev-2", "dev-3"}),
        ("older", ["--older-than", "30d"], {"1.0", "1.1", "dev-1", "dev-2"}),
        ("both", ["--match", "^dev-", "--older-than", "30d"], {"dev-1", "dev-2"}),
        ("keep", ["--keep", "3"], {"1.0", "1.1", "dev-1", "dev-2"}),
        ("keep_of", ["--match", "^dev-", "--keep", "1"], {"dev-1", "dev-2"}),
        ("keep_by", ["--keep", "2", "--keep-by", "version"], {"1.0", "1.1"}),
        ("keep_match", ["--match", ".", "--keep-match", r"^1\.1"], AGES.keys() - {"1.1", "1.10"}),
    ],
)
def test_exactly_what_the_rule_selects_goes(
    shared_registry: RegistryServer,
    writer: httpx.Client,
    regtui: Regtui,
    name: str,
    options: list[str],
    goes: set[str],
) -> None:
    repository = f"rules/{name}"
    digests = push_ages(writer, repository, AGES)
    reference = f"{shared_registry.host}/{repository}"
    assert _dry(regtui, reference, options) == {f"{repository}:{tag}" for tag in goes}
    assert left(shared_registry, repository) == AGES.keys()
    done = regtui("rm", reference, *options, "--yes", "--json")
    assert done.returncode == 0, done
    assert left(shared_registry, repository) == AGES.keys() - goes
    for tag, digest in digests.items():
        if tag in goes:
            with pytest.raises(ClientFailed):
                crane_digest(f"{reference}@{digest}")
        else:
            assert crane_digest(f"{reference}:{tag}") == digest
    again = regtui("rm", reference, *options, "--yes")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", f"{repository}: no tag matches.\n")


def _dry(regtui: Regtui, reference: str, options: list[str]) -> set[str]:
    done = regtui("rm", reference, *options, "--dry-run", "--json")
    assert done.returncode == 0, done
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert {record["status"] for record in records} == {"planned"}
    return {record["reference"] for record in records if record["action"] == "untag"}


def test_duplicates_leave_the_best_name_and_the_image(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    recipe, other = Recipe("one"), Recipe("other")
    for tag in ("latest", "1", "1.4", "1.4.2", "9c1f6d0"):
        digest = push_image(writer, repository, tag, recipe=recipe).digest
    for tag in ("edge", "sha-23ffb64"):
        edge = push_image(writer, repository, tag, recipe=other).digest
    done = regtui("rm", f"{shared_registry.host}/{repository}", "--duplicates", "--yes")
    assert done.returncode == 0, done
    assert left(shared_registry, repository) == {"1.4.2", "edge"}
    assert crane_digest(f"{shared_registry.host}/{repository}:1.4.2") == digest
    assert crane_digest(f"{shared_registry.host}/{repository}:edge") == edge
    crane("validate", "--remote", f"{shared_registry.host}/{repository}:1.4.2")


def test_what_has_no_date_stays_and_is_named(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    push_ages(writer, repository, {"old": 400})
    push_image(writer, repository, "reproducible", recipe=Recipe(repository, created=datetime(1980, 1, 1, tzinfo=UTC)))
    push_artifact(writer, repository, "chart")
    done = regtui("rm", f"{shared_registry.host}/{repository}", "--older-than", "1d", "--yes")
    assert done.returncode == 0, done
    assert "2 tags without a date of creation, never matched by age." in done.stderr
    assert left(shared_registry, repository) == {"reproducible", "chart"}


def test_attached_artifacts_are_no_tags_of_their_own(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    image = push_index(writer, repository, "1.0", recipe=Recipe(repository, created=NOW - timedelta(days=90)))
    stays = push_index(writer, repository, "2.0", recipe=Recipe(repository, created=NOW - timedelta(days=2)))
    signatures = [f"{each.digest.replace(':', '-')}.sig" for each in (image, stays)]
    for each, tag in zip((image, stays), signatures, strict=True):
        push_artifact(writer, repository, tag, subject=each)
    reference = f"{shared_registry.host}/{repository}"
    assert _dry(regtui, reference, ["--match", "."]) == {f"{repository}:1.0", f"{repository}:2.0"}
    done = regtui("rm", reference, "--older-than", "30d", "--with-attached", "--yes")
    assert done.returncode == 0, done
    assert left(shared_registry, repository) == {"2.0", signatures[1]}


def test_protected_tags_are_not_selected(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str, tmp_path: Path
) -> None:
    push_ages(writer, repository, {"1.0": 300, "latest": 300, "2.0": 1})
    config = tmp_path / "config.toml"
    config.write_text('protect = ["latest"]\n')
    command = ["rm", f"{shared_registry.host}/{repository}", "--config", str(config), "--yes"]
    done = regtui(*command, "--older-than", "30d")
    assert done.returncode == 0, done
    assert "latest is protected by the config file: not selected." in done.stderr
    assert left(shared_registry, repository) == {"latest", "2.0"}


def test_all_repositories(server: RegistryServer, regtui: Regtui) -> None:
    with open_registry(server.url) as writer:
        for repository in ("one", "team/two", "team/two/nested"):
            push_ages(writer, repository, AGES)
        push_ages(writer, "team/quiet", {"1.0": 1})
    command = ["rm", "-r", server.url, "--all-repositories", "--keep", "3"]
    failed(regtui(*command), 2, "Nobody can be asked here.")
    dry = regtui(*command, "--dry-run")
    assert dry.returncode == 0, dry
    assert "In all: 12 tags and 12 manifests in 3 of 4 repositories." in dry.stderr
    assert left(server, "one") == AGES.keys()
    done = regtui(*command, "--yes", "--json")
    assert done.returncode == 0, done
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == 24
    assert {record["status"] for record in told} == {"done"}
    for repository in ("one", "team/two", "team/two/nested"):
        assert left(server, repository) == {"1.2", "1.10", "dev-3"}
    assert left(server, "team/quiet") == {"1.0"}
    again = regtui(*command, "--yes")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "No tag matches in 4 repositories.\n")


@pytest.mark.parametrize(
    ("name", "options", "stay", "go"),
    [
        (
            "versions",
            ["--keep", "2", "--keep-by", "version"],
            "1.1.0 1.2.0 1234567 30481516 9c1f6d0 main-1b2c3d4 20241115 customer-9.9",
            "release-1.0 release-0.9 1.0.0",
        ),
        ("variants", ["--keep", "1", "--keep-by", "version"], "1.1.0 alpine", "1.1.0-alpine 1.0.0"),
        (
            "prereleases",
            ["--prereleases"],
            "sha-0b1e44f main-9c1a2d0 1.4.2-9c1a2d0 feature-42-beta-signup api2-dev 1.0.0 2.0.0-alpine",
            "1.0.0-rc1 3.13.0a2 1.21-rc-alpine",
        ),
        ("dashes", ["--match", "-x$"], "1.0 x", "1.0-x"),
    ],
)
def test_names_are_what_they_look_like(
    shared_registry: RegistryServer,
    writer: httpx.Client,
    regtui: Regtui,
    name: str,
    options: list[str],
    stay: str,
    go: str,
) -> None:
    repository = f"rules/names-{name}"
    push_ages(writer, repository, {tag: number + 1 for number, tag in enumerate([*stay.split(), *go.split()])})
    done = regtui("rm", f"{shared_registry.host}/{repository}", *options, "--yes")
    assert done.returncode == 0, done
    assert left(shared_registry, repository) == set(stay.split())


def test_prod_is_a_better_name_than_a_commit_of_digits(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    for tag in ("prod", "1234567"):
        push_image(writer, repository, tag, recipe=Recipe(repository))
    done = regtui("rm", f"{shared_registry.host}/{repository}", "--duplicates", "--yes")
    assert done.returncode == 0, done
    assert left(shared_registry, repository) == {"prod"}


def test_a_date_in_the_future_holds_no_place(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    push_ages(writer, repository, {"future": -400, "new": 1, "old": 100})
    done = regtui("rm", f"{shared_registry.host}/{repository}", "--keep", "1", "--yes")
    assert done.returncode == 0, done
    assert "future: 1 tag dated in the future" in done.stderr
    assert left(shared_registry, repository) == {"future", "new"}


def test_an_index_is_not_old_where_a_platform_of_it_is_gone(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    """What is gone may have been the newest of it."""
    old = NOW - timedelta(days=90)
    push_index(writer, repository, "whole", recipe=Recipe("whole", created=old))
    sparse = push_index(writer, repository, "sparse", recipe=Recipe("sparse", created=old))
    assert writer.delete(f"/v2/{repository}/manifests/{sparse.children[0].digest}").status_code == 202
    done = regtui("rm", f"{shared_registry.host}/{repository}", "--older-than", "30d", "--yes")
    assert done.returncode == 0, done
    assert "sparse: 1 tag without a date of creation" in done.stderr
    assert crane("ls", f"{shared_registry.host}/{repository}").split() == ["sparse"]


def test_images_are_counted_with_all_their_names(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    for tags, age in (("2.0 2 latest", 1), ("1.1 1", 20), ("1.0", 40), ("0.9 old", 60)):
        for tag in tags.split():
            push_image(writer, repository, tag, recipe=Recipe(tags, created=NOW - timedelta(days=age)))
    reference = f"{shared_registry.host}/{repository}"
    assert _dry(regtui, reference, ["--keep", "5"]) == {f"{repository}:{tag}" for tag in ("1.0", "0.9", "old")}
    done = regtui("rm", reference, "--keep-images", "2", "--yes")
    assert done.returncode == 0, done
    assert left(shared_registry, repository) == {"2.0", "2", "latest", "1.1", "1"}


def when_planned(do: Callable[[], object]) -> Callable[[Request], Fault | None]:
    """Somebody else does it once, after the rule has looked at the tags, and before the plan is made."""
    lists: list[str] = []

    def decide(request: Request) -> None:
        if "/tags/list" in request.path:
            lists.append(request.path)
            if len(lists) == 2:
                do()

    return decide


def test_what_was_pushed_anew_since_the_rule_looked_at_it_stays(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    push_ages(writer, repository, {"old": 90, "again": 90, "young": 0})
    fresh: list[str] = []

    def push() -> None:
        recipe = Recipe(repository, created=NOW, labels={"fresh": "yes"})
        fresh.append(push_image(writer, repository, "again", recipe=recipe).digest)

    with meddling(shared_registry.url, when_planned(push)) as front:
        done = regtui("rm", f"{front.host}/{repository}", "--older-than", "30d", "--yes")
    assert done.returncode == 1
    assert "again was pushed anew since it was listed: it stays." in done.stderr
    assert left(shared_registry, repository) == {"again", "young"}
    assert [crane_digest(f"{shared_registry.host}/{repository}:again")] == fresh


def test_a_duplicate_stays_where_the_better_name_was_moved_away_meanwhile(
    shared_registry: RegistryServer, writer: httpx.Client, regtui: Regtui, repository: str
) -> None:
    image = push_image(writer, repository, "1.0").digest
    crane("tag", f"{shared_registry.host}/{repository}:1.0", "abc1234")

    def push() -> None:
        push_image(writer, repository, "1.0", recipe=Recipe(repository, labels={"fresh": "yes"}))

    with meddling(shared_registry.url, when_planned(push)) as front:
        done = regtui("rm", f"{front.host}/{repository}", "--duplicates", "--yes")
    assert done.returncode == 1
    assert "abc1234 is the last tag of its image, which had more when listed: it stays." in done.stderr
    assert left(shared_registry, repository) == {"1.0", "abc1234"}
    assert crane_digest(f"{shared_registry.host}/{repository}:abc1234") == image

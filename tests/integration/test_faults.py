"""Tags deleted through a proxy that breaks things: the report agrees with the registry tag by tag, nothing else is
gone, and undo brings all back. On 2.8.2 and 3.1.1; what is there is read by plain httpx, past the proxy."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from regtui.deletion.request import Request as DeletionRequest
from regtui.deletion.values import Action, Report, Status
from regtui.registry.address import Address
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.session.changes import RunningChange
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import crane, crane_digest, crane_validate
from tests.support.content import DOCKER_MANIFEST
from tests.support.meddler import Fault, Request, meddling
from tests.support.seed import seed_repository
from tests.support.servers import VERSIONS, RegistryServer, start_registry

REPOSITORY = "many/tags"
# Seconds; the proxy's silence is longer than the client waits.
_TIMEOUT = 0.5
_TAGS = 50


class Faults:
    """One request in eight goes wrong, each time otherwise: the same for the same seed and order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.made: dict[str, int] = {}
        self.calm = False

    def __call__(self, request: Request) -> Fault | None:
        if self.calm or self._random.random() > 0.125:
            return None
        kinds: dict[str, Fault] = {
            "5xx before": Fault(status=self._random.choice([500, 502, 503, 504])),
            "5xx after": Fault(reaches=True, status=502),
            "reset before": Fault(reset=True),
            "reset after": Fault(reaches=True, reset=True),
            "429": Fault(status=429, headers={"Retry-After": "0"}),
            # DELETE is waited for as long as it takes: nothing is timed out there.
            "silence": Fault(reaches=True, seconds=2 * _TIMEOUT, status=504),
        }
        kind = self._random.choice(list(kinds))
        if kind == "silence" and self._random.random() > 0.2:
            kind = "429"
        self.made[kind] = self.made.get(kind, 0) + 1
        return kinds[kind]


async def finished(running: RunningChange) -> Report:
    async for _ in running.outcomes():
        pass
    return running.report


async def opened(url: str) -> Session:
    settings = HttpSettings(timeout=_TIMEOUT, retry=RetryPolicy(tries=6, base=0.01))
    return await open_session(Target(Address.parse(url), http=settings))


def tags_now(server: RegistryServer) -> dict[str, str]:
    """Every tag with what it leads to; empty where it leads to nothing."""
    names = crane("ls", f"{server.host}/{REPOSITORY}").split()
    with past_the_proxy(server) as client:
        answers = {name: client.get(f"v2/{REPOSITORY}/manifests/{name}") for name in names}
    return {name: answer.headers.get("Docker-Content-Digest", "") for name, answer in answers.items()}


def past_the_proxy(server: RegistryServer) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Accept": DOCKER_MANIFEST}, trust_env=False)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_report_is_true_and_undo_brings_all_back(version: str, tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    seeded = [(f"v{number}", start + timedelta(minutes=number)) for number in range(_TAGS + 20)]
    faults = Faults(seed=7)
    with start_registry(version, tmp_path) as server, meddling(server.url) as meddler:
        before = seed_repository(server.storage, REPOSITORY, seeded)
        going = {tag: before[tag] for tag in list(before)[:_TAGS]}
        connection = await opened(meddler.url)
        plan = await connection.plan_deletion(DeletionRequest(REPOSITORY, list(going)))

        meddler.decide = faults
        report = await finished(connection.deleting(plan))
        faults.calm = True

        assert len(faults.made) >= 4, faults.made
        after = tags_now(server)
        check(report, going, after, server)
        assert {tag: digest for tag, digest in after.items() if tag not in going} == {
            tag: digest for tag, digest in before.items() if tag not in going
        }

        entry = (await connection.changes.entries())[0]
        faults.calm = False
        undone = await finished(connection.changes.undoing(await connection.changes.plan_undo(entry)))
        faults.calm = True
        assert sum(1 for outcome in undone.outcomes if outcome.status is Status.FAILED) < _TAGS / 10
        again = await finished(connection.changes.undoing(await connection.changes.plan_undo(entry)))
        assert not [outcome for outcome in again.outcomes if outcome.status is not Status.DONE]
        await connection.close()
        assert tags_now(server) == before
        assert crane_digest(f"{server.host}/{REPOSITORY}:v0") == before["v0"]
        for tag in ("v0", f"v{_TAGS // 2}", f"v{_TAGS - 1}", f"v{_TAGS + 10}"):
            crane_validate(f"{server.host}/{REPOSITORY}:{tag}")


def check(report: Report, going: Mapping[str, str], after: Mapping[str, str], server: RegistryServer) -> None:
    """What is said to be done is gone, what isn't is there, for every tag and every manifest."""
    told = {(o.action, o.reference): o for o in report.outcomes}
    assert len([outcome for outcome in report.outcomes if outcome.action is Action.UNTAG]) == len(going)
    with past_the_proxy(server) as client:
        for tag, digest in going.items():
            assert (told[Action.UNTAG, f"{REPOSITORY}:{tag}"].status is Status.DONE) == (tag not in after), tag
            if after.get(tag):
                assert after[tag] == digest, f"{tag} was left, but not as it was"
            outcome = told.get((Action.DELETE, f"{REPOSITORY}@{digest}"))
            is_there = client.head(f"v2/{REPOSITORY}/manifests/{digest}").status_code == httpx.codes.OK
            assert (outcome is not None and outcome.status is Status.DONE) != is_there, outcome

"""Others push and promote while real registries delete, between any two of our requests: what they left is whole
afterwards, by crane, and what wasn't confirmed is there. On 2.8.2 and 3.1.1."""

import random
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request as Planned
from regtui.deletion.values import Action, Report, Status
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import crane, crane_digest, crane_validate
from tests.support.content import OCI_INDEX, OCI_MANIFEST, to_json
from tests.support.images import push_image, push_index
from tests.support.meddler import Request, meddling
from tests.support.servers import RegistryServer

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"


@dataclass
class Somebody:
    """Pushes past the proxy, to the registry itself. `pushed`: tag → what they put there last."""

    server: RegistryServer
    writer: httpx.Client
    bodies: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    pushed: dict[str, str] = field(default_factory=dict)
    # Requests of ours run beside each other: what is noted last is to be what was pushed last.
    turn: threading.Lock = field(default_factory=threading.Lock)

    def knows(self, digest: str) -> str:
        answer = self.writer.get(
            f"v2/{REPOSITORY}/manifests/{digest}", headers={"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"}
        )
        self.bodies[digest] = answer.content, answer.headers["Content-Type"]
        return digest

    def moves(self, tag: str, digest: str) -> None:
        """Whether a registry takes it, is its own business: an index without its children it doesn't."""
        body, kind = self.bodies[digest]
        path = f"v2/{REPOSITORY}/manifests/{tag}"
        if self.writer.put(path, content=body, headers={"Content-Type": kind}).status_code == 201:
            self.pushed[tag] = digest

    def pushes_index(self, tag: str, *children: str) -> None:
        entries = [{"mediaType": OCI_MANIFEST, "digest": d, "size": len(self.bodies[d][0])} for d in children]
        body = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, "annotations": {"of": tag}})
        path = f"v2/{REPOSITORY}/manifests/{tag}"
        answer = self.writer.put(path, content=body, headers={"Content-Type": OCI_INDEX})
        if answer.status_code == 201:
            self.pushed[tag] = answer.headers["Docker-Content-Digest"]


async def planned(url: str, *tags: str) -> tuple[Session, Callable[[], Awaitable[Report]]]:
    connection = await open_session(Target(Address.parse(url)))
    plan = await connection.plan_deletion(Planned(REPOSITORY, tags))
    assert not plan.obstacle

    async def confirmed() -> Report:
        running = connection.deleting(plan)
        async for _ in running.outcomes():
            pass
        return running.report

    return connection, confirmed


def once(when: Callable[[Request], bool], do: Callable[[], None]) -> Callable[[Request], None]:
    done: list[bool] = []

    def decide(request: Request) -> None:
        if not done and when(request):
            done.append(True)
            do()

    return decide


def listed(server: RegistryServer) -> set[str]:
    return set(crane("ls", f"{server.host}/{REPOSITORY}").split())


def told(report: Report, reference: str) -> tuple[Status, Reason | None]:
    (outcome,) = [o for o in report.outcomes if o.reference == f"{REPOSITORY}{reference}"]
    return outcome.status, outcome.reason


async def test_a_promotion_while_the_question_stands_keeps_the_manifest(
    server: RegistryServer, writer: httpx.Client
) -> None:
    somebody = Somebody(server, writer)
    doomed = somebody.knows(push_image(writer, REPOSITORY, "v1", kind="oci").digest)
    push_image(writer, REPOSITORY, "prod", kind="oci")
    connection, confirmed = await planned(server.url, "v1")
    somebody.moves("prod", doomed)
    report = await confirmed()
    assert listed(server) == {"prod"}
    assert crane_digest(f"{server.host}/{REPOSITORY}:prod") == doomed
    crane_validate(f"{server.host}/{REPOSITORY}:prod")
    assert told(report, f"@{doomed}") == (Status.SKIPPED, Reason.IN_USE)
    assert report.count(Action.UNTAG, Status.DONE) == 1
    await connection.close()


async def test_what_goes_along_with_the_delete_comes_back(server: RegistryServer, writer: httpx.Client) -> None:
    somebody = Somebody(server, writer)
    doomed = somebody.knows(push_image(writer, REPOSITORY, "v1", kind="oci").digest)
    push_image(writer, REPOSITORY, "prod", kind="oci")
    with meddling(server.url) as meddler:
        connection, confirmed = await planned(meddler.url, "v1")
        meddler.decide = once(
            lambda r: r.method == "DELETE" and r.path.endswith(doomed), lambda: somebody.moves("prod", doomed)
        )
        report = await confirmed()
        await connection.close()
    assert crane_digest(f"{server.host}/{REPOSITORY}:prod") == doomed
    crane_validate(f"{server.host}/{REPOSITORY}:prod")
    assert told(report, f"@{doomed}") == (Status.SKIPPED, Reason.IN_USE)


async def test_in_bulk_what_is_pushed_before_its_turn_stays(server: RegistryServer, writer: httpx.Client) -> None:
    somebody = Somebody(server, writer)
    tags = [f"v{number:02}" for number in range(24)]
    for tag in tags:
        push_image(writer, REPOSITORY, tag, kind="oci")
    fresh = somebody.knows(push_image(writer, REPOSITORY, "new", kind="oci").digest)
    with meddling(server.url) as meddler:
        connection, confirmed = await planned(meddler.url, *tags)
        meddler.decide = once(lambda r: r.change is not None, lambda: somebody.moves("v23", fresh))
        report = await confirmed()
        await connection.close()
    assert listed(server) == {"new", "v23"}
    assert crane_digest(f"{server.host}/{REPOSITORY}:v23") == fresh
    assert told(report, ":v23") == (Status.SKIPPED, Reason.MOVED)


async def test_of_many_the_manifest_that_tags_were_promoted_to_comes_back_with_them(
    server: RegistryServer, writer: httpx.Client
) -> None:
    somebody = Somebody(server, writer)
    doomed = [somebody.knows(push_image(writer, REPOSITORY, f"v{number}", kind="oci").digest) for number in range(12)]
    somebody.knows(push_image(writer, REPOSITORY, "kept", kind="oci").digest)
    promoted = ["1.2.3", "1.2", "1", "latest", "stable"]
    kept = next(reversed(somebody.bodies))
    for tag in [*promoted, *(f"w{number}" for number in range(40))]:
        somebody.moves(tag, kept)
    target: list[str] = []

    def promotes() -> None:
        path = f"v2/{REPOSITORY}/manifests/"
        accept = {"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"}
        there = [d for d in reversed(doomed) if writer.head(f"{path}{d}", headers=accept).status_code == 200]
        target.append(there[0])
        for tag in promoted:
            somebody.moves(tag, there[0])

    with meddling(server.url) as meddler:
        connection, confirmed = await planned(meddler.url, *(f"v{number}" for number in range(12)))
        deletes = 0

        def decide(request: Request) -> None:
            nonlocal deletes
            deletes += request.change is not None and "sha256:" in request.path
            if deletes == 4 and not target:
                promotes()

        meddler.decide = decide
        report = await confirmed()
        await connection.close()
    for tag in promoted:
        assert crane_digest(f"{server.host}/{REPOSITORY}:{tag}") == target[0], (tag, report)
        crane_validate(f"{server.host}/{REPOSITORY}:{tag}")
    assert told(report, f"@{target[0]}") == (Status.SKIPPED, Reason.IN_USE)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_others_do_is_there_afterwards(server: RegistryServer, writer: httpx.Client, seed: int) -> None:
    chance = random.Random(seed)
    somebody = Somebody(server, writer)
    images = [push_image(writer, REPOSITORY, f"i{number}", kind="oci").digest for number in range(4)]
    indexes = [push_index(writer, REPOSITORY, f"m{number}").digest for number in range(2)]
    for digest in (*images, *indexes):
        somebody.knows(digest)
    marked = chance.sample(["i0", "i1", "i2", "m0", "m1"], chance.randint(1, 4))
    for tag in ("prod", "stable"):
        somebody.moves(tag, chance.choice(images + indexes))
    acts = {chance.randint(1, 40): chance.choice(["prod", "stable"]) for _ in range(3)}
    begun = 0

    def meddles(request: Request) -> None:
        if begun and (tag := acts.pop(request.number - begun, "")):
            with somebody.turn:
                if chance.random() < 0.5:
                    somebody.moves(tag, chance.choice(images + indexes))
                else:
                    somebody.pushes_index(tag, *chance.sample(images, 2))

    with meddling(server.url, meddles) as meddler:
        connection, confirmed = await planned(meddler.url, *marked)
        begun = len(meddler.seen)
        report = await confirmed()
        await connection.close()
    left = listed(server)
    for tag, digest in somebody.pushed.items():
        assert crane_digest(f"{server.host}/{REPOSITORY}:{tag}") == digest, (tag, report)
    for tag in left:
        crane_validate(f"{server.host}/{REPOSITORY}:{tag}")
    for outcome in report.outcomes:
        if outcome.action is Action.UNTAG:
            assert (outcome.status is Status.DONE) == (outcome.reference.rpartition(":")[2] not in left), outcome
    assert left >= {"i0", "i1", "i2", "i3", "m0", "m1"} - set(marked)


async def test_a_new_tag_that_comes_while_the_doomed_ones_own_tags_are_looked_at_keeps_it(
    server: RegistryServer, writer: httpx.Client
) -> None:
    """On 2.x its tags go with the manifest: they are looked at after the list of tags, and that is asked once more."""
    somebody = Somebody(server, writer)
    digest = push_image(writer, REPOSITORY, "doomed", kind="oci").digest
    somebody.knows(digest)
    pushed: list[str] = []
    with meddling(server.url) as meddler:
        connection, confirmed = await planned(meddler.url, "doomed")

        def decide(request: Request) -> None:
            if request.method == "HEAD" and request.path.endswith("/doomed") and not pushed:
                pushed.append("new")
                somebody.moves("new", digest)

        meddler.decide = decide
        report = await confirmed()
        await connection.close()
    assert pushed
    assert crane_digest(f"{server.host}/{REPOSITORY}:new") == digest, report
    crane_validate(f"{server.host}/{REPOSITORY}:new")
    assert listed(server) == {"new"}

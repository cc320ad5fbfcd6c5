"""docs/registries.md: each row is tried against the registry that it names, or against a front that answers as that one
documents, and says what happened."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.values import Method
from regtui.registry.address import Address
from regtui.registry.errors import NotAuthenticated, RegistryError
from regtui.registry.values import Credential
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.content import Recipe
from tests.support.gateway import Asked, Gateway, Reply, Script, start_gateway
from tests.support.images import PushedImage, open_registry, push_artifact, push_image
from tests.support.servers import (
    start_distribution_2_7,
    start_olareg,
    start_referrers_registry,
    start_registry,
)
from tests.support.tokens import SERVICE, start_token_service

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/registries.md"
REPOSITORY, USER, PASSWORD = "team/app", "ci", "s3cret-of-the-table"
COLUMNS = (
    "registry",
    "tried",
    "login",
    "list",
    "tags",
    "dates",
    "tag alone",
    "image",
    "undo",
    "referrers",
    "collection",
)

UNSUPPORTED = Reply(405, {"Content-Type": "application/json"}, b'{"errors":[{"code":"UNSUPPORTED"}]}')
DENIED = Reply(403, {"Content-Type": "application/json"}, b'{"errors":[{"code":"DENIED"}]}')
REFUSED = Reply(401, {}, b'{"errors":[{"code":"UNAUTHORIZED"}]}')


@dataclass
class Served:
    """A registry as it is tried: `url` is what regtui opens, `writer` fills it past any front. `login`: what it asks
    for."""

    url: str
    writer: str
    login: str = "none"
    writer_login: tuple[str, str] | None = None


@dataclass
class World:
    folder: Path
    stack: ExitStack

    def distribution(self, version: str, **options: Any) -> str:
        started = start_registry(version, self.folder / f"registry-{version}", **options)
        return self.stack.enter_context(started).url

    def olareg(self) -> str:
        return self.stack.enter_context(start_olareg(self.folder))

    def go_registry(self) -> str:
        """Catalog, deletion by tag and by digest, referrers."""
        return self.stack.enter_context(start_referrers_registry(self.folder))

    def front(self, upstream: str, login: str, answer: Script = lambda asked: None) -> Served:
        """Asks for `login`, then answers by itself, else hands on to `upstream`."""
        wanted, challenge = self._asks_for(login)

        def script(asked: Asked) -> Reply | None:
            if not asked.authorization.startswith(wanted):
                return Reply(401, {"WWW-Authenticate": challenge}, b'{"errors":[{"code":"UNAUTHORIZED"}]}')
            return answer(asked)

        started: Gateway = self.stack.enter_context(start_gateway(script, upstream=upstream.removeprefix("http://")))
        return Served(started.url, upstream, login)

    def _asks_for(self, login: str) -> tuple[str, str]:
        """How the Authorization that it takes begins, and its challenge. Whose tokens they are the service checks."""
        if login == "password":
            return f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}", 'Basic realm="registry"'
        tokens = self.stack.enter_context(start_token_service(self.folder / "tokens", users={USER: PASSWORD}))
        return "Bearer ", f'Bearer realm="{tokens.realm}",service="{SERVICE}"'


def answers(*rules: tuple[str, Reply]) -> Script:
    """The reply of the first of `rules` whose expression is found in `METHOD PATH`."""

    def script(asked: Asked) -> Reply | None:
        return next((reply for what, reply in rules if re.search(what, f"{asked.method} {asked.path}")), None)

    return script


CATALOG, DELETE = "GET /v2/_catalog", "DELETE .*/manifests/"
DELETE_BY_TAG, DELETE_BY_DIGEST = "DELETE .*/manifests/(?!sha256:)", "DELETE .*/manifests/sha256:"


def plain(url: str) -> Served:
    return Served(url, url)


def with_password(url: str) -> Served:
    return Served(url, url, "password", (USER, PASSWORD))


def azure(world: World) -> Served:
    """Its deletion is by digest alone, and takes all tags of it along. (olareg lists no repositories.)"""
    names = Reply(200, {"Content-Type": "application/json"}, b'{"repositories":["team/app"]}')
    return world.front(world.olareg(), "token", answers((CATALOG, names), (DELETE_BY_TAG, UNSUPPORTED)))


def cache(world: World) -> Served:
    source = world.distribution("2.8.2")
    return Served(world.distribution("3.1.1", caches=source), source)


def object_store(world: World) -> Served:
    """Blobs come from another host, by a redirect with a signature in it."""
    registry = world.distribution("3.1.1")
    store = world.stack.enter_context(start_gateway(upstream=registry.removeprefix("http://"), name="localhost"))

    def script(asked: Asked) -> Reply | None:
        if asked.method in ("GET", "HEAD") and re.search("/blobs/sha256:", asked.path):
            return Reply(307, {"Location": f"{store.url}{asked.path}?X-Amz-Signature=0a"})
        return None

    front = world.stack.enter_context(start_gateway(script, upstream=registry.removeprefix("http://")))
    return Served(front.url, registry)


def docker_hub(world: World) -> Served:
    """Manifests that no tag leads to can be deleted, all others are refused."""
    registry = world.distribution("3.1.1")
    rules = ((CATALOG, DENIED), (DELETE_BY_TAG, UNSUPPORTED), (f"{DELETE_BY_DIGEST}(?!0000)", DENIED))
    return world.front(registry, "token", answers(*rules))


USERS = {USER: PASSWORD}

KINDS: dict[str, Callable[[World], Served]] = {
    "distribution-2.7.1": lambda world: with_password(
        world.stack.enter_context(start_distribution_2_7(world.folder, htpasswd=USERS))
    ),
    "distribution-2.8.2": lambda world: with_password(world.distribution("2.8.2", htpasswd=USERS)),
    "distribution-3.1.1": lambda world: with_password(world.distribution("3.1.1", htpasswd=USERS)),
    "cache": cache,
    "go-containerregistry": lambda world: plain(world.go_registry()),
    "olareg": lambda world: plain(world.olareg()),
    "object-store": object_store,
    "zot": lambda world: world.front(world.go_registry(), "password"),
    "docker-hub": docker_hub,
    "ghcr": lambda world: world.front(
        world.distribution("3.1.1"), "token", answers((CATALOG, DENIED), (DELETE, UNSUPPORTED))
    ),
    "ecr": lambda world: world.front(world.go_registry(), "password", answers((CATALOG, UNSUPPORTED))),
    "acr": azure,
    "quay": lambda world: world.front(world.go_registry(), "token"),
    "gitlab": lambda world: world.front(world.distribution("3.1.1"), "token", answers((CATALOG, REFUSED))),
    "gitea": lambda world: world.front(world.distribution("3.1.1"), "token"),
    "harbor": lambda world: world.front(
        world.olareg(), "token", answers((CATALOG, REFUSED), (DELETE_BY_TAG, UNSUPPORTED))
    ),
    "nexus": lambda world: world.front(world.distribution("2.8.2"), "password"),
    # Deletion by digest leaves the tags of it where they are, which point at nothing then.
    "nexus-3.89": lambda world: world.front(world.go_registry(), "password", answers((DELETE_BY_TAG, UNSUPPORTED))),
    "artifactory": lambda world: world.front(world.go_registry(), "password"),
}


def rows() -> dict[str, dict[str, str]]:
    """The table's rows, by the key of what they are tried against: `real: KEY` or `front: KEY`."""
    found = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(COLUMNS) and (key := re.fullmatch(r"(?:real|front): `([\w.-]+)`", cells[1])):
            found[key[1]] = dict(zip(COLUMNS, cells, strict=True))
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


def test_each_row_is_tried_and_says_against_what() -> None:
    assert set(rows()) == set(KINDS)
    real = {"distribution-2.7.1", "distribution-2.8.2", "distribution-3.1.1", "cache", "go-containerregistry", "olareg"}
    for key, row in rows().items():
        assert row["tried"].startswith("real" if key in real else "front"), key


@pytest.mark.parametrize("key", KINDS)
async def test_a_registry_does_what_its_row_says(key: str, world: World) -> None:
    served = KINDS[key](world)
    row = rows().get(key, {})
    seen = await tried(served)
    assert seen == {name: row.get(name) for name in seen}


async def tried(served: Served) -> dict[str, str]:
    with open_registry(served.writer, auth=served.writer_login) as writer:
        image = push_image(writer, REPOSITORY, "1.0", recipe=Recipe(name="shared"))
        push_image(writer, REPOSITORY, "latest", recipe=Recipe(name="shared"))
        single = push_image(writer, REPOSITORY, "2.0", recipe=Recipe(name="single"))
        attached = push_artifact(writer, REPOSITORY, None, subject=image)
        login = Credential(USER, PASSWORD) if served.login != "none" else None
        address = Address.parse(served.url)
        if login:
            with pytest.raises(NotAuthenticated):
                await open_session(Target(address, credential=Credential(USER, "a-wrong-one")))
        connection = await open_session(Target(address, credential=login))
        try:
            return {"login": served.login} | await seen(connection, writer, image, single, attached)
        finally:
            await connection.close()


async def seen(
    connection: Session, writer: httpx.Client, image: PushedImage, single: PushedImage, attached: PushedImage
) -> dict[str, str]:
    tags = {tag async for page in connection.tags(REPOSITORY) for tag in page}
    ((_, summary),) = [told async for batch in connection.fill(REPOSITORY, ["1.0"]).batches() for told in batch]
    at = SimpleNamespace(connection=connection, writer=writer)
    referrers = await refers(connection, attached)
    alone, first = await removed(at, "latest")
    assert digest(writer, "1.0") == image.digest
    _, second = await removed(at, "2.0")
    stays = "tag stays" if digest(writer, "2.0") else "yes"
    left = digest(writer, single.digest)
    back = [await put_back(at, run) for run in (second, first) if run]
    found = {tag: digest(writer, tag) for tag in ("1.0", "latest", "2.0")}
    assert found == {"1.0": image.digest, "latest": image.digest, "2.0": single.digest}
    return {
        "list": await listed(connection),
        "tags": "yes" if tags >= {"1.0", "latest", "2.0"} else "no",
        "dates": "yes" if summary.created else "no",
        "tag alone": alone,
        "image": "no" if left else stays,
        "undo": "yes" if back and all(back) else "no",
        "referrers": referrers,
    }


async def listed(connection: Session) -> str:
    try:
        names = [name async for page in connection.repositories() for name in page.repositories]
    except RegistryError:
        return "no"
    return "yes" if REPOSITORY in names else "no"


async def refers(connection: Session, attached: PushedImage) -> str:
    plan = await connection.plan_deletion(Request(REPOSITORY, ["1.0", "latest"]))
    return "yes" if attached.digest in plan.attached_manifests else "no"


async def removed(at: SimpleNamespace, tag: str) -> tuple[str, str]:
    """How `tag` was removed, and the run that did it; "no" where the plan said before that it can't be."""
    before = digest(at.writer, tag)
    plan = await at.connection.plan_deletion(Request(REPOSITORY, [tag]))
    if plan.obstacle:
        return "no", ""
    running = at.connection.deleting(plan)
    async for _ in running.outcomes():
        pass
    if not running.report.is_complete:
        # It is said, and the tag leads where it led.
        assert running.report.outcomes[0].reason in (Reason.PUT_BACK, Reason.REFUSED, Reason.NOT_DONE)
        assert digest(at.writer, tag) == before
        return "refused", ""
    assert digest(at.writer, tag) == ""
    entry = await at.connection.changes.last()
    return ("by tag" if plan.method is Method.BY_TAG else "empty index"), entry.name


async def put_back(at: SimpleNamespace, run: str) -> bool:
    entry = await at.connection.changes.entry(run)
    undoing = at.connection.changes.undoing(await at.connection.changes.plan_undo(entry))
    async for _ in undoing.outcomes():
        pass
    return bool(undoing.report.is_complete)


def digest(writer: httpx.Client, reference: str) -> str:
    """What a tag or digest leads to; empty where it is gone."""
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    answer = writer.head(f"v2/{REPOSITORY}/manifests/{reference}", headers=accept)
    return str(answer.headers.get("Docker-Content-Digest", "")) if answer.is_success else ""

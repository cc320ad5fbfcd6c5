"""Registries that answer as the large ones do, where the specification leaves it to them: by command, and in the app.

Each is a real registry behind a front that changes what that kind is known to do otherwise. None is special-cased.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regtui.session.resolving import Options, resolve_target
from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.app import RegtuiApp
from regtui.ui.screens.browser import BrowserScreen
from tests.integration.test_app import until
from tests.support.commands import Regtui, failed
from tests.support.gateway import Asked, Gateway, Reply, start_gateway
from tests.support.patience import PATIENCE
from tests.support.seed import seed_repository
from tests.support.servers import start_registry
from tests.support.tokens import SERVICE, TokenService, start_token_service

PASSWORD = "s3cret-of-the-kinds"
CREATED = datetime(2026, 11, 1, tzinfo=UTC)
TAGS = [f"1.{number}" for number in range(5)]


@dataclass
class World:
    """Where a kind is set up. `storage` is what its registry serves: team/app with TAGS."""

    folder: Path
    stack: ExitStack

    def registry(self, **options: object) -> str:
        server = self.stack.enter_context(start_registry("3.1.1", self.folder / "registry", **options))  # type: ignore[arg-type]
        seed_repository(server.storage, "team/app", [(tag, CREATED) for tag in TAGS])
        return server.host

    def front(self, upstream: str, script: Callable[[Asked], Reply | None]) -> Gateway:
        made = self.stack.enter_context(start_gateway(script, upstream=upstream))
        made.passes_logins = True
        return made

    def tokens(self, refuse: Callable[[Asked], Reply | None] = lambda asked: None) -> TokenService:
        """`refuse` is asked before it."""
        made = self.stack.enter_context(start_token_service(self.folder / "tokens", users={"ci": PASSWORD}))
        made.gateway.script = lambda asked: refuse(asked) or made.answer(asked)
        return made


@dataclass
class Kind:
    """What it does with `ls`, and with the tags of a repository that isn't there: exit codes, and a sentence."""

    front: Gateway
    ls: tuple[int, str]
    missing: tuple[int, str]


def docker_hub(world: World) -> Kind:
    """Tokens come from another host; nobody may list, whatever the token; what isn't there looks as what is private."""
    tokens = world.tokens()

    def script(asked: Asked) -> Reply | None:
        if asked.authorization and ("_catalog" in asked.path or "team/none" in asked.path):
            challenge = f'Bearer realm="{tokens.realm}",service="{SERVICE}",error="insufficient_scope"'
            return Reply(401, {"WWW-Authenticate": challenge}, b'{"errors":[{"code":"UNAUTHORIZED"}]}')
        return None

    return Kind(
        world.front(world.registry(tokens=tokens), script),
        (4, "does not allow listing the repositories with this login"),
        (4, "does not allow listing the tags (team/none) with this login"),
    )


def github(world: World) -> Kind:
    """The token service itself refuses, and says 403."""

    def refuse(asked: Asked) -> Reply | None:
        if "catalog" in asked.path or "none" in asked.path:
            denied = b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'
            return Reply(403, {"Content-Type": "application/json"}, denied)
        return None

    return Kind(
        world.front(world.registry(tokens=world.tokens(refuse)), lambda asked: None),
        (4, "does not allow listing the repositories with this login"),
        (4, "does not allow listing the tags (team/none) with this login"),
    )


def amazon(world: World) -> Kind:
    """A password that is a token, no catalog, small pages of tags with whole addresses, no HEAD, no digest header."""
    host = world.registry(htpasswd={"ci": PASSWORD})

    def script(asked: Asked) -> Reply | None:
        if "_catalog" in asked.path:
            return Reply(405, {}, b'{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}')
        if asked.method == "HEAD":
            return Reply(405)
        return None

    def change(asked: Asked, reply: Reply) -> Reply:
        kept = {name: value for name, value in reply.headers.items() if name.lower() != "docker-content-digest"}
        if "tags/list" in asked.path and reply.status == 200 and "last=" not in asked.path:
            kept["Link"] = f'<http://{asked.headers["host"]}/v2/team/app/tags/list?n=2&last=1.1>; rel="next"'
            return Reply(200, kept, b'{"name":"team/app","tags":["1.0","1.1"]}')
        return replace(reply, headers=kept)

    front = world.front(host, script)
    front.change = change
    return Kind(front, (6, "does not support listing the repositories"), (5, "has no repository team/none"))


def harbor(world: World) -> Kind:
    """Listing is for administrators, and refused without a word of what would be needed."""

    def script(asked: Asked) -> Reply | None:
        if "_catalog" in asked.path and asked.authorization:
            return Reply(401, {}, b'{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized to list catalog"}]}')
        return None

    return Kind(
        world.front(world.registry(tokens=world.tokens()), script),
        (4, "does not allow listing the repositories with this login"),
        (5, "has no repository team/none"),
    )


def zot(world: World) -> Kind:
    """Policies leave nothing of the list; refusals are 403 where others say 401, and have no body."""
    host = world.registry(htpasswd={"ci": PASSWORD})

    def script(asked: Asked) -> Reply | None:
        if not asked.authorization:
            return None
        if "_catalog" in asked.path:
            return Reply(200, {"Content-Type": "application/json"}, b'{"repositories":[]}')
        return Reply(403) if "team/none" in asked.path else None

    return Kind(world.front(host, script), (0, ""), (4, "does not allow listing the tags (team/none) with this login"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


@pytest.mark.parametrize("make", [docker_hub, github, amazon, harbor, zot], ids=lambda make: make.__name__)
async def test_it_is_used_by_what_is_named(make: Callable[[World], Kind], world: World) -> None:
    kind = make(world)
    home = world.folder / "home"
    home.mkdir()
    url = kind.front.url
    regtui = Regtui(home)
    regtui.environment |= {"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": PASSWORD}

    code, sentence = kind.ls
    listed = regtui("ls", url)
    if code:
        failed(listed, code, sentence)
    assert (listed.returncode, listed.stdout) == (code, "")
    failed(regtui("tags", "-r", url, "team/none"), *kind.missing)
    records = regtui.records("tags", "-r", url, "team/app")
    assert sorted(record["tag"] for record in records) == TAGS
    assert all(record["created"] and record["digest"] for record in records)
    assert regtui("inspect", "-r", url, "team/app:1.0").returncode == 0

    file = world.folder / "config.toml"
    file.write_text(f'[registries.kind]\naddress = "{url}"\nrepositories = ["team/app"]\n')
    config, credentials = Config.load(file), Credentials({}, keyring_timeout=PATIENCE)
    options = Options(username="ci", password=PASSWORD)
    app = RegtuiApp(config, credentials, resolve_target("kind", config, credentials, options))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
        browser = app.screen
        assert isinstance(browser, BrowserScreen)
        await until(pilot, lambda: browser.table.model.filled == len(TAGS))
        assert browser.lines.model.names() == ["team/app"]
        browser.open_typed("team/none")
        await until(pilot, lambda: bool(browser.table.said))
        browser.open_typed("team/app")
        await until(pilot, lambda: browser.table.model.total == len(TAGS))
        await until(pilot, lambda: not app.workers)

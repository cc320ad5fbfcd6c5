"""Registries that want bearer tokens, with a real token service: which scopes are asked for, what becomes of a refused
one, and where the password and the tokens go."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import socket

import pytest

from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.errors import BadAnswer, NotAllowed, Unreachable
from regtui.registry.values import Credential
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
from tests.support.servers import VERSIONS, RegistryServer, start_registry
from tests.support.tokens import TokenService, allow_all, start_token_service
from tests.support.witness import logins_stayed

PASSWORD = "s3cret-word"
CI = Credential("ci", PASSWORD)
CREATED = datetime(2026, 11, 1, tzinfo=UTC)


def only_the_team(user: str, what: str, actions: set[str]) -> set[str]:
    """`ci` may do everything with what is below team/, pull `shared`, and list nothing."""
    if user != "ci":
        return set()
    return actions if what.startswith("repository:team/") else actions & {"pull"} if what.endswith(":shared") else set()


@dataclass
class Place:
    """A registry behind a front that sees all requests, its token service, and an object store for blobs."""

    server: RegistryServer
    front: Gateway
    tokens: TokenService
    store: Gateway

    def client(self, credential: Credential | None = CI) -> RegistryClient:
        return RegistryClient(Address.parse(self.front.url), credential)

    def logins_stayed(self, *elsewhere: Gateway) -> None:
        logins_stayed(registry=self.front, realm=self.tokens.gateway, elsewhere=elsewhere, secrets=[PASSWORD])


@pytest.fixture(params=VERSIONS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        tokens = stack.enter_context(start_token_service(tmp_path / "tokens", users={"ci": PASSWORD}))
        server = stack.enter_context(start_registry(request.param, tmp_path / "registry", tokens=tokens))
        for name in ("team/app", "team/web", "shared", "private"):
            seed_repository(server.storage, name, [("1.0", CREATED), ("1.1", CREATED)])
        # As registries on S3 do: blobs by a redirect to a signed address. One elsewhere serves it from here.
        store = stack.enter_context(start_gateway(lambda asked: stored(server, asked), name="localhost"))

        def redirected(asked: Asked) -> Reply | None:
            if "/blobs/sha256:" in asked.path and asked.method == "GET" and asked.authorization:
                return Reply(307, {"Location": f"{store.url}{asked.path}?X-Amz-Signature=abc"})
            return None

        front = stack.enter_context(start_gateway(redirected, upstream=server.host))
        front.passes_logins = True
        yield Place(server, front, tokens, store)


def stored(server: RegistryServer, asked: Asked) -> Reply:
    digest = asked.path.partition("?")[0].rpartition("sha256:")[2]
    return Reply(200, {}, (server.storage / f"docker/registry/v2/blobs/sha256/{digest[:2]}/{digest}/data").read_bytes())


@pytest.fixture
def regtui(regtui: Regtui) -> Regtui:
    regtui.environment |= {"REGTUI_USERNAME": "ci", "REGTUI_PASSWORD": PASSWORD}
    return regtui


async def tags(client: RegistryClient, repository: str) -> list[str]:
    return sorted([tag async for page in client.tags(repository) for tag in page])


def test_each_command_asks_for_what_it_needs(place: Place, regtui: Regtui, tmp_path: Path) -> None:
    log = tmp_path / "log"
    url = place.front.url
    assert [r["repository"] for r in regtui.records("ls", url)] == ["private", "shared", "team/app", "team/web"]
    assert ("ci", ("registry:catalog:*",)) in place.tokens.issued
    records = regtui.records("tags", "-r", url, "team/app", "--log-file", str(log))
    assert sorted(record["tag"] for record in records) == ["1.0", "1.1"]
    assert ("ci", ("repository:team/app:pull",)) in place.tokens.issued
    # The configs came from the object store, by a redirect.
    assert all(record["created"] for record in records)
    gone = regtui("rm", "-r", url, "team/app:1.0", "--yes")
    assert gone.returncode == 0, gone.stderr
    assert ("ci", ("repository:team/app:delete",)) in place.tokens.issued
    assert [record["tag"] for record in regtui.records("tags", "-r", url, "team/app")] == ["1.1"]
    place.logins_stayed(place.store)
    for text in (log.read_text(), gone.stderr):
        assert PASSWORD not in text
        assert "Bearer" not in text


def test_a_right_that_is_missing_is_told_and_breaks_nothing_else(place: Place, regtui: Regtui) -> None:
    place.tokens.allow = only_the_team
    url, host = place.front.url, place.front.host
    failed(regtui("ls", url), 4, f"{host} does not allow listing the repositories with this login.")
    assert len(regtui.records("tags", "-r", url, "team/app")) == 2
    failed(
        regtui("tags", "-r", url, "private"), 4, f"{host} does not allow listing the tags (private) with this login."
    )
    pulled = regtui("rm", "-r", url, "shared:1.0", "--yes")
    assert pulled.returncode == 4
    assert "does not allow" in pulled.stderr
    assert len(regtui.records("tags", "-r", url, "shared")) == 2
    wrong = regtui("ls", url, REGTUI_PASSWORD="wrong")
    failed(wrong, 4, f"{host} rejects the user name or password.")
    nobody = regtui("ls", url, REGTUI_USERNAME="", REGTUI_PASSWORD="")
    failed(nobody, 4, f"Not logged in to {host}.")
    place.logins_stayed()


async def test_a_token_that_is_valid_but_too_narrow_is_not_asked_for_for_ever(place: Place) -> None:
    place.tokens.allow = only_the_team
    async with place.client() as client:
        for _ in range(3):
            with pytest.raises(NotAllowed) as caught:
                await tags(client, "private")
            assert caught.value.codes == ("UNAUTHORIZED",)
        assert await tags(client, "team/app") == ["1.0", "1.1"]
    assert len([scopes for _, scopes in place.tokens.issued if "private" in "".join(scopes)]) == 1


async def test_tokens_end_while_the_app_stays_open(place: Place) -> None:
    # Registries allow 60 seconds: this is refused five seconds after it was issued, whatever clients are told.
    place.tokens.life = -55.0
    async with place.client() as client:
        assert await tags(client, "team/app") == ["1.0", "1.1"]
        before = len(place.tokens.issued)
        await asyncio.sleep(5.5)
        place.tokens.life = 300.0
        # One new token for however many wait for it.
        assert await asyncio.gather(*(tags(client, "team/app") for _ in range(20))) == [["1.0", "1.1"]] * 20
        assert len(place.tokens.issued) == before + 1
    place.logins_stayed()


async def test_a_token_service_that_is_gone_is_named_itself(place: Place) -> None:
    place.tokens.gateway.script = lambda asked: Reply(500, {}, b"<html>")
    async with place.client() as client:
        with pytest.raises(BadAnswer, match=rf"The token service of {place.front.host} \(localhost\) answered 500"):
            await client.ping()


async def test_a_token_service_that_cannot_be_reached_is_named_itself(place: Place) -> None:
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        challenge = f'Bearer realm="http://localhost:{port}/token",service="x"'
        place.front.script = lambda asked: Reply(401, {"WWW-Authenticate": challenge})
        async with place.client() as client:
            with pytest.raises(Unreachable, match=f"Nothing listens at localhost:{port}") as caught:
                await client.ping()
        assert caught.value.remedy == f"{place.front.host} sends regtui there: it has to be reachable from here."


async def test_who_may_delete_but_not_push_is_told_first_and_offered_the_whole_image(
    place: Place, regtui: Regtui
) -> None:
    async with place.client() as client:
        image = await client.manifest("team/app", "1.0")
        await client.put_manifest("team/app", "same", image.body, image.media_type)
    place.tokens.allow = lambda user, what, actions: allow_all(user, what, actions) - {"push"}
    url = place.front.url
    one = regtui("rm", "-r", url, "team/app:1.0", "--yes")
    if place.server.version == "3.1.1":  # it removes a tag by itself
        assert one.returncode == 0, one
        assert "This login may delete, but not push: undo takes a login that may." in one.stderr
        assert "To put it back, with a login that may push: regtui undo" in one.stderr
        assert {record["tag"] for record in regtui.records("tags", "-r", url, "team/app")} == {"1.1", "same"}
        return
    failed(one, 6, "may delete, but not push")
    assert "(--manifest) would remove these tags as well: same." in one.stderr
    assert {record["tag"] for record in regtui.records("tags", "-r", url, "team/app")} == {"1.0", "1.1", "same"}
    whole = regtui("rm", "-r", url, "team/app:1.0", "--manifest", "--yes")
    assert whole.returncode == 0, whole
    assert "This login may delete, but not push: undo takes a login that may." in whole.stderr
    assert {record["tag"] for record in regtui.records("tags", "-r", url, "team/app")} == {"1.1"}
    # Nor can it be put back by this login, which is said before anything is tried.
    back = regtui("undo", url, "--yes")
    assert back.returncode == 6
    assert "Putting back needs the right to push." in back.stderr


async def test_the_app_with_a_login_that_may_list_nothing(place: Place, tmp_path: Path) -> None:
    place.tokens.allow = only_the_team
    config = Config(tmp_path / "config.toml")
    credentials = Credentials({}, keyring_timeout=PATIENCE)
    options = Options(username="ci", password=PASSWORD)
    app = RegtuiApp(config, credentials, resolve_target(place.front.url, config, credentials, options))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, BrowserScreen))
        browser = app.screen
        assert isinstance(browser, BrowserScreen)
        await until(pilot, lambda: "does not allow listing the repositories" in browser.lines.said)
        await pilot.press("slash", *"team/app", "enter")
        await until(pilot, lambda: browser.table.model.filled == 2)
        assert sorted(browser.table.model.row(line).tag for line in range(2)) == ["1.0", "1.1"]
        # One that this login may not see is said to be so, and the first is as it was.
        browser.open_typed("private")
        await until(pilot, lambda: "does not allow listing the tags" in browser.table.said)
        browser.open_typed("team/app")
        await until(pilot, lambda: browser.table.model.total == 2)
        await until(pilot, lambda: not app.workers)
    place.logins_stayed(place.store)


@pytest.mark.parametrize(
    ("ahead", "words"), [(3600.0, "an hour ahead of"), (-3600.0, "an hour behind"), (-7200.0, "2 hours behind")]
)
def test_a_token_service_with_another_time_is_told_from_a_wrong_password(
    place: Place, regtui: Regtui, ahead: float, words: str
) -> None:
    place.tokens.ahead = ahead
    service = place.tokens.gateway.host
    failed(
        regtui("ls", place.front.url),
        4,
        f"{place.front.host} does not accept the tokens of its token service {service}: the clock there is {words} the "
        "registry's. Set both by NTP. The user name and password are right, or none were needed.",
    )
    # A wrong password is one, whatever time it is there.
    failed(regtui("ls", place.front.url, REGTUI_PASSWORD="wrong"), 4, "rejects the user name or password")
    told = [json.loads(line) for line in regtui("doctor", place.front.url, "--json").stdout.splitlines()]
    clocks = [(check["status"], check["message"]) for check in told if check["check"] == "clock"]
    assert clocks == [
        ("ok", "agrees with this machine's"),
        ("failed", f"The clock of the token service {service} is {words} this machine's."),
    ]
    assert [check["check"] for check in told if check["status"] == "failed"] == ["login", "clock"]


def test_tokens_that_only_the_registry_doesn_t_trust(
    place: Place, regtui: Regtui, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its issuer or its certificate is another's: that's no wrong password either."""
    monkeypatch.setattr("tests.support.tokens.ISSUER", "somebody else")
    failed(regtui("ls", place.front.url), 4, "though that gives them. Compare auth.token in the registry's config.yml")

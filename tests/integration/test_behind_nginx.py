"""Registries behind the nginx of a widely copied recipe: TLS, a password and a sub-path at the proxy, which hides what
the registry says of itself, closes connections, and speaks HTML."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from regtui.registry.tls import TlsSettings
from regtui.registry.values import Credential
from tests.integration.test_app import running, shows, target, until
from tests.integration.test_reaching import opened, round_trip
from tests.support.commands import Regtui, failed
from tests.support.gateway import Asked, Reply, start_gateway
from tests.support.images import open_registry, push_image
from tests.support.nginx import NginxServer, start_nginx
from tests.support.servers import VERSIONS, RegistryServer, start_registry
from tests.support.tls import TlsFiles

CI = Credential("ci", "correct horse")
RECIPE = """
            if ($http_user_agent ~ "^(docker\\/1\\.(3|4|5(?!\\.[0-9]-dev))|Go ).*$") { return 404; }
            proxy_hide_header Docker-Distribution-Api-Version;
"""


@dataclass
class Place:
    registry: RegistryServer
    proxy: NginxServer
    tls: TlsFiles


@pytest.fixture(params=VERSIONS)
def place(request: pytest.FixtureRequest, tmp_path: Path, tls_files: TlsFiles) -> Iterator[Place]:
    with (
        start_registry(request.param, tmp_path / "registry") as registry,
        start_nginx(
            registry,
            tmp_path / "nginx",
            tls=tls_files,
            prefix="/hub",
            htpasswd={CI.username: CI.password},
            # 1000 is its default: the same, sooner.
            server="keepalive_requests 3;",
            location=RECIPE,
            # The registry names itself by what it hears, and that is of the inside.
            host="registry.internal:5000",
        ) as proxy,
    ):
        yield Place(registry, proxy, tls_files)


@pytest.fixture
def regtui(regtui: Regtui) -> Regtui:
    regtui.environment |= {"REGTUI_USERNAME": CI.username, "REGTUI_PASSWORD": CI.password}
    return regtui


def test_the_recipe_is_in_force(place: Place) -> None:
    with httpx.Client(verify=place.tls.client_context(), auth=("ci", CI.password), trust_env=False) as plain:
        refused = plain.get(f"{place.proxy.url}/v2/", headers={"User-Agent": "Go 1.1 package http"})
        assert (refused.status_code, refused.headers["Content-Type"]) == (404, "text/html")
        upload = plain.post(f"{place.proxy.url}/v2/a/blobs/uploads/")
        assert httpx.URL(upload.headers["Location"]).host == "registry.internal"


async def test_everything_works_through_it(place: Place) -> None:
    async with opened(place.proxy.url, CI, TlsSettings(ca_file=place.tls.ca)) as client:
        await round_trip(client)
        assert (await client.ping()).api_version == ""


async def test_commands_and_app(place: Place, regtui: Regtui, tmp_path: Path) -> None:
    url, ca = place.proxy.url, ("--ca-file", str(place.tls.ca))
    with open_registry(place.registry.url) as writer:
        for number in range(12):
            push_image(writer, "team/app", f"1.{number}")
    assert regtui("ls", url, *ca).stdout == "team/app\n"
    listed = regtui("tags", "-r", url, "team/app", *ca)
    assert listed.returncode == 0
    assert len(listed.stdout.splitlines()) == 12
    assert regtui("rm", "-r", url, "team/app:1.0", "--yes", *ca).returncode == 0
    host = place.proxy.host + "/hub"
    failed(regtui("ls", url, *ca, REGTUI_PASSWORD="wrong"), 4, f"{host} rejects the user name or password.")
    missing = regtui("tags", "-r", url, "team/none", *ca)
    failed(missing, 5, f"{host} has no repository team/none")
    async with running(target(url, CI, ca_file=place.tls.ca), tmp_path) as pilot:
        await until(pilot, shows(pilot, "11 tags"))
        await until(pilot, lambda: not pilot.app.workers)


async def test_errors_in_html(place: Place, regtui: Regtui) -> None:
    url, ca = place.proxy.url, ("--ca-file", str(place.tls.ca))
    failed(regtui("ls", url.removesuffix("/hub"), *ca), 3, "it is no registry")
    with start_gateway(lambda asked: Reply(502, {"Content-Type": "text/html"}, b"<html><b>Bad Gateway</b>")) as front:
        failed(regtui("ls", front.url), 1, f"{front.host} failed answering: 502 Bad Gateway.")


def test_links_that_lead_inside(place: Place, regtui: Regtui) -> None:
    with open_registry(place.registry.url) as writer:
        for name in ("a", "b", "c"):
            push_image(writer, name, "1")

    def small(asked: Asked) -> Reply | None:
        # A registry whose pages have two names.
        if asked.path.startswith("/v2/_catalog?") and "n=2" not in asked.path:
            return Reply(400, {}, b'{"errors":[{"code":"PAGINATION_NUMBER_INVALID"}]}')
        return None

    def inside(asked: Asked, reply: Reply) -> Reply:
        link = reply.headers.get("Link", "")
        changed = link.replace("</v2/", "<http://registry.internal:5000/v2/")
        return Reply(reply.status, {**reply.headers, "Link": changed} if link else reply.headers, reply.body)

    with start_gateway(small, upstream=place.registry.host, change=inside) as front:
        assert sorted(regtui("ls", front.url).stdout.split()) == ["a", "b", "c"]
        assert any("n=2" in asked.path for asked in front.asked)


async def test_links_and_locations_of_the_wrong_scheme(tmp_path: Path, tls_files: TlsFiles) -> None:
    """TLS ends at the proxy, and nobody has told the registry of it."""
    with (
        start_registry("3.1.1", tmp_path / "registry") as registry,
        start_gateway(upstream=registry.host) as middle,
        start_nginx(
            replace(registry, host=middle.host, url=middle.url),
            tmp_path / "nginx",
            tls=tls_files,
            htpasswd={CI.username: CI.password},
        ) as proxy,
    ):

        def small(asked: Asked) -> Reply | None:
            if asked.path.startswith("/v2/_catalog?") and "n=2" not in asked.path:
                return Reply(400, {}, b'{"errors":[{"code":"PAGINATION_NUMBER_INVALID"}]}')
            return None

        def plain(asked: Asked, reply: Reply) -> Reply:
            headers = dict(reply.headers)
            if "Link" in headers:
                headers["Link"] = headers["Link"].replace("</v2/", f"<http://{proxy.host}/v2/")
            if "Location" in headers:
                headers["Location"] = headers["Location"].replace("https://", "http://")
                assert headers["Location"].startswith(f"http://{proxy.host}/")
            return replace(reply, headers=headers)

        middle.change = plain
        tls = TlsSettings(ca_file=tls_files.ca)
        async with opened(proxy.url, CI, tls) as client:
            await round_trip(client)
        with open_registry(registry.url) as writer:
            for name in ("a", "b", "c"):
                push_image(writer, name, "1")
        middle.script = small
        (tmp_path / "home").mkdir()
        regtui = Regtui(tmp_path / "home")
        regtui.environment |= {"REGTUI_USERNAME": CI.username, "REGTUI_PASSWORD": CI.password}
        listed = regtui("ls", proxy.url, "--ca-file", str(tls_files.ca))
        assert sorted(listed.stdout.split()) == ["a", "b", "c", "team/app"], listed
        async with running(target(proxy.url, CI, ca_file=tls_files.ca), tmp_path) as pilot:
            await until(pilot, shows(pilot, "4 repositories"))
            await until(pilot, lambda: not pilot.app.workers)

"""Half a character in what others send (`"\\ud800"` in JSON, bytes that are no UTF-8) breaks nothing, and what was done
stays recorded."""

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.commands import Regtui
from tests.support.gateway import Asked, Reply, start_gateway
from tests.support.seed import seed_repository, store_manifest
from tests.support.servers import RegistryServer

pytestmark = pytest.mark.integration

HALF = "\ud800"
REFUSAL = Reply(409, {}, json.dumps({"errors": [{"code": "DENIED", "message": f"no {HALF}"}]}).encode())
NAMES = ("1", "2", "3", "4")


@pytest.fixture
def digests(registry_2: RegistryServer) -> dict[str, str]:
    return seed_repository(registry_2.storage, "team/app", [(name, datetime(2026, 1, 1, tzinfo=UTC)) for name in NAMES])


def well(done: "subprocess.CompletedProcess[str]", code: int = 0) -> str:
    """What it said."""
    assert "internal error" not in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done
    return done.stdout + done.stderr


def test_a_refusal_that_says_it_is_recorded(
    registry_2: RegistryServer, digests: dict[str, str], regtui: Regtui
) -> None:
    def refuses(asked: Asked) -> Reply | None:
        return REFUSAL if asked.method in refused and asked.path.endswith(digests["2"]) else None

    refused = {"DELETE"}
    with start_gateway(refuses, upstream=registry_2.host) as front:
        names = [f"{front.url}/team/app:{name}" for name in NAMES[:3]]
        said = well(regtui("rm", *names, "--yes"), 1)
        assert "no \ufffd" in said
        runs = regtui.records("log")
        assert [run["result"] for run in runs] == ["2 failed"], runs
        refused = {"PUT"}
        well(regtui("rm", names[1], "--yes"))
        well(regtui("undo", front.url, "--yes"), 1)
        refused = set()
        well(regtui("undo", front.url, "--yes"))
        assert all(run["result"] != "interrupted" for run in regtui.records("log"))


def test_a_manifest_that_names_its_own_type_so_is_deleted(registry_2: RegistryServer, regtui: Regtui) -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": HALF, "config": {}, "layers": [], HALF: HALF}).encode()
    digest = store_manifest(registry_2.storage, "team/app", "odd", body)

    def untyped(asked: Asked) -> Reply | None:
        if "/manifests/" not in asked.path or asked.method not in ("GET", "HEAD"):
            return None
        if any(earlier.method == "DELETE" and earlier.path.endswith(digest) for earlier in front.asked):
            return Reply(404, {}, b"{}")
        return Reply(200, {"Docker-Content-Digest": digest, "Content-Length": str(len(body))}, body)

    with start_gateway(untyped, upstream=registry_2.host) as front:
        well(regtui("inspect", f"{front.url}/team/app:odd", "--json"))
        well(regtui("rm", f"{front.url}/team/app:odd", "--yes"))
        # No registry takes it back: that is told, too.
        well(regtui("undo", front.url, "--yes"), 1)
    assert all(run["result"] != "interrupted" for run in regtui.records("log"))


def test_a_login_that_is_renewed_by_it_is_as_good_as_none(regtui: Regtui) -> None:
    """Its token service hands out a new identity token with each answer."""
    renewal = Reply(200, {}, json.dumps({"token": "t", "refresh_token": HALF, "expires_in": 1}).encode())
    with start_gateway(lambda _: renewal) as service:
        asks = {"WWW-Authenticate": f'Bearer realm="{service.url}/t",service="x"'}
        tags = json.dumps({"name": "a", "tags": []}).encode()
        with start_gateway(lambda asked: Reply(200, {}, tags) if asked.authorization else Reply(401, asks)) as front:
            entry = {"identitytoken": "1", "auth": base64.b64encode(b"ci:").decode()}
            logins = json.dumps({"auths": {front.host: entry}})
            for name in ("a", "b"):
                well(regtui("tags", f"{front.url}/{name}", DOCKER_AUTH_CONFIG=logins))
            well(regtui("check", front.url, "--all", DOCKER_AUTH_CONFIG=logins), 1)


@pytest.mark.parametrize("field", ["username", "password", "auth", "identitytoken", "registrytoken"])
def test_a_login_that_holds_it_is_told(registry_2: RegistryServer, regtui: Regtui, field: str) -> None:
    value = base64.b64encode(b"u:\xed\xa0\x80").decode() if field == "auth" else HALF
    entry = {"username": "u", "password": "p"} | {field: value}
    config = {"auths": {registry_2.host: entry, HALF: entry}, "credHelpers": {HALF: HALF}}
    done = regtui("ls", registry_2.url, DOCKER_AUTH_CONFIG=json.dumps(config))
    assert "internal error" not in done.stderr


def test_docker_s_file_keeps_what_others_wrote(registry_2: RegistryServer, regtui: Regtui) -> None:
    path = regtui.home / ".docker/config.json"
    path.parent.mkdir()
    others = {"auths": {}, "credHelpers": {"x": HALF}, HALF: [HALF]}
    path.write_text(json.dumps(others))
    well(regtui("login", registry_2.url, "--username", "ci", "--password-stdin", "--store", "docker", stdin="secret"))
    kept = json.loads(path.read_text())
    assert {**kept, "auths": {}} == others


COMMANDS = (
    ("ls", "@"),
    ("tags", "127.0.0.1:1/@"),
    ("inspect", "127.0.0.1:1/a:@"),
    ("find", "-r", "127.0.0.1:1", "@"),
    ("usage", "@"),
    ("compare", "127.0.0.1:1/a:@", "127.0.0.1:1/a:@"),
    ("tag", "127.0.0.1:1/a:1", "@"),
    ("rm", "127.0.0.1:1/a:@", "--yes"),
    ("rm", "127.0.0.1:1/a", "--match", "@", "--yes"),
    ("prune", "@", "--yes"),
    ("undo", "@", "--yes"),
    ("undo", "--list", "@"),
    ("gc", "@", "--dry-run"),
    ("check", "@"),
    ("in-use", "@"),
    ("log", "@"),
    ("login", "@", "--username", "@", "--password-stdin"),
    ("login", "127.0.0.1:1", "--username", "@", "--password-stdin"),
    ("logout", "@"),
    ("doctor", "@"),
    ("cache", "@"),
    ("ls", "127.0.0.1:1", "--log-file", "@"),
    ("ls", "127.0.0.1:1", "--via", "@"),
    ("@",),
)


def test_bytes_that_are_no_text_may_be_typed(tmp_path: Path, regtui: Regtui) -> None:
    """One process: `regtui` itself is quick to start, twenty of them are not."""
    script = """
import json, sys
from regtui.cli.main import main
for words in json.loads(sys.argv[1]):
    print(words, main([word.replace("@", "\\udcff") for word in words]))
"""
    environment = {**regtui.environment, "LOGNAME": "\udcff", "REGTUI_USERNAME": "\udcff", "TERM": "\udcff"}
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(COMMANDS)],
        env=environment,
        cwd=tmp_path,
        input=b"\xff\n" * len(COMMANDS),
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"\n") >= len(COMMANDS)
    assert b"internal error" not in done.stderr, done.stderr.decode(errors="replace")


def test_who_changed_something_is_recorded_whatever_they_are_called(
    registry_2: RegistryServer, digests: dict[str, str], regtui: Regtui
) -> None:
    name = os.fsdecode(b"\xff")
    well(regtui("rm", f"{registry_2.url}/team/app:1", "--yes", LOGNAME=name))
    (run,) = regtui.records("log")
    assert "team/app:1" in well(regtui("undo", registry_2.url, "--dry-run"))
    assert run["by"] == "\ufffd"
    assert run["result"] == "done", run

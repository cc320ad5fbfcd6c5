"""What a command doesn't need isn't loaded: `--version` answers before httpx could be imported."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

_SHOW = """
import json, sys
from regtui.cli.main import main
code = main(sys.argv[1:])
# None stands for what shall not be loaded.
modules = {name for name, module in sys.modules.items() if module is not None}
print(json.dumps({"code": code, "modules": sorted(modules)}), file=sys.stderr)
"""


def loaded(*argv: str, home: Path) -> set[str]:
    """The modules after a command, each package by itself, too."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", _SHOW, *argv],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    answer = json.loads(done.stderr.splitlines()[-1])
    assert answer["code"] == 0, done.stderr
    return set(answer["modules"])


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["tags", "--help"]])
def test_help_and_version_load_nothing_heavy(argv: list[str], tmp_path: Path) -> None:
    heavy = {"textual", "rich", "httpx", "keyring", "humanize", "asyncio", "ssl", "shtab", "platformdirs", "tomllib"}
    assert not loaded(*argv, home=tmp_path) & heavy


@pytest.mark.parametrize("argv", [["ls", "demo"], ["tags", "-r", "demo", "tools/cli", "--json"]])
def test_commands_load_no_textual_and_no_keyring_for_the_demo(argv: list[str], tmp_path: Path) -> None:
    assert not loaded(*argv, home=tmp_path) & {"textual", "rich", "click", "keyring", "shtab", "tomlkit"}


class _Registry(BaseHTTPRequestHandler):
    """Two repositories with two tags each, and nothing else."""

    def do_GET(self) -> None:
        body = b"{}"
        if "_catalog" in self.path:
            body = b'{"repositories":["a","b"]}'
        elif self.path.endswith("/tags/list"):
            body = b'{"name":"a","tags":["1.0","1.1"]}'
        self.send_response(200)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Registry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# What no list of names has any use for.
_NEEDLESS = {
    "aiohttp",
    "anyio",
    "httpcore",
    "humanize",
    "keyring",
    "platform",
    "rich",
    "shtab",
    "textual",
    "tomlkit",
    "tomllib",
    "uuid",
    "yaml",
    "regtui.session.filling",
    "regtui.deletion",
    "regtui.demo",
    "regtui.local",
    "regtui.listing.details",
    "regtui.listing.summary",
    "regtui.registry.probing",
    "regtui.settings.history",
    "regtui.ssh.login",
    "regtui.ui",
}


def test_a_list_of_repositories_loads_only_what_it_needs(registry: str, tmp_path: Path) -> None:
    modules = loaded("ls", registry, home=tmp_path)
    assert "httpx" in modules
    assert not modules & (_NEEDLESS | {"sqlite3", "regtui.content", "regtui.listing"})


def test_a_list_of_tags_names_loads_nothing_that_reads_images(registry: str, tmp_path: Path) -> None:
    modules = loaded("tags", "-r", registry, "a", "--names", home=tmp_path)
    assert "regtui.names.order" in modules
    assert not modules & _NEEDLESS

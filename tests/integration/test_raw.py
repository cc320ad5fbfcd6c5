"""`inspect --raw`: exact bytes to a pipe; on a terminal, nothing that it acts on."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Regtui
from tests.support.gateway import Asked, Gateway, Reply, start_gateway
from tests.support.terminal import on_terminal

BODY = (
    b'{"schemaVersion":2,\n\t"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":'
    b'"application/vnd.oci.image.config.v1+json","digest":"sha256:' + b"0" * 64 + b'","size":2},"layers":[],'
    b'"annotations":{"a":"\x1b]52;c;aGk=\x07 \xc2\x9b31m \xe2\x80\xae \xff \x7f"}}'
)


@pytest.fixture
def hostile() -> Iterator[Gateway]:
    def answer(asked: Asked) -> Reply:
        if "/manifests/" not in asked.path:
            return Reply(200, {}, b"{}")
        digest = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
        kind = "application/vnd.oci.image.manifest.v1+json"
        return Reply(200, {"Content-Type": kind, "Docker-Content-Digest": digest}, BODY)

    with start_gateway(answer) as gateway:
        yield gateway


def test_a_pipe_gets_every_byte(hostile: Gateway, regtui: Regtui) -> None:
    command = [sys.executable, "-m", "regtui", "inspect", f"{hostile.url}/team/app:1.0", "--raw"]
    done = subprocess.run(command, env=regtui.environment, capture_output=True, check=True, timeout=60)
    assert done.stdout == BODY


def test_a_terminal_gets_escape_sequences_written_out(hostile: Gateway, regtui: Regtui, tmp_path: Path) -> None:
    with on_terminal(["inspect", f"{hostile.url}/team/app:1.0", "--raw"], regtui.environment) as terminal:
        assert terminal.end() == 0
        shown = terminal.shown
    assert "\\x1b]52;c;aGk=\\x07 \\x9b31m \\u202e \\xff \\x7f" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)

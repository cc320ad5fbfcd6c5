"""The journal can't be written any more while a deletion is under way at a real registry."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import Regtui
from tests.support.images import open_registry, push_image
from tests.support.meddler import Request, meddling
from tests.support.servers import VERSIONS, start_registry


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_deleted_before_is_told_and_so_is_each_repository_that_was_not_begun(
    version: str, tmp_path: Path
) -> None:
    """No file may be written from the first deletion on, as with a quota."""
    regtui = Regtui(tmp_path / "home")
    with start_registry(version, tmp_path / "registry") as server, open_registry(server.url) as writer:
        for repository in ("one", "two"):
            push_image(writer, repository, "goes")
            push_image(writer, repository, "stays")
        running: list[subprocess.Popen[str]] = []

        def fill(request: Request) -> None:
            if request.change == 1:
                resource.prlimit(running[0].pid, resource.RLIMIT_FSIZE, (0, 0))

        with meddling(server.url, fill) as meddler:
            command = [
                sys.executable,
                "-m",
                "regtui",
                "rm",
                "-y",
                f"{meddler.host}/one:goes",
                f"{meddler.host}/two:goes",
            ]
            running.append(
                subprocess.Popen(
                    command, env=regtui.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            )
            told, said = running[0].communicate(timeout=120)
            assert running[0].returncode == 1
            rows = [line.split("\t") for line in told.splitlines()]
            assert {(row[0], row[3]) for row in rows if "@" not in row[0]} == {
                ("one:goes", "done"),
                ("two:goes", "failed"),
            }
            assert {row[4] for row in rows if row[0] == "two:goes"} == {
                "not done, as it can't be recorded in the journal: file too large"
            }
            assert "Nothing was changed" not in said
            assert "What would go can't be recorded in " in said
            [undo] = [line for line in said.splitlines() if line.startswith("To put it back: regtui ")]
            back = regtui(*undo.partition("regtui ")[2].split(), "-y")
            assert back.returncode == 0, back

"""`regtui cache`, and what commands keep."""

import json
from pathlib import Path

import pytest

from regtui.cli.main import main
from regtui.content.disk import Disk
from regtui.settings.paths import content_file
from tests.unit.content.test_disk import ORIGIN, numbered

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def kept() -> Path:
    contents = numbered(3)
    disk = Disk(content_file())
    disk.write({ORIGIN: contents}, {(ORIGIN, "team/app"): {"1.0": contents[0].digest}})
    disk.close()
    return content_file()


def test_it_shows_how_much_and_where(kept: Path, capsys: Captured) -> None:
    assert main(["cache", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["bytes_on_disk"] == kept.stat().st_size
    assert (record["file"], record["entries"], record["bytes"], record["tags"]) == (str(kept), 3, 300, 1)
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.split("\t")[:2] == [str(kept), "3"]


def test_it_clears(kept: Path, capsys: Captured) -> None:
    assert main(["cache", "--clear"]) == 0
    assert "3 manifests and configs, 1 tag forgotten." in capsys.readouterr().err
    assert Disk(kept).usage().entries == 0
    assert main(["cache", "--clear"]) == 0
    assert "Nothing was kept." in capsys.readouterr().err


def test_nothing_kept_is_no_error_and_makes_no_file(capsys: Captured) -> None:
    assert main(["cache", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 0
    assert not content_file().exists()


def test_the_demo_leaves_nothing_behind() -> None:
    assert main(["tags", "-r", "demo", "fullstack/common"]) == 0
    assert not content_file().exists()

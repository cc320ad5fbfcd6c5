"""One prune of a registry at a time; who holds it is said."""

import os
from pathlib import Path

import pytest

from regtui.registry.identity import RegistryId
from regtui.settings.paths import locks_dir
from regtui.settings.registry_lock import LockFailed, RegistryLocked, only_one

HERE = RegistryId.parse("https://registry.example.com")
OTHER = RegistryId.parse("https://other.example.com")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_the_second_is_told_who_holds_it() -> None:
    with only_one(HERE, "prune"):
        with pytest.raises(RegistryLocked) as locked, only_one(HERE, "prune"):
            pass
        assert f"registry.example.com already: process {os.getpid()}, since 2" in str(locked.value)
        with only_one(OTHER, "prune"):
            pass
    with only_one(HERE, "prune"):
        pass


def test_it_is_free_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), only_one(HERE, "prune"):
        raise ZeroDivisionError
    with only_one(HERE, "prune"):
        pass


def test_where_it_cannot_be_locked_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "regtui").mkdir()
    (tmp_path / "regtui" / "locks").write_text("")
    with pytest.raises(LockFailed, match="Nothing was changed"), only_one(HERE, "prune"):
        pass


def test_a_file_that_says_nothing_is_locked_all_the_same() -> None:
    with only_one(HERE, "prune"):
        (file,) = locks_dir().iterdir()
        file.write_text("{")
        with pytest.raises(RegistryLocked, match=r"running at registry.example.com already\."), only_one(HERE, "prune"):
            pass

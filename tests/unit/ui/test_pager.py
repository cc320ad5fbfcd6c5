"""The manifest's JSON in the user's pager: harmless, without our secrets, and one clear error where there is none."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, SuspendNotSupported

from regtui.errors import RegtuiError, SettingsError
from regtui.text import clean
from regtui.ui.pager import json_text, page


class Lending:
    """As an app that can leave its terminal, or has none."""

    def __init__(self, has_terminal: bool = True) -> None:
        self._has_terminal = has_terminal
        self.is_away = False
        self.drawn = 0

    @contextmanager
    def suspend(self) -> Iterator[None]:
        if not self._has_terminal:
            raise SuspendNotSupported
        self.is_away = True
        yield
        self.is_away = False

    def refresh(self, *, layout: bool) -> None:
        assert not self.is_away
        self.drawn += 1


def lending(has_terminal: bool = True) -> App[Any]:
    return cast("App[Any]", Lending(has_terminal))


@given(st.binary() | st.recursive(st.text() | st.integers(), st.lists).map(lambda value: json.dumps(value).encode()))
def test_whatever_was_sent_nothing_of_it_acts_on_a_terminal(body: bytes) -> None:
    text = json_text(body)
    assert clean(text, limit=len(text), keep="\n") == text


def test_a_manifest_is_indented_and_keeps_its_order() -> None:
    assert json_text(b'{"b":[1],"a":"\\u001b[2J"}') == '{\n  "b": [\n    1\n  ],\n  "a": "\\u001b[2J"\n}\n'


def test_the_pager_gets_the_text_and_not_our_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = tmp_path / "shown"
    monkeypatch.setenv("PAGER", f"sh -c '{{ cat; env; }} > {shown}'")
    monkeypatch.setenv("REGTUI_PASSWORD", "hunter2")
    app = lending()
    page(app, "the text\n")
    assert shown.read_text().startswith("the text\n")
    assert "hunter2" not in shown.read_text()
    assert cast("Lending", app).drawn == 1


@pytest.mark.parametrize(("pager", "why"), [("/nowhere/pager", "no such file"), ("less '", "its quotes don't match")])
def test_a_pager_that_can_t_be_started_is_named_and_the_app_is_back(
    pager: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", pager)
    app = lending()
    with pytest.raises(SettingsError, match=why):
        page(app, "text")
    assert cast("Lending", app).drawn == 1


def test_a_pager_that_ends_before_it_has_read_all_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "true")
    page(lending(), "x" * 1_000_000)


def test_without_a_terminal_it_is_said_so() -> None:
    with pytest.raises(RegtuiError, match="no terminal"):
        page(lending(has_terminal=False), "text")

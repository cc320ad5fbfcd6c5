"""No test waits for a registry that shows late what it did: the pauses are as many as ever, and end at once."""

import pytest

from regtui.deletion import patience, surely


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surely, "_PAUSE", 0.0)
    monkeypatch.setattr(patience, "PAUSES", tuple(0.0 for _ in patience.PAUSES))

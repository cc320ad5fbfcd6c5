"""Hosts that never stop talking, and scripts that never end: on this machine, where both can be had."""

import pytest

from regtui import bounds
from regtui.garbage.errors import GarbageError
from regtui.garbage.hosts import LocalHost, Script


async def test_what_was_printed() -> None:
    output = await LocalHost().run(Script("echo one; echo two >&2; exit 3"))
    assert (output.code, output.stdout, output.stderr) == (3, "one\n", "two\n")
    assert [line async for line in LocalHost().lines(Script("echo one; printf two"))] == ["one", "two"]


@pytest.mark.parametrize("script", ["yes", "yes >&2", "trap '' TERM; yes"])
async def test_a_host_that_never_stops_talking(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HOST_OUTPUT", 3 * bounds.MIB)
    monkeypatch.setattr("regtui.garbage.hosts._END_SECONDS", 0.1)
    with pytest.raises(GarbageError, match="The host wrote more than 3 MiB"):
        await LocalHost().run(Script(script))


async def test_a_host_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HOST_ANSWER_SECONDS", 0.3)
    with pytest.raises(GarbageError, match="to answer"):
        await LocalHost().run(Script("sleep 600"))


async def test_a_line_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HOST_LINE", 3 * bounds.MIB)
    with pytest.raises(GarbageError, match="a line of more than 3 MiB"):
        async for _ in LocalHost().lines(Script("yes | tr -d '\\n'")):
            pass

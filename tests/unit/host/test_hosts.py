"""Hosts that never stop talking, and scripts that never end: on this machine, where both can be had."""

import asyncio
import gc
import sys
import threading
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regtui import bounds
from regtui.host import hosts
from regtui.host.errors import CollectionFailed, GarbageError, HostNotAllowed
from regtui.host.found import _SAY, version_of
from regtui.host.hosts import LocalHost, Script, ScriptOutput, SshHost, call
from regtui.ssh.destination import Destination
from tests.support.held_host import until
from tests.support.patience import PATIENCE
from tests.support.programs import find_program


async def test_what_was_printed() -> None:
    output = await LocalHost().run(Script("echo one; echo two >&2; exit 3"))
    assert (output.code, output.stdout, output.stderr) == (3, "one\n", "two\n")
    assert [line async for line in LocalHost().lines(Script("echo one; printf two"))] == ["one", "two"]


@pytest.mark.parametrize("script", ["yes", "yes >&2", "trap '' TERM; yes"])
async def test_a_host_that_never_stops_talking(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HOST_OUTPUT", 3 * bounds.MIB)
    monkeypatch.setattr("regtui.host.hosts._END_SECONDS", 0.1)
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


async def test_what_has_ended_with_more_to_say_is_let_go_of_too(tmp_path: Path) -> None:
    """Its pipe is full of what nobody wants to hear any more. More than a reader takes without being read, and less
    than that and the pipe take together."""
    go = tmp_path / "go"
    script = 'echo "$$"; until test -e "$1"; do sleep 0.02; done; head -c 160000 /dev/zero | tr "\\0" "\\n"'
    async with asyncio.timeout(PATIENCE):
        async with aclosing(LocalHost().lines(Script(script, (str(go),)))) as lines:
            pid = await anext(lines)
            go.touch()
            await until(lambda: not Path(f"/proc/{pid}").exists())
    # What is left behind warns when it is collected: an error here. What was closed is gone a turn or two later.
    await asyncio.sleep(0.01)
    with pytest.MonkeyPatch.context() as patch:
        told: list[sys.UnraisableHookArgs] = []
        patch.setattr(sys, "unraisablehook", told.append)
        gc.collect()
        assert [str(one.exc_value) for one in told] == []


SHELLS = ("bash", "dash", "busybox", "fish", "tcsh", "zsh")
HOSTILE = (
    'it\'s \\ "$HOME" `touch pwned` $(touch pwned) !! ~ * {a,b} \n__EOF__\ntouch pwned\n \t -rf ; | & > < # % é \x1b'
)


class Login(LocalHost):
    """A host that is logged in to with this shell, as sshd calls it: with the command's line after -c."""

    def __init__(self, shell: str, begins: str = "") -> None:
        program = str(find_program(shell)) if shell not in ("bash", "dash") else shell
        self.shell = [program, *(["sh"] if shell == "busybox" else []), "-c"]
        self.begins = begins
        """What its start-up files do."""

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        sent = hosts._Sent(script)
        return await hosts._run([*self.shell, f"{self.begins}{sent.command}"], sent, self.place, is_long)

    def lines(self, script: Script) -> AsyncGenerator[str, None]:
        sent = hosts._Sent(script, is_joined=True)
        return hosts._lines([*self.shell, f"{self.begins}{sent.command}"], sent, self.place)


@pytest.mark.parametrize("shell", SHELLS)
def test_words_and_stdin_arrive_as_they_are_whatever_the_login_shell(
    shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = asyncio.run(Login(shell).run(call("printf", "<%s>", HOSTILE, "", "two")))
    assert (told.code, told.stdout) == (0, f"<{HOSTILE}><><two>")
    told = asyncio.run(Login(shell).run(Script('printf "%s|" "$1"; cat; exit 255', (HOSTILE,), HOSTILE * 3)))
    assert (told.code, told.stdout) == (254, f"{HOSTILE}|{HOSTILE * 3}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
async def test_what_start_up_files_print_is_no_answer(shell: str) -> None:
    aside = "" if shell in ("fish", "tcsh") else "echo Careful >&2; "
    host = Login(shell, f"{aside}echo Welcome to prod; echo regtui-0123; {aside}")
    told = await host.run(Script("echo one; echo two >&2"))
    assert (told.stdout, told.stderr) == ("one\n", "two\n")
    assert [line async for line in host.lines(Script("echo one; echo two >&2; echo three"))] == ["one", "two", "three"]


# As sshd, that takes what a session prints from two pipes, and sends it in any order: $1 is the session's command, $2
# its outputs in turn, how many bytes of which.
_RELAY: Final = """\
import os, subprocess, sys
told = subprocess.run(["sh", "-c", sys.argv[1]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
left = {1: told.stdout, 2: told.stderr}
for part in sys.argv[2].split():
    to, size = map(int, part.split(":"))
    os.write(to, left[to][:size])
    left[to] = left[to][size:]
for to in (2, 1) if sys.argv[3] == "2" else (1, 2):
    os.write(to, left[to])
sys.exit(told.returncode)
"""
_BOTH: Final = 'echo one; echo two >&2; echo three; echo four >&2; printf "end"'


class Relayed(LocalHost):
    def __init__(self, begins: str, parts: Sequence[tuple[int, int]], last: int) -> None:
        self.begins = begins
        self.order = (" ".join(f"{to}:{size}" for to, size in parts), str(last))

    def command(self, sent: hosts._Sent) -> list[str]:
        return [sys.executable, "-ISc", _RELAY, f"{self.begins}{sent.command}", *self.order]

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        sent = hosts._Sent(script)
        return await hosts._run(self.command(sent), sent, self.place, is_long)

    def lines(self, script: Script) -> AsyncGenerator[str, None]:
        sent = hosts._Sent(script, is_joined=True)
        return hosts._lines(self.command(sent), sent, self.place)


@given(
    st.sampled_from(["", "echo Welcome; ", "echo Careful >&2; ", "printf Welcome; printf Careful >&2; "]),
    st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 60)), max_size=6),
    st.sampled_from([1, 2]),
)
@example("", [], 2)
@example("", [], 1)
@settings(max_examples=25, deadline=None)
def test_two_outputs_are_the_same_in_whatever_order_they_come(
    begins: str, parts: list[tuple[int, int]], last: int
) -> None:
    host = Relayed(begins, parts, last)

    async def heard() -> tuple[ScriptOutput, list[str]]:
        return await host.run(Script(_BOTH)), [line async for line in host.lines(Script(_BOTH))]

    told, lines = asyncio.run(heard())
    assert (told.stdout, told.stderr) == ("one\nthree\nend", "two\nfour\n")
    assert lines == ["one", "two", "three", "four", "end"]


async def test_start_up_files_that_exit_are_named() -> None:
    with pytest.raises(HostNotAllowed, match="ends before it runs anything: only humans here"):
        await Login("bash", "echo only humans here; exit 0; ").run(call("true"))


async def test_start_up_files_that_ask_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HOST_ANSWER_SECONDS", 0.5)
    with pytest.raises(GarbageError, match="to answer"):
        await Login("bash", "sleep 60; ").run(call("true"))


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4), st.text())
@settings(max_examples=40)
def test_any_words_arrive(words: list[str], stdin: str) -> None:
    script = Script('for word; do printf "%s\\0" "$word"; done; cat', tuple(words), stdin.replace("\0", ""))
    told = asyncio.run(LocalHost().run(script))
    assert told.stdout == "".join(f"{word}\0" for word in words) + script.stdin


async def test_a_login_that_nobody_waits_for_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, closed = threading.Event(), threading.Event()

    class Slow:
        def __init__(self, destination: Destination) -> None: ...

        def open(self) -> None:
            begun.set()
            closed.wait(PATIENCE)

        def close(self) -> None:
            closed.set()

    monkeypatch.setattr(hosts, "Ssh", Slow)
    looking = asyncio.create_task(SshHost(Destination("prod-1")).run(call("true")))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert closed.is_set()


async def test_what_a_program_says_of_its_version_is_bounded() -> None:
    words = "echo registry v3.1.1; yes 2.8.2"
    host = LocalHost()
    said = await host.run(Script(_SAY, (words, "4096")))
    assert len(said.stdout) == 4096
    assert await version_of(host, "echo registry v3.1.1") == "3.1.1"
    assert await version_of(host, "</nowhere echo 3.1.1") == "3.1.1"
    assert await version_of(host, "false 3.1.1") == ""
    assert await version_of(host, "sh -c 'echo 3.1.1; exit 3'") == ""


async def test_one_wide_character_makes_no_text_four_times_as_wide() -> None:
    said = await LocalHost().run(Script("printf '\\360\\237\\230\\200'; head -c 2000000 /dev/zero | tr '\\0' a"))
    assert said.stdout.isascii()
    assert len(said.stdout) == 2_000_004


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "\ud83d\ude00"])
def test_what_cannot_be_a_word_of_a_command_is_told(text: str) -> None:
    """YAML can write it."""
    with pytest.raises(CollectionFailed, match=r"tells a name"):
        Script("true", (text,))


async def test_a_file_s_name_that_is_no_utf_8_goes_there_as_it_is() -> None:
    told = await LocalHost().run(Script('printf %s "$1" | od -An -tx1; od -An -tx1', ("\udcff",), "\udcfe"))
    assert told.stdout.split() == ["ff", "fe"]


async def test_both_outputs_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "HOST_OUTPUT", 3 * bounds.MIB)
    with pytest.raises(GarbageError, match="The host wrote more than 3 MiB"):
        await LocalHost().run(Script("head -c 2000000 /dev/zero; head -c 2000000 /dev/zero >&2"))


async def test_what_is_large_is_in_memory_no_more_than_twice() -> None:
    size = 20 * bounds.MIB
    tracemalloc.start()
    told = await LocalHost().run(Script(f"head -c {size} /dev/zero"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(told.stdout) == size
    assert most < 2.5 * size

"""The machine that the registry runs on: takes POSIX shell scripts, gives what they print.

host = SshHost(Destination.parse("deploy@registry.example.com"), interactive)
output = await host.run(call("docker", "inspect", "--", name))
async for line in host.lines(Script(TEXT, (name, path))): ...

The text of a script is the project's own and always the same. What was read from a host, a container or a config never
becomes part of it: values are positional parameters, lists are stdin.
"""

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from shlex import join
from typing import Final, Protocol

from regtui import bounds
from regtui.aside import aside
from regtui.child import CHILDREN, child_environment
from regtui.host.errors import CollectionFailed, GarbageError, HostNotAllowed
from regtui.ssh.destination import Destination
from regtui.ssh.errors import ConnectionLost, SshError, ssh_error
from regtui.ssh.login import Ssh
from regtui.text import one_line

Interactive = Callable[[Callable[[], None]], Awaitable[None]]
"""Calls a function while the user's terminal is free for it: ssh asks there for passwords and host keys. The app
suspends meanwhile. The function blocks, and doesn't raise."""


def undisturbed(work: Callable[[], None]) -> None:
    """Calls it here and now, so that nothing of ours writes in between. Ctrl+C is for what runs there."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        work()
    finally:
        signal.signal(signal.SIGINT, before)


_SSH_FAILED: Final = 255
_CHUNK: Final = 64 * 1024
_LARGE_CHUNK: Final = 1024 * 1024
# Seconds that what is told to end has for it.
_END_SECONDS: Final = 2.0

# The login shell over there may be any: in single quotes, without ' ! \\ and line breaks, this reads the same in sh,
# bash, zsh, fish, csh and tcsh. dd takes exactly the script, so that what follows it is the stdin of what it runs.
_READ_ALL: Final = "exec sh -c 'eval \"$(cat)\"'"
_READ_SOME: Final = "exec sh -c 'eval \"$(dd bs=1 count={} 2>/dev/null)\"'"


@dataclass(frozen=True, slots=True)
class Script:
    """What a host's shell runs: `text`, with `arguments` as $1, $2, … and `stdin`. Raises CollectionFailed where a
    value can't be an argument of a program at all."""

    text: str
    arguments: tuple[str, ...] = ()
    stdin: str = ""

    def __post_init__(self) -> None:
        if any("\0" in argument for argument in self.arguments):
            raise CollectionFailed("The registry's host tells a name with a NUL in it.", "Look at its settings.")
        try:
            _bytes(self.stdin + "".join(self.arguments))
        except UnicodeEncodeError:
            raise CollectionFailed(
                "The registry's host tells a name that is no text.", "Look at its settings."
            ) from None


def call(*words: str, then: str = "") -> Script:
    """Runs one program with exactly these words. `then`: what follows the call in the script, as `2>&1`."""
    return Script(f'"$@" {then}'.rstrip(), words)


@dataclass(frozen=True, slots=True)
class ScriptOutput:
    """What a script printed, and its exit code. From the other side: not harmless."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Both, for what went wrong: runtimes use either."""
        return f"{self.stderr}\n{self.stdout}"


class Host(Protocol):
    """Everything raises SshError where the host can't be reached, and CollectionFailed where it says too much or takes
    too long. `close` it."""

    @property
    def place(self) -> str:
        """The host in words."""

    @property
    def login(self) -> str:
        """What a person types to get there; empty for this machine."""

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        """Runs a script to its end. `is_long`: it may take as long as a walk through a large storage."""

    def lines(self, script: Script) -> AsyncGenerator[str, None]:
        """Its lines as they come, stdout and stderr together. To be closed: that leaves the script behind."""

    def blocks(self, script: Script) -> AsyncGenerator[bytes, None]:
        """The same, many whole lines at a time as they are: for what prints a million."""

    async def close(self) -> None: ...


class LocalHost:
    """This machine."""

    place = "this machine"
    login = ""

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        sent = _Sent(script)
        return await _run(["sh", "-c", sent.command], sent, self.place, is_long)

    def lines(self, script: Script) -> AsyncGenerator[str, None]:
        sent = _Sent(script, is_joined=True)
        return _lines(["sh", "-c", sent.command], sent, self.place)

    def blocks(self, script: Script) -> AsyncGenerator[bytes, None]:
        sent = _Sent(script, is_joined=True)
        return _blocks(["sh", "-c", sent.command], sent, self.place)

    async def close(self) -> None:
        pass


class SshHost:
    """A host behind OpenSSH: one login, made when it is first needed, and made anew where it was lost."""

    def __init__(self, destination: Destination, interactive: Interactive | None = None) -> None:
        self._destination = destination
        self._interactive = interactive
        self._ssh: Ssh | None = None
        self._opening = asyncio.Lock()

    @property
    def place(self) -> str:
        return str(self._destination)

    @property
    def login(self) -> str:
        port = f"-p {self._destination.port} " if self._destination.port else ""
        return f"ssh {port}{self._destination.argument}"

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        ssh, sent = await self._opened(), _Sent(script)
        output = await _run(ssh.command(sent.command), sent, self.place, is_long)
        if output.code == _SSH_FAILED:
            raise self._failure(ssh, output.stderr)
        return output

    async def lines(self, script: Script) -> AsyncGenerator[str, None]:
        ssh, sent = await self._opened(), _Sent(script, is_joined=True)
        async with aclosing(_lines(ssh.command(sent.command), sent, self.place)) as lines:
            async for line in lines:
                yield line
        if not ssh.is_open:
            raise self._failure(ssh, "")

    async def blocks(self, script: Script) -> AsyncGenerator[bytes, None]:
        ssh, sent = await self._opened(), _Sent(script, is_joined=True)
        async with aclosing(_blocks(ssh.command(sent.command), sent, self.place)) as blocks:
            async for block in blocks:
                yield block
        if not ssh.is_open:
            raise self._failure(ssh, "")

    async def close(self) -> None:
        if self._ssh is not None:
            await aside(self._ssh.close)

    async def _opened(self) -> Ssh:
        async with self._opening:
            if self._ssh is not None and not self._ssh.is_open:
                await self.close()
                self._ssh = None
            if self._ssh is None:
                ssh = Ssh(self._destination)
                try:
                    await self._log_in(ssh)
                except BaseException:
                    # Cancelled, too: the login would go on.
                    await aside(ssh.close)
                    raise
                self._ssh = ssh
            return self._ssh

    async def _log_in(self, ssh: Ssh) -> None:
        """Asks nobody first: with a key or an agent nothing has to be asked, and the app stays on the screen."""
        try:
            await aside(ssh.open)
        except SshError as error:
            if not error.needs_person or self._interactive is None:
                raise
            # Where nobody could be asked after all, it is as it was.
            failed = [error]

            def ask() -> None:
                failed.clear()
                try:
                    ssh.open(on_terminal=True)
                except SshError as refused:
                    failed.append(refused)

            await self._interactive(ask)
            if failed:
                raise failed[0] from None

    def _failure(self, ssh: Ssh, said: str) -> SshError:
        if said.strip() and ssh.is_open:
            return ssh_error(said, self._destination)
        return ConnectionLost(
            f"The SSH connection to {self._destination} was lost.", "Check the network, then try again."
        )


class _Sent:
    """A script on its way: `command` for the login shell, `stdin` for what that runs, and what is heard of it from
    `mark` on, in each of its outputs. What comes before was printed by start-up files. `is_joined`: it writes its
    stderr to stdout itself, for on their way here two outputs come in any order."""

    def __init__(self, script: Script, *, is_joined: bool = False) -> None:
        self.mark = f"regtui-{secrets.token_hex(8)}".encode()
        text = _whole(script, self.mark.decode(), is_joined=is_joined)
        self.command = _READ_SOME.format(len(text)) if script.stdin else _READ_ALL
        self.stdin = text + _bytes(script.stdin)

    def heard(self, printed: bytes) -> bytes | None:
        """What the script itself printed to one of its outputs; None where it hasn't begun."""
        _, mark, rest = printed.partition(self.mark + b"\n")
        return rest if mark else None

    def has_begun(self, printed: bytearray) -> bool:
        """Whether the script had; then nothing but what it printed itself is left there."""
        begin = printed.find(self.mark + b"\n")
        if begin >= 0:
            del printed[: begin + len(self.mark) + 1]
        return begin >= 0


def _never_began(place: str, printed: bytes) -> HostNotAllowed:
    said = one_line(printed.decode("utf-8", "replace").strip().rpartition("\n")[2])[:200].rstrip(".")
    return HostNotAllowed(
        f"The login shell on {place} ends before it runs anything{f': {said}' if said else ''}.",
        "See that its start-up files (.bashrc, .cshrc, config.fish …) neither exit nor ask where there is no terminal.",
    )


async def _run(command: Sequence[str], sent: _Sent, place: str, is_long: bool) -> ScriptOutput:
    seconds = bounds.HOST_SECONDS if is_long else bounds.HOST_ANSWER_SECONDS
    process = await _start(command)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(seconds):
            taking = _Taking()
            stdout, stderr = await _both(
                taking.all_of(process.stdout), taking.all_of(process.stderr), _feed(process, sent)
            )
            code = await process.wait()
    except TimeoutError:
        raise GarbageError(
            f"A command on {place} took more than {seconds / 60:.0f} minutes to answer.",
            "See what keeps it: the container runtime, a full or hanging disk, or the login's start-up files.",
        ) from None
    finally:
        await _end(process)
    has_begun = sent.has_begun(stdout)
    # 255 is ssh's own, unless the login shell said it: then ssh is still there.
    if not has_begun and code != _SSH_FAILED:
        raise _never_began(place, bytes(stdout[-_CHUNK:] + stderr[-_CHUNK:]))
    sent.has_begun(stderr)
    return ScriptOutput(code, _as_text(stdout) if has_begun else "", _as_text(stderr))


async def _both(
    first: Coroutine[None, None, bytearray],
    second: Coroutine[None, None, bytearray],
    aside: Coroutine[None, None, None],
) -> tuple[bytearray, bytearray]:
    """What `first` and `second` give, while `aside` is done as well. Where one fails, the others are given up."""
    tasks = (asyncio.ensure_future(first), asyncio.ensure_future(second))
    every = (*tasks, asyncio.ensure_future(aside))
    try:
        await asyncio.gather(*every)
        return tasks[0].result(), tasks[1].result()
    finally:
        for task in every:
            task.cancel()
        await asyncio.gather(*every, return_exceptions=True)


class _Taking:
    """Reads outputs to their ends, of which all together may be so long."""

    def __init__(self) -> None:
        self._size = 0

    async def all_of(self, stream: asyncio.StreamReader) -> bytearray:
        taken = bytearray()
        while chunk := await stream.read(_CHUNK):
            taken += chunk
            self._size += len(chunk)
            if self._size > bounds.HOST_OUTPUT:
                raise GarbageError(f"The host wrote more than {bounds.HOST_OUTPUT // bounds.MIB} MiB.")
        return taken


async def _feed(process: asyncio.subprocess.Process, sent: _Sent) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(sent.stdin)
        await process.stdin.drain()
    process.stdin.close()
    with contextlib.suppress(ConnectionError):
        await process.stdin.wait_closed()


async def _lines(command: Sequence[str], sent: _Sent, place: str) -> AsyncGenerator[str, None]:
    async with aclosing(_blocks(command, sent, place)) as blocks:
        async for block in blocks:
            for line in block.split(b"\n"):
                yield _text(line)


async def _blocks(command: Sequence[str], sent: _Sent, place: str) -> AsyncGenerator[bytes, None]:
    """Whole lines, as many at a time as there are, without the last line break."""
    process = await _start(command)
    assert process.stdout is not None
    feeding = asyncio.ensure_future(_feed(process, sent))
    beside = _Beside(process)
    try:
        rest = await _from_its_begin(process, beside, sent, place)
        await feeding
        # Not readline: it fails at lines longer than its limit, and 3.x prints all tags of a repository in one.
        while True:
            whole, separator, last = rest.rpartition(b"\n")
            if separator:
                yield whole
                rest = last
            if len(rest) > bounds.HOST_LINE:
                raise GarbageError(f"The host wrote a line of more than {bounds.HOST_LINE // bounds.MIB} MiB.")
            if not (chunk := await process.stdout.read(_LARGE_CHUNK)):
                break
            rest += chunk
        # Broken off, it isn't a line: whoever goes on from there counts whole ones.
        if await process.wait() == 0 and rest:
            yield rest
    finally:
        feeding.cancel()
        beside.close()
        await _end(process)


async def _from_its_begin(process: asyncio.subprocess.Process, beside: "_Beside", sent: _Sent, place: str) -> bytes:
    """What it printed first, start-up files apart; empty where the connection broke before that."""
    assert process.stdout is not None
    printed = b""
    try:
        async with asyncio.timeout(bounds.HOST_LOGIN_SECONDS):
            while (heard := sent.heard(printed)) is None:
                chunk = await process.stdout.read(_CHUNK)
                printed += chunk
                if not chunk or len(printed) > bounds.HOST_LINE:
                    break
            else:
                return heard
            code = await process.wait()
            await beside.read
    except TimeoutError:
        raise _never_began(place, printed + beside.last) from None
    if code != _SSH_FAILED:
        raise _never_began(place, printed + beside.last)
    return b""


class _Beside:
    """Reads what comes on stderr of a script that writes its own to stdout: it is start-up files' and ssh's own. Only
    why nothing began may stand there. `close` it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        self.last = b""
        self.read = asyncio.ensure_future(self._read(process.stderr))

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(_CHUNK):
            self.last = (self.last + chunk)[-_CHUNK:]

    def close(self) -> None:
        self.read.cancel()


# One character of another alphabet makes each of a text up to four bytes wide.
_WIDE: Final = bytes(range(128)) + b"?" * 128


def _text(printed: bytes) -> str:
    if len(printed) > bounds.MIB:
        return printed.translate(_WIDE).decode("ascii")
    return printed.decode("utf-8", "replace")


def _as_text(printed: bytearray) -> str:
    """The same of what is large, and isn't needed any more: at no time it is there more than twice."""
    if len(printed) <= bounds.MIB:
        return _text(bytes(printed))
    for begin in range(0, len(printed), bounds.MIB):
        part = slice(begin, begin + bounds.MIB)
        printed[part] = printed[part].translate(_WIDE)
    text = printed.decode("ascii")
    printed.clear()
    return text


def _bytes(text: str) -> bytes:
    """Also of what came in as no UTF-8, by our arguments and as names of files. Raises UnicodeEncodeError for other
    halves of characters: YAML can write them."""
    return text.encode("utf-8", "surrogateescape")


async def _start(command: Sequence[str]) -> asyncio.subprocess.Process:
    # A session of its own: Ctrl+C is ours to handle, and must not reach what runs there.
    with CHILDREN.starting() as groups:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=child_environment(),
            # What comes while the last of it is looked at.
            limit=_LARGE_CHUNK,
        )
        groups.add(process.pid)
    return process


async def _end(process: asyncio.subprocess.Process) -> None:
    """With what it started: of a local script, what it waits for, too."""
    # Until its pipes are empty, asyncio doesn't see that it has ended.
    streams = filter(None, (process.stdout, process.stderr))
    # Where the loop itself ends, all that is waited for here is cancelled one by one: nobody has to hear of it.
    ended = asyncio.gather(process.wait(), *map(_drop, streams), return_exceptions=True)
    ended.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            if (await asyncio.wait([ended], timeout=_END_SECONDS))[0]:
                return
    finally:
        # What left its group and holds its pipes open isn't waited for; nor is anything by an app that ends: left to
        # Python, our ends of them would be closed when there is no loop any more.
        ended.cancel()
        process._transport.close()  # type: ignore[attr-defined]
        CHILDREN.ended(process.pid)


async def _drop(stream: asyncio.StreamReader) -> None:
    while await stream.read(_CHUNK):
        pass


def _whole(script: Script, mark: str, *, is_joined: bool) -> bytes:
    """The shell reads it to its end before it begins. Words are quoted for it alone, at the end and in no text."""
    say = f"printf '\\n%s\\n' {mark}"
    # Programs' messages are read by us: in one language. 255 is what ssh says when it fails itself.
    text = (
        f"main() {{\n{script.text}\n}}\n"
        "LC_ALL=C\nexport LC_ALL\n"
        f"{say}; {'exec 2>&1' if is_joined else f'{say} >&2'}\n"
        # Apart: also where it exits, its code is looked at.
        f"({join(['main', *script.arguments])})\n"
        f'code=$?; test "$code" != {_SSH_FAILED} || code=254; exit "$code"\n'
    )
    return _bytes(text)

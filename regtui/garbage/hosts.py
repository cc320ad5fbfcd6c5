"""The machine that the registry runs on: takes POSIX shell scripts, gives what they print.

host = SshHost(Destination.parse("deploy@registry.example.com"), interactive)
output = await host.run("uname -s")
async for line in host.lines(script): ...
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

from regtui import bounds
from regtui.child import child_environment
from regtui.garbage.errors import GarbageError
from regtui.ssh import ConnectionLost, Destination, Ssh, SshError, ssh_error

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
# Seconds that what is told to end has for it.
_END_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Output:
    """What a script printed, and its exit code. From the other side: not harmless."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Both, for what went wrong: runtimes use either."""
        return f"{self.stderr}\n{self.stdout}"


class Host(Protocol):
    """Everything raises SshError where the host can't be reached. `close` it."""

    @property
    def place(self) -> str:
        """The host in words."""

    @property
    def login(self) -> str:
        """What a person types to get there; empty for this machine."""

    async def run(self, script: str) -> Output:
        """Runs a script to its end."""

    def lines(self, script: str) -> AsyncGenerator[str, None]:
        """Its lines as they come, stdout and stderr together. To be closed: that leaves the script behind."""

    async def close(self) -> None: ...


class LocalHost:
    """This machine."""

    place = "this machine"
    login = ""

    async def run(self, script: str) -> Output:
        return await _run(["sh", "-s"], script)

    def lines(self, script: str) -> AsyncGenerator[str, None]:
        return _lines(["sh", "-s"], script)

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

    async def run(self, script: str) -> Output:
        ssh = await self._opened()
        output = await _run(ssh.command("exec sh -s"), script)
        if output.code == _SSH_FAILED:
            raise self._failure(ssh, output.stderr)
        return output

    async def lines(self, script: str) -> AsyncGenerator[str, None]:
        ssh = await self._opened()
        async with aclosing(_lines(ssh.command("exec sh -s"), script)) as lines:
            async for line in lines:
                yield line
        if not ssh.is_open:
            raise self._failure(ssh, "")

    async def close(self) -> None:
        if self._ssh is not None:
            await asyncio.to_thread(self._ssh.close)

    async def _opened(self) -> Ssh:
        async with self._opening:
            if self._ssh is not None and not self._ssh.is_open:
                await self.close()
                self._ssh = None
            if self._ssh is None:
                ssh = Ssh(self._destination)
                await self._log_in(ssh)
                self._ssh = ssh
            return self._ssh

    async def _log_in(self, ssh: Ssh) -> None:
        """Asks nobody first: with a key or an agent nothing has to be asked, and the app stays on the screen."""
        try:
            await asyncio.to_thread(ssh.open)
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


async def _run(command: Sequence[str], script: str) -> Output:
    """Raises GarbageError where it doesn't end, or never stops talking."""
    process = await _start(command, stderr=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(bounds.HOST_SECONDS):
            stdout, stderr = await _both(_taken(process.stdout), _taken(process.stderr), _send(process, script))
            await process.wait()
    except TimeoutError:
        raise GarbageError(f"The host took more than {bounds.HOST_SECONDS / 60:.0f} minutes to answer.") from None
    finally:
        await _end(process)
    return Output(process.returncode or 0, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"))


async def _lines(command: Sequence[str], script: str) -> AsyncGenerator[str, None]:
    process = await _start(command, stderr=asyncio.subprocess.STDOUT)
    assert process.stdout is not None
    try:
        await _send(process, script)
        rest = b""
        # Not readline: it fails at lines longer than its limit, and 3.x prints all tags of a repository in one.
        while chunk := await process.stdout.read(_CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace")
            if len(rest) > bounds.HOST_LINE:
                raise GarbageError(f"The host wrote a line of more than {bounds.HOST_LINE // bounds.MIB} MiB.")
        # Broken off, it isn't a line: whoever goes on from there counts whole ones.
        if await process.wait() == 0 and rest:
            yield rest.decode("utf-8", "replace")
    finally:
        await _end(process)


async def _send(process: asyncio.subprocess.Process, script: str) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(_whole(script))
        await process.stdin.drain()
        process.stdin.close()


async def _both(
    first: Coroutine[None, None, bytes], second: Coroutine[None, None, bytes], aside: Coroutine[None, None, None]
) -> tuple[bytes, bytes]:
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


async def _taken(stream: asyncio.StreamReader) -> bytes:
    taken = bytearray()
    while chunk := await stream.read(_CHUNK):
        taken += chunk
        if len(taken) > bounds.HOST_OUTPUT:
            raise GarbageError(f"The host wrote more than {bounds.HOST_OUTPUT // bounds.MIB} MiB.")
    return bytes(taken)


async def _start(command: Sequence[str], *, stderr: int) -> asyncio.subprocess.Process:
    # A session of its own: Ctrl+C is ours to handle, and must not reach what runs there.
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
        env=child_environment(),
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """With what it started: of a local script, what it waits for, too."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        # Until its pipes are empty, asyncio doesn't see that it has ended.
        ended = asyncio.gather(process.wait(), *map(_drop, filter(None, (process.stdout, process.stderr))))
        if not (await asyncio.wait([ended], timeout=_END_SECONDS))[0]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # What left its group and holds its pipes open isn't waited for.
            await asyncio.wait([ended], timeout=_END_SECONDS)
            ended.cancel()


async def _drop(stream: asyncio.StreamReader) -> None:
    while await stream.read(_CHUNK):
        pass


def _whole(script: str) -> bytes:
    """The shell reads it to its end before it begins, and what it starts finds nothing of it on stdin."""
    # 255 is what ssh says when it fails itself.
    end = f'code=$?; test "$code" != {_SSH_FAILED} || code=254; exit "$code"'
    return f"main() {{\n{script}\n}}\nmain </dev/null\n{end}\n".encode()

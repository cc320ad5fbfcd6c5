"""The machine that the registry runs on: takes POSIX shell scripts, gives what they print.

host = SshHost(Destination.parse("deploy@registry.example.com"), interactive)
output = await host.run("uname -s")
async for line in host.lines(script): ...
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

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
    process = await _start(command, stderr=asyncio.subprocess.PIPE)
    try:
        stdout, stderr = await process.communicate(_whole(script))
    finally:
        await _end(process)
    return Output(process.returncode or 0, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"))


async def _lines(command: Sequence[str], script: str) -> AsyncGenerator[str, None]:
    process = await _start(command, stderr=asyncio.subprocess.STDOUT)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(_whole(script))
            await process.stdin.drain()
            process.stdin.close()
        rest = b""
        # Not readline: it fails at lines longer than its limit, and 3.x prints all tags of a repository in one.
        while chunk := await process.stdout.read(_CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace")
        # Broken off, it isn't a line: whoever goes on from there counts whole ones.
        if await process.wait() == 0 and rest:
            yield rest.decode("utf-8", "replace")
    finally:
        await _end(process)


async def _start(command: Sequence[str], *, stderr: int) -> asyncio.subprocess.Process:
    # A session of its own: Ctrl+C is ours to handle, and must not reach what runs there.
    return await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr, start_new_session=True
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """With what it started: of a local script, what it waits for, too."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


def _whole(script: str) -> bytes:
    """The shell reads it to its end before it begins, and what it starts finds nothing of it on stdin."""
    # 255 is what ssh says when it fails itself.
    end = f'code=$?; test "$code" != {_SSH_FAILED} || code=254; exit "$code"'
    return f"main() {{\n{script}\n}}\nmain </dev/null\n{end}\n".encode()

"""What regtui asks redis, and how it takes the answers: by a real shell, from a server that says what it is to say."""

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.host.hosts import LocalHost
from regtui.host.redis_cache import Redis, as_process, asking_script
from tests.support.patience import PATIENCE


def read_arrays(text: str) -> list[list[str]]:
    """What redis would read: arrays of bulk strings."""
    data, found = text.encode(), []
    while data:
        head, _, data = data.partition(b"\r\n")
        words = []
        for _ in range(int(head.removeprefix(b"*"))):
            size, _, data = data.partition(b"\r\n")
            length = int(size.removeprefix(b"$"))
            words.append(data[:length].decode())
            assert data[length : length + 2] == b"\r\n"
            data = data[length + 2 :]
        found.append(words)
    return found


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])), st.text(max_size=5), st.integers(0, 15))
def test_a_password_of_any_kind_is_one_word(password: str, username: str, db: int) -> None:
    username = username.encode("utf-8", "ignore").decode()
    redis = Redis("r", password=password, username=username, db=db)
    login, *rest = read_arrays(redis.asking)
    assert login == ["AUTH", *([username] if username else []), password]
    assert rest == [*([["SELECT", str(db)]] if db else []), ["DBSIZE"], ["QUIT"]]
    assert password not in repr(redis) or len(password) < 20


def test_without_a_password_nothing_is_logged_in() -> None:
    assert read_arrays(Redis("r").asking) == [["DBSIZE"], ["QUIT"]]
    assert read_arrays(Redis("r").forgetting)[0][-2:] == ["blobs::*", "repository::*"]


@contextmanager
def answering(*texts: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """One connection after the other, and what was asked in them."""
    asked: list[bytes] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer() -> None:
            for text in texts:
                connection, _ = listener.accept()
                with connection:
                    asked.append(connection.recv(65536))
                    connection.sendall(text)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1], asked
        thread.join()


def ask(port: int, redis: Redis) -> "subprocess.CompletedProcess[str]":
    words = ["sh", "-c", asking_script(), "sh", "", "127.0.0.1", str(port), "", "20"]
    return subprocess.run(words, input=redis.asking, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (b"+OK\r\n:12\r\n+OK\r\n", 0, ""),
        (b"-NOAUTH Authentication required.\r\n:3\r\n", 1, "NOAUTH Authentication required."),
        (b"-ERR unknown command\r\n", 1, "ERR unknown command"),
        (b"+OK\r\n", 1, "it does not answer"),
        (b"", 1, "it does not answer"),
        (b"HTTP/1.1 400 Bad Request\r\n", 1, "HTTP/1.1 400"),
    ],
)
def test_only_a_number_is_an_answer(text: bytes, code: int, said: str) -> None:
    with answering(b"+PONG\r\n+OK\r\n", text) as (port, _):
        done = ask(port, Redis("r"))
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done


@pytest.mark.parametrize(
    "answer", [b"ERROR\r\n", b":0\r\n", b"", b"-ERR unknown command\r\n", b"HTTP/1.1 400\r\n:0\r\n"]
)
def test_what_is_no_redis_gets_nothing_that_a_config_has_chosen(answer: bytes) -> None:
    """To a server that reads lines, a value of it would be a command."""
    redis = Redis("r", username="flush_all", password="set evil 0 0 3", db=7)
    with answering(answer) as (port, asked):
        done = ask(port, redis)
    assert done.returncode == 1
    assert asked == [b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n"]


def test_a_redis_that_wants_a_password_first_is_one() -> None:
    with answering(b"-NOAUTH Authentication required.\r\n+OK\r\n", b"+OK\r\n:1\r\n") as (port, asked):
        assert ask(port, Redis("r", password="p")).returncode == 0
    assert b"AUTH" in asked[1]


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        done = subprocess.run(
            ["sh", "-c", asking_script(), "sh", "", "127.0.0.1", str(port), "", "20"],
            input="",
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert f"redis at 127.0.0.1:{port}: " in done.stderr


def test_what_answers_without_an_end_does_not_fill_the_hosts_memory() -> None:
    words = [asking_script(), "yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "r", "1", "", "20"]
    limited = 'ulimit -v 400000; exec dash -c "$@"'
    done = subprocess.run(
        ["sh", "-c", limited, "sh", words[0], "sh", *words[1:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.startswith("redis at r:1: aaaa")) == (1, True)


# As a container whose first process is deaf to all that its client passes on, and never answers. Its client is another
# process, here as there: it ends once that is removed.
_DEAF = """trap '' TERM INT HUP; sleep 600 & echo "$!" > "$1"; wait"""


def test_what_never_answers_and_heeds_no_signal_is_ended_where_it_runs(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    via = f"sh -c {quote(_DEAF)} sh {quote(str(pid))}"
    words = ["sh", "-c", asking_script(), "sh", via, "r", "1", f"kill -KILL $(cat {quote(str(pid))})", "3"]
    done = subprocess.run(words, input="", capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (1, "redis at r:1: it does not answer\n")


def test_all_that_redis_is_waited_for_is_no_longer_than_it_has(tmp_path: Path) -> None:
    """While the registry is down."""
    (tmp_path / "timeout").write_text('#!/bin/sh\necho "$3" >> "$LIMITS"\nshift 3\nexec "$@"\n')
    (tmp_path / "timeout").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LIMITS": str(tmp_path / "limits")}
    with answering(b"+PONG\r\n+OK\r\n", b"") as (port, _):
        words = ["sh", "-c", asking_script(), "sh", "", "127.0.0.1", str(port), "", "30"]
        subprocess.run(words, input=Redis("r").asking, text=True, capture_output=True, env=environment)
    limits = [int(line) for line in (tmp_path / "limits").read_text().splitlines()]
    assert (len(limits), sum(limits)) == (2, 30)


async def test_what_has_a_network_of_its_own_is_not_asked_for_by_the_hosts() -> None:
    """As a service with PrivateNetwork=."""
    redis = Redis("127.0.0.1")
    assert await as_process(LocalHost(), (), os.getpid(), redis) == redis
    assert await as_process(LocalHost(), (), 0, None) is None
    own = await asyncio.create_subprocess_exec(
        *("unshare", "--net", "sh", "-c", "echo begun; exec sleep 600"), stdout=subprocess.PIPE
    )
    try:
        assert own.stdout is not None
        await own.stdout.readline()
        for pid in (own.pid, 0):
            seen = await as_process(LocalHost(), (), pid, redis)
            assert seen is not None
            assert "a network of its own" in seen.why_not
    finally:
        own.kill()
        await own.wait()

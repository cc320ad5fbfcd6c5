"""What a registry keeps of its blobs in redis. It outlives a collection: swept blobs would be taken for present, and a
push that shares one of them would be stored without it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final

from regtui.host.hosts import Host, call

# All of both kinds of keys of the registry's cache, as 2.x and 3.x have them: only what it can look up anew.
_FORGET: Final = """\
if redis.replicate_commands then redis.replicate_commands() end
local count = 0
for _, pattern in ipairs(ARGV) do
  local cursor = '0'
  repeat
    local found = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = found[1]
    if #found[2] > 0 then count = count + redis.call('DEL', unpack(found[2])) end
  until cursor == '0'
end
return count"""
PATTERNS: Final = ("blobs::*", "repository::*")
REQUEST: Final = "redis-request"
"""Beside the run's script: what is asked of redis. It may hold a password."""


@dataclass(frozen=True, slots=True)
class Redis:
    """Where it is, as the registry's config says. `why_not`: why it can't be asked, in words; else empty."""

    host: str = ""
    port: int = 6379
    username: str = ""
    password: str = field(default="", repr=False)
    db: int = 0
    why_not: str = ""

    def request(self, *command: str) -> str:
        """Login, database, the command, and the end, as redis's protocol has them."""
        login = [["AUTH", *filter(None, [self.username]), self.password]] if self.password else []
        chosen = [["SELECT", str(self.db)]] if self.db else []
        return "".join(_array(words) for words in (*login, *chosen, command, ("QUIT",)))

    @property
    def forgetting(self) -> str:
        return self.request("EVAL", _FORGET, "0", *PATTERNS)

    @property
    def may_be_left(self) -> str:
        """What is said where it could not be cleared after a sweep."""
        return (
            f"In redis at {self.host}:{self.port}, database {self.db}, keys {' and '.join(PATTERNS)} may be left "
            "that tell of blobs which were swept: delete these keys before anything is pushed, else pushes may lose "
            "layers."
        )

    @property
    def asking(self) -> str:
        """What changes nothing, and is answered only to who may look."""
        return self.request("DBSIZE")


# As process $1 gets there.
_SAME_NETWORK: Final = '''\
ours=$(readlink /proc/self/ns/net) && test -n "$ours" && test "$(readlink "/proc/$1/ns/net")" = "$ours"'''
_ANOTHER_NETWORK: Final = (
    "the registry has a network of its own, as by PrivateNetwork=, or its process can't be looked at: what answers to "
    "the host there may be another one"
)


async def as_process(host: Host, sudo: Sequence[str], pid: int, redis: Redis | None) -> Redis | None:
    """As the host may ask it for process `pid`, 0 where that isn't known: only in the same network it is the same."""
    if redis is None or redis.why_not:
        return redis
    told = await host.run(call(*sudo, "sh", "-c", _SAME_NETWORK, "sh", str(pid)))
    return redis if told.code == 0 else replace(redis, why_not=_ANOTHER_NETWORK)


def _array(words: Iterable[str]) -> str:
    listed = list(words)
    bulk = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in listed)
    return f"*{len(listed)}\r\n{bulk}"


@cache
def asking_script() -> str:
    return (Path(__file__).parent / "remote" / "redis.sh").read_text(encoding="utf-8").rstrip("\n")

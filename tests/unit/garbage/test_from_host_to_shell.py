"""Every value's way from the registry's host back into a shell there: what is told is asked with, and never runs.

The table is the review: each row is a value that a container, a config, a service or a deployment tells, and how a test
makes it hostile; each column a way to break out of a word; and each is put to every question that regtui asks.
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, aclosing, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import RegtuiError
from regtui.garbage import scripts
from regtui.garbage.by_hand import by_hand
from regtui.garbage.earlier import read_earlier
from regtui.garbage.running import Running
from regtui.garbage.storage import Storage
from regtui.host.configuration import read_storage
from regtui.host.containers import choose, read_containers
from regtui.host.errors import NotOnHost
from regtui.host.finding import find
from regtui.host.found import Found
from regtui.host.hosts import Host, LocalHost, Script, ScriptOutput, _Sent
from regtui.host.keep_out import KeepOut
from regtui.host.plain import LONGEST
from regtui.host.profile import HostSettings
from regtui.host.runtimes import Unit
from regtui.oci.digest import Digest
from tests.support.hostile_host import HostileHost, make_hostile_host
from tests.support.unasked import unasked

CONTENTS: Final[dict[str, str]] = {
    "ends a heredoc": "/x\n__regtui_end_of_file__\ntouch {pwned}\nPLACES\ntouch {pwned}\nEOF\ntouch {pwned}\r\x1b.yml",
    "ends a word": "/x'; touch {pwned}; $(touch {pwned}) `touch {pwned}` \"; touch {pwned}; }}\\$(touch {pwned}) .yml",
    "is an option": "-c touch${{IFS}}{pwned}.yml",
    "is too long": "/" + "a" * (LONGEST + 1) + ".yml",
    "holds half a character": "/x\ud800\udfff.yml",
}

# What these would break is how a value is taken in and sent, not a shell.
UNASKED: Final = ("is too long", "holds half a character")

# Each value is told with one of those that would break a shell, each time.
EACH_CONTENT: Final = [
    pytest.param(content, marks=[] if content in UNASKED else pytest.mark.alike("content")) for content in CONTENTS
]

Change = Callable[[HostileHost, str], AbstractContextManager[object] | None]


def _inspected(path: str, make: Callable[[str], Any] = lambda value: value) -> Change:
    return lambda host, value: host.inspect(**{path: make(value)})


def _configured(make: Callable[[str], dict[str, Any]]) -> Change:
    return lambda host, value: host.config(**make(value))


def _with_redis(make: Callable[[str], dict[str, Any]]) -> Change:
    def change(host: HostileHost, value: str) -> None:
        storage = {"filesystem": {"rootdirectory": str(host.root)}, "cache": {"blobdescriptor": "redis"}}
        host.write("config", json.dumps({"version": "0.1", "storage": storage, "redis": make(value)}))

    return change


def _deployed(make: Callable[[str], dict[str, Any]]) -> Change:
    def change(host: HostileHost, value: str) -> None:
        pod = {"command": ["registry"], **make(value)}
        host.write("deployment", json.dumps({"spec": {"template": {"spec": {"containers": [pod]}}}}))

    return change


def _served(make: Callable[[str], str]) -> Change:
    return lambda host, value: host.write("show", make(value))


def _process(make: Callable[[str], tuple[str, ...]], *, variable: str = "") -> Change:
    def change(host: HostileHost, value: str) -> AbstractContextManager[object]:
        # As bytes that are no text: a process can have them, too.
        value = os.fsdecode(value.encode("utf-8", "surrogatepass"))
        environment = {variable: value} if variable else {}
        words = make("registry" if variable else value)

        class Started:
            def __enter__(self) -> None:
                self.process = host.process(*words, environment=environment, user=None if os.getuid() else "nobody")
                pid = self.process.__enter__()
                host.write("show", f"LoadState=loaded\nMainPID={pid}\nUser=nobody\nExecStart=\n")

            def __exit__(self, *error: object) -> None:
                self.process.__exit__(None, None, None)

        return Started()

    return change


_EXEC = "LoadState=loaded\nMainPID=0\nUser={}\nExecStart={{ path=/bin/r ; argv[]={} ; }}\n"

# runtime → value → how it becomes hostile
VALUES: Final[dict[str, dict[str, Change]]] = {
    "docker": {
        "the container's name": _inspected("Name", lambda value: f"/{value}"),
        "its image": _inspected("Image"),
        "its image's name": _inspected("Config__Image", lambda value: f"registry:{value}"),
        "its user": _inspected("Config__User"),
        "its network": _inspected("HostConfig__NetworkMode"),
        "its ports": _inspected("HostConfig__PortBindings", lambda value: {value: [{"HostPort": "5000"}]}),
        "where it publishes them": _inspected(
            "HostConfig__PortBindings", lambda value: {"5000/tcp": [{"HostIp": value, "HostPort": value}]}
        ),
        "a name's address in its network": _inspected(
            "NetworkSettings",
            lambda value: {"Networks": {"bridge": {"Aliases": ["redis"], "IPAddress": value}}},
        ),
        "its program": _inspected("Path"),
        "its config's path": _inspected("Args", lambda value: ["serve", value]),
        "its config's path by environment": _inspected(
            "Config__Env", lambda value: [f"REGISTRY_CONFIGURATION_PATH={value}"]
        ),
        "its root by environment": _inspected(
            "Config__Env", lambda value: [f"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY={value}"]
        ),
        "its driver by environment": _inspected("Config__Env", lambda value: [f"REGISTRY_STORAGE={value}"]),
        "any variable": lambda host, value: host.write("environment", f"REGISTRY_A={value}\n{value}\n"),
        "where it is mounted": _inspected("Mounts__0__Destination"),
        "what is mounted": _inspected("Mounts__0__Source"),
        "its restart policy": _inspected("HostConfig__RestartPolicy__Name"),
        "a right that it lacks": _inspected("HostConfig__CapDrop", lambda value: [value]),
        "a right that it has": _inspected("HostConfig", lambda value: {"CapDrop": ["ALL"], "CapAdd": [value]}),
        "its profile": _inspected("HostConfig__SecurityOpt", lambda value: [f"label{value}"]),
        "its runtime": _inspected("HostConfig__Runtime"),
        "its labels": _inspected("Config__Labels", lambda value: {value: value}),
        "its id": _inspected("Id"),
        "its root by config": _configured(lambda value: {"filesystem": {"rootdirectory": value}}),
        "its driver by config": _configured(lambda value: {"filesystem": None, value: {}}),
        "its cache": _configured(lambda value: {"cache": {"blobdescriptor": value}}),
        "its redis's address": _with_redis(lambda value: {"addr": f"{value}:6379"}),
        "its redis's port": _with_redis(lambda value: {"addr": f"127.0.0.1:{value}"}),
        "its redis's password": _with_redis(lambda value: {"addr": "127.0.0.1:1", "password": value}),
        "its redis's username": _with_redis(lambda value: {"addr": "127.0.0.1:1", "username": value, "password": "x"}),
        "its redis's database": _with_redis(lambda value: {"addr": "127.0.0.1:1", "db": value}),
        "its directory": _inspected("Config__WorkingDir"),
        "its volume": _inspected(
            "Mounts__0", lambda value: {"Source": "/", "Destination": "/", "Name": value, "Type": "volume"}
        ),
        "a tmpfs": _inspected("Mounts__0", lambda value: {"Source": "", "Destination": value, "Type": "tmpfs"}),
        "its begin": _inspected("State", lambda value: {"Running": True, "StartedAt": value, "Pid": value}),
        "its file, as it is copied out": lambda host, value: host.write("config-tar", value),
        "the config's text": lambda host, value: host.write("config", value),
        "inspect's text": lambda host, value: host.write("inspect", value),
        "names of containers": lambda host, value: host.write("names", value),
        "its version": lambda host, value: host.write("version", value),
        "what the collector prints": lambda host, value: host.write("collected", value),
    },
    "compose": {
        "the id of the service's container": lambda host, value: host.write("compose-ps", value),
        "its project and its service": _inspected(
            "Config__Labels",
            lambda value: {"com.docker.compose.project": value, "com.docker.compose.service": value},
        ),
    },
    "systemd": {
        "its user": _served(lambda value: _EXEC.format(value, "/bin/r serve /c.yml")),
        "its program": _served(lambda value: _EXEC.format("", f"{value} serve /c.yml")),
        "its config's path": _served(lambda value: _EXEC.format("", f"/bin/r serve {value}")),
        "its pid": _served(lambda value: f"LoadState=loaded\nMainPID={value}\nUser=\nExecStart=\n"),
        "all that systemctl tells": _served(lambda value: value),
        "its process's program": _process(lambda value: (value, "serve", "/c.yml")),
        "its process's config": _process(lambda value: ("registry", "serve", value)),
        "its process's root": _process(
            lambda value: (value, "serve", "/c.yml"), variable="REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"
        ),
        "its process's environment": _process(lambda value: (value, "serve", "/c.yml"), variable="REGISTRY_A"),
        "its root by config": _configured(lambda value: {"filesystem": {"rootdirectory": value}}),
    },
    "kubectl": {
        "the pod's program": _deployed(lambda value: {"command": [value]}),
        "the pod's config": _deployed(lambda value: {"args": ["serve", value]}),
        "the pod's root": _deployed(
            lambda value: {"env": [{"name": "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "value": value}]}
        ),
        "the container's name": _deployed(lambda value: {"name": value}),
        "the current context": lambda host, value: host.write("context", value),
        "all that kubectl tells": lambda host, value: host.write("deployment", value),
        "its root by config": _configured(lambda value: {"filesystem": {"rootdirectory": value}}),
    },
}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileHost:
    made = make_hostile_host(tmp_path / "host")
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return made


async def ask_everything(
    runtime: str, host: HostileHost, keeping_out: Iterable[KeepOut] = (KeepOut.STOP,), *, send_only: bool = False
) -> int:
    """Each question that there is; how many were answered. `send_only`: they are put as a host would get them."""
    config = str(host.directory / "config") if runtime == "systemd" else ""
    settings = HostSettings(runtime=runtime, container="" if runtime == "docker" else "registry", config="")
    local: Host = LocalHost()
    try:
        found = await find(local, settings, 5000)
    except RegtuiError:
        if runtime != "systemd":
            return 0
        # Its config is a file of the host's: this one is there.
        settings = HostSettings(runtime=runtime, container="registry", config=config)
        try:
            found = await find(local, settings, 5000)
        except RegtuiError:
            return 0
    asked = Unasked() if send_only else local
    return sum([await _is_answered(question) for question in _questions(asked, found, keeping_out)])


class Unasked:
    """A host to which everything is made ready to be sent."""

    place = "this machine"
    login = ""

    async def run(self, script: Script, *, is_long: bool = False) -> ScriptOutput:
        _Sent(script)
        return ScriptOutput(0, "", "")

    async def lines(self, script: Script) -> AsyncGenerator[str, None]:
        _Sent(script)
        yield ""

    def blocks(self, script: Script) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError

    async def close(self) -> None: ...


async def _is_answered(question: Any) -> bool:
    try:
        await question
    except RegtuiError:
        return False
    return True


def _questions(local: Host, found: Found, keeping_out: Iterable[KeepOut]) -> Iterator[Any]:
    unit, mark = found.unit, scripts.new_mark()
    storage = Storage(local, unit)
    digest = Digest("sha256:" + "a" * 64)
    yield storage.facts()
    yield storage.listing()
    yield storage.pending()
    yield storage.sizes([digest])
    yield storage.owners([digest])
    yield storage.remove_empty(["team/app"])
    yield _follow(local, scripts.dry_run(unit, mark))
    for keep_out in keeping_out:
        by_hand(unit, keep_out, needs_restart=True, url="http://r")
        script = unasked(scripts.collection(unit, keep_out, False, mark=mark, who="ci", empty=["team/app"]))
        yield _run(Running(local, unit, {}, mark), script)
    yield _status(local, found)
    yield _follow(local, scripts.note(unit, "heard"))
    yield _run(Running(local, unit, {}, mark), scripts.bring_back(unit, mark))


async def _follow(local: Host, script: Script) -> None:
    async with aclosing(local.lines(script)) as lines:
        async for _ in lines:
            pass


async def _run(running: Running, script: Script) -> None:
    async for _ in running.events(script):
        pass
    _ = running.troubles, running.freed, running.swept


async def _status(local: Host, found: Found) -> None:
    mark = scripts.new_mark()
    read_earlier((await local.run(scripts.status(found.unit, mark))).stdout.split("\n"), mark)


@pytest.mark.parametrize(
    ("runtime", "value"), [(runtime, value) for runtime, values in VALUES.items() for value in values]
)
@pytest.mark.parametrize("content", EACH_CONTENT)
def test_what_a_host_tells_never_runs_on_it(host: HostileHost, runtime: str, value: str, content: str) -> None:
    pwned = host.directory / "pwned"
    hostile = CONTENTS[content].format(pwned=pwned)
    with VALUES[runtime][value](host, hostile) or nullcontext():
        asyncio.run(ask_everything(runtime, host, send_only=content in UNASKED))
    assert not pwned.exists()
    assert list(host.directory.parent.rglob("pwned*")) == []


@pytest.mark.parametrize("value", ["its ports", "its network", "its program"])
@pytest.mark.parametrize("content", EACH_CONTENT)
def test_what_stands_in_for_it_never_runs_it_either(host: HostileHost, value: str, content: str) -> None:
    pwned = host.directory / "pwned"
    VALUES["docker"][value](host, CONTENTS[content].format(pwned=pwned))
    asyncio.run(ask_everything("docker", host, (KeepOut.STAND_IN,)))
    assert list(host.directory.parent.rglob("pwned*")) == []


@pytest.mark.parametrize("runtime", VALUES)
def test_the_questions_are_those_that_are_asked_and_answered(host: HostileHost, runtime: str) -> None:
    """Where nothing is hostile, all of them are."""
    assert asyncio.run(ask_everything(runtime, host, KeepOut)) >= 10


def test_the_text_of_every_script_is_the_same_whatever_a_host_tells(host: HostileHost) -> None:
    """Values are arguments: no other text is ever run, on the host or in a container."""
    found = asyncio.run(find(LocalHost(), HostSettings(runtime="docker"), 5000))
    texts: set[str] = set()
    for name in ("registry", "it's $(one)"):
        unit = found.unit.__class__(**{**{f: getattr(found.unit, f) for f in found.unit.__slots__}, "root": f"/{name}"})
        made = [scripts.question(unit, "facts"), scripts.dry_run(unit, name), scripts.status(unit, name)]
        made += [scripts.collection(unit, KeepOut.STOP, False, mark=name), scripts.bring_back(unit, name)]
        texts |= {script.text for script in (*made, scripts.note(unit, name), scripts.follow(unit, name, 1))}
    assert len(texts) == 3


_WORDS: Final = """
Name Path Args State Config HostConfig Mounts Env Labels PortBindings Running Destination Source HostPort storage
filesystem rootdirectory cache delete enabled"""
_KEYS: Final = st.sampled_from(_WORDS.split())
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10) | _KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(st.lists(st.dictionaries(_KEYS, _JSON, max_size=8)) | _JSON)
def test_inspect_may_be_any_json(told: Any) -> None:
    with suppress(NotOnHost):
        choose(read_containers(json.dumps(told)), 5000)


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "replace")))
def test_inspect_may_be_any_text(told: str) -> None:
    with suppress(NotOnHost):
        assert read_containers(told) == [] or told.strip()[:1] == "["


@pytest.mark.parametrize("told", ["[" * 200_000, '{"a":' * 200_000, "[{}" + ",{}" * 10_000 + "]"])
def test_inspect_may_be_as_deep_and_as_long_as_it_likes(told: str) -> None:
    with suppress(NotOnHost):
        read_containers(told)


@given(_JSON | st.dictionaries(st.just("storage"), st.dictionaries(_KEYS, _JSON)), st.text())
def test_a_config_may_be_anything(told: Any, text: str) -> None:
    for config in (json.dumps(told), text, f"storage: {text}"):
        try:
            storage = read_storage(config, {}, "/c.yml")
        except RegtuiError:
            continue
        assert storage.root.isprintable() or not any(ord(character) < 32 for character in storage.root)


BOMBS: Final = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "storage:\n  filesystem:\n    rootdirectory: *i\n",
    "merge keys": "a: &a {x1: 1, x2: 2, x3: 3}\n"
    + "".join(f"{b}: &{b} {{<<: [{','.join([f'*{a}'] * 9)}]}}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "storage: *i\n",
    "depth": "storage: " + "[" * 100_000,
    "a number": "storage: {filesystem: {rootdirectory: " + "9" * 10_000 + "}}",
    "a date": "storage: {filesystem: {rootdirectory: 2001-99-99}}",
    "length": "storage: {filesystem: {rootdirectory: /" + "a" * 1_000_000 + "}}",
    "a key that is a list": "? [a]\n: b\nstorage: {filesystem: {}}",
    "a tag": "storage: !!python/object/apply:os.system ['touch pwned']",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_config_that_is_made_to_grow_doesnt(bomb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with suppress(RegtuiError):
        assert len(read_storage(BOMBS[bomb], {}, "/c.yml").root) <= LONGEST
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.text()), st.text(alphabet="0123456789abcdef", min_size=1))
def test_what_is_told_of_an_earlier_run_may_be_anything(told: list[str], mark: str) -> None:
    read_earlier(told, mark)
    read_earlier([f"::regtui-{mark} {line}" for line in told], mark)


@given(st.lists(st.text() | st.sampled_from(["exit", "used", "stage", "9" * 5000, "²", "collect", "started", "x y"])))
def test_what_is_told_of_a_run_may_be_anything(words: list[str]) -> None:
    unit = Unit("docker", "registry", "/c.yml", True, "")
    running = Running(LocalHost(), unit, {}, "7e57")
    for line in (" ".join(words), f"::regtui-7e57 {' '.join(words)}"):
        with suppress(RegtuiError):
            running._read(line)
    _ = running.troubles, running.freed, running.swept


def test_a_container_cant_tell_what_only_the_script_can() -> None:
    """Its output stands in the same log, between the script's own lines."""
    unit = Unit("docker", "registry", "/c.yml", True, "")
    running = Running(LocalHost(), unit, {}, scripts.new_mark())
    for line in ("::regtui end", "::regtui-7e57 exit 0", "::regtui up", "::regtui stage bring-back done"):
        running._read(line)
    assert (running.has_ended, running.exit_code, running.is_up) == (False, None, None)

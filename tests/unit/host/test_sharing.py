"""Which containers have a registry's storage: by what they have mounted, whatever their images are called."""

from dataclasses import replace

import pytest

from regtui.host.configuration import StorageSettings
from regtui.host.containers import Container
from regtui.host.hosts import LocalHost, Script, ScriptOutput
from regtui.host.sharing import containers_beside

ROOT = "/var/lib/registry"
OURS = Container(
    "blue", "image", "registry:2", ("registry", "serve"), True, {}, mounts={ROOT: "/lnk"}, id="1" * 64, pid=10
)
OTHER = Container("green", "image", "corp.example/images/store:1", ("/run",), True, {}, id="2" * 64, pid=20)
STORAGE = StorageSettings("filesystem", ROOT, True, "")


async def sharers(
    monkeypatch: pytest.MonkeyPatch, *mounts: str, other: Container = OTHER, ours: Container = OURS
) -> list[str]:
    """`mounts`: what is told of the other one's, as "DEVICE PATH POINT MODE KIND"."""
    local = LocalHost()
    told = ["10 254:0 / / rw ext4", f"10 254:0 /srv/st {ROOT} rw ext4", *(f"20 {mount}" for mount in mounts)]

    async def run(script: Script, *, is_long: bool = False) -> ScriptOutput:
        return ScriptOutput(0, "\n".join(told), "")

    monkeypatch.setattr(local, "run", run)
    return await containers_beside(local, ["docker"], [ours, other], ours, STORAGE)


@pytest.mark.parametrize(
    ("mount", "is_one"),
    [
        # A link, and a volume with o=bind, are the directory that they lead to by then.
        (f"254:0 /srv/st {ROOT} rw ext4", True),
        ("254:0 /srv/st /anywhere rw ext4", True),
        ("254:0 /srv/st/docker /anywhere rw ext4", True),
        ("254:0 /srv/st/docker/registry/v2/blobs /anywhere rw ext4", True),
        ("254:0 /srv/st /anywhere ro ext4", False),
        ("254:1 /srv/st /anywhere rw ext4", False),
        ("254:0 /srv/st2 /anywhere rw ext4", False),
        ("254:0 /srv/st/certs /certs rw ext4", False),
        # What shows all of a host, or all of its volumes, is no registry's.
        ("254:0 /srv /host rw ext4", False),
        ("254:0 / /host rw ext4", False),
    ],
)
async def test_whatever_has_the_storage_mounted_writable_is_told(
    monkeypatch: pytest.MonkeyPatch, mount: str, is_one: bool
) -> None:
    assert await sharers(monkeypatch, "0:45 / / rw overlay", mount) == (["green"] if is_one else [])


@pytest.mark.parametrize(
    "changes",
    [
        {"image_name": "registry:2"},
        {"command": ("/run", "/etc/docker/registry/config.yml")},
        {"environment": {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/all/st"}},
    ],
)
async def test_what_may_be_a_registry_is_told_where_it_has_what_is_above_the_storage(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    other = replace(OTHER, **changes)  # type: ignore[arg-type]
    assert await sharers(monkeypatch, "254:0 /srv /all rw ext4", other=other) == ["green"]


async def test_where_processes_cannot_be_seen_the_runtime_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(OTHER, mounts={"/data": "/lnk/"})
    assert await sharers(monkeypatch, other=other) == ["green"]
    assert await sharers(monkeypatch, other=replace(other, read_only=frozenset(["/data"]))) == []
    assert await sharers(monkeypatch, other=replace(other, is_running=False)) == []
    assert await sharers(monkeypatch, other=replace(other, mounts={"/data": "/elsewhere"})) == []

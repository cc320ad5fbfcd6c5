"""What stands against stopping a registry: a config that is another one than it was started with."""

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from regtui.host.configuration import StorageSettings
from regtui.host.container_files import ContainerFile
from regtui.host.containers import Container, read_containers
from regtui.host.hosts import LocalHost
from regtui.host.real_places import named_on_host, seen_by
from regtui.host.stopping import edited, lost_by_container, lost_by_pod, lost_by_service, outdated

STARTED = 1_700_000_000.7


@pytest.mark.parametrize(
    ("after", "is_outdated"), [(-60.0, False), (-0.1, False), (0.3, False), (1.1, True), (60.0, True)]
)
def test_a_config_that_was_changed_since_the_start_is_told_but_for_what_cp_rounds(
    after: float, is_outdated: bool
) -> None:
    """A time of 11.6 s comes out of `docker cp` as 12 s, of a container that was started at 11.7 s."""
    container = Container("registry", "image", "registry:2", (), True, {}, started=STARTED)
    file = ContainerFile("/etc/docker/registry/config.yml", "version: 0.1", changed=STARTED + after)
    assert (outdated(container, file) is not None) is is_outdated


ROOT = "/var/lib/registry"
_UPPER = "upperdir=/run/containers/overlay/3437482387/upper"


def _mounted(options: tuple[str, ...] = (), at: str = ROOT, **changes: Any) -> dict[str, Any]:
    return {"Type": "bind", "Source": "/srv/registry", "Destination": at, "RW": True, "Options": options} | changes


@pytest.mark.parametrize(
    ("mount", "is_lost"),
    [
        (_mounted(), False),
        (_mounted(("rbind", "nodev")), False),
        # As podman 4.3.1 tells of `-v /srv/registry:/var/lib/registry:O`, and of a volume's.
        (_mounted((_UPPER, "lowerdir=/srv/registry")), True),
        (_mounted(("O", "nosuid"), Type="volume"), True),
        (_mounted(Type="tmpfs"), True),
        (_mounted(Type="image"), True),
        (_mounted(("O",), at=f"{ROOT}/docker/registry/v2/blobs"), True),
        (_mounted(("O",), at=f"{ROOT}/certs"), False),
    ],
)
async def test_a_mount_that_is_not_known_to_keep_what_is_written_loses_the_storage(
    mount: dict[str, Any], is_lost: bool
) -> None:
    entry = {"Name": "registry", "State": {"Running": True}, "Mounts": [_mounted(), mount]}
    (container,) = read_containers(json.dumps([entry]))
    storage = StorageSettings("filesystem", ROOT, True, "")
    lost = await lost_by_container(LocalHost(), ["docker"], container, storage)
    assert bool(lost) is is_lost
    assert not is_lost or "stopped or restarted, it loses all images" in lost


@pytest.mark.parametrize(
    ("root", "is_seen", "sentence"),
    [
        ("/dev/shm/registry", True, "is in memory (a tmpfs at /dev/shm): stopped or restarted"),
        ("/proc/registry", True, "is on a mount at /proc that isn't known to keep"),
        ("/registry", True, ""),
        ("/registry", False, "is in no volume, and what it is on can't be seen"),
    ],
)
async def test_a_mount_that_the_runtime_does_not_tell_of_is_seen(root: str, is_seen: bool, sentence: str) -> None:
    """As podman's of `--image-volume tmpfs`. This process stands for the container's."""
    pid = os.getpid() if is_seen else 0
    container = Container("registry", "image", "registry:2", (), True, {}, pid=pid)
    lost = await lost_by_container(LocalHost(), ["podman"], container, StorageSettings("filesystem", root, True, ""))
    assert sentence in lost
    assert bool(lost) is bool(sentence)


@pytest.mark.parametrize(
    ("volume", "is_lost"),
    [
        ({"persistentVolumeClaim": {"claimName": "x"}}, False),
        ({"nfs": {"server": "10.0.0.1", "path": "/"}}, False),
        ({"emptyDir": {}}, True),
        ({"ephemeral": {"volumeClaimTemplate": {}}}, True),
        ({"csi": {"driver": "inline.storage.kubernetes.io"}}, True),
        ({"of-the-future": {}}, True),
        ({}, True),
    ],
)
def test_a_pod_keeps_its_storage_only_in_what_is_known_to_outlive_it(volume: dict[str, Any], is_lost: bool) -> None:
    pod = {"volumes": [{"name": "s", **volume}]}
    container = {"volumeMounts": [{"name": "s", "mountPath": ROOT}]}
    assert bool(lost_by_pod("deployment/registry", pod, container, StorageSettings("filesystem", ROOT, True, ""))) is (
        is_lost
    )


CONFIG = "/etc/docker/registry/config.yml"


@pytest.mark.parametrize(
    ("changed", "mounts", "is_edited"),
    [
        (["C /etc", f"C {CONFIG}"], {}, True),
        (["C /etc", "C /etc/real.yml"], {}, True),
        (["C /etc", "A /etc/other.yml"], {}, False),
        (["C /etc", "C /etc/real.yml"], {"/etc/real.yml": "/srv/real.yml"}, False),
        # As podman tells of each container that was just started.
        (["C /etc"], {}, False),
        (["C /etc", "C /etc/docker"], {}, True),
        # The link is mounted, and what it leads to is the container's own.
        (["C /etc", "C /etc/real.yml"], {"/etc/docker/registry": "/srv/config"}, True),
        (["A /var", "A /var/lib", "A /var/lib/registry"], {"/var/lib/registry": "/srv"}, False),
        ([], {}, False),
    ],
)
@pytest.mark.parametrize("follows", [False, True], ids=["as docker", "as podman"])
async def test_a_config_that_was_edited_behind_a_link_is_told(
    tmp_path: Path, changed: list[str], mounts: dict[str, str], is_edited: bool, follows: bool
) -> None:
    """By a runtime that has one link, the config's own; podman copies what it leads to."""
    link = tarfile.TarInfo("real.yml" if follows else "config.yml")
    if not follows:
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/real.yml"
    (tmp_path / "link").write_bytes(link.tobuf() + bytes(1024))
    (tmp_path / "diff").write_text("".join(f"{line}\n" for line in changed))
    runtime = tmp_path / "docker"
    runtime.write_text(
        f'#!/bin/sh\ncase "$*" in diff*) cat {tmp_path}/diff ;; *:{CONFIG}*) cat {tmp_path}/link ;; *) exit 1 ;; esac\n'
    )
    runtime.chmod(0o755)
    container = Container("registry", "image", "registry:2", (), True, {}, mounts=mounts)
    told = await edited(LocalHost(), [str(runtime)], container, CONFIG)
    assert bool(told) is is_edited
    assert not told or "Mount the config file into the container." in told


@pytest.mark.parametrize(
    ("leads_to", "why"),
    [("/ram/docker", "a tmpfs at /ram"), ("/srv/elsewhere", "in the container itself"), ("/kept/docker", "")],
)
async def test_a_storage_is_kept_where_its_links_lead(leads_to: str, why: str) -> None:
    entry = {
        "Name": "registry",
        "HostConfig": {"Tmpfs": {"/ram": ""}},
        "Mounts": [_mounted(), _mounted(at="/kept", Source="/srv/kept")],
    }
    (container,) = read_containers(json.dumps([entry]))
    storage = StorageSettings("filesystem", ROOT, True, "")
    real = (ROOT, leads_to, f"{leads_to}/registry")
    lost = await lost_by_container(LocalHost(), ["docker"], container, storage, real)
    assert bool(lost) is bool(why)
    assert why in lost


async def test_where_the_parts_of_a_storage_really_are(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "it's root", tmp_path / "elsewhere"
    (elsewhere / "registry/v2/blobs").mkdir(parents=True)
    root.mkdir()
    (root / "docker").symlink_to(elsewhere)
    wanted = {root, elsewhere, elsewhere / "registry", elsewhere / "registry/v2", elsewhere / "registry/v2/blobs"}
    assert set(await seen_by(LocalHost(), ("sh",), str(root))) == set(map(str, wanted))
    assert set(map(str, wanted)) <= set(await named_on_host(LocalHost(), (), str(root)))


async def test_a_link_into_what_systemd_removes_with_its_service_is_followed(tmp_path: Path) -> None:
    """What is there only the service sees."""
    (tmp_path / "docker").symlink_to("/tmp/of-the-service-alone")
    storage = StorageSettings("filesystem", str(tmp_path), True, "")
    real = await named_on_host(LocalHost(), (), str(tmp_path))
    private = {"PrivateTmp": "yes", "RuntimeDirectory": ""}
    root = StorageSettings("filesystem", "/srv/registry", True, "")
    assert "/tmp/of-the-service-alone" in real
    assert lost_by_service("registry", root, private, real[1:])
    assert not lost_by_service("registry", root, private, ("/srv/registry", "/srv/registry/docker"))
    assert storage.root == real[0]

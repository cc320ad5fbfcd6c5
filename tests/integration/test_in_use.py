"""What is in use, by containers that really run, real kubectl, files and a command; and what that protects."""

import json
import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.conftest import short_folder
from tests.support.clients import ClientFailed, crane, crane_digest
from tests.support.commands import Regtui
from tests.support.containers import Containers, start_registry_container
from tests.support.images import open_registry, push_image, push_index
from tests.support.kubernetes import ClusterForTests, pod_spec, pod_status, start_cluster
from tests.support.running_images import RunningImages
from tests.support.servers import RegistryServer, start_registry
from tests.support.ssh_host import SshHostForTests, start_ssh_host


@dataclass(frozen=True)
class Place:
    """A registry, a host with podman behind ssh, a cluster, and regtui with a config file that names them."""

    registry: RegistryServer
    host: SshHostForTests
    images: RunningImages
    cluster: ClusterForTests
    regtui: Regtui

    def configure(self, *lines: str) -> None:
        file = self.regtui.home / ".config/regtui/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = ['default = "prod"', "[registries.prod]", f'address = "{self.registry.url}"', *lines]
        file.write_text("\n".join(text) + "\n")

    def in_use(self) -> tuple[int, list[dict[str, object]]]:
        done = self.regtui("in-use", "--json")
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def place(tmp_path: Path, podman: Containers, regtui: Regtui, request: pytest.FixtureRequest) -> Iterator[Place]:
    version = getattr(request, "param", "2.8.2")
    with (
        short_folder() as directory,
        start_registry(version, tmp_path / "registry") as registry,
        start_ssh_host(directory / "host", podman.bin) as host,
        start_cluster(tmp_path / "cluster") as cluster,
    ):
        regtui.environment["PATH"] = f"{host.path}:{os.environ['PATH']}"
        regtui.environment["KUBECONFIG"] = str(cluster.kubeconfig)
        images = RunningImages(podman, registry.host)
        yield Place(registry, host, images, cluster, regtui)
        images.clear()


def test_every_source_in_one_run(place: Place) -> None:
    """By digest where one is known, though the tag has moved; and an index by its child."""
    registry, images = place.registry, place.images
    with open_registry(registry.url) as client:
        index = push_index(client, "team/multi", "2.0")
        push_image(client, "team/web", "named")
    old = images.push("team/app:1.4", built="old")
    with images.run("team/app:1.4", container="web"):
        new = images.push("team/app:1.4", built="new")
        images.pull("team/app:1.4")
        child = index.children[0].digest
        reference = f"{registry.host}/team/multi"
        place.cluster.add(
            "pods",
            "multi-0",
            spec=pod_spec(f"{reference}:2.0"),
            status=pod_status((f"{reference}:2.0", f"{reference}@{child}")),
        )
        place.cluster.add("replicasets", "gone-1", spec={"template": {"spec": pod_spec(f"{reference}:1.0")}})
        (place.regtui.home / "compose.yaml").write_text(
            f"services:\n  web:\n    image: {registry.host}/team/web:named\n"
        )
        place.configure(
            "[registries.prod.in_use]",
            f'docker = ["{place.host.destination}"]',
            'kubectl = ["prod"]',
            'files = ["~/*.yaml"]',
            f'command = "echo {registry.host}/team/app:1.4; echo nginx"',
        )
        code, found = place.in_use()
    assert code == 0
    by_place = {str(record["where"]): record for record in found}
    web = by_place["registry-host as web"]
    assert (web["tag"], web["digest"], web["kind"], web["gone"]) == (None, old, "container", False)
    assert by_place["the command of in_use"] | {"where": ""} == {
        **{"repository": "team/app", "tag": "1.4", "digest": new, "where": "", "kind": "command", "gone": False}
    }
    assert (by_place["prod: shop/multi-0"]["tag"], by_place["prod: shop/multi-0"]["digest"]) == ("2.0", child)
    assert by_place["~/compose.yaml:3"]["digest"] == crane_digest(f"{registry.host}/team/web:named")
    gone = by_place["prod: replica set shop/gone-1"]
    assert (gone["tag"], gone["digest"], gone["gone"]) == ("1.0", None, True)
    assert len(found) == 5


def test_what_cannot_be_read_is_named(place: Place) -> None:
    place.images.push("team/app:1.4", built="one")
    place.host.server.stop()
    place.cluster.forbidden.add("cronjobs")
    place.configure(
        "[registries.prod.in_use]",
        f'docker = ["{place.host.destination}"]',
        'kubectl = ["prod"]',
        'files = ["~/nowhere/*.yaml"]',
        'command = "echo cannot connect; exit 3"',
    )
    code, found = place.in_use()
    assert code == 1
    errors = {str(record["where"]): str(record["error"]) for record in found}
    assert list(errors) == [
        place.host.destination,
        "kubectl prod",
        "~/nowhere/*.yaml",
        "command echo cannot connect; exit 3",
    ]
    assert "cronjobs is forbidden" in errors["kubectl prod"]
    assert "There is no file" in errors["~/nowhere/*.yaml"]
    assert "exit code 3" in errors["command echo cannot connect; exit 3"]
    done = place.regtui("in-use")
    assert "rules delete nothing" in done.stderr


def test_what_is_gone_is_shown_with_its_undo(place: Place) -> None:
    """And that brings it back."""
    old = place.images.push("team/app:1.4", built="old")
    place.images.push("team/app:1.5", built="new")
    with place.images.run("team/app:1.4", container="web"):
        place.configure()
        assert place.regtui("rm", "--yes", "prod/team/app:1.4").returncode == 0
        place.configure("[registries.prod.in_use]", f'docker = ["{place.host.destination}"]')
        code, found = place.in_use()
        gone = next(record for record in found if record["digest"] == old)
        assert (code, gone["gone"], gone["kind"]) == (0, True, "container")
        table = place.regtui("in-use").stdout
        command = table.splitlines()[0].rpartition("regtui undo")[2]
        assert str(gone["undo"]) in command
        assert place.regtui("undo", *shlex.split(command), "--yes").returncode == 0
        code, found = place.in_use()
    assert [record["gone"] for record in found] == [False]
    crane("validate", "--remote", f"{place.registry.host}/team/app@{old}")


_BY_HAND = ("rm", "prod/team/app", "--match", ".", "--keep", "1", "--keep-by", "version", "--yes")
_BY_CONFIG = ("prune", "--yes", "--most", "100%")


@pytest.mark.parametrize(("version", "rule"), [("2.8.2", _BY_CONFIG), ("3.1.1", _BY_HAND)])
def test_what_runs_by_a_tag_that_has_moved_stays_and_nothing_else(
    version: str, rule: tuple[str, ...], tmp_path: Path, podman: Containers, regtui: Regtui
) -> None:
    """A rule and a collection of untagged images leave exactly that image pullable; where the host can't be read
    nothing goes."""
    with (
        short_folder() as directory,
        start_registry_container(podman, version, tmp_path / "storage", name=f"registry-{version}") as registry,
        start_ssh_host(directory / "host", podman.bin) as host,
    ):
        regtui.environment["PATH"] = f"{host.path}:{os.environ['PATH']}"
        images = RunningImages(podman, registry.host)
        runs = images.push("team/app:1.4", built="runs")
        with images.run("team/app:1.4", container=f"web-{version}"):
            moved = images.push("team/app:1.4", built="moved")
            lost = images.push("team/app:1.5", built="lost")
            images.push("team/app:1.5", built="older")
            newest = images.push("team/app:2.0", built="newest")
            images.pull("team/app:1.4")
            file = regtui.home / ".config/regtui/config.toml"
            file.parent.mkdir(parents=True)
            file.write_text(
                f'default = "prod"\n[registries.prod]\naddress = "{registry.url}"\n'
                f'[registries.prod.host]\nssh = "{host.destination}"\ncontainer = "{registry.name}"\n'
                f'[registries.prod.in_use]\ndocker = ["{host.destination}"]\n'
                '[[registries.prod.retention]]\nrepositories = ["team/*"]\nkeep = 1\nkeep_by = "version"\n'
            )
            unread = file.read_text().replace(f'["{host.destination}"]', '["nobody@registry-host:1"]')
            unread_file = regtui.home / "unread.toml"
            unread_file.write_text(unread)
            collection = ("gc", "--untagged", "--yes", "--json")

            refused = regtui(*rule, "--config", str(unread_file))
            assert (refused.returncode, "nobody@registry-host:1" in refused.stderr) == (1, True)
            refused = regtui(*collection, "--config", str(unread_file))
            assert (refused.returncode, "Nothing counts as unused" in refused.stderr) == (6, True)
            assert sorted(crane("ls", f"{registry.host}/team/app").split()) == ["1.4", "1.5", "2.0"]
            assert crane_digest(f"{registry.host}/team/app@{lost}") == lost

            assert regtui(*rule).returncode == 0
            done = regtui(*collection)
            assert done.returncode == 0, done.stderr
            assert "1 image without a tag is in use: not deleted." in done.stderr
        assert crane("ls", f"{registry.host}/team/app").split() == ["2.0"]
        for digest in (runs, newest):
            crane("validate", "--remote", f"{registry.host}/team/app@{digest}")
        for digest in (moved, lost):
            with pytest.raises(ClientFailed):
                crane_digest(f"{registry.host}/team/app@{digest}")
        images.clear()


def test_docker_knows_what_runs_though_the_tag_has_moved(
    tmp_path: Path, podman: Containers, engine: Containers, regtui: Regtui
) -> None:
    """The engine's own word for it, on a host that has no podman."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "grep", "cat", "head", "tail", "sed"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    with start_registry("2.8.2", tmp_path / "registry") as registry:
        regtui.environment["PATH"] = f"{engine.bin}:{tools}"
        images, reference = RunningImages(podman, registry.host), f"{registry.host}/team/app:1.4"
        old = images.push("team/app:1.4", built="old")
        engine("pull", reference)
        engine("run", "-d", "--network", "host", "--name", "web", reference)
        try:
            images.push("team/app:1.4", built="new")
            engine("pull", reference)
            file = regtui.home / ".config/regtui/config.toml"
            file.parent.mkdir(parents=True)
            file.write_text(
                f'default = "prod"\n[registries.prod]\naddress = "{registry.url}"\n'
                '[registries.prod.in_use]\ndocker = ["local"]\n'
            )
            (record,) = regtui.records("in-use")
        finally:
            engine.remove("web")
    expected = {"repository": "team/app", "tag": None, "digest": old, "where": "this machine as web"}
    assert record == expected | {"kind": "container", "gone": False}

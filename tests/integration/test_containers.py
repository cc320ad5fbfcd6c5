"""The ground of tests in containers: podman and the Docker Engine are real, images like the official ones."""

import json
from pathlib import Path

import pytest

from tests.integration.conftest import short_folder
from tests.support.clients import crane_validate
from tests.support.containers import Containers, Mount, start_registry_container
from tests.support.engine import start_engine
from tests.support.images import open_registry, push_image
from tests.support.registry_images import CONFIGS, STORAGE

pytestmark = pytest.mark.each_runtime


def test_the_engine_is_docker_s_own_and_podman_is_podman(containers: Containers) -> None:
    told = containers("version", "--format", "{{json .}}")
    is_docker = "Docker Engine" in told or "containerd" in told or '"Server":{"Platform"' in told
    assert is_docker is (containers.program == "docker"), told


# Every two of mount, form and version meet.
@pytest.mark.parametrize(
    ("mount", "slim", "version"),
    [
        ("bind", False, "2.8.2"),
        ("bind", True, "3.1.1"),
        ("volume", False, "3.1.1"),
        ("volume", True, "2.8.2"),
        ("anonymous", False, "2.8.2"),
        ("anonymous", True, "3.1.1"),
    ],
)
def test_a_registry_runs_in_it_and_its_storage_is_where_it_is_said_to_be(
    containers: Containers, tmp_path: Path, mount: Mount, slim: bool, version: str
) -> None:
    with start_registry_container(containers, version, tmp_path / "storage", mount=mount, slim=slim) as registry:
        with open_registry(registry.url) as client:
            push_image(client, "team/app", "1.0")
        crane_validate(f"{registry.host}/team/app:1.0")
        assert (registry.storage / "docker/registry/v2/repositories/team/app").is_dir()
        (made,) = json.loads(containers("inspect", registry.name))
        assert CONFIGS[version] in made["Args"]
        (image,) = json.loads(containers("image", "inspect", containers.image(version, slim=slim)))
        assert STORAGE in image["Config"]["Volumes"]
    assert not containers("ps", "-aq", "--filter", f"name={registry.name}")


def test_an_engine_leaves_neither_mounts_nor_files_behind() -> None:
    with short_folder() as folder, start_engine(folder / "e") as engine:
        name = engine.image("2.8.2", slim=True)
        engine("run", "--rm", "--network", "host", name, "--version")
    assert str(folder) not in Path("/proc/mounts").read_text()
    assert not folder.exists()

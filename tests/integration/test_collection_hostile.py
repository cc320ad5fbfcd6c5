"""A hostile registry in a real container, on a host behind a real sshd: what it is set to never runs on the host."""

from pathlib import Path

import pytest

from tests.support.commands import Regtui
from tests.support.containers import Containers, start_registry_container
from tests.support.images import open_registry, push_image
from tests.support.ssh_host import start_ssh_host

ROOTS = {
    "ends a heredoc": "/var/lib/registry/x\n__regtui_end_of_file__\ntouch {pwned}\n",
    "ends a word": "/var/lib/registry/x'; touch {pwned}; $(touch {pwned}) `touch {pwned}` \"",
}
ASKED = (("gc", "--dry-run"), ("gc", "--status"), ("gc", "--yes"), ("gc", "--bring-back"), ("doctor",))


@pytest.mark.parametrize(
    ("containers", "content"), zip(("podman", "engine"), ROOTS, strict=True), indirect=["containers"]
)
def test_a_root_that_would_be_a_command(containers: Containers, tmp_path: Path, content: str) -> None:
    pwned = tmp_path / "pwned"
    root = ROOTS[content].format(pwned=pwned)
    made = start_registry_container(
        containers,
        "2.8.2",
        tmp_path / "storage",
        name="hostile",
        environment=(f"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY={root}",),
    )
    with made as registry, start_ssh_host(tmp_path / "host", containers.bin) as host:
        with open_registry(registry.url) as client:
            push_image(client, "team/app", "1.0")
        config = tmp_path / "config.toml"
        for ssh in (f'ssh = "{host.destination}"', ""):
            config.write_text(
                f'[registries.lab]\naddress = "{registry.url}"\n[registries.lab.host]\n{ssh}\n'
                'runtime = "docker"\ncontainer = "hostile"\n'
            )
            regtui = Regtui(tmp_path)
            path = host.path if ssh else f"{containers.bin}:{host.path}"
            for command, *options in ASKED:
                words = (command, "lab", "--config", str(config), *options)
                done = regtui(*words, PATH=path)
                assert "Traceback" not in done.stderr
        assert not pwned.exists()
        assert registry.is_running()

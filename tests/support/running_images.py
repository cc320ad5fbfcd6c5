"""Images that really run: of one small program, pushed to a registry by podman, pulled from there, and started."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.clients import crane_digest
from tests.support.containers import Containers
from tests.support.registry_images import write_program_root


@dataclass(frozen=True)
class RunningImages:
    """`registry`: HOST:PORT, over plain HTTP."""

    containers: Containers
    registry: str

    def push(self, name: str, *, built: str) -> str:
        """Pushes an image of its own as NAME:TAG, as some other machine does; its digest. `built`: what it differs
        in."""
        local = f"localhost/{built}"
        self._make(local, built)
        self.containers("push", "--tls-verify=false", local, f"docker://{self.registry}/{name}")
        self.containers("rmi", local)
        return crane_digest(f"{self.registry}/{name}")

    def pull(self, name: str) -> None:
        self.containers("pull", "--tls-verify=false", f"{self.registry}/{name}")

    @contextmanager
    def run(self, name: str, *, container: str) -> Iterator[None]:
        """Pulls it, and runs it until the block ends."""
        self.pull(name)
        self.containers("run", "-d", "--network", "host", "--name", container, f"{self.registry}/{name}")
        try:
            yield
        finally:
            self.containers.remove(container)

    def _make(self, name: str, built: str) -> None:
        archive = self.containers.directory / "program.tar"
        write_program_root("busybox", archive)
        command = 'CMD ["/bin/busybox","sleep","600"]'
        self.containers("import", "-c", f"ENV BUILT={built}", "-c", command, str(archive), name)
        archive.unlink()

    def clear(self) -> None:
        """No image is left here: what is pulled comes from the registry."""
        self.containers("rmi", "-a", "-f", check=False)

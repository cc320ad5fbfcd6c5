"""A registry with images to collect, and what is to be seen of it from outside: the disk's numbers, other clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from regtui.deletion.request import Request
from regtui.garbage.values import Choices, CollectionReport, Event
from regtui.host.profile import HostSettings
from regtui.registry.address import Address
from regtui.session.opening import open_session
from regtui.session.session import Session
from regtui.session.target import Target
from tests.support.clients import crane_validate, skopeo
from tests.support.containers import RegistryContainer
from tests.support.content import Recipe
from tests.support.images import open_registry, push_image, push_index
from tests.support.ssh_host import SshHostForTests
from tests.support.systemd import RegistryService

IMAGES = 12
"""Images with a layer of their own each, one that all share, and two that half of them share."""

GOING = tuple(f"v{number}" for number in range(0, IMAGES, 2))
STAYING = tuple(f"v{number}" for number in range(1, IMAGES, 2))
REPOSITORY = "team/app"
INDEXES = "team/multi"

Registry = RegistryContainer | RegistryService


@dataclass(frozen=True)
class Filled:
    """What was pushed. `untagged`: digests of manifests that lost their tag to a later push."""

    untagged: tuple[str, ...] = ()
    references: tuple[str, ...] = field(default=())


def fill(url: str, *, images: int = IMAGES) -> Filled:
    """`images` in REPOSITORY, and in INDEXES two indexes and what a tag that was pushed anew leaves behind."""
    with open_registry(url) as registry:
        for number in range(images):
            recipe = Recipe(name=f"shared-{number % 2}", labels={"number": str(number)}, layers=1 + number % 3)
            push_image(registry, REPOSITORY, f"v{number}", recipe=recipe, kind="docker" if number % 4 else "oci")
        push_index(registry, INDEXES, "going", attestations=True)
        push_index(registry, INDEXES, "staying", attestations=True)
        # One that nothing reaches: its tag was pushed anew.
        old = push_image(registry, INDEXES, "latest", recipe=Recipe(name="old"))
        older = push_index(registry, INDEXES, "latest", recipe=Recipe(name="older"))
        push_image(registry, INDEXES, "latest", recipe=Recipe(name="new"))
    return Filled((old.digest, older.digest, *(child.digest for child in older.children)))


async def delete_half(connection: Session, *, images: int = IMAGES) -> None:
    for repository, tags in ((REPOSITORY, GOING[: images // 2]), (INDEXES, ("going",))):
        deleting = connection.deleting(await connection.plan_deletion(Request(repository, tags)))
        async for _ in deleting.outcomes():
            pass
        assert deleting.report.is_complete, deleting.report


def bytes_on_disk(storage: Path) -> int:
    """Of all blobs, by the file system."""
    return sum(file.stat().st_size for file in (storage / "docker/registry/v2/blobs").glob("*/*/*/data"))


def all_pull(host: str, *, images: int = IMAGES) -> None:
    """What wasn't deleted: by crane, each digest and size on the way, and the index with all its platforms by skopeo
    (crane's check doesn't take attestations)."""
    for reference in (*(f"{REPOSITORY}:{tag}" for tag in STAYING[: images // 2]), f"{INDEXES}:latest"):
        crane_validate(f"{host}/{reference}")
    with TemporaryDirectory(prefix="regtui-pulled-") as directory:
        skopeo("copy", "--all", f"docker://{host}/{INDEXES}:staying", f"dir:{directory}")


def target(registry: Registry, host: SshHostForTests | None = None, **settings: Any) -> Target:
    """The registry as a profile has it. Without a host: on this machine."""
    runs_at = HostSettings(**{"ssh": host.destination if host else "", **settings})
    return Target(Address.parse(registry.url), runs_at=runs_at)


@contextmanager
def kept(url: str, reference: str) -> Iterator[Path]:
    """An image, copied by skopeo, to be pushed again later."""
    with TemporaryDirectory(prefix="regtui-kept-") as directory:
        skopeo("copy", f"docker://{url.removeprefix('http://')}/{reference}", f"dir:{directory}")
        yield Path(directory)


async def collect(connection: Session, choices: Choices | None = None) -> tuple[CollectionReport, list[Event]]:
    """All of it, in order; the report and the events."""
    choices = choices or Choices()
    collector = connection.collector()
    await collector.survey()
    await collector.forecast(choices)
    events = [event async for event in collector.collect(choices)]
    return collector.report, events


async def connected(target: Target) -> Session:
    return await open_session(target)

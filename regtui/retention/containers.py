"""What the containers of one host run, by docker, podman, or both; running or stopped.

An engine knows which manifest an image was pulled by: docker in the image's RepoDigests, podman in the container's own
ImageDigest, which it keeps also where the tag was pulled anew since. That digest is what runs. The name that the
container was made from counts only where no digest is known: it may mean another image by now.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from regtui import bounds
from regtui.bounded_json import parse_json_text
from regtui.host.container_list import IDS, is_gone, run_while_some_go
from regtui.host.errors import NotOnHost
from regtui.host.hosts import Host, Script, call
from regtui.host.trouble import trouble
from regtui.oci.digest import Digest
from regtui.retention.errors import SourceFailed
from regtui.retention.own_names import OwnImage, OwnNames
from regtui.retention.uses import Use
from regtui.retention.values import PlaceKind, UsePlace
from regtui.text import one_line

# As docker prints them, and podman's more.
_CONTAINER: Final = "{{json .ID}},{{json .Name}},{{json .Image}},{{json .Config.Image}}"
_FORMATS: Final[Mapping[str, str]] = {
    "docker": f"[{_CONTAINER}]",
    "podman": f"[{_CONTAINER},{{{{json .ImageName}}}},{{{{json .ImageDigest}}}}]",
}
_IMAGE: Final = "[{{json .ID}},{{json .RepoDigests}}]"

# $1 is the engine, $2 how it prints a container.
_LIST: Final = f"""\
command -v "$1" >/dev/null 2>&1 || {{ echo absent; exit 0; }}
engine=$1 format=$2
set -- "$engine"
{IDS}
printf '%s\\n' "$ids" | grep -c .
test -z "$ids" || "$engine" inspect --type container --format "$format" $ids"""
_ABSENT: Final = "absent"

_IMAGE_ID: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_CONTAINER_ID: Final = re.compile(r"[0-9a-f]{64}")
_AT_ONCE: Final = 500
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class _Container:
    """`names`: how the image is called in its settings. `digests`: manifests that the engine knows for the container
    itself, whatever they are called."""

    id: str
    name: str
    image: str
    names: tuple[str, ...]
    digests: tuple[Digest, ...] = ()
    known_as: tuple[str, ...] = field(default=())
    """The image's RepoDigests."""


class ContainerHost:
    """A `Source`. `host` is closed by whoever made it."""

    def __init__(self, name: str, host: Host, *, called: str) -> None:
        """`called`: the host in the words of a place: `app1`."""
        self.name = name
        self._host = host
        self._called = called

    async def uses(self, names: OwnNames) -> Iterable[Use]:
        found: dict[str, _Container] = {}
        present = [engine for engine in _FORMATS if await self._read(engine, found)]
        if not present:
            raise NotOnHost(f"There is neither docker nor podman on {self._host.place}.")
        return [
            Use(image, UsePlace(f"{self._called} as {one_line(container.name)[:_LONGEST_NAME]}", PlaceKind.CONTAINER))
            for container in found.values()
            for image in images_of(container, names)
        ]

    async def _read(self, engine: str, found: dict[str, _Container]) -> bool:
        """Adds its containers; whether it is there. Podman answers by the name of docker on many hosts: what both
        know is read again, as podman tells more."""
        containers = await self._containers(engine)
        if containers is None:
            return False
        images = await self._repo_digests(engine, {container.image for container in containers})
        for container in containers:
            found[container.id] = replace(container, known_as=images.get(container.image, ()))
        return True

    async def _containers(self, engine: str) -> list[_Container] | None:
        told = await run_while_some_go(self._host, Script(_LIST, (engine, _FORMATS[engine])))
        if told.code != 0:
            raise trouble(told, self._host.place, engine)
        count, *lines = told.stdout.splitlines() or [""]
        if count == _ABSENT:
            return None
        read = [_container(line) for line in lines if line.strip()]
        if not count.isdecimal() or len(count) > 9 or None in read or len(read) != int(count):
            raise self._says_nothing(engine, "containers")
        if len(read) > bounds.USES:
            raise SourceFailed(f"{self._host.place} has more than {bounds.USES:,} containers.")
        return [container for container in read if container is not None]

    async def _repo_digests(self, engine: str, images: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """image → what it is called by digest. An image that was removed by force is told by its container alone, and
        only the engine's word for it says that it was."""
        ids = sorted(filter(_IMAGE_ID.fullmatch, images))
        known: dict[str, tuple[str, ...]] = {}
        for begin in range(0, len(ids), _AT_ONCE):
            asked = ids[begin : begin + _AT_ONCE]
            told = await self._host.run(call(engine, "image", "inspect", "--format", _IMAGE, "--", *asked))
            if told.code != 0 and not is_gone(told):
                raise trouble(told, self._host.place, engine)
            lines = [line for line in told.stdout.splitlines() if line.strip()]
            read = [_image(line) for line in lines]
            known |= dict(image for image in read if image is not None)
            is_whole = told.code != 0 or all(_plain_id(image) in known for image in asked)
            if None in read or not is_whole:
                raise self._says_nothing(engine, "images")
        return {image: known.get(_plain_id(image), ()) for image in ids}

    def _says_nothing(self, engine: str, of: str) -> SourceFailed:
        return SourceFailed(f"{engine} on {self._host.place} doesn't tell what its {of} are.")


def images_of(container: _Container, names: OwnNames) -> list[OwnImage]:
    """What a container runs of the registry: nothing where its image is another one's. Pure."""
    named = {image.repository: image for text in container.names if (image := names.image(text))}
    known: dict[str, list[Digest]] = {}
    for text in container.known_as:
        if (image := names.image(text)) and image.digest:
            known.setdefault(image.repository, []).append(image.digest)
    config = Digest.or_none(f"sha256:{_plain_id(container.image)}")
    # An image that has several names is used by the one that the container was made from.
    repositories = [repository for repository in known if repository in named] or list(known)
    found = []
    for repository in dict.fromkeys((*repositories, *named)):
        digests = tuple(dict.fromkeys((*known.get(repository, ()), *container.digests)))
        if repository in known:
            found.append(OwnImage(repository, "", digests[0], digests[1:], config))
        elif container.digests:
            # With its tag: what was built there may be another manifest in the registry that it was pushed to.
            found.append(replace(named[repository], digest=digests[0], others=digests[1:], config=config))
        else:
            found.append(named[repository])
    return found


def _container(line: str) -> _Container | None:
    """None for what says less than it must: an id, and what image it is of. What holds a pod of podman's is of none."""
    match _row(line):
        case [str(id_), str(name), str(image), str(named)] if _is_told(id_, image, named):
            return _Container(id_, name.removeprefix("/"), image, (named,))
        case [str(id_), str(name), str(image), str() | None as named, str(other), str() | None as digest] if _is_told(
            id_, image, other
        ) and (not digest or Digest.or_none(digest) is not None):
            names = tuple(dict.fromkeys(text for text in (named, other) if text is not None))
            return _Container(id_, name.removeprefix("/"), image, names, (Digest(digest),) if digest else ())
    return None


def _is_told(id_: str, image: str, named: str) -> bool:
    return _CONTAINER_ID.fullmatch(id_) is not None and (_IMAGE_ID.fullmatch(image) is not None or not (image or named))


def _image(line: str) -> tuple[str, tuple[str, ...]] | None:
    """An image's bare id, and what it is called by digest."""
    match _row(line):
        case [str(id_), list(digests)] if _IMAGE_ID.fullmatch(id_) and all(isinstance(text, str) for text in digests):
            return _plain_id(id_), tuple(digests)
        case [str(id_), None] if _IMAGE_ID.fullmatch(id_):
            return _plain_id(id_), ()
    return None


def _row(line: str) -> Any:
    try:
        return parse_json_text(line)
    except ValueError:
        return None


def _plain_id(image: str) -> str:
    return image.removeprefix("sha256:")

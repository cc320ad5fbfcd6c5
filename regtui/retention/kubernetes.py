"""What a cluster uses: what its pods run, and what everything that makes pods names, old revisions included.

A pod's status tells which manifest runs. The tag in its specification counts where that isn't known, and where the
kubelet asks for the tag at every start of the container (imagePullPolicy Always). What deployments and the like name
counts as they name it: that is what the next pod is made from.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from regtui import bounds
from regtui.host.hosts import Host, ScriptOutput, call
from regtui.host.trouble import last_line
from regtui.oci.digest import Digest
from regtui.retention.errors import SourceFailed
from regtui.retention.own_names import OwnImage, OwnNames
from regtui.retention.uses import Use
from regtui.retention.values import PlaceKind, UsePlace
from regtui.text import one_line

_ASKED_SECONDS: Final = 60
_LONGEST_NAME: Final = 300
_NO_COMMAND: Final = 127

# A line an object, between two that are there also where no object is: its name, then a word for each container.
# Everything that the cluster says is quoted as in a URL, so that no text in it is taken for another word or line.
_BEGIN, _END = "list", "end"
_WORD: Final = re.compile(r"(?:spec|status)(?:/[^/]*){3}")
_OBJECT: Final = "{{urlquery .metadata.namespace}} {{urlquery .metadata.name}}"


def _each(path: str, inner: str) -> str:
    return f"{{{{range .{path}}}}}{inner}{{{{end}}}}"


def _with(path: str, inner: str) -> str:
    return f"{{{{with .{path}}}}}{inner}{{{{end}}}}"


def _line(inner: str) -> str:
    return f"{_BEGIN}{{{{println}}}}{_each('items', f'{_OBJECT}{inner}{{{{println}}}}')}{_END}{{{{println}}}}"


_SPEC: Final = "".join(
    _each(name, " spec/{{urlquery .name}}/{{urlquery .image}}/{{urlquery .imagePullPolicy}}")
    for name in ("containers", "initContainers", "ephemeralContainers")
)
_STATUS: Final = "".join(
    _each(name, " status/{{urlquery .name}}/{{urlquery .imageID}}/{{urlquery .image}}")
    for name in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
)


def _template(*path: str) -> str:
    """What prints the pods' template that is at `path` of each object, where there is one."""
    inner = _SPEC
    for key in reversed(path):
        inner = _with(key, inner)
    return _line(inner)


@dataclass(frozen=True, slots=True)
class _Listed:
    """`resource`: as kubectl asks for it. `word`: what one of them is called."""

    resource: str
    word: str
    template: str


_PODS: Final = _Listed("pods", "pod", _line(_with("spec", _SPEC) + _with("status", _STATUS)))
_WORKLOADS: Final = (
    _Listed("deployments.apps", "deployment", _template("spec", "template", "spec")),
    _Listed("statefulsets.apps", "stateful set", _template("spec", "template", "spec")),
    _Listed("daemonsets.apps", "daemon set", _template("spec", "template", "spec")),
    _Listed("replicasets.apps", "replica set", _template("spec", "template", "spec")),
    _Listed("controllerrevisions.apps", "revision", _template("data", "spec", "template", "spec")),
    _Listed("replicationcontrollers", "replication controller", _template("spec", "template", "spec")),
    _Listed("jobs.batch", "job", _template("spec", "template", "spec")),
    _Listed("cronjobs.batch", "cron job", _template("spec", "jobTemplate", "spec", "template", "spec")),
)


class Cluster:
    """A `Source`: one context of this machine's kubectl."""

    def __init__(self, context: str, host: Host) -> None:
        self.name = f"kubectl {context}"
        self._context = context
        self._host = host

    async def uses(self, names: OwnNames) -> Iterable[Use]:
        found: list[Use] = []
        for listed in (_PODS, *_WORKLOADS):
            for line in await self._objects(listed):
                found += self._uses_in(line, listed, names)
                if len(found) > bounds.USES:
                    raise SourceFailed(f"{self.name} names images in more than {bounds.USES:,} places.")
        return found

    async def _objects(self, listed: _Listed) -> list[str]:
        """What is printed of each. Raises SourceFailed where it isn't between the lines that say that this is all."""
        match (await self._ask(listed)).split("\n"):
            case [begin, *lines, end, ""] if (begin, end) == (_BEGIN, _END):
                return lines
        raise self._says_nothing(listed)

    def _says_nothing(self, listed: _Listed) -> SourceFailed:
        return SourceFailed(f"kubectl doesn't tell what {listed.resource} there are in {self._context}.")

    async def _ask(self, listed: _Listed) -> str:
        options = (f"--context={self._context}", f"--request-timeout={_ASKED_SECONDS}s", "--all-namespaces")
        told = await self._host.run(
            call("kubectl", "get", listed.resource, *options, "-o", f"go-template={listed.template}")
        )
        if told.code != 0:
            raise _failure(told, self._context, listed.resource)
        return told.stdout

    def _uses_in(self, line: str, listed: _Listed, names: OwnNames) -> Iterator[Use]:
        namespace, _, rest = line.partition(" ")
        name, *containers = rest.split(" ")
        if not name or not all(map(_WORD.fullmatch, containers)):
            raise self._says_nothing(listed)
        what = f"{unquote_plus(namespace)}/{unquote_plus(name)}"
        if listed is _PODS:
            place = UsePlace(self._where(what), PlaceKind.POD)
            images = pod_images(containers, names)
        else:
            place = UsePlace(self._where(f"{listed.word} {what}"), PlaceKind.WORKLOAD)
            images = [image for _, text, _ in _words(containers, "spec") if (image := names.image(text))]
        yield from (Use(image, place) for image in dict.fromkeys(images))

    def _where(self, what: str) -> str:
        return f"{self._context}: {one_line(what)[:_LONGEST_NAME]}"


def pod_images(containers: Iterable[str], names: OwnNames) -> list[OwnImage]:
    """What a pod uses, by the words about its containers. Pure."""
    containers = list(containers)
    specified = {name: image for name, text, _ in _words(containers, "spec") if (image := names.image(text))}
    running: dict[str, OwnImage] = {}
    for name, text, called in _words(containers, "status"):
        digest = Digest.or_none(text.rpartition("@")[2]) if "@" in text else None
        # A node that has the image by several names tells any of them: the digest is what it says.
        own = specified.get(name) or names.image(called) or names.image(text)
        if own is not None and digest is not None:
            running[name] = OwnImage(own.repository, digest=digest)
    always = {name for name, _, policy in _words(containers, "spec") if policy == "Always"}
    wanted = [image for name, image in specified.items() if name in always or name not in running]
    return [*running.values(), *wanted]


def _words(containers: Iterable[str], kind: str) -> Iterator[tuple[str, str, str]]:
    for word in containers:
        match word.split("/"):
            case [found, name, first, second] if found == kind:
                yield unquote_plus(name), unquote_plus(first), unquote_plus(second)


def _failure(told: ScriptOutput, context: str, resource: str) -> SourceFailed:
    if told.code == _NO_COMMAND:
        return SourceFailed("There is no kubectl on this machine.", "Install it, or take kubectl out of in_use.")
    return SourceFailed(
        f"kubectl can't list {resource} of {context}: {last_line(told.stderr) or 'it gives no reason'}."
    )

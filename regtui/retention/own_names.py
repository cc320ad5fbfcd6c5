"""References that lead to one registry, whatever they call it, compared as Docker normalises them. Pure.

names = OwnNames(["registry.example.com", "registry.internal:5000"])
names.image("registry.example.com:443/team/app") → OwnImage("team/app", "latest")
names.image("nginx:1.25") → None
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from regtui.errors import UsageError
from regtui.oci.digest import Digest
from regtui.oci.reference import InvalidReference, Reference, is_host, is_tag
from regtui.registry.address import Address
from regtui.registry.identity import RegistryId

_DOCKER: Final = "docker.io"
_DOCKERS_OWN: Final = "library"
# What Docker itself still takes for it.
_DOCKERS_OTHERS: Final = frozenset({"index.docker.io"})
_LATEST: Final = "latest"
# How engines and kubelets write the place that an image came from.
_TRANSPORTS: Final = ("docker-pullable://", "docker://", "oci://")
_LONGEST: Final = 1_024


@dataclass(frozen=True, slots=True)
class OwnImage:
    """An image of the registry, as something names it. `tag` is empty beside a digest that was named alone; with
    neither it isn't known which tag is meant, and any may be. `others`: more manifests that an engine knows the same
    image by: an index and its child, what was built and what was pushed. `config`: the digest of the image's config."""

    repository: str
    tag: str = ""
    digest: Digest | None = None
    others: tuple[Digest, ...] = ()
    config: Digest | None = None

    @property
    def manifests(self) -> tuple[Digest, ...]:
        """What it may be found by, the likeliest first."""
        return (self.digest, *self.others) if self.digest is not None else ()

    @property
    def identities(self) -> tuple[Digest, ...]:
        """The same, and the config. Never asked for as a manifest: 2.x answers for any blob."""
        return (*self.manifests, self.config) if self.manifests and self.config else self.manifests

    @property
    def is_any_tag(self) -> bool:
        return not self.tag and self.digest is None


class OwnNames:
    """What one registry is called in references: `HOST[:PORT][/PREFIX]` each."""

    def __init__(self, names: Iterable[str]) -> None:
        """Raises UsageError where one is no registry's address."""
        self.written = tuple(dict.fromkeys(names))
        self._canonical = {self._of_address(name) for name in self.written}
        self._hosts: dict[str, str] = {}

    @property
    def hosts(self) -> frozenset[str]:
        """Without ports and paths."""
        return frozenset(name.partition("/")[0].rpartition(":")[0] or name.partition("/")[0] for name in self.written)

    @cached_property
    def in_text(self) -> "re.Pattern[str]":
        """Finds `name`, and `path`, `tag` and `digest` behind it, wherever a text has them; not in a web address. A tag
        that isn't written out is empty; `rest`: the path goes on with what isn't. Linear in the text's length."""
        hosts = {name.partition("://")[2] or name for name in self.written}
        names = "|".join(sorted((re.escape(host.rstrip("/")) for host in hosts), key=len, reverse=True))
        return re.compile(
            rf"(?<![\w./@-])(?:(?:oci|docker|docker-pullable)://)?(?P<name>(?i:{names})(?::(?:443|80)(?=/))?)/"
            rf"(?:(?P<path>[a-z0-9][a-z0-9._/-]*)(?![a-z0-9._/${{<-])|(?P<rest>[a-z0-9._/-]*[${{<]))"
            rf"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}(?![\w.${{<-])|(?=[\w${{<])))?"
            rf"(?P<digest>@[a-z0-9]{{1,20}}:[0-9a-f]{{32,128}})?"
        )

    @property
    def includes_docker_hub(self) -> bool:
        """Whether names without a host lead there, too."""
        return any(name == _DOCKER or name.startswith(f"{_DOCKER}/") for name in self._canonical)

    def is_own(self, name: str) -> bool:
        """Whether `name` is that of the registry itself."""
        return len(name) <= _LONGEST and self._canonical_host(name) in self._canonical

    def image(self, text: str, *, tag: str | None = None) -> OwnImage | None:
        """What `text` names here; None where it is another registry's, or no reference. Without a tag and a digest that
        is `latest`, as for Docker; `tag` is one that stands beside it: empty where it can't be told."""
        if len(text) > _LONGEST:
            return None
        for transport in _TRANSPORTS:
            text = text.removeprefix(transport)
        path, at, digest = text.partition("@")
        repository = self._repository(path)
        if repository is None:
            return None
        try:
            found = Reference.parse(f"regtui.invalid/{repository}{at}{digest}")
        except InvalidReference:
            return None
        if found.tag is None and found.digest is None:
            wanted = _LATEST if tag is None else tag
            return OwnImage(found.repository, wanted if is_tag(wanted) else "")
        return OwnImage(found.repository, found.tag or "", found.digest)

    def _repository(self, path: str) -> str | None:
        """What stands behind the registry's own name, with the tag; None where another name stands there."""
        first, slash, rest = path.partition("/")
        if not slash or not is_host(first):
            first, rest = _DOCKER, path
        host = self._canonical_host(first)
        if host == _DOCKER and "/" not in rest:
            rest = f"{_DOCKERS_OWN}/{rest}"
        whole = f"{host}/{rest}"
        # The longest name: a prefix belongs to the registry's name, and not to the repository's.
        fitting = [name for name in self._canonical if whole.startswith(f"{name}/")]
        return whole[len(max(fitting, key=len)) + 1 :] if fitting else None

    def _canonical_host(self, host: str) -> str:
        known = self._hosts.get(host)
        if known is None:
            try:
                known = self._of_address(host)
            except UsageError:
                known = ""
            if len(self._hosts) < 10_000:
                self._hosts[host] = known
        return known

    @staticmethod
    def _of_address(name: str) -> str:
        address = RegistryId.of(Address.parse(name)).address
        return _DOCKER if address in _DOCKERS_OTHERS else address

"""What is missing of an image, and what would put it back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from regtui.oci.digest import Digest


class BlobOrigin(Enum):
    """Where the bytes of a lost blob can be had."""

    REPOSITORY = "repository"
    """Another repository of the same registry, which mounts it."""
    JOURNAL = "journal"
    """A run that deleted an image with that config, and kept the config for its undo."""
    CACHE = "cache"
    """What this machine has read before."""


@dataclass(frozen=True, slots=True)
class BlobSource:
    """`place`: the repository, or the journal's run; empty for the cache. `body`: the bytes, None where the registry
    itself has them."""

    origin: BlobOrigin
    place: str = ""
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CheckedReference:
    """What a tag or digest leads to, and whether that can be pulled.

    `digest` is None where the manifest is gone, or can't be read. `problem` says what is missing or can't be read,
    empty where nothing is; `effect` what can't be pulled because of it. `lost`: the blobs that the registry should have
    and hasn't; `configs`: those of them that are an image's config. `has_cut`: whether it has some in another length,
    or with other content.
    """

    repository: str
    identifier: str
    digest: Digest | None
    problem: str = ""
    effect: str = ""
    lost: tuple[Digest, ...] = ()
    configs: frozenset[Digest] = frozenset()
    has_cut: bool = False

    @property
    def name(self) -> str:
        """`team/app:1.0`, or `team/app@sha256:…`."""
        return f"{self.repository}{'@' if Digest.or_none(self.identifier) else ':'}{self.identifier}"

    @property
    def is_broken(self) -> bool:
        return bool(self.problem)


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What can be put back into one repository. `sources`: each lost blob that can be had, with where. `nowhere`: those
    that were found nowhere; `searched`: in how many repositories, all of them where `is_whole`."""

    repository: str
    sources: Mapping[Digest, BlobSource] = field(default_factory=dict)
    nowhere: tuple[Digest, ...] = ()
    searched: int = 0
    is_whole: bool = True

"""What all steps of one deletion work on."""

from dataclasses import dataclass, field

from regtui.deletion.patience import Patience
from regtui.deletion.record import Record
from regtui.deletion.values import StoredManifest
from regtui.deletion.watch import Watch
from regtui.deletion.work import Work
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient


@dataclass(slots=True)
class Ground:
    """`placeholders`: the empty indexes that took tags' places. `originals`: what a run that was interrupted had found
    behind its tags, before those. `doubts`: sentences about what should not be; `notices`: about what else was done,
    such as to tags that were `repaired`, of those that were shown to be `replaceable`: each with its empty index.
    `told`: other tags whose fate the rest of the run tells."""

    client: RegistryClient
    repository: str
    watch: Watch
    work: Work
    record: Record
    patience: Patience
    placeholders: set[Digest] = field(default_factory=set)
    replaceable: frozenset[str] = frozenset()
    repaired: dict[str, Digest] = field(default_factory=dict)
    originals: dict[str, StoredManifest] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    doubts: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def original(self, tag: str, digest: Digest | None) -> StoredManifest | None:
        """What a tag led to when it was confirmed that it goes; None where there was nothing."""
        if tag in self.originals:
            return self.originals[tag]
        return self.watch.manifests.get(digest) if digest is not None else None

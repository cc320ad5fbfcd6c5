"""What somebody asks to be deleted, and how: one value, from both faces down to the plan."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from regtui.deletion.cost import PATIENCE
from regtui.deletion.used import UsedImages
from regtui.deletion.values import Manifests
from regtui.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Request:
    """Deleting `tags`, and the manifests `digests`, of `repository`.

    `whole_manifests`: all tags of the chosen manifests go along. `with_attached`: so do signatures, attestations and
    SBOMs whose image goes. `untagged`: what becomes of manifests that lose their last tag; in doubt they are deleted
    where that takes at most `patience` seconds. Those that were named by digest always are. `without_undo`: also what
    undo could not put back goes, though nobody confirms it. `protect`: shell patterns of tags that need a confirmation
    of their own. `only`: no manifest but these may go; None for any. `own`: empty indexes of a run that is finished.
    `used`: what is in use, which needs one, too.
    `seen`: what tags led to when they were chosen, None where there was nothing: one that leads elsewhere by now stays.
    Other tags are among them where the choice was made by those, too.
    """

    repository: str
    tags: Collection[str] = ()
    digests: Collection[Digest] = ()
    whole_manifests: bool = False
    with_attached: bool = False
    untagged: Manifests = Manifests.IN_TIME
    patience: float = PATIENCE
    without_undo: bool = False
    protect: tuple[str, ...] = ()
    only: frozenset[Digest] | None = None
    own: frozenset[Digest] = frozenset()
    used: UsedImages = field(default_factory=UsedImages)
    seen: Mapping[str, Digest | None] = field(default_factory=dict, hash=False)

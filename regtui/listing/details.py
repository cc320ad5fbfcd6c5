"""All that is known of one image: what the details pane and `inspect` show."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from regtui.listing.history import instruction
from regtui.listing.images import Loaded, LoadedImage, load
from regtui.listing.source import ManifestSource
from regtui.listing.summary import PullSize, pull_range
from regtui.oci.config import HistoryEntry, ImageConfig
from regtui.oci.descriptor import Descriptor
from regtui.oci.digest import Digest
from regtui.oci.manifest import AnyManifest, Manifest, Schema1Manifest
from regtui.oci.platform import Platform
from regtui.text import plural, size

FOREIGN: Final = "foreign"
"""What a layer is called that the registry doesn't have: Windows' base layers, and others with `urls`."""


@dataclass(frozen=True, slots=True)
class LayerDetail:
    """A layer with the instruction that made it (empty where it can't be told). `size` in bytes."""

    digest: Digest
    size: int | None
    media_type: str
    instruction: str = ""
    created: datetime | None = None
    is_foreign: bool = False
    """The registry need not have it: its bytes count for no size."""
    urls: tuple[str, ...] = ()
    """Where else it is, as the manifest says."""

    @property
    def own_size(self) -> int:
        """Bytes that a pull takes from the registry, as far as that is known."""
        return 0 if self.is_foreign else self.size or 0

    @property
    def made_by(self) -> str:
        """The instruction, after a mark where the registry doesn't have the layer."""
        return f"({FOREIGN}) {self.instruction}".rstrip() if self.is_foreign else self.instruction


@dataclass(frozen=True, slots=True)
class PlatformDetails:
    """One image. Sizes in bytes; `manifest` is None where it is gone or can't be read: then `error` says so.

    `history` is the config's, oldest first; its `created_by` is as recorded, see `history.instruction`.
    """

    platform: Platform | None
    digest: Digest
    media_type: str
    pull_size: int | None
    created: datetime | None
    manifest: AnyManifest | None
    config: ImageConfig | None
    config_body: bytes | None = field(repr=False)
    layers: tuple[LayerDetail, ...]
    history: tuple[HistoryEntry, ...]
    attestations: tuple[Descriptor, ...]
    error: str = ""
    lost_blobs: tuple[Digest, ...] = ()
    """Those that the registry should have and hasn't, as far as they were asked for (`BlobCheck`)."""
    cut_blobs: tuple[Digest, ...] = ()
    """Those that it has, in another length than the manifest says."""

    @property
    def foreign(self) -> tuple[LayerDetail, ...]:
        """The layers that the registry need not have; `pull_size` is without them."""
        return tuple(layer for layer in self.layers if layer.is_foreign)

    @property
    def foreign_words(self) -> str:
        """`1.5 GB in 1 layer, not counted: the registry need not have it`; empty where there is none."""
        if not (layers := self.foreign):
            return ""
        it = "it" if len(layers) == 1 else "them"
        total = size(sum({layer.digest: layer.size or 0 for layer in layers}.values()))
        return f"{total} in {plural(len(layers), 'layer')}, not counted: the registry need not have {it}"


@dataclass(frozen=True, slots=True)
class Details:
    """What a reference leads to. `body`: the manifest's exact bytes. `size` in bytes, as in Summary."""

    repository: str
    reference: str
    digest: Digest
    media_type: str
    body: bytes = field(repr=False)
    manifest: AnyManifest | None
    platforms: tuple[PlatformDetails, ...]
    created: datetime | None
    size: int | None
    error: str = ""
    is_no_manifest: bool = False
    """What the registry serves as the manifest is something else: `error` says what."""

    @property
    def pull_size(self) -> PullSize | None:
        """What one pull transfers, as in Summary."""
        return pull_range(image.pull_size for image in self.platforms)


# A post that many follow deletes by what `docker images` shows: that is the config's digest. 2.x answers 202, and the
# image is broken while its tag stays listed.
CONFIG_LOST: Final = "Deleting an image by its config's digest, in place of the manifest's, leaves that behind"
CONFIG_REMEDY: Final = (
    "Check (regtui check --repair, or in the palette) puts the config back where its bytes are known; else push the "
    "image again, or delete it"
)
_CONFIG_DELETED: Final = f": the image can't be pulled, though its manifest is there. {CONFIG_LOST}. {CONFIG_REMEDY}"


async def load_details(source: ManifestSource, repository: str, reference: str) -> Details:
    """The details of a tag or digest; gaps are named by the `error` of the whole and of the platform.

    Raises NotFound where its manifest is gone, RegistryError where the registry fails.
    """
    return details_of(repository, reference, await load(source, repository, reference))


def details_of(repository: str, reference: str, loaded: Loaded) -> Details:
    return Details(
        repository=repository,
        reference=reference,
        digest=loaded.fetched.digest,
        media_type=loaded.media_type,
        body=loaded.fetched.body,
        manifest=loaded.manifest,
        platforms=tuple(map(_platform, loaded.images)),
        created=loaded.created,
        size=loaded.size,
        error=f"{loaded.error}{_CONFIG_DELETED}" if _has_lost_config(loaded) else loaded.error,
        is_no_manifest=loaded.is_no_manifest,
    )


def _has_lost_config(loaded: Loaded) -> bool:
    return any(image.has_lost_config for image in loaded.images)


def _platform(image: LoadedImage) -> PlatformDetails:
    config = image.config
    history = config.history if config is not None else ()
    return PlatformDetails(
        platform=image.platform,
        digest=image.digest,
        media_type=image.media_type,
        pull_size=image.pull_size,
        created=image.created,
        manifest=image.manifest,
        config=config,
        config_body=image.config_body,
        layers=_layers(image.manifest, history),
        history=history,
        attestations=image.attestations,
        error=image.error,
    )


def _layers(manifest: AnyManifest | None, history: Sequence[HistoryEntry]) -> tuple[LayerDetail, ...]:
    if isinstance(manifest, Schema1Manifest):
        # Newest first in the manifest; and its history doesn't say which steps made a layer.
        return tuple(LayerDetail(digest, None, "") for digest in reversed(manifest.layers))
    if not isinstance(manifest, Manifest):
        return ()
    steps = _steps(len(manifest.layers), history)
    return tuple(
        LayerDetail(
            layer.digest,
            layer.size,
            layer.media_type,
            # Artifacts have no history, but the name of the file that a layer is.
            instruction(step.created_by or step.comment)
            if step
            else layer.annotations.get("org.opencontainers.image.title", ""),
            step.created if step else None,
            layer.is_elsewhere,
            layer.urls,
        )
        for layer, step in zip(manifest.layers, steps, strict=True)
    )


def _steps(layers: int, history: Sequence[HistoryEntry]) -> list[HistoryEntry | None]:
    """For each layer the step that made it, None where that can't be told."""
    made = [entry for entry in history if not entry.empty_layer]
    if len(made) > layers:
        # Some steps that made nothing don't say so: which, can't be told.
        return [None] * layers
    # A base without history leaves its layers, the first ones, without a step.
    return list(itertools.chain([None] * (layers - len(made)), made))

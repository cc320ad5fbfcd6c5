"""Media types of manifests and layers, and what kind of thing each is.

OCI image-spec 1.1 "media-types.md"; Docker's "Image Manifest Version 2, Schema 2" and Schema 1.
"""

from enum import Enum
from typing import Final

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"

# Always all of them: with less, 2.x converts what it stores, and the digest it names is not the stored one
# (observed on distribution 2.7.1 and 2.8.2). Schema 1 last: a registry takes the first that fits.
ACCEPT_MANIFESTS: Final = ", ".join(
    (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, DOCKER_SCHEMA1_SIGNED, DOCKER_SCHEMA1)
)


class MediaKind(Enum):
    """What a manifest's media type makes of it."""

    IMAGE = "image"
    INDEX = "index"
    SCHEMA1 = "schema 1"
    UNKNOWN = "unknown"


_KINDS: Final = {
    OCI_MANIFEST: MediaKind.IMAGE,
    DOCKER_MANIFEST: MediaKind.IMAGE,
    OCI_INDEX: MediaKind.INDEX,
    DOCKER_LIST: MediaKind.INDEX,
    DOCKER_SCHEMA1: MediaKind.SCHEMA1,
    DOCKER_SCHEMA1_SIGNED: MediaKind.SCHEMA1,
}

GENERIC: Final = frozenset({"", "application/json", "application/octet-stream", "binary/octet-stream", "text/plain"})
"""What servers send that don't know what they have: says nothing of a manifest."""

FOREIGN_LAYERS: Final = {
    DOCKER_MANIFEST: ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",),
    OCI_MANIFEST: (
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ),
}
"""By the manifest, the layers that may not be distributed: 2.7.1, 2.8.2 and 3.1.1 all take an image without these where
they have `urls`. 3.1.1 and olareg want any other layer, `urls` or not; 2.x takes the image without."""

IMAGE_CONFIGS: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})


def kind_of(media_type: str) -> MediaKind:
    return _KINDS.get(media_type, MediaKind.UNKNOWN)


def essence(content_type: str) -> str:
    """The media type without its parameters: `application/json; charset=utf-8` → `application/json`."""
    return content_type.partition(";")[0].strip().lower()

"""What the OCI and Docker specifications define, as immutable values: parse, validate, compare. No I/O."""

from typing import TYPE_CHECKING

from regtui.lazily import lazily

if TYPE_CHECKING:
    from regtui.oci.config import HistoryEntry, ImageConfig
    from regtui.oci.descriptor import Descriptor, InvalidManifest
    from regtui.oci.digest import Digest, InvalidDigest
    from regtui.oci.manifest import AnyManifest, Index, Manifest, Schema1Manifest, UnknownManifest, parse_manifest
    from regtui.oci.platform import InvalidPlatform, Platform
    from regtui.oci.reference import InvalidReference, Reference

__all__ = [
    "AnyManifest",
    "Descriptor",
    "Digest",
    "HistoryEntry",
    "ImageConfig",
    "Index",
    "InvalidDigest",
    "InvalidManifest",
    "InvalidPlatform",
    "InvalidReference",
    "Manifest",
    "Platform",
    "Reference",
    "Schema1Manifest",
    "UnknownManifest",
    "parse_manifest",
]

__getattr__ = lazily(
    __name__,
    config="HistoryEntry ImageConfig",
    descriptor="Descriptor InvalidManifest",
    digest="Digest InvalidDigest",
    manifest="AnyManifest Index Manifest Schema1Manifest UnknownManifest parse_manifest",
    platform="InvalidPlatform Platform",
    reference="InvalidReference Reference",
)

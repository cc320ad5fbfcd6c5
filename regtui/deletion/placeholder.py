"""Removing a tag alone where the registry can't: an empty index takes its place, and is deleted by its own digest.

Measured on 2.7.1, 2.8.2 and 3.1.1: an empty OCI index needs no blob; deleting its digest removes every tag that points
at it, and nothing else. One placeholder serves all tags of a run, so that one slow DELETE by digest removes them all.
"""

import json
from dataclasses import dataclass
from uuid import uuid4

from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.oci.manifest import PLACEHOLDER


def empty_index(annotation: str) -> bytes:
    """The body of one that exists once in the world."""
    body = {"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": [], "annotations": {annotation: uuid4().hex}}
    return json.dumps(body).encode()


@dataclass(frozen=True, slots=True)
class Placeholder:
    """An empty index that exists once in the world: its digest is the digest of nothing else."""

    body: bytes
    digest: Digest
    media_type: str = mt.OCI_INDEX

    @classmethod
    def new(cls) -> "Placeholder":
        body = empty_index(PLACEHOLDER)
        return cls(body, Digest.of(body))

"""What an attached thing is, by what whoever made it calls it. Nothing here is verified: a signature that is one by its
name may be anybody's.

Predicate types as in-toto, SLSA, SPDX, CycloneDX and cosign define them; media types as cosign 2 and 3, notation 1,
BuildKit, oras and trivy write them.
"""

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final


class Claim(Enum):
    """What it says that it is."""

    SIGNATURE = "signature"
    SBOM = "sbom"
    PROVENANCE = "provenance"
    VULNERABILITIES = "vulnerabilities"
    ATTESTATION = "attestation"
    ARTIFACT = "artifact"


# The first that is found counts, of the first name in which any is found.
_BY_NAME: Final = tuple(
    (re.compile(words, re.IGNORECASE), kind)
    for words, kind in (
        (r"spdx|cyclonedx|syft|\bsbom\b", Claim.SBOM),
        (r"slsa\.dev/provenance|\bprovenance\b", Claim.PROVENANCE),
        (r"sarif|attestation/vulns?\b|\bvulnerabilit(y|ies)\b|aquasec\.trivy|openvex", Claim.VULNERABILITIES),
        (
            r"simplesigning|cosign\.artifact\.sig\b|cosign/sign\b|notary\.signature|\bsignatures?\b",
            Claim.SIGNATURE,
        ),
        (r"in-toto|dsse|sigstore\.bundle|\battestation\b", Claim.ATTESTATION),
    )
)


def kind_of(names: Iterable[str]) -> Claim:
    """`names`: predicate types, artifact types and media types, what says most first."""
    for name in names:
        for words, kind in _BY_NAME:
            if words.search(name):
                return kind
    return Claim.ARTIFACT


BY_ENDING: Final = {"sig": Claim.SIGNATURE, "sbom": Claim.SBOM, "att": Claim.ATTESTATION}
"""Of cosign's tags, `sha256-….sig`: what nothing within says otherwise."""

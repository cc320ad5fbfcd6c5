"""What things are called by those who attach them."""

import pytest

from regtui.inside.kinds import Claim, kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        # cosign 2 and 3, notation 1
        ("application/vnd.dev.cosign.simplesigning.v1+json", Claim.SIGNATURE),
        ("application/vnd.dev.cosign.artifact.sig.v1+json", Claim.SIGNATURE),
        ("https://sigstore.dev/cosign/sign/v1", Claim.SIGNATURE),
        ("application/vnd.cncf.notary.signature", Claim.SIGNATURE),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", Claim.ATTESTATION),
        # SPDX, CycloneDX, syft, and the names that people give
        ("https://spdx.dev/Document", Claim.SBOM),
        ("https://spdx.dev/Document/v2.3", Claim.SBOM),
        ("https://cyclonedx.org/bom", Claim.SBOM),
        ("application/vnd.cyclonedx+json", Claim.SBOM),
        ("application/spdx+json", Claim.SBOM),
        ("application/vnd.syft+json", Claim.SBOM),
        ("application/vnd.example.sbom.v1", Claim.SBOM),
        ("sbom/example", Claim.SBOM),
        # SLSA
        ("https://slsa.dev/provenance/v0.2", Claim.PROVENANCE),
        ("https://slsa.dev/provenance/v1", Claim.PROVENANCE),
        ("https://slsa.dev/verification_summary/v1", Claim.ARTIFACT),
        # reports
        ("https://cosign.sigstore.dev/attestation/vuln/v1", Claim.VULNERABILITIES),
        ("https://in-toto.io/attestation/vulns/v0.2", Claim.VULNERABILITIES),
        ("application/sarif+json", Claim.VULNERABILITIES),
        ("application/vnd.aquasec.trivy.report+json", Claim.VULNERABILITIES),
        # statements about nothing that is known, and what is no statement
        ("application/vnd.in-toto+json", Claim.ATTESTATION),
        ("application/vnd.dsse.envelope.v1+json", Claim.ATTESTATION),
        ("application/vnd.cncf.helm.config.v1+json", Claim.ARTIFACT),
        ("application/vnd.docker.distribution.manifest.v2+json", Claim.ARTIFACT),
        ("application/vnd.example.assignature", Claim.ARTIFACT),
        ("", Claim.ARTIFACT),
    ],
)
def test_each_name_says_what_it_is(name: str, kind: Claim) -> None:
    assert kind_of((name,)) is kind


def test_what_says_most_counts() -> None:
    """A bundle of sigstore's says what it is about, beside what it is."""
    assert kind_of(("https://spdx.dev/Document", "application/vnd.dev.sigstore.bundle.v0.3+json")) is Claim.SBOM
    assert kind_of(("application/vnd.unknown", "application/spdx+json")) is Claim.SBOM

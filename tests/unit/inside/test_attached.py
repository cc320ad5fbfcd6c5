"""What is attached to an image, in whatever way, as far as a registry tells it, and no further than is good."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui import bounds
from regtui.inside.attached import Attachments, Walk
from regtui.inside.kinds import Claim
from regtui.oci.descriptor import Descriptor
from regtui.oci.digest import Digest
from regtui.oci.platform import Platform
from regtui.registry.errors import BadAnswer, Unreachable, Where
from tests.unit.listing.contents import MemorySource

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": str(Digest.of(b"{}")), "size": 2}
SPDX = "https://spdx.dev/Document"
SLSA = "https://slsa.dev/provenance/v1"


class Registry(MemorySource):
    """With the referrers API where `listed` has something to say."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: dict[Digest, list[Digest]] | None = None
        self.refuses: set[Digest] = set()

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        if digest in self.refuses:
            raise BadAnswer(Where("r", "listing the referrers", repository), "r answers with no index.")
        if self.listed is None:
            return None
        return tuple(Descriptor(MANIFEST, each, 1) for each in self.listed.get(digest, ()))

    def artifact(
        self,
        name: str,
        subject: Digest | None,
        *,
        artifact_type: str = "",
        layers: Sequence[tuple[str, Mapping[str, str]]] = (("text/plain", {}),),
        annotations: Mapping[str, str] | None = None,
    ) -> Digest:
        """`layers`: media type and annotations, of ten bytes each."""
        value: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact_type,
            "config": EMPTY,
            "layers": [
                {
                    "mediaType": kind,
                    "digest": str(Digest.of(f"{name}{number}".encode())),
                    "size": 10,
                    "annotations": about,
                }
                for number, (kind, about) in enumerate(layers)
            ],
            "annotations": {"name": name, **(annotations or {})},
        }
        if subject is not None:
            value["subject"] = {"mediaType": MANIFEST, "digest": str(subject), "size": 1}
        return self.put_json(name, value, MANIFEST)

    def names(self, name: str, *entries: dict[str, Any]) -> Digest:
        """An index of these."""
        return self.put_json(name, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX)

    def told(self, reference: str, *tags: str) -> Attachments:
        return asyncio.run(Walk(self, self, "team/app", tags).of(reference))


@pytest.fixture
def registry() -> Registry:
    return Registry()


def entry(digest: Digest) -> dict[str, Any]:
    return {"mediaType": MANIFEST, "digest": str(digest), "size": 1}


def attestation_of(digest: Digest, subject: Digest) -> dict[str, Any]:
    """Its entry in an index, as BuildKit makes it."""
    return {
        **entry(digest),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": str(subject),
        },
    }


def kinds(told: Attachments) -> list[tuple[Claim, int]]:
    return [(each.kind, each.depth) for each in told.found]


def test_statements_in_one_manifest_are_named_each(registry: Registry) -> None:
    image = registry.image("1.0")
    stated = [("application/vnd.in-toto+json", {"in-toto.io/predicate-type": each}) for each in (SPDX, SLSA, "urn:own")]
    attested = registry.artifact("attested", None, layers=stated)
    children = [
        {"mediaType": MANIFEST, "digest": str(image), "size": 1, "platform": {"os": "linux", "architecture": "arm64"}},
        attestation_of(attested, image),
    ]
    registry.names("index", *children)
    told = registry.told("index")
    assert kinds(told) == [(Claim.SBOM, 1), (Claim.PROVENANCE, 1), (Claim.ATTESTATION, 1)]
    assert {(each.subject, each.digest, each.size) for each in told.found} == {(image, attested, 10)}
    assert told.platforms == {image: Platform("linux", "arm64")}
    assert told.gaps == []


@pytest.mark.parametrize(
    ("annotations", "kind"),
    [
        ({"dev.sigstore.bundle.content": "message-signature"}, Claim.SIGNATURE),
        (
            {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": SLSA},
            Claim.PROVENANCE,
        ),
        ({}, Claim.ATTESTATION),
    ],
)
def test_a_bundle_of_sigstore_is_what_it_is_about(registry: Registry, annotations: dict[str, str], kind: Claim) -> None:
    image = registry.image("1.0")
    bundle = "application/vnd.dev.sigstore.bundle.v0.3+json"
    made = registry.artifact("bundle", image, artifact_type=bundle, layers=[(bundle, {})], annotations=annotations)
    registry.listed = {image: [made]}
    assert kinds(registry.told("1.0")) == [(kind, 1)]


def test_what_refers_to_each_other_is_told_once(registry: Registry) -> None:
    image = registry.image("1.0")
    first = registry.artifact("first", image)
    second = registry.artifact("second", first)
    registry.listed = {image: [first], first: [second, image], second: [first, second]}
    assert [(each.digest, each.depth) for each in registry.told("1.0").found] == [(first, 1), (second, 2)]


def test_what_one_list_names_falsely_is_a_gap_and_the_rest_is_told(registry: Registry) -> None:
    image, other = registry.image("1.0"), registry.image("2.0", created="2020-01-01T00:00:00Z")
    honest, false = registry.artifact("honest", image), registry.artifact("false", other)
    lost = Digest.of(b"lost")
    registry.listed = {image: [false, lost, honest]}
    told = registry.told("1.0")
    assert [each.digest for each in told.found] == [honest]
    says = f"and says that it is attached to {other.short}."
    assert told.strays == [f"{false.short} is listed as attached to {image.short}, {says}"]
    assert len(told.gaps) == 1
    assert told.gaps[0].startswith(f"{lost.short}, which is listed as attached, can't be read: ")


def test_what_the_tags_lead_to_is_told_where_the_api_fails(registry: Registry) -> None:
    image = registry.image("1.0")
    registry.refuses = {image}
    tag = str(image).replace(":", "-") + ".sig"
    registry.artifact(tag, None)
    told = registry.told("1.0", tag)
    assert kinds(told) == [(Claim.SIGNATURE, 1)]
    assert told.gaps == [f"What is attached to {image.short} can't be listed: r answers with no index."]


def test_a_registry_that_is_gone_is_an_error(registry: Registry) -> None:
    image = registry.image("1.0")
    made = registry.artifact("sbom", image)
    registry.listed = {image: [made]}
    registry.errors[made] = Unreachable(Where("r", "reading the manifest", "team/app"), "r can't be reached.")
    with pytest.raises(Unreachable):
        registry.told("1.0")


def test_one_after_the_other_ends(registry: Registry) -> None:
    below = registry.image("1.0")
    registry.listed = {}
    for number in range(bounds.REFERRERS_DEPTH + 3):
        made = registry.artifact(f"{number}", below)
        registry.listed[below] = [made]
        below = made
    told = registry.told("1.0")
    assert max(each.depth for each in told.found) == bounds.REFERRERS_DEPTH
    assert ["too deep" in gap for gap in told.gaps] == [True]


def test_of_too_many_as_many_as_are_good_are_told_its_own_tags_first(registry: Registry) -> None:
    image = registry.image("1.0")
    tag = str(image).replace(":", "-") + ".sig"
    signature = registry.artifact(tag, None)
    registry.listed = {image: [Digest.of(str(number).encode()) for number in range(bounds.IMAGES + 1)]}
    told = registry.told("1.0", tag)
    assert [each.digest for each in told.found] == [signature]
    assert told.gaps[0] == (
        f"Of what is listed as attached to {image.short}, 2 manifests are left out: no more than {bounds.IMAGES:,} are "
        "looked at."
    )
    # Those that are gone are counted, rather than told a thousand times.
    assert len(told.gaps) == 5
    assert (
        told.gaps[-1] == f"Nor can {bounds.IMAGES - 4:,} manifests more that are listed as attached to {image.short}."
    )


def test_what_is_attached_to_several_is_told_of_each(registry: Registry) -> None:
    images = [registry.image("arm64"), registry.image("amd64", created="2020-01-01T00:00:00Z")]
    index = registry.names("index", *map(entry, images))
    sbom = registry.artifact("sbom", None)
    tags = [str(each).replace(":", "-") + ".sbom" for each in (index, *images)]
    for tag in tags:
        registry.manifests[tag] = registry.manifests[sbom]
    told = registry.told("index", *tags)
    assert [(each.subject, each.digest) for each in told.found] == [(each, sbom) for each in (index, *images)]


def test_no_statement_is_dropped_beside_others(registry: Registry) -> None:
    image = registry.image("1.0")
    layers = [("application/vnd.dsse.envelope.v1+json", {"predicateType": each} if each else {}) for each in (SLSA, "")]
    registry.listed = {image: [registry.artifact("att", image, layers=layers, annotations={"of": "the manifest"})]}
    told = registry.told("1.0")
    assert kinds(told) == [(Claim.PROVENANCE, 1), (Claim.ATTESTATION, 1)]
    # The manifest's own annotations would be there as often as it holds statements.
    assert [dict(each.annotations).get("of") for each in told.found] == [None, "the manifest"]


def test_what_attests_nothing_in_the_index_is_told_of_the_index_and_nested_ones_are_looked_into(
    registry: Registry,
) -> None:
    image = registry.image("1.0")
    lost, found = (registry.artifact(name, None, layers=[("x", {"predicateType": SLSA})]) for name in ("lost", "found"))
    inner = registry.names("inner", entry(image), attestation_of(found, image))
    outer = registry.names("outer", {**entry(inner), "mediaType": INDEX}, attestation_of(lost, Digest.of(b"nowhere")))
    told = registry.told("outer")
    assert [(each.subject, each.digest) for each in told.found] == [(outer, lost), (image, found)]


def test_in_whatever_order_a_registry_lists_them(registry: Registry) -> None:
    image = registry.image("1.0")
    made = [registry.artifact(name, image, artifact_type=f"example/{name}") for name in ("sbom", "signature", "chart")]
    for listed in (made, made[::-1]):
        registry.listed = {image: listed}
        assert [each.about for each in registry.told("1.0").found] == [
            "example/signature",
            "example/sbom",
            "example/chart",
        ]


def test_a_manifest_of_no_known_kind_is_told_and_not_shown(registry: Registry) -> None:
    image = registry.image("1.0")
    made = registry.put_json("odd", {"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "blobs": []}, "x/y")
    registry.listed = {image: [made]}
    told = registry.told("1.0")
    assert told.found == []
    assert [stray.partition(", ")[2] for stray in told.strays] == [
        "and is of a media type that is not known: application/vnd.oci.artifact.manifest.v1+json."
    ]


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from((INDEX, MANIFEST, "text/plain"))
)
def test_what_is_attached_may_be_any_bytes(body: bytes, media_type: str) -> None:
    registry = Registry()
    image = registry.image("1.0")
    registry.listed = {image: [registry.put("any", body, media_type)]}
    tag = str(image).replace(":", "-")
    registry.put(tag, body, media_type)
    told = registry.told("1.0", tag, f"{tag}.sig", f"{tag}.a.b", "sha256-short", "1.0")
    assert told.digest == image

"""Which manifests nothing reaches: on random repositories, never one that a tag needs."""

import json

from hypothesis import given
from hypothesis import strategies as st

from regtui.deletion.inventory import stored
from regtui.deletion.values import Contents, StoredManifest
from regtui.garbage.contents import Reading
from regtui.oci.digest import Digest
from regtui.registry.values import FetchedManifest

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def image(number: int, subject: StoredManifest | None = None) -> StoredManifest:
    value = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {"mediaType": "x/y", "digest": Digest.of(b"%d" % number), "size": 2},
        "layers": [],
    }
    return manifest(value | ({"subject": descriptor(subject)} if subject else {}), OCI)


def index(*children: StoredManifest, number: int = 0) -> StoredManifest:
    listed = [descriptor(child) for child in children]
    value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed, "annotations": {"n": str(number)}}
    return manifest(value, INDEX)


def manifest(value: object, media_type: str) -> StoredManifest:
    body = json.dumps(value).encode()
    return stored(FetchedManifest(Digest.of(body), media_type, body))


def descriptor(of: StoredManifest) -> dict[str, object]:
    return {"mediaType": of.media_type, "digest": of.digest, "size": len(of.body)}


def reading(tags: dict[str, StoredManifest], *untagged: StoredManifest, unread: tuple[str, ...] = ()) -> Reading:
    manifests = {m.digest: m for m in (*tags.values(), *untagged)}
    contents = Contents("app", {t: m.digest for t, m in tags.items()}, manifests, dict.fromkeys(unread, "500"))
    return Reading(contents, frozenset(manifests))


def test_children_referrers_and_what_they_are_about_stay() -> None:
    child, other = image(1), image(2)
    about_child, about_lost = image(3, subject=child), image(4, subject=other)
    found = reading({"latest": index(child)}, child, other, about_child, about_lost)
    assert set(found.untagged) == {other.digest, about_lost.digest}


def test_what_a_tagged_referrer_is_about_stays() -> None:
    lost = image(1)
    assert reading({"sig": image(2, subject=lost)}, lost).untagged == ()


def test_in_doubt_nothing_is_untagged() -> None:
    lost = image(1)
    assert reading({}, lost).untagged == (lost.digest,)
    assert reading({}, lost, unread=("latest",)).untagged == ()
    unknown = manifest({"what": "ever"}, "application/vnd.unknown+json")
    assert reading({"odd": unknown}, lost).untagged == ()


def test_a_tag_whose_manifest_was_not_read_keeps_everything() -> None:
    lost, tagged = image(1), image(2)
    contents = Contents("app", {"latest": tagged.digest}, {lost.digest: lost})
    assert Reading(contents, frozenset({lost.digest})).untagged == ()


@st.composite
def repositories(draw: st.DrawFn) -> Reading:
    """Images, indexes over some of them, indexes over indexes, referrers of any; tags on some."""
    made: list[StoredManifest] = [image(number) for number in range(draw(st.integers(1, 5)))]
    for number in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            made.append(index(*draw(st.lists(st.sampled_from(made), max_size=4, unique_by=id)), number=number))
        else:
            made.append(image(100 + number, subject=draw(st.sampled_from(made))))
    tagged = draw(st.lists(st.sampled_from(made), unique_by=id))
    return reading({f"t{number}": m for number, m in enumerate(tagged)}, *made)


@given(repositories())
def test_no_tag_ever_needs_what_is_untagged(found: Reading) -> None:
    untagged = set(found.untagged)
    for digest in found.contents.tags.values():
        assert digest is not None
        waiting = [digest]
        while waiting:
            current = waiting.pop()
            assert current not in untagged
            waiting += found.contents.manifests[current].children


@given(repositories())
def test_deleting_the_untagged_leaves_nothing_untagged(found: Reading) -> None:
    left = {d: m for d, m in found.contents.manifests.items() if d not in set(found.untagged)}
    again = Reading(Contents("app", found.contents.tags, left), frozenset(left))
    assert again.untagged == ()

"""What a plan over many repositories frees, against sets in memory."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from regtui.deletion.values import Contents, StoredManifest
from regtui.oci.digest import Digest
from regtui.oci.manifest import UnknownManifest
from regtui.retention.freed import FreedBytes

SIZES = {name: 10**number for number, name in enumerate("abcdef")}
manifests = st.dictionaries(st.sampled_from("uvwxyz"), st.sets(st.sampled_from("abcdef")), max_size=4)
repositories = st.lists(st.tuples(manifests, st.sets(st.sampled_from("uvwxyz"))), max_size=4)


def contents(found: Mapping[str, set[str]]) -> Contents:
    made = [
        StoredManifest(
            Digest.of(name.encode()),
            "x",
            b"",
            UnknownManifest("x"),
            blobs={Digest.of(b.encode()): SIZES[b] for b in blobs},
        )
        for name, blobs in found.items()
    ]
    return Contents("r", {}, {each.digest: each for each in made})


@given(repositories)
def test_each_blob_counts_once_and_only_where_nothing_keeps_it(
    found: list[tuple[dict[str, set[str]], set[str]]],
) -> None:
    going = {blob for held, gone in found for name in held.keys() & gone for blob in held[name]}
    staying = {blob for held, gone in found for name in held.keys() - gone for blob in held[name]}
    with FreedBytes() as freed:
        for held, gone in found:
            freed.add(contents(held), [Digest.of(name.encode()) for name in gone])
        assert freed.total == sum(SIZES[blob] for blob in going - staying)
        freed.clear()
        assert freed.total == 0


def test_digests_of_other_algorithms_count_as_well() -> None:
    odd = StoredManifest(Digest("multihash+base58:QmY7"), "x", b"abc", UnknownManifest("x"))
    with FreedBytes() as freed:
        freed.add(Contents("r", {}, {odd.digest: odd}), [odd.digest])
        assert freed.total == 3

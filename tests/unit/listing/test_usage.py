"""Where the bytes are: held to a slow and plain way of counting."""

from hypothesis import given
from hypothesis import strategies as st

from regtui.listing.summary import Blob, Summary
from regtui.listing.usage import Usage, namespace
from regtui.oci.digest import Digest

BLOBS = [(Digest.of(bytes([number])), 10**number) for number in range(6)]


def summary(*blobs: Blob) -> Summary:
    return Summary(Digest.of(repr(blobs).encode()), "x", None, sum(size for _, size in blobs), (), blobs=blobs)


def usage_of(repositories: dict[str, list[list[Blob]]]) -> Usage:
    usage = Usage()
    usage.expect(repositories)
    for name, tags in repositories.items():
        usage.begin(name, len(tags))
        usage.take(name, [(str(number), summary(*blobs)) for number, blobs in enumerate(tags)])
    return usage


def numbers(usage: Usage) -> dict[str, tuple[int, int]]:
    return {f"{row.name}{'/' * row.is_namespace}": (row.size, row.only) for row in usage.rows()}


def test_what_is_shared_is_counted_in_each_and_is_nobody_s_alone() -> None:
    a, b, c, d = BLOBS[:4]
    usage = usage_of({"team/one": [[a, b], [a]], "team/two": [[b, c]], "other": [[b, d]]})
    assert usage.total == 1111
    assert numbers(usage) == {
        "team/": (111, 101),
        "team/two": (110, 100),
        "team/one": (11, 1),
        "other": (1010, 1000),
    }


def test_the_largest_first_and_namespaces_with_their_repositories() -> None:
    a, b, c, _ = BLOBS[:4]
    usage = usage_of({"x": [[a]], "team/small": [[a]], "team/large": [[c]], "alone/in-it": [[b]], "empty": []})
    assert [(row.name, row.depth) for row in usage.rows()] == [
        ("team", 0),
        ("team/large", 1),
        ("team/small", 1),
        ("alone/in-it", 0),
        ("x", 0),
        ("empty", 0),
    ]


def test_what_is_not_read_is_known() -> None:
    usage = Usage()
    usage.expect(["a", "b", "c", "d"])
    usage.begin("a", 2)
    usage.take("a", [("1", summary(BLOBS[0]))])
    usage.begin("b", 1)
    usage.take("b", [("1", Summary.failed("no answer"))])
    usage.fail("c", "not allowed")
    usage.begin("d", 0)
    assert (usage.read, usage.gaps, usage.waiting) == (1, 2, ["a"])
    # Reading goes on where it was broken off: what was counted isn't counted again.
    usage.expect(["a", "b", "c", "d"])
    usage.begin("a", 2)
    usage.take("a", [("1", summary(BLOBS[0])), ("2", summary(BLOBS[0]))])
    assert (usage.read, usage.waiting, usage.total) == (2, [], 1)


repositories = st.dictionaries(
    st.sampled_from(["a", "b", "team/one", "team/two", "team/two/deep", "other/x"]),
    st.lists(st.lists(st.sampled_from(BLOBS), max_size=4), max_size=4),
)


@given(repositories)
def test_against_counting_anew(repositories: dict[str, list[list[Blob]]]) -> None:
    usage = usage_of(repositories)
    used = {name: {blob for blobs in tags for blob in blobs} for name, tags in repositories.items()}
    spaces: dict[str, set[Blob]] = {}
    for name, blobs in used.items():
        spaces.setdefault(namespace(name), set()).update(blobs)
    assert usage.total == sum(size for _, size in set().union(*used.values()))
    for row in usage.rows():
        among = spaces if row.is_namespace else used
        others = set().union(*(blobs for name, blobs in among.items() if name != row.name))
        assert row.size == sum(size for _, size in among[row.name])
        assert row.only == sum(size for _, size in among[row.name] - others)
    assert sum(not row.is_namespace for row in usage.rows()) == len(repositories)

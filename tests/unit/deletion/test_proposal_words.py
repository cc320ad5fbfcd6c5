"""What has to be typed before something is deleted that is protected or in use: what nobody types for anything else."""

import pytest

from regtui.deletion.plan import make_plan
from regtui.deletion.request import Request
from regtui.deletion.values import Contents, Method, Plan, PlannedTag
from regtui.deletion.words import method_sentence, plan_sentences, replacing, typed_confirmation
from regtui.oci.digest import Digest


def plan(count: int, protected: int = 0, in_use: int = 0) -> Plan:
    """So many tags, `t0` to …, of which the first are protected, and the first in use."""
    tags = [
        PlannedTag(f"t{n}", Digest.of(b"x"), protected=n < protected, in_use=("runs on app1",) if n < in_use else ())
        for n in range(count)
    ]
    return Plan("team/app", tuple(tags), (), (), (), (), (), 0, Method.BY_TAG)


@pytest.mark.parametrize(
    ("count", "protected", "in_use", "typed"),
    [
        (3, 0, 0, ""),
        (12, 0, 0, "12"),
        (2, 1, 0, "t0"),
        (2, 2, 0, "t0 t1"),
        (5, 0, 3, "t0 t1 t2"),
        (17, 2, 0, "t0 t1"),
        (17, 4, 0, "4 protected"),
        (17, 0, 17, "17 in use"),
        (17, 1, 5, "5 protected"),
    ],
)
def test_of_a_few_the_names_and_of_many_more_than_a_number(count: int, protected: int, in_use: int, typed: str) -> None:
    assert typed_confirmation(plan(count, protected, in_use)) == typed


def beside_damaged(*damaged: str, chosen: str = "t0") -> Plan:
    """`t0` to `t2`, and tags that seem damaged beside them, on a registry that deletes by digest only."""
    digests = {f"t{n}": Digest.of(f"t{n}".encode()) for n in range(3)}
    unread = dict.fromkeys(
        damaged, "prod failed reading the manifest: unknown error. Push its image again, or delete it"
    )
    contents = Contents("team/app", dict(digests), {}, unread=unread, damaged=frozenset(damaged))
    return make_plan(contents, Request("team/app", [chosen]), method=Method.PLACEHOLDER)


def test_a_damaged_tag_beside_it_is_not_among_those_that_stay_as_they_are() -> None:
    told = plan_sentences(beside_damaged("bad"))
    assert told[0] == (
        "1 tag will be removed from team/app. 2 tags stay: t2, t1; bad stays or leads to an empty index afterwards."
    )
    assert not [sentence for sentence in told if sentence.startswith("Undo can't put back")]
    assert told[-1].startswith("bad makes deletions by digest fail: where it stands in the way of this one, ")
    assert told[-1].endswith("Push bad again, or delete it, first: then it isn't replaced.")
    assert replacing(beside_damaged("bad", "worse")) == (
        "put bad, worse on an empty index for good where they stand in the way"
    )


def test_of_a_damaged_tag_that_is_chosen_the_reason_is_told_once_and_without_a_remedy_within() -> None:
    told = plan_sentences(beside_damaged("bad", chosen="bad"))
    assert told == [
        "1 tag will be removed from team/app. 3 tags stay: t2, t1, t0.",
        "No manifest is deleted: nothing becomes collectable.",
        "What bad used stays, as it can't be read.",
        "Undo can't put back bad, as it seems damaged in the registry's storage, and can't be read.",
    ]


def test_the_tag_that_an_empty_index_replaces_is_the_one_that_goes() -> None:
    image = Digest.of(b"x")
    contents = Contents("team/app", {"1.12.0": image, "latest": image}, {})
    told = method_sentence(make_plan(contents, Request("team/app", ["1.12.0"]), method=Method.PLACEHOLDER))
    assert told == (
        "This registry deletes by digest only: so that 1.12.0 can go alone, an empty index takes its place first, and "
        "is deleted."
    )

"""What stands beside a row, and what is said of a result: no word twice, and none that isn't so."""

import pytest

from regtui.deletion.request import Request
from regtui.deletion.values import Action, Contents, Guarded, Method, Outcome, Plan, PlannedTag, Report, Status
from regtui.deletion.words import guarded_sentence, plan_notes, plan_sentences, report_sentences

from .worlds import World

REPOSITORY = "team/app"


async def test_what_a_manifest_is_stands_beside_it_once() -> None:
    world = World("2.8.2")
    image = await world.image(REPOSITORY, ["one"], ["1.0", "latest"])
    amd = await world.image(REPOSITORY, ["amd"])
    index = await world.index(REPOSITORY, [amd], ["multi"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["1.0", "latest", "multi"]))
    notes = plan_notes(plan)
    assert notes[f"{REPOSITORY}@{image}"] == "1.0, latest"
    assert notes[f"{REPOSITORY}@{index}"] == "index of multi"
    assert notes[f"{REPOSITORY}@{amd}"].endswith(f"below {index.short}")
    assert not any("manifest" in note for note in notes.values())


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (Status.DONE, "Each was read back from the registry: the same digests as before."),
        (Status.FAILED, "What was put back was read back from the registry: the same digests as before."),
        (Status.SKIPPED, "What was put back was read back from the registry: the same digests as before."),
    ],
)
def test_each_was_read_back_only_where_each_was_put_back(other: Status, sentence: str) -> None:
    outcomes = [
        Outcome(f"{REPOSITORY}:{tag}", None, Action.RESTORE, status)
        for tag, status in (("1.0", Status.DONE), ("2.0", other))
    ]
    assert report_sentences(Report(REPOSITORY, tuple(outcomes)))[-1] == sentence


@pytest.mark.parametrize(
    ("going", "sentence"),
    [
        (["1"], "1.0 is the same image, and stays."),
        (["1", "2"], "1.0, 2.0 are other tags of the same images, and stay."),
    ],
)
async def test_tags_of_several_images_are_not_called_the_same_image(going: list[str], sentence: str) -> None:
    world = World("3.1.1")
    await world.image(REPOSITORY, ["one"], ["1", "1.0"])
    await world.image(REPOSITORY, ["two"], ["2", "2.0"])
    session = await world.open()
    assert sentence in plan_sentences(await session.plan_deletion(Request(REPOSITORY, going)))
    await session.close()


def test_of_damaged_tags_it_is_said_which_are_protected_and_where_the_others_are_in_use() -> None:
    guarded = {
        "both": Guarded(protected=True, in_use=("runs on app1 as web",)),
        "kept": Guarded(protected=True),
        "used": Guarded(protected=False, in_use=("named by prod: deployment shop/web",)),
    }
    contents = Contents(REPOSITORY, {}, {}, damaged=frozenset([*guarded, "free"]))
    going = (PlannedTag("1.0", None),)
    plan = Plan(REPOSITORY, going, (), (), (), (), (), 0, Method.PLACEHOLDER, guarded=guarded, contents=contents)
    which = [
        "both, kept are protected by the config file.",
        "both is in use: runs on app1 as web.",
        "used is in use: named by prod: deployment shop/web.",
    ]
    assert [line for line in plan_sentences(plan) if line in which] == which
    sentence = guarded_sentence(plan)
    assert sentence.startswith("both, kept, used of team/app seem damaged in the registry's storage: ")
    assert sentence.endswith(" ".join(which))
    assert "protected by the config file, or in use" not in " ".join([*plan_sentences(plan), sentence])

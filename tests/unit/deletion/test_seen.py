"""What was chosen is what goes: a tag that leads elsewhere when the plan is made than when it was chosen stays."""

import pytest

from regtui.deletion.reasons import Reason
from regtui.deletion.request import Request
from regtui.deletion.values import Action, Outcome, Status
from regtui.deletion.words import plan_sentences, planned_outcomes, report_sentences
from regtui.oci.digest import Digest

from .test_deletion import execute
from .worlds import World

REPOSITORY = "team/app"


@pytest.fixture(params=["2.8.2", "3.1.1"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def skipped(tag: str, digest: Digest, reason: Reason) -> tuple[object, ...]:
    return f"{REPOSITORY}:{tag}", digest, Action.UNTAG, Status.SKIPPED, reason


def told(outcomes: list[Outcome], tag: str) -> tuple[object, ...]:
    (one,) = [o for o in outcomes if o.reference == f"{REPOSITORY}:{tag}"]
    return one.reference, one.digest, one.action, one.status, one.reason


async def test_a_tag_that_was_pushed_anew_since_it_was_listed_stays(world: World) -> None:
    listed = await world.image(REPOSITORY, ["old"], ["a"])
    other = await world.image(REPOSITORY, ["other"], ["b", "c"])
    fresh = await world.image(REPOSITORY, ["fresh"], ["a"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a", "b"], seen={"a": listed, "b": other}))
    assert [tag.tag for tag in plan.removed] == ["b"]
    assert not plan.manifests
    assert "a was pushed anew since it was listed: it stays." in plan_sentences(plan)
    assert told(planned_outcomes(plan), "a") == skipped("a", fresh, Reason.PUSHED_ANEW)

    report = await execute(connection, plan)
    assert await world.tags(REPOSITORY) == {"a": fresh, "c": other}
    assert told(list(report.outcomes), "a") == skipped("a", fresh, Reason.PUSHED_ANEW)
    assert not report.is_complete
    assert "1 tag was left alone." in report_sentences(report)
    assert report.moved == (), "it wasn't shown yet, so that there is nothing to be planned again"


async def test_so_does_one_that_was_broken_when_it_was_listed(world: World) -> None:
    fresh = await world.image(REPOSITORY, ["fresh"], ["a"])
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["a"], seen={"a": None}))
    assert plan.is_empty
    assert not plan.unknown
    assert plan_sentences(plan) == ["Nothing to delete.", "a was pushed anew since it was listed: it stays."]
    assert told(planned_outcomes(plan), "a") == skipped("a", fresh, Reason.PUSHED_ANEW)


async def test_it_does_not_go_along_with_its_new_image_either(world: World) -> None:
    listed = await world.image(REPOSITORY, ["old"], ["a"])
    other = await world.image(REPOSITORY, ["other"], ["a", "b", "c"])
    request = Request(REPOSITORY, ["a"], seen={"a": listed}, whole_manifests=True)
    plan = await (await world.open()).plan_deletion(request)
    assert plan.is_empty
    assert set((await world.tags(REPOSITORY)).values()) == {other}


async def test_what_was_not_known_yet_goes_as_it_is_found(world: World) -> None:
    digest = await world.image(REPOSITORY, ["a"], ["a"])
    await world.image(REPOSITORY, ["b"], ["b"])
    connection = await world.open()
    plan = await connection.plan_deletion(Request(REPOSITORY, ["a"]))
    assert [(tag.tag, tag.digest) for tag in plan.removed] == [("a", digest)]
    assert not plan.moved


async def test_what_broke_since_goes_as_there_is_nothing_to_lose(world: World) -> None:
    digest = await world.image(REPOSITORY, ["a"], ["a"])
    await world.image(REPOSITORY, ["b"], ["b"])
    world.storage.repositories[REPOSITORY].revisions.pop(digest)
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["a"], seen={"a": digest}))
    assert [tag.is_broken for tag in plan.removed] == [True]


async def test_an_image_keeps_the_last_of_the_tags_that_it_was_chosen_by(world: World) -> None:
    """A duplicate was selected since another tag had the better name: that one was moved away since."""
    image = await world.image(REPOSITORY, ["image"], ["abc1234", "abc1234-again", "1.0"])
    twice = await world.image(REPOSITORY, ["twice"], ["2.0", "def5678"])
    seen = dict(await world.tags(REPOSITORY))
    fresh = await world.image(REPOSITORY, ["fresh"], ["1.0"])
    connection = await world.open()
    chosen = ["abc1234", "abc1234-again", "def5678"]
    plan = await connection.plan_deletion(Request(REPOSITORY, chosen, seen=seen))
    assert [tag.tag for tag in plan.removed] == ["def5678"]
    assert [tag.tag for tag in plan.last] == ["abc1234-again", "abc1234"]
    sentence = "abc1234-again, abc1234 are the last tags of their images, which had more when listed: they stay."
    assert sentence in plan_sentences(plan)
    report = await execute(connection, plan)
    left = {"abc1234": image, "abc1234-again": image, "1.0": fresh, "2.0": twice}
    assert await world.tags(REPOSITORY) == left
    assert told(list(report.outcomes), "abc1234") == skipped("abc1234", image, Reason.LAST)


async def test_all_tags_of_an_image_may_go_where_all_were_chosen(world: World) -> None:
    await world.image(REPOSITORY, ["image"], ["a", "b"])
    await world.image(REPOSITORY, ["other"], ["c"])
    seen = dict(await world.tags(REPOSITORY))
    plan = await (await world.open()).plan_deletion(Request(REPOSITORY, ["a", "b"], seen=seen))
    assert [tag.tag for tag in plan.removed] == ["a", "b"]

"""`U` in the app: the plan, its confirmation, the result; and what becomes of a deletion that was interrupted."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from regtui.deletion.request import Request
from regtui.demo.sample import sample_storage
from regtui.local.memory import MemoryStorage
from regtui.local.transport import LocalTransport
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.identity import RegistryId
from regtui.session.session import Session
from regtui.ui.open_registry import OpenRegistry
from regtui.ui.screens.confirm import ConfirmScreen
from regtui.ui.screens.delete import DeleteScreen, FinishScreen
from regtui.ui.screens.interrupted_runs import InterruptedScreen
from regtui.ui.screens.plan import PlanScreen, Sentences
from regtui.ui.screens.undo import UndoPruneScreen, UndoScreen
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.outcomes import OutcomeLines
from regtui.ui.widgets.tick import Tick
from tests.support.patience import PATIENCE
from tests.support.screens import COMMON, NOW, browsing, settled, target
from tests.unit.deletion.scripted import SILENCE, Scripted
from tests.unit.deletion.worlds import World

REPOSITORY = "fullstack/common"


def new_storage() -> MemoryStorage:
    return sample_storage(NOW)


def tags(storage: MemoryStorage) -> dict[str, str]:
    return dict(storage.repositories[REPOSITORY].tags)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def shows(pilot: Pilot[Any], kind: type) -> bool:
    return isinstance(pilot.app.screen, kind)


def said(pilot: Pilot[Any]) -> str:
    return pilot.app.screen.query_one(Sentences).content


async def test_the_last_deletion_is_put_back_and_shown_again() -> None:
    storage = new_storage()
    before = tags(storage)
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        await press(pilot, "space", "space", "d", "y", "escape")
        assert len(tags(storage)) == len(before) - 2
        await press(pilot, "U")
        assert shows(pilot, UndoScreen)
        assert "2 tags of fullstack/common will be put back." in said(pilot)
        assert len(tags(storage)) == len(before) - 2
        await press(pilot, "y")
        assert "2 tags put back" in said(pilot)
        assert tags(storage) == before
        await press(pilot, "escape")
        assert pilot.app.screen is browser
        assert browser.table.model.total == len(before)


async def test_the_list_shows_what_an_undo_has_moved_back() -> None:
    storage = new_storage()
    before = tags(storage)
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        browser.go_to(REPOSITORY, "0.0.31")
        await press(pilot, "t", *"latest", "enter", "tab", "enter")
        assert tags(storage)["latest"] == before["0.0.31"]
        await press(pilot, "U", "y", "escape")
        assert tags(storage) == before
        row = browser.table.model.find("latest")
        assert row is not None
        assert row.summary is not None
        assert (row.summary.digest, row.is_filled) == (before["latest"], True)


async def test_enter_on_the_focused_cancel_puts_nothing_back() -> None:
    storage = new_storage()
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        await press(pilot, "d", "y", "escape")
        after = tags(storage)
        await press(pilot, "U", "enter")
        assert pilot.app.screen is browser
        assert tags(storage) == after


async def test_a_result_is_undone_where_it_is_shown_and_that_in_its_turn() -> None:
    storage = new_storage()
    before = tags(storage)
    async with browsing(*COMMON, start=target(LocalTransport(storage, "3.1.1"))) as (pilot, browser):
        await press(pilot, "d", "y")
        assert shows(pilot, DeleteScreen)
        after = tags(storage)
        await press(pilot, "U", "y")
        assert shows(pilot, UndoScreen)
        assert tags(storage) == before
        await press(pilot, "U", "y")
        assert tags(storage) == after
        await press(pilot, "U", "y")
        assert tags(storage) == before
        await press(pilot, "escape", "escape", "escape")
        assert pilot.app.screen is browser


async def test_what_is_protected_by_now_is_typed_for_where_an_undo_is_undone() -> None:
    storage = new_storage()
    before = tags(storage)
    async with browsing(*COMMON, start=target(LocalTransport(storage, "3.1.1"))) as (pilot, browser):
        await press(pilot, "d", "y")
        (tag,) = before.keys() - tags(storage).keys()
        session = browser.registry.session
        session.target = replace(session.target, protect=(tag,))
        await press(pilot, "U", "y", "U", "y", "enter")
        assert tags(storage) == before
        await press(pilot, "backspace", *tag, "enter")
        assert tag not in tags(storage)


async def pruned(session: Session, repositories: Sequence[str]) -> None:
    """A prune that took the tag `old` of each."""
    run = session.journal.begin_prune(session.identity, "")
    for repository in repositories:
        deleting = session.deleting(await session.plan_deletion(Request(repository, ["old"])), part_of=run.name)
        async for _ in deleting.outcomes():
            pass
    run.end((), interrupted=False)


async def test_what_a_prune_overwrites_is_named_with_its_repository_and_counted_over_all() -> None:
    storage = new_storage()
    repositories = [f"team/r{number}" for number in range(10)]
    world = World("3.1.1", storage)
    for repository in repositories:
        digest = await world.image(repository, ["old"], ["old"])
    async with browsing(*COMMON, start=target(LocalTransport(storage, "3.1.1"))) as (pilot, browser):
        await browser.registry.thread.call(pruned, browser.registry.session, repositories)
        for repository in repositories:
            await world.image(repository, ["new"], ["old"])
        await press(pilot, "U")
        assert shows(pilot, UndoPruneScreen)
        label = str(pilot.app.screen.query_one("#overwrite", Tick).label)
        assert label.startswith("also overwrite team/r9:old, team/r8:old")
        pilot.app.screen.query_one("#overwrite").focus()
        await press(pilot, "space")
        assert "team/r9:old was pushed anew since, and will be overwritten." in said(pilot)
        lines = pilot.app.screen.query_one(OutcomeLines)
        assert "team/r9:old" in lines.line(0, 120).plain
        await press(pilot, "y", "enter")
        assert {storage.repositories[name].tags["old"] for name in repositories} != {digest}
        await press(pilot, "backspace", *"10", "enter")
        assert {storage.repositories[name].tags["old"] for name in repositories} == {digest}


async def test_of_a_prune_the_part_that_can_not_be_looked_at_is_told_and_the_rest_put_back() -> None:
    storage = new_storage()
    repositories = [f"team/r{number}" for number in range(3)]
    world = World("3.1.1", storage)
    transport = world.transport = Scripted(world)
    for repository in repositories:
        await world.image(repository, ["old"], ["old"])
    async with browsing(*COMMON, start=target(transport)) as (pilot, browser):
        await browser.registry.thread.call(pruned, browser.registry.session, repositories)
        transport.instead = lambda request: SILENCE if "team/r1/" in request.url.path else None
        await press(pilot, "U")
        assert "team/r1: " in said(pilot)
        await press(pilot, "y")
        assert ["old" in storage.repositories[name].tags for name in repositories] == [True, False, True]


async def test_with_nothing_to_undo_it_is_said() -> None:
    async with browsing(*COMMON, "U") as (pilot, browser):
        assert pilot.app.screen is browser
        messages = [str(notification.message) for notification in pilot.app._notifications]
        assert messages == ["There is nothing to undo at demo.localhost."]


async def test_a_tag_pushed_anew_is_overwritten_only_when_ticked() -> None:
    storage = new_storage()
    before = tags(storage)
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, _):
        await press(pilot, "d", "y", "escape")
        (tag,) = before.keys() - tags(storage).keys()
        storage.set_tag(REPOSITORY, tag, before["0.0.9"])
        await press(pilot, "U")
        assert f"{tag} was pushed anew since, and stays as pushed." in said(pilot)
        pilot.app.screen.query_one("#overwrite").focus()
        await press(pilot, "space")
        assert "will be overwritten" in said(pilot)
        await press(pilot, "y")
        assert tags(storage) == before


async def test_what_moved_since_the_plan_was_shown_is_planned_again() -> None:
    storage = new_storage()
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        first, second = (row.tag for row in browser.table.model.shown[:2])
        await press(pilot, "space", "space", "d")
        storage.set_tag(REPOSITORY, first, tags(storage)["0.0.9"])
        await press(pilot, "y")
        assert "plan again" in said(pilot)
        assert first in tags(storage)
        assert second not in tags(storage)
        await press(pilot, "p")
        assert "1 tag will be removed" in said(pilot)
        await press(pilot, "y")
        assert first not in tags(storage)
        assert "0.0.9" in tags(storage)


async def interrupted(registry: OpenRegistry, storage: MemoryStorage) -> str:
    """A deletion whose process ended after the placeholder had taken its tag's place; the tag."""
    session = registry.session
    plan = await registry.thread.call(session.plan_deletion, Request(REPOSITORY, ["0.0.9"]))
    run = session.journal.begin(session.identity, "", plan)
    placeholder = storage.put_manifest(REPOSITORY, b"{}", "application/vnd.oci.image.index.v1+json")
    run.placed(plan.manifests[0].digest.of(b"{}"), ["0.0.9"])
    storage.set_tag(REPOSITORY, "0.0.9", placeholder)
    run.close()
    return placeholder


async def answered(key: str) -> tuple[dict[str, str], dict[str, str], MemoryStorage, str, list[type]]:
    storage = new_storage()
    before = tags(storage)
    screens: list[type] = []
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        placeholder = await interrupted(browser.registry, storage)
        browser.settle_interrupted()
        await settled_on(pilot, InterruptedScreen)
        await pilot.press(key)
        if key != "escape":
            await settled_on(pilot, PlanScreen)
            screens.append(type(pilot.app.screen))
            await press(pilot, "y")
            assert isinstance(pilot.app.screen, PlanScreen)
            await press(pilot, "escape")
            assert await browser.registry.thread.call(browser.session.changes.unfinished) == []
        await settled(pilot)
        assert pilot.app.screen is browser
    return before, tags(storage), storage, placeholder, screens


async def settled_on(pilot: Pilot[Any], kind: type) -> None:
    while not isinstance(pilot.app.screen, kind):
        await pilot.pause(0.02)
    await settled(pilot)


async def test_what_was_interrupted_is_finished() -> None:
    before, after, storage, placeholder, screens = await answered("f")
    assert screens == [FinishScreen]
    assert before.keys() - after.keys() == {"0.0.9"}
    assert placeholder not in storage.repositories[REPOSITORY].revisions


async def test_what_was_interrupted_is_put_back() -> None:
    before, after, storage, placeholder, screens = await answered("b")
    assert screens == [UndoScreen]
    assert before == after
    assert placeholder not in storage.repositories[REPOSITORY].revisions


@pytest.mark.parametrize(("key", "there"), [("f", True), ("b", False)])
async def test_an_undo_that_was_interrupted_is_finished_or_taken_back(key: str, there: bool) -> None:
    storage = new_storage()
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        session, thread = browser.session, browser.registry.thread
        request = Request(REPOSITORY, ["0.0.8", "0.0.9"])
        running = session.deleting(await thread.call(session.plan_deletion, request))
        async for _ in thread.stream(running.outcomes):
            pass
        entry = await thread.call(session.changes.entry, running.report.run)
        undo = await thread.call(session.changes.plan_undo, entry)
        restoration = undo.restoration
        session.journal.begin_restore(
            session.identity,
            "",
            REPOSITORY,
            undoes=undo.entry.name,
            tags={tag.tag: tag.digest for tag in restoration.tags},
            before={tag.tag: None for tag in restoration.tags},
            by_digest=[tag.digest for tag in restoration.tags],
            manifests=restoration.stored,
        ).close()
        manifest = restoration.stored[restoration.tags[0].digest]
        storage.set_tag(REPOSITORY, "0.0.8", storage.put_manifest(REPOSITORY, manifest.body, manifest.media_type))
        browser.settle_interrupted()
        await settled_on(pilot, InterruptedScreen)
        buttons = [str(button.label) for button in pilot.app.screen.query(Button)]
        assert buttons == ["Later", "Take it back (b)", "Finish it (f)"]
        await pilot.press(key)
        await settled_on(pilot, PlanScreen)
        if there:
            assert "1 of 2 tags put back" in said(pilot)
        await press(pilot, "y")
        await press(pilot, "escape")
        assert await thread.call(session.changes.unfinished) == []
        assert {tag in tags(storage) for tag in ("0.0.8", "0.0.9")} == {there}


async def test_what_was_interrupted_can_wait() -> None:
    before, after, _, placeholder, _ = await answered("escape")
    assert after == {**before, "0.0.9": placeholder}


async def test_what_was_interrupted_at_another_registry_is_not_asked_about_here() -> None:
    storage = new_storage()
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        here = browser.session.identity
        plan = await browser.registry.thread.call(browser.session.plan_deletion, Request(REPOSITORY, ["0.0.9"]))
        for elsewhere in (RegistryId("other.example.com"), RegistryId(here.address, "admin@staging")):
            browser.session.journal.begin(elsewhere, "", plan).close()
        browser.settle_interrupted()
        await settled(pilot)
        assert pilot.app.screen is browser
        assert notes(pilot) == []
        await press(pilot, "U")
        assert pilot.app.screen is browser
        assert ["There is nothing to undo" in note for note in notes(pilot)] == [True]


def notes(pilot: Pilot[Any]) -> list[str]:
    return [str(note.message) for note in pilot.app._notifications]


@pytest.mark.parametrize("answer", ["y", "n"])
async def test_whether_a_run_of_an_earlier_version_was_made_via_the_host_is_asked(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    storage = new_storage()
    before = tags(storage)
    with monkeypatch.context() as earlier:
        earlier.setattr("regtui.deletion.journal._place", lambda registry: {"registry": registry.spoken})
        async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
            address = browser.session.identity.address
            await press(pilot, "space", "d", "y", "escape")
            assert len(tags(storage)) == len(before) - 1
            journal = browser.session.journal
            plan = await browser.registry.thread.call(browser.session.plan_deletion, Request(REPOSITORY, ["0.0.9"]))
            journal.begin(browser.session.identity, "", plan).close()
            earlier.undo()

            # From here on the same address is reached via a host.
            via = RegistryId(address, "admin@prod", f"http://{address}")
            monkeypatch.setattr(RegistryClient, "identity", via)
            browser.settle_interrupted()
            await settled(pilot)
            assert pilot.app.screen is browser, "nobody knows that what was interrupted is of here: it is only told"
            (note,) = notes(pilot)
            assert f"It may have been at {via}, or elsewhere." in note
            journal.prune(NOW)
            for entry in journal.unfinished(via):
                journal._storage.remove(entry.name)

            await pilot.press("U")
            await settled_on(pilot, ConfirmScreen)
            await pilot.press(answer)
            await settled(pilot)
            if answer == "n":
                assert pilot.app.screen is browser
                assert len(tags(storage)) == len(before) - 1
            else:
                await settled_on(pilot, UndoScreen)
                await settled(pilot)
                await press(pilot, "y")
                assert tags(storage) == before


async def test_a_layer_that_is_gone_is_said_in_the_details() -> None:
    storage = new_storage()
    async with browsing(*COMMON, "j", start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        tag = browser.table.model.cursor
        assert tag is not None
        manifest = json.loads(storage.blobs[tags(storage)[tag]].data or b"")
        layer = Digest(manifest["layers"][-1]["digest"])
        assert storage.unlink_layer(REPOSITORY, layer)
        browser.details_pane.focus()
        await press(pilot, "enter", "r")
        await settled(pilot)
        details = browser.view.details
        assert details is not None
        assert f"the layer {layer.short}" in details.error


async def test_the_details_are_never_those_of_a_tag_that_was_deleted() -> None:
    storage = new_storage()
    async with browsing(*COMMON, "j", start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        deleted = browser.table.model.cursor
        await press(pilot, "d", "y", "escape")
        await settled(pilot)
        after = browser.table.model.cursor
        # The details follow once the cursor has rested.
        async with asyncio.timeout(PATIENCE):
            while browser.view.details is None or browser.view.details.reference != after:
                await pilot.pause(0.02)
        assert after != deleted
        assert browser.view.details is not None
        assert browser.view.details.reference == after
        assert f":{after}" in str(browser.details_pane.border_title)


async def test_what_was_done_before_isnt_counted_when_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[str] = []
    say = PlanScreen._say

    def counted(screen: PlanScreen, texts: Sequence[str]) -> None:
        counts.extend(texts)
        say(screen, texts)

    monkeypatch.setattr(PlanScreen, "_say", counted)
    storage = new_storage()
    async with browsing(*COMMON, start=target(LocalTransport(storage, "3.1.1"))) as (pilot, browser):
        request = Request(REPOSITORY, ["0.0.8", "0.0.9"])
        plan = await browser.registry.thread.call(browser.session.plan_deletion, request)
        browser.session.journal.begin(browser.session.identity, "", plan).close()
        for tag in ("0.0.8", "0.0.9"):
            del storage.repositories[REPOSITORY].tags[tag]
        browser.settle_interrupted()
        await settled_on(pilot, InterruptedScreen)
        await pilot.press("f")
        await settled_on(pilot, FinishScreen)
        await press(pilot, "y")
        assert "2 tags removed, 2 manifests deleted" in said(pilot)
        await press(pilot, "escape")
    # `Deleting  ████░░  1/2`
    done = [text.split()[-1].split("/") for text in counts if text.startswith("Deleting  ")]
    assert done[0] == ["0", "2"]
    assert all(int(some) <= int(total) for some, total in done)


async def test_a_result_stands_in_the_order_of_its_plan_whatever_was_answered_first() -> None:
    async with browsing(*COMMON, "space", "space", "d", start=target(LocalTransport(new_storage(), "2.8.2"))) as (
        pilot,
        _,
    ):
        screen = pilot.app.screen
        assert isinstance(screen, PlanScreen)
        planned = [outcome.reference for outcome in screen._table._outcomes]
        await press(pilot, "y")
        assert screen._report is not None
        assert screen._proposal is not None
        turned = replace(screen._report, outcomes=tuple(reversed(screen._report.outcomes)))
        screen._show_result(screen._proposal, turned, [])
        assert [outcome.reference for outcome in screen._table._outcomes] == planned


async def test_what_has_to_be_typed_stays_in_sight_and_then_what_enter_does() -> None:
    async with browsing(*COMMON, "a", "d", start=target(LocalTransport(new_storage(), "2.8.2"))) as (pilot, browser):
        number = str(browser.table.model.marked_count)
        hints = pilot.app.screen.query_one(Hints)
        await settled_hint(pilot, ("", f"type {number} to confirm"))
        await press(pilot, "y")
        assert hints._hints[0] == ("", f"type {number} to confirm")
        await press(pilot, "backspace", *number)
        assert hints._hints[0] == ("enter", f"delete {number} tags")


async def settled_hint(pilot: Pilot[Any], hint: tuple[str, str]) -> None:
    while pilot.app.screen.query_one(Hints)._hints[0] != hint:
        await pilot.pause(0.02)


async def test_what_cant_be_put_back_is_typed_for() -> None:
    storage = new_storage()
    body = storage.blobs[storage.repositories[REPOSITORY].tags["latest"]].data
    assert body is not None
    # The platforms' configs, where it is an index: their manifests go with it.
    manifests = [json.loads(body)]
    manifests += [json.loads(storage.blobs[m["digest"]].data or b"") for m in manifests[0].get("manifests", [])]
    for manifest in manifests:
        if "config" in manifest:
            storage.unlink_layer(REPOSITORY, manifest["config"]["digest"])
    before = tags(storage)
    async with browsing(*COMMON, start=target(LocalTransport(storage, "2.8.2"))) as (pilot, browser):
        pilot.app.push_screen(DeleteScreen(browser.registry, REPOSITORY, ["latest"]))
        await settled(pilot)
        assert "Undo can't put back latest, as " in said(pilot)
        await press(pilot, "y", "enter")
        assert tags(storage) == before
        await press(pilot, "backspace", *"forever", "enter")
        assert "latest" not in tags(storage)

"""Keeps manifests that something leads to by now, between one DELETE by digest and the next.

Others push while manifests are deleted: a tag is moved onto one that is about to go, or an index is made of it. All
tags are looked at before each DELETE, or, of thousands, as often as that takes a fraction of the deleting; in
between the list of tags tells of new ones, and of those that went along. What was deleted and is needed is put back.
Only a tag that didn't exist, and is put to a manifest between the list and its DELETE, nobody can know of.
"""

from collections.abc import Collection, Iterable
from typing import Final

from regtui.deletion.cost import deletes_for_a_look
from regtui.deletion.graph import children_first, reachable
from regtui.deletion.ground import Ground
from regtui.deletion.reasons import Reason
from regtui.deletion.recheck import deletable, holder
from regtui.deletion.surely import leads_to, put_surely, put_tag_surely
from regtui.deletion.untagging import BULK
from regtui.deletion.values import Outcome, Plan, PlannedManifest, PlannedTag, Status, manifest_outcome
from regtui.oci.digest import Digest
from regtui.registry.errors import RegistryError

# More tags that vanish at once were removed by somebody else, with a placeholder, rather than moved onto what was
# going. A release moves half a dozen: 1.4.2, 1.4, 1, latest, its commit and its branch.
_MOVED_AT_ONCE: Final = BULK - 1


class Guard:
    """`chosen`: the tags that are gone, or go with their manifest: those are `along`. `pushed_again`: those of them
    that were gone, and are listed since. `gone`: those that weren't listed any more at some time."""

    def __init__(self, ground: Ground, plan: Plan, chosen: Iterable[PlannedTag], along: Collection[PlannedTag]) -> None:
        self._ground = ground
        self._plan = plan
        self._chosen = {tag.tag: tag for tag in chosen}
        self._along = {tag.tag for tag in along}
        # Of those the ones that lead elsewhere by now: what they led to goes as it was confirmed, and they stay.
        self._moved: set[str] = set()
        self._deleted: dict[Digest, PlannedManifest] = {}
        self._last: list[Digest] = []
        self._since_look: int | None = None
        self._vanished: set[str] = set()
        self._survived: set[str] = set()
        self._is_listed = False
        self._names = set(ground.watch.names)
        self.gone = self._chosen.keys() - {tag.tag for tag in along}
        self.pushed_again: set[str] = set()
        # What is known now, and what followed from it: thousands of manifests go one after the other, mostly with
        # nothing new between them.
        self._deletable: tuple[tuple[int, int], set[Digest]] | None = None
        self._mended: tuple[int, int] | None = None

    @property
    def has_others(self) -> bool:
        """Whether there are tags that stay, or wait for their own manifest's DELETE, and could be moved onto what
        goes."""
        return any(tag not in self._chosen for tag in self._names) or bool(self._waiting)

    @property
    def _waiting(self) -> set[str]:
        """Tags that are to go with a manifest which is there yet. One that somebody moves onto another that goes would
        go with that: it is somebody's by then."""
        there = self._along & self._names & self._chosen.keys()
        return {tag for tag in there if self._chosen[tag].digest not in self._deleted}

    @property
    def _known(self) -> tuple[int, int]:
        """Tags are only ever taken out of those that go."""
        return self._ground.watch.changes, len(self._going)

    @property
    def _going(self) -> set[str]:
        return self._chosen.keys() - self._moved

    async def look(self, upcoming: int) -> list[Outcome]:
        """See what the repository has now, before so many more are deleted. What was deleted and is needed is put back:
        that is told. Raises RegistryError where the tags can't be listed."""
        await self._list()
        await self._look_at_survivors()
        waiting = self._waiting
        others = {tag for tag in self._names if tag not in self._chosen} | waiting
        between = max(deletes_for_a_look(len(self._plan.manifests), len(others)), upcoming)
        if self._since_look is None or self._since_look + upcoming > between:
            await self._ground.watch.look(others, work=self._ground.work)
            self._since_look = 0
            self._moved |= {tag for tag in waiting if self._leads_elsewhere(tag)}
            mended = await self._mend()
            # That took a while: what vanished in it didn't go along with anything.
            await self._list()
            await self._ground.watch.look(self._ground.watch.fresh)
            return mended + await self._mend()
        await self._ground.watch.look(self._ground.watch.fresh)
        return await self._mend()

    async def look_at_the_end(self, *, at_all: bool) -> list[Outcome]:
        """The same once all is done: at all tags, also at what couldn't be looked at before, or by their list alone."""
        watch = self._ground.watch
        await self._list()
        # Tags that are listed though they were to be gone: others may have pushed them.
        still = self._names & self._chosen.keys()
        await watch.look(self._names if at_all else watch.fresh | still, again=True)
        self._leave_moved(still & watch.seen)
        return await self._mend()

    async def _look_at_survivors(self) -> None:
        """Tags that were to go with a manifest, and are listed after its DELETE: they may have been moved before it,
        onto what goes next."""
        survivors = {
            tag
            for tag in self._names & self._chosen.keys() - self._survived
            if self._chosen[tag].digest in self._deleted
        }
        self._survived |= survivors
        watch = self._ground.watch
        await watch.look(survivors, again=True)
        # What leads to nothing has lost its manifest, as it was to.
        self._leave_moved({tag for tag in survivors - watch.errors.keys() if watch.last(tag) is not None})

    def _leave_moved(self, tags: Collection[str]) -> None:
        for tag in tags:
            last = self._ground.watch.last(tag)
            if last != self._chosen[tag].digest and last not in self._ground.placeholders:
                self.left_alone(self._chosen[tag])

    def _leads_elsewhere(self, tag: str) -> bool:
        last = self._ground.watch.last(tag)
        return last is not None and last != self._chosen[tag].digest and last not in self._ground.placeholders

    async def _list(self) -> None:
        watch = self._ground.watch
        await watch.list()
        if self._is_listed and watch.names == self._names:
            self._vanished = set()
            return
        self._is_listed = True
        self._vanished = self._names - self._chosen.keys() - watch.names
        self._names = set(watch.names)
        for tag in self.gone & watch.names & self._chosen.keys():
            self.pushed_again.add(tag)
            watch.forget(tag)  # What it was isn't what it is.
            self.left_alone(self._chosen[tag])
        self.gone |= self._chosen.keys() - watch.names

    def deletable(self) -> set[Digest]:
        """The manifests of the plan that nothing leads to but what goes."""
        if self._deletable is None or self._deletable[0] != self._known:
            watch = self._ground.watch
            contents = watch.contents(self._chosen.keys())
            moved = [digest for tag in self._moved if (digest := watch.last(tag)) is not None]
            goes = deletable(self._plan, list(self._chosen.values()), contents) - reachable(watch.manifests, moved)
            self._deletable = self._known, goes
        return self._deletable[1]

    async def is_still_deletable(self, digest: Digest) -> bool:
        """By the list of tags as it is now: while others of its tags were looked at, a new one may have been put to it.
        Raises RegistryError."""
        watch = self._ground.watch
        await watch.list()
        if not watch.fresh:
            return True
        await watch.look(watch.fresh)
        return digest in self.deletable()

    def left_alone(self, tag: PlannedTag) -> None:
        """It doesn't go: somebody else's by now."""
        self._chosen.pop(tag.tag, None)

    def deleted(self, manifests: Collection[PlannedManifest]) -> None:
        self._deleted |= {manifest.digest: manifest for manifest in manifests}
        self._last += [manifest.digest for manifest in manifests]
        self._since_look = (self._since_look or 0) + len(manifests)

    async def _mend(self) -> list[Outcome]:
        kept = [*await self._bring_back_tags(), *await self._bring_back_manifests()]
        self._last = []
        return [
            manifest_outcome(self._plan.repository, self._deleted.pop(digest), Status.SKIPPED, Reason.IN_USE, why)
            for digest, why in dict(kept).items()
        ]

    async def _bring_back_tags(self) -> list[tuple[Digest, str]]:
        """Tags that vanished with a manifest, as they had been moved onto it. Somebody else may have removed them as
        well: a tag is put back only where there is no doubt which manifest it went with, and its own is there still."""
        ground = self._ground
        found: list[tuple[Digest, str]] = []
        vanished = sorted(self._vanished)
        for tag in vanished:
            own = ground.watch.last(tag)
            ground.watch.forget(tag)
            if not self._last or len(vanished) > _MOVED_AT_ONCE or not await self._is_there(own):
                continue
            onto = [d for d in self._last if len(self._last) == 1 or await self._is_there(d)]
            if len(onto) == 1 and await self._put_tag(tag, onto[0]):
                found.append((onto[0], f"{tag} was moved onto it meanwhile, and both were put back"))
                ground.notices.append(
                    f"{tag} went along with {onto[0].short}, onto which it must have been moved meanwhile: both were "
                    "put back."
                )
        return found

    async def _is_there(self, digest: Digest | None) -> bool:
        client, name = self._ground.client, self._plan.repository
        return digest is not None and await leads_to(client, name, digest, digest) is True

    async def _put_tag(self, tag: str, digest: Digest) -> bool:
        client, name = self._ground.client, self._plan.repository
        manifest = self._ground.watch.manifests.get(digest)
        if manifest is None or await leads_to(client, name, tag, digest) is not False:
            return False
        try:
            if not await put_tag_surely(client, name, tag, manifest, self._ground.patience, instead_of=[None]):
                return False
        except RegistryError:
            return False
        self._ground.watch.note(tag, digest)
        self._names.add(tag)
        return True

    async def _bring_back_manifests(self) -> list[tuple[Digest, str]]:
        """Those that a tag leads to by now."""
        ground = self._ground
        # What was deleted since was deletable by what is known.
        if self._mended == self._known:
            return []
        contents = ground.watch.contents(())
        staying = {tag: d for tag, d in contents.tags.items() if d is not None and tag not in self._going}
        needed = reachable(contents.manifests, staying.values()) & self._deleted.keys()
        if not needed:
            self._mended = self._known
            return []
        back: set[Digest] = set()

        async def put(digest: Digest) -> None:
            await put_surely(ground.client, self._plan.repository, digest, contents.manifests[digest], ground.patience)
            back.add(digest)

        for some in children_first(contents.manifests, needed):
            for attempt in await ground.work.all(some, put, to_the_end=True):
                if attempt.error is not None:
                    ground.doubts.append(
                        f"{attempt.item.short} is in use by now, and can't be put back: {attempt.error}"
                    )
        return [(digest, self._why(digest, staying, back)) for digest in sorted(back)]

    def _why(self, digest: Digest, staying: dict[str, Digest], back: set[Digest]) -> str:
        manifests = self._ground.watch.manifests
        tag = next((tag for tag, root in sorted(staying.items()) if digest in reachable(manifests, [root])), "a tag")
        return f"{tag} leads to it by now" + (", and it was put back" if digest in back else "")

    def holder(self, digest: Digest) -> str:
        """Why a manifest stays: which tag leads to it, or which of its own somebody else removed, who may delete it as
        well. Empty where that isn't known."""
        if told := holder(self._ground.watch.contents(()), self._going, digest):
            return told
        for planned in self._plan.removed:
            if planned.digest == digest and planned.tag not in self._chosen and planned.tag not in self._names:
                return f"somebody else removed {planned.tag} meanwhile"
        return ""

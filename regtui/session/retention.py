"""What the retention rules mean in a registry: each repository is read once, judged, and planned as a deletion of the
tags that go. Nothing is held of one repository while the next is looked at."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from regtui.content.store import ContentStore
from regtui.deletion.graph import reachable
from regtui.deletion.inventory import in_batches, read_contents
from regtui.deletion.judging import TagFate
from regtui.deletion.request import Request
from regtui.deletion.values import Contents, Outcome, Plan
from regtui.deletion.words import planned_outcomes
from regtui.listing.candidates import TagCandidate
from regtui.listing.summary import summarize
from regtui.listing.tag_row import digest_tag_subject
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import ManifestNotFound, RegistryError, Where
from regtui.registry.values import FetchedManifest
from regtui.retention.planning import RepositoryRetention, Stop, candidates_of, judge_repository
from regtui.retention.policy import RetentionEntry, entry_for
from regtui.retention.values import InUse, PullRecord
from regtui.session.planning import plan_on
from regtui.session.target import Target
from regtui.session.using import used_images


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What the rules mean in one repository. `plan`: the deletion of what goes; None where nothing does, or where it is
    stopped. `stop`: why nothing goes, whatever the rule says, with the registry's words in `detail`. `contents`: what
    the repository holds, as far as it was read."""

    retention: RepositoryRetention
    plan: Plan | None = None
    stop: Stop | None = None
    detail: str = ""
    contents: Contents = field(repr=False, default=Contents("", {}, {}))

    @property
    def repository(self) -> str:
        return self.retention.repository

    @property
    def entry(self) -> RetentionEntry | None:
        return self.retention.entry

    @property
    def rows(self) -> list[Outcome]:
        return planned_outcomes(self.plan) if self.plan is not None else []

    def stopped(self, why: Stop) -> "RetentionPlan":
        """The same, of which nothing is done."""
        return self if self.stop is not None else replace(self, stop=why)

    @property
    def fingerprint(self) -> bytes:
        """Of everything that would be done: two that are equal do the same."""
        done = sorted(f"{row.action.value} {row.reference} {row.digest} {row.status.value}" for row in self.rows)
        return hashlib.sha256("\n".join(done).encode()).digest()


class RetentionPlanner:
    """Made by `Session.retention`. Changes nothing; all of it raises RegistryError."""

    def __init__(
        self,
        client: RegistryClient,
        content: ContentStore,
        target: Target,
        in_use: InUse,
        pulls: PullRecord,
        now: datetime,
    ) -> None:
        self._client = client
        self._content = content
        self._target = target
        self._in_use = in_use
        self._pulls = pulls
        self._now = now

    async def of(self, repository: str, *, on_progress: Callable[[int, int], None] | None = None) -> RetentionPlan:
        """What goes of a repository. Nothing is asked where no entry names it. `on_progress` hears (tags read, in all)
        and then the same of blobs. Raises NotFound where the repository isn't there."""
        entry = entry_for(self._target.retention, repository)
        if entry is None:
            return RetentionPlan(RepositoryRetention(repository, None))
        try:
            return await self._of(repository, entry, on_progress)
        finally:
            self._content.release(repository)

    async def explained(self, repository: str) -> RetentionPlan:
        """The same also where no entry names the repository: why each tag goes or stays."""
        entry = entry_for(self._target.retention, repository)
        try:
            if entry is None:
                return await self._judged(repository, None, None)
            return await self._of(repository, entry, None)
        finally:
            self._content.release(repository)

    async def _of(
        self, repository: str, entry: RetentionEntry, on_progress: Callable[[int, int], None] | None
    ) -> RetentionPlan:
        judged = await self._judged(repository, entry, on_progress)
        while judged.stop is None and judged.retention.going:
            retention, contents = judged.retention, judged.contents
            request = Request(
                repository,
                tags=retention.going,
                with_attached=True,
                protect=self._target.protect,
                used=used_images(self._in_use, repository),
                only=frozenset(contents.manifests.keys() - retention.kept) if retention.kept else None,
            )
            plan = await plan_on(
                self._client,
                self._content,
                contents,
                request,
                read_only=self._target.read_only,
                on_progress=on_progress,
            )
            held = {} if plan.obstacle else _held(retention, plan)
            if not held:
                return replace(judged, plan=plan, contents=plan.contents)
            judged = replace(judged, retention=_without(retention, held))
        return judged

    async def _judged(
        self, repository: str, entry: RetentionEntry | None, on_progress: Callable[[int, int], None] | None
    ) -> RetentionPlan:
        await self._content.recall(repository)
        contents = await read_contents(
            self._client,
            self._content,
            repository,
            digests=self._in_use.digests_of(repository),
            on_progress=on_progress,
        )
        await self._content.listed(repository, {*contents.tags, *contents.unread})
        nothing = RepositoryRetention(repository, entry)
        if contents.unread or contents.unread_manifests:
            used = [digest for digest in contents.unread_manifests if self._in_use.places_of_digest(digest)]
            detail = next(iter((*contents.unread.values(), *contents.unread_manifests.values())))
            stop = Stop.UNREAD_USE if used else Stop.UNREAD_TAGS
            return RetentionPlan(nothing, stop=stop, detail=detail, contents=contents)
        tags = [tag for tag in contents.tags if digest_tag_subject(tag) is None]
        try:
            dates = await self._dates(contents, tags) if entry is not None and entry.rule.needs_dates else {}
        except RegistryError as error:
            if error.affects_all:
                raise
            return RetentionPlan(nothing, stop=Stop.UNREAD_TAGS, detail=str(error), contents=contents)
        retention = judge_repository(
            contents,
            entry,
            candidates_of(contents, tags, dates),
            in_use=self._in_use,
            pulls=self._pulls.of(repository),
            now=self._now,
            protect=self._target.protect,
        )
        return RetentionPlan(retention, contents=contents)

    async def _dates(self, contents: Contents, tags: Sequence[str]) -> Mapping[Digest, Sequence[datetime | None]]:
        """When the platforms of each image were created. Raises RegistryError where a config can't be read."""
        source = _ReadContents(contents, self._content, self._client.host)
        dates: dict[Digest, Sequence[datetime | None]] = {}

        async def read(digest: Digest) -> None:
            summary = await summarize(source, contents.repository, digest)
            dates[digest] = TagCandidate("", summary).dates

        await in_batches({digest for tag in tags if (digest := contents.tags[tag]) is not None}, read)
        return dates


def _held(retention: RepositoryRetention, plan: Plan) -> dict[str, TagFate]:
    """The tags that stay for what the plan found out: what undo could not put back, and what is attached to their
    images and stays."""
    held: dict[str, TagFate] = {}
    for tag in plan.removed:
        if tag.attached_to is None:
            if tag.loss is not None:
                held[tag.tag] = TagFate.LOST
        elif tag.loss is not None or tag.protected or tag.in_use:
            held |= dict.fromkeys(_tags_over(retention, plan, tag.attached_to), TagFate.ATTACHED)
    for manifest in plan.lost_manifests:
        over = _tags_over(retention, plan, manifest.attached_to or manifest.digest)
        held |= dict.fromkeys(over, TagFate.ATTACHED if manifest.attached_to else TagFate.LOST)
    return held


def _tags_over(retention: RepositoryRetention, plan: Plan, digest: Digest) -> list[str]:
    """The tags that go and lead to a manifest; all, where none is seen to."""
    contents = plan.contents
    going = retention.going
    over = [tag for tag in going if (top := contents.tags.get(tag)) and digest in reachable(contents.manifests, [top])]
    return over or list(going)


def _without(retention: RepositoryRetention, held: Mapping[str, TagFate]) -> RepositoryRetention:
    return replace(
        retention,
        tags=tuple(replace(each, fate=held[each.tag]) if each.tag in held else each for each in retention.tags),
    )


class _ReadContents:
    """What was read of a repository, as what summarises images asks for it."""

    def __init__(self, contents: Contents, content: ContentStore, host: str) -> None:
        self._contents = contents
        self._content = content
        self._host = host

    async def current(self, repository: str, reference: str) -> FetchedManifest:
        found = self._contents.manifests.get(Digest(reference))
        if found is None:
            where = Where(self._host, "reading the manifest", repository, reference)
            raise ManifestNotFound(where, f"{repository} has no manifest {reference}.")
        return FetchedManifest(found.digest, found.media_type, found.body)

    async def named(self, repository: str, digest: Digest) -> FetchedManifest:
        return await self.current(repository, digest)

    async def digest(self, repository: str, tag: str) -> Digest:
        return await self._content.digest(repository, tag)

    async def config(self, repository: str, digest: Digest) -> bytes:
        return await self._content.config(repository, digest)

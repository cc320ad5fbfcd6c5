"""One open registry: its client, what was read of it, what may be done to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from regtui.aside import aside
from regtui.errors import UsageError
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.registry.answers import deletion_obstacle
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound, RegistryError
from regtui.registry.exchanges import RequestLog
from regtui.registry.identity import RegistryId
from regtui.registry.values import CatalogPage, Deletion, FetchedManifest, Pong, Resolved
from regtui.session.target import Target
from regtui.settings.paths import content_file, journal_dir

if TYPE_CHECKING:
    # What changes a registry is imported when something is changed, and what reads its images when one is looked at:
    # most connections only read, and `regtui ls` not even images.
    from regtui.content.store import ContentStore
    from regtui.deletion.journal import Journal
    from regtui.deletion.request import Request
    from regtui.deletion.tagging import Tagged
    from regtui.deletion.used import UsedImages
    from regtui.deletion.values import Outcome, Plan
    from regtui.garbage.collector import Collector
    from regtui.garbage.values import UsedManifests
    from regtui.host.hosts import Host, Interactive
    from regtui.inside.attached import Attached, Attachments
    from regtui.inside.sbom import Package
    from regtui.listing.details import Details
    from regtui.listing.find import Query, SearchStep
    from regtui.listing.missing import BlobCheck
    from regtui.listing.summary import Batch
    from regtui.repair.values import CheckedReference, RepairPlan
    from regtui.retention.tag_facts import TagFacts
    from regtui.retention.uses import Uses
    from regtui.retention.values import InUse, PullRecord
    from regtui.retention.whereabouts import LocatedUse
    from regtui.session.changes import Changes, RunningChange
    from regtui.session.filling import Filling
    from regtui.session.pulling import Pulling
    from regtui.session.recalling import Recalling
    from regtui.session.retention import RetentionPlanner
    from regtui.session.using import Using
    from regtui.settings.history import Left
    from regtui.ssh.login import Ssh


class Session:
    """Everything raises RegistryError. Made by `open_session`; `close` it. Lives on one event loop: what can be awaited
    or iterated is used there; facts, and making what is iterated, may be asked for from any thread."""

    def __init__(self, target: Target, client: RegistryClient, pong: Pong, ssh: "Ssh | None" = None) -> None:
        self.target = target
        self.pong = pong
        self._ssh = ssh
        self._client = client
        self._hosts: list[Host] = []

    @property
    def name(self) -> str:
        return self.target.name or self.host

    @property
    def host(self) -> str:
        """Host, port and prefix: what stands before the repository in a pull reference."""
        return self._client.host

    @property
    def address(self) -> Address:
        """With the scheme that is really spoken."""
        return self._client.address

    @property
    def identity(self) -> RegistryId:
        """Which registry this is, `via` included: what is remembered of it is kept under this."""
        return self._client.identity

    @property
    def username(self) -> str:
        """Who is logged in; empty where nobody is."""
        return self._client.username

    @property
    def wants_login(self) -> bool:
        """Whether it asked for one so far."""
        return bool(self._client.auth_scheme)

    @property
    def unused_login(self) -> str:
        """That the login which was given wasn't used, as nothing asked for one so far; empty where that isn't so. Who
        gave it may believe that nobody else can do what was done."""
        user = self.target.given_user
        return f"{self.host} asked for no login: that of {user} was not used." if user and not self.wants_login else ""

    @property
    def requests(self) -> RequestLog:
        """What was sent and answered in the last while, without secrets."""
        return self._client.log

    @property
    def read_only(self) -> bool:
        """Whether the user wants nothing to be changed."""
        return self.target.read_only

    @property
    def waiting(self) -> float:
        """Seconds for which the registry asked to be left alone; 0 where it didn't. Requests wait for it."""
        return self.target.http.waiting.left

    @property
    def waited_in_vain(self) -> float:
        """Seconds for which requests about repositories hung until they were given up; those side by side, once."""
        return self._client.waited_in_vain

    def _origin(self) -> str:
        """Whose names of tags these are: another user of the registry may not be shown them."""
        return f"{self.username}@{self.identity}"

    async def close(self) -> None:
        """End what goes on at the registry's host, the client, the login by ssh."""
        try:
            for host in self._hosts:
                await host.close()
            await self._client.close()
            if "_content" in vars(self):
                await self._content.close()
        finally:
            if self._ssh is not None:
                # Takes seconds where ssh is slow to end.
                await aside(self._ssh.close)

    def prepare(self) -> None:
        """Make what holds what was read, which else the first to ask for it makes: two threads could."""
        _ = self._recalling, self._blobs, self.journal

    def pull_reference(self, repository: str, tag: str = "", digest: Digest | None = None) -> str:
        """What `docker pull` takes: by digest where one is given, else by tag."""
        return f"{self.host}/{repository}" + (f"@{digest}" if digest else f":{tag}" if tag else "")

    # As it was left

    def left(self) -> "Left":
        """How this registry was left the last time."""
        from regtui.settings.history import History, Left

        return Left() if self.target.ephemeral else History().of(self.identity, self.name)

    def keep(self, left: "Left") -> None:
        """For the next time."""
        from regtui.settings.history import History

        if not self.target.ephemeral:
            History().keep(self.identity, left)

    # Browsing

    def repositories(self) -> AsyncIterator[CatalogPage]:
        return self._client.catalog()

    async def tags(self, repository: str) -> AsyncIterator[tuple[str, ...]]:
        names: set[str] = set()
        async for page in self._client.tags(repository):
            names.update(page)
            yield page
        await self._content.listed(repository, names)

    def remembered(self, repository: str) -> "AsyncIterator[Batch]":
        """Tags as they were when last seen, in an earlier run: at once, and to be checked by `fill`."""
        return self._recalling.batches(repository)

    def fill(self, repository: str, names: Sequence[str]) -> "Filling":
        """Completes tags: what is visible first (`Filling.prioritise`), all of them in the end. Of those that are
        remembered it is only asked whether they moved."""
        from regtui.listing.filler import Filler
        from regtui.session.filling import Filling

        filler = Filler(self._content, repository, names, in_flight=self._at_once)
        return Filling(filler, self._recalling, names)

    async def with_digest(self, query: "Query", repository: str, tags: Sequence[str]) -> "AsyncIterator[SearchStep]":
        """Which of the tags have a digest, and the manifest itself where none of them has. A whole digest is asked for
        first; for the beginning of one every tag is read. Raises NotFound where a whole one isn't there."""
        from regtui.listing.find import Hit, SearchStep

        if query.digest is not None:
            await self.resolve(repository, query.digest)
        is_found = False
        async for batch in self.fill(repository, tags).batches():
            hits = [Hit(repository, tag, why, each.digest) for tag, each in batch if (why := query.is_image(each))]
            unread = sum(each.is_retryable for _, each in batch)
            is_found = is_found or bool(hits or unread)
            yield SearchStep(hits, unread)
        if query.digest is not None and not is_found:
            note = f"it has {query.digest.short}, as the image of no tag"
            yield SearchStep([Hit(repository, "", note, query.digest)])

    def _at_once(self) -> int:
        """How many tags are worked on: some more than requests, so that one always waits while another is parsed."""
        return self._client.in_flight + 2

    async def details(self, repository: str, reference: str) -> "Details":
        from regtui.listing.details import load_details

        return await load_details(self._content, repository, reference)

    async def checked(self, details: "Details") -> "Details":
        """The same details, and which blobs of the image are gone: a request for each, once."""
        return await self._blobs.checked(details)

    async def manifest(self, repository: str, reference: str) -> FetchedManifest:
        return await self._content.manifest(repository, reference)

    async def attached(self, repository: str, reference: str) -> "Attachments":
        """What refers to an image: its signatures, bills of materials, provenance. Nothing is verified."""
        from regtui.inside.attached import Walk

        tags: list[str] = []
        unlisted = ""
        try:
            async for page in self.tags(repository):
                tags += page
        except RegistryError as error:
            if error.affects_all:
                raise
            # Without any tag a repository may have no list either.
            unlisted = "" if isinstance(error, NotFound) else f"The tags of {repository} can't be listed: {error}"
        told = await Walk(self._client, self._content, repository, tags).of(reference)
        told.gaps += [unlisted] if unlisted else []
        return told

    async def packages(self, repository: str, sbom: "Attached") -> "tuple[list[Package], str]":
        """The packages that an attached SBOM names, and why not all of it can be read; empty where it can. Raises
        RegistryError where what fails would fail for all."""
        from regtui.inside.documents import packages_in

        return await packages_in(self._client, repository, sbom)

    async def resolve(self, repository: str, reference: str) -> Resolved:
        return await self._client.resolve(repository, reference)

    async def forget(self, repository: str) -> None:
        """What was read of a repository is asked for again: after a reload."""
        self._content.forget(repository)
        self._blobs.forget(repository)

    # What was read. Each is made when it is first wanted: `regtui ls` reads no image.

    @cached_property
    def _content(self) -> "ContentStore":
        from regtui.content.shared_disk import SharedDisk
        from regtui.content.store import ContentStore

        keeps = self.target.cache and not self.target.ephemeral
        return ContentStore(self._client, SharedDisk(content_file(), self._origin) if keeps else None)

    @cached_property
    def _recalling(self) -> "Recalling":
        from regtui.session.recalling import Recalling

        return Recalling(self._content)

    @cached_property
    def _blobs(self) -> "BlobCheck":
        from regtui.listing.missing import BlobCheck

        return BlobCheck(self._client)

    # Changing

    @cached_property
    def journal(self) -> "Journal":
        """What was done from this machine, to every registry; the demo's is not kept."""
        from regtui.deletion.journal import Journal

        return Journal(None if self.target.ephemeral else journal_dir())

    async def tagged(self, repository: str, tag: str) -> Digest | None:
        """What `tag` is now; None where there is no such tag, or nothing behind it."""
        from regtui.deletion.tagging import tagged

        return await tagged(self._client, repository, tag)

    async def no_way_back(self, repository: str, digest: Digest) -> str:
        """Why a tag that is moved away from this manifest could not be moved back; empty where it could."""
        from regtui.deletion.way_back import way_back

        back = await way_back(self._client, self._content, repository, [digest])
        return back.lost.get(digest, "")

    async def add_tag(
        self, repository: str, digest: Digest, tag: str, *, instead_of: Digest | None, for_good: bool = False
    ) -> "Tagged":
        """Makes `tag` a tag of the manifest `digest` too. `instead_of`: what it is now, as was confirmed; that is
        in the journal before it is moved, and can be undone; `for_good`: also where it can't.

        Raises TagMoved where it is something else by now, NotTagged where the registry failed, UsageError where the
        user wants no change, JournalFailed.
        """
        if self.read_only:
            raise UsageError(f"{self.name} was opened read-only: no tag is added.")
        from regtui.deletion.tagging import NotTagged, Tagging

        adding = Tagging(self._client, self._content, self.journal, self.username)
        try:
            return await adding.add(repository, digest, tag, instead_of=instead_of, for_good=for_good)
        except NotTagged as error:
            if error.run and not self.target.ephemeral:
                error.remedy = f"To move it back: {self.target.undo_command(error.run)}"
            raise

    async def check(self, repository: str, identifier: str, *, anew: bool = False) -> "CheckedReference":
        """Whether what a tag or digest leads to can be pulled: a request for each blob, once; `anew`, whatever is known
        already. Raises NotFound where there is no such digest."""
        from regtui.repair.checking import check_reference

        if anew:
            await self.forget(repository)
        return await check_reference(self._content, self._blobs, repository, identifier)

    async def plan_repair(
        self,
        repository: str,
        lost: Collection[Digest],
        *,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> "RepairPlan":
        """Where the blobs that `check` found to be lost can be had. Changes nothing. `on_progress` hears how many
        repositories were asked, and how many there are. Raises JournalFailed."""
        from regtui.repair.sources import plan_repair

        runs = await asyncio.to_thread(self.journal.entries, self.identity) if lost else []
        names, is_whole = await self._names() if lost else ([], True)
        return await plan_repair(
            self._client, self._content, runs, repository, lost, names, is_whole=is_whole, on_progress=on_progress
        )

    async def _names(self) -> tuple[list[str], bool]:
        """All repositories that are known, and whether those are all there are."""
        names = list(self.target.known_repositories)
        doubt = False
        try:
            async for page in self._client.catalog():
                names += page.repositories
                doubt = doubt or bool(page.doubt)
        except RegistryError:
            return names, False
        return names, not doubt

    def repairing(self, plan: "RepairPlan") -> "AsyncIterator[Outcome]":
        """Carries a plan out that was confirmed: what came of each blob. Raises UsageError where the user wants no
        change, JournalFailed where it can't be recorded."""
        if self.read_only:
            raise UsageError(f"{self.name} was opened read-only: nothing is put back.")
        return self._repaired(plan)

    async def _repaired(self, plan: "RepairPlan") -> "AsyncIterator[Outcome]":
        from regtui.repair.repairing import Repairing

        try:
            async for outcome in Repairing(self._client, plan, self.journal, self.username).outcomes():
                yield outcome
        finally:
            self._content.forget(plan.repository)
            self._blobs.forget(plan.repository)

    async def deletion(self, repository: str) -> Deletion:
        """What may be deleted, found out without deleting anything. Asks nothing where the user wants no change."""
        if self.read_only:
            return Deletion.READ_ONLY
        from regtui.registry.probing import deletion_support

        return await deletion_support(self._client, repository)

    async def plan_deletion(
        self, request: "Request", *, on_progress: Callable[[int, int], None] | None = None
    ) -> "Plan":
        """What doing as `request` says would mean. Changes nothing. What the config protects is protected, and so is
        what is in use.

        `on_progress` hears (tags read, tags in all), then the same of blobs, where this runs.
        """

        from regtui.session.planning import plan_deletion

        protecting = replace(
            request,
            protect=(*request.protect, *self.target.protect),
            used=await self._used_in(request.repository),
        )
        return await plan_deletion(
            self._client, self._content, protecting, read_only=self.read_only, on_progress=on_progress
        )

    def deletion_obstacle(self, support: Deletion) -> str:
        """Why nothing can be deleted here, with the remedy; empty where it can."""
        return deletion_obstacle(self.host, support, by_choice=self.read_only)

    def deleting(self, plan: "Plan", *, part_of: str = "") -> "RunningChange":
        """Carries out a plan that was confirmed. `part_of`: the prune whose part it is."""
        from regtui.deletion.execution import Execution
        from regtui.session.changes import RunningChange

        execution = Execution(self._client, plan, self.journal, self.username, part_of=part_of)
        return RunningChange(execution, [plan.repository], self._content)

    @property
    def changes(self) -> "Changes":
        """What was changed here before, and taking it back."""
        from regtui.session.changes import Changes

        return Changes(
            self._client,
            self._content,
            self.journal,
            self.username,
            self.deletion_obstacle,
            self._used_in,
            read_only=self.read_only,
            protect=self.target.protect,
        )

    # What rules have to know

    @cached_property
    def _using(self) -> "Using":
        from regtui.session.using import Using

        return Using(self._client, self.target.in_use, (self.host, *self.target.also_known_as))

    async def _used_in(self, repository: str) -> "UsedImages":
        from regtui.session.using import used_images

        return used_images(await self.in_use(), repository)

    async def in_use(self) -> "InUse":
        """Which of its images are in use, by the sources that the config names."""
        from regtui.retention.values import NOT_USED

        return NOT_USED if self.target.in_use.is_empty else (await self._using.uses()).in_use

    async def uses(self, interactive: "Interactive | None" = None) -> "Uses":
        """The same, place by place. `interactive`: for what ssh may have to ask."""
        return await self._using.uses(interactive)

    async def located_uses(self, uses: "Uses") -> "list[LocatedUse]":
        """Which tags lead to what is in use, and what of it the registry doesn't have. Raises JournalFailed."""
        from regtui.retention.whereabouts import locate

        return await locate(self._client, self._content, uses.found, await self.changes.entries())

    async def pulls(self, *, pushes: bool = False) -> "PullRecord":
        """When its images were last pulled, as far as that is known: first what is new in its log is read, where its
        host is known. Where that fails, what is known isn't of now: `pulls_trouble` says why.
        `pushes`: also when tags were pushed, by the whole storage."""
        return await self._pulling.brought_up_to_date(pushes=pushes)

    async def tag_facts(self, repository: str) -> "TagFacts":
        """Where its tags are in use, by the sources, and when they were pulled and pushed, as far as is known without
        reading any log."""
        from regtui.retention.errors import SourceFailed
        from regtui.retention.tag_facts import TagFacts
        from regtui.retention.values import UNKNOWN_PULLS

        in_use = None if self.target.in_use.is_empty else await self.in_use()
        try:
            pulls = await aside(lambda: self._pulling.known.of(repository))
        except SourceFailed:
            pulls = UNKNOWN_PULLS
        return TagFacts(repository, in_use, pulls)

    @property
    def pulls_trouble(self) -> str:
        """Why the log could not be read the last time; empty where it could, or wasn't."""
        return self._pulling.trouble

    @cached_property
    def _pulling(self) -> "Pulling":
        from regtui.session.pulling import Pulling

        return Pulling(self.target, self.identity, self.address, self.name)

    def retention(self, in_use: "InUse", pulls: "PullRecord", *, now: datetime | None = None) -> "RetentionPlanner":
        """What the config's retention rules mean, one repository at a time. `now`: as of when; None for now."""
        from regtui.session.retention import RetentionPlanner

        return RetentionPlanner(self._client, self._content, self.target, in_use, pulls, now or datetime.now(UTC))

    def collector(self, interactive: "Interactive | None" = None) -> "Collector":
        """Garbage collection where this registry runs. `interactive`: for what ssh has to ask. Raises HostUnknown where
        nobody said where the registry runs, UsageError for no SSH destination.
        """
        if (made := self.target.make_collector) is not None:
            return made(interactive)
        from regtui.garbage.procedure import HostCollector
        from regtui.session.registry_host import host_of

        host, settings = host_of(self.target.runs_at, self.address, self.name, interactive)
        self._hosts.append(host)
        return HostCollector(
            host,
            settings,
            self._client,
            self.journal,
            username=self.username,
            read_only=self.read_only,
            used=self._used_manifests,
        )

    async def _used_manifests(self) -> "UsedManifests":
        from regtui.garbage.values import UsedManifests

        in_use = await self.in_use()
        unread = [f"{source.where} could not be read: {source.error}" for source in in_use.unread]
        return UsedManifests(frozenset(in_use.digests), unread[0] if unread else "")

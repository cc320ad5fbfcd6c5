"""One open registry: its client, what was read of it, what may be done to it. Both faces hold this, and only this.

connection = await open_connection(Target(Address.parse("registry.example.com"), credential))
async for page in connection.repositories(): ...
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regtui.changes import Changes, Running
from regtui.content import ContentStore, SharedDisk
from regtui.crossing import Crossing, SameLoop
from regtui.deletion import Contents, Execution, Journal, Manifests, Method, Plan, make_plan, read_contents
from regtui.deletion.cost import PATIENCE
from regtui.deletion.plan import needs_untagging, without_push
from regtui.deletion.referrers import with_referrers
from regtui.errors import UsageError
from regtui.listing.details import Details, load_details
from regtui.listing.filler import Batch, Filler
from regtui.listing.missing import BlobCheck
from regtui.listing.recall import recalled
from regtui.listing.summary import Summary, summarize
from regtui.oci import Digest
from regtui.registry import (
    Address,
    CatalogPage,
    Credential,
    Deletion,
    FetchedManifest,
    HttpSettings,
    NotAuthenticated,
    NotFound,
    Pong,
    RegistryClient,
    RegistryError,
    RequestLog,
    Resolved,
    Unreachable,
    deletion_obstacle,
)
from regtui.registry.aside import aside
from regtui.settings import Lookup, Source
from regtui.settings.history import History, Left
from regtui.settings.paths import content_file, journal_dir
from regtui.ssh import Destination, Ssh
from regtui.tagging import Tagging, tagged

if TYPE_CHECKING:
    from regtui.collecting import Collecting, MakeCollector
    from regtui.demo import Version
    from regtui.garbage.collector import Collector
    from regtui.garbage.hosts import Host, Interactive
    from regtui.garbage.profile import HostSettings


@dataclass(frozen=True, slots=True)
class Target:
    """A registry to open, and how. `name`: how the user calls it, a profile's name or the address."""

    address: Address
    credential: Credential | None = None
    http: HttpSettings = field(default_factory=HttpSettings)
    name: str = ""
    read_only: bool = False
    protect: tuple[str, ...] = ()
    via: Destination | None = None
    """The host from which `address` is reached; None for this one."""
    known_repositories: tuple[str, ...] = ()
    """For a registry that doesn't list its own."""
    ephemeral: bool = False
    """Gone when regtui is: the demo registry. Its deletions don't go into the user's journal."""
    cache: bool = True
    """Whether what is read may be kept on disk, and what was kept may be used."""
    lookup: Lookup | None = field(default=None, compare=False)
    """Where no credential is given: how one is found, when the registry asks for it."""

    @property
    def login_words(self) -> str:
        """Whose login was looked up, and where it was found: `ci, from the keyring`. Empty where none was wanted, or
        none found."""
        found = self.lookup.found if self.lookup else None
        return found.words if found else ""

    runs_at: "HostSettings | None" = None
    """Where the registry runs, for its garbage collection; None where nobody said."""
    make_collector: "MakeCollector | None" = None
    """Makes the collector of a registry that runs on no host: the demo's."""


class Connection:
    """Everything raises RegistryError. Made by `open_connection`; `close` it."""

    def __init__(
        self, target: Target, client: RegistryClient, pong: Pong, crossing: Crossing, ssh: Ssh | None = None
    ) -> None:
        self.target = target
        self.pong = pong
        self._ssh = ssh
        self._client = client
        keeps = target.cache and not target.ephemeral
        self._content = ContentStore(client, SharedDisk(content_file(), self._origin) if keeps else None)
        self._blobs = BlobCheck(client)
        self._crossing = crossing
        self._hosts: list[Host] = []
        self.journal = Journal(None if target.ephemeral else journal_dir())

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
    def username(self) -> str:
        """Who is logged in; empty where nobody is."""
        return self._client.username

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

    def _origin(self) -> str:
        """Whose names of tags these are: another user of the registry may not be shown them."""
        way = f" via {self.target.via}" if self.target.via else ""
        return f"{self.username}@{self.host}{way}"

    async def close(self) -> None:
        async def there() -> None:
            await self._client.close()
            await self._content.close()

        try:
            for host in self._hosts:
                await self._crossing.run(host.close)
            await self._crossing.finish(there)
        finally:
            if self._ssh is not None:
                self._ssh.close()

    def pull_reference(self, repository: str, tag: str = "", digest: Digest | None = None) -> str:
        """What `docker pull` takes: by digest where one is given, else by tag."""
        return f"{self.host}/{repository}" + (f"@{digest}" if digest else f":{tag}" if tag else "")

    # As it was left

    def left(self) -> Left:
        """How this registry was left the last time."""
        return Left() if self.target.ephemeral else History().of(self.name)

    def keep(self, left: Left) -> None:
        """For the next time."""
        if not self.target.ephemeral:
            History().keep(self.name, left)

    # Browsing

    def repositories(self) -> AsyncIterator[CatalogPage]:
        return self._crossing.stream(self._client.catalog)

    def tags(self, repository: str) -> AsyncIterator[tuple[str, ...]]:
        async def there() -> AsyncIterator[tuple[str, ...]]:
            names: set[str] = set()
            async for page in self._client.tags(repository):
                names.update(page)
                yield page
            await self._content.listed(repository, names)

        return self._crossing.stream(there)

    def remembered(self, repository: str) -> AsyncIterator[Batch]:
        """Tags as they were when last seen, in an earlier run: at once, and to be checked by `fill`."""

        async def there() -> AsyncIterator[Batch]:
            tags = await self._content.recall(repository)
            async for batch in recalled(self._content.kept, repository, tags):
                yield batch

        return self._crossing.stream(there)

    def fill(self, repository: str, names: Sequence[str], remembered: Mapping[str, Summary] | None = None) -> "Filling":
        """Completes tags: what is visible first (`Filling.prioritise`), all of them in the end. Of those that are
        `remembered` it is only asked whether they moved."""
        filler = Filler(self._content, repository, names, remembered=remembered, in_flight=self._at_once)
        return Filling(filler, self._crossing, self._content)

    def _at_once(self) -> int:
        """How many tags are worked on: some more than requests, so that one always waits while another is parsed."""
        return self._client.in_flight + 2

    async def summary(self, repository: str, reference: str) -> Summary:
        return await self._crossing.run(lambda: summarize(self._content, repository, reference))

    async def details(self, repository: str, reference: str) -> Details:
        return await self._crossing.run(lambda: load_details(self._content, repository, reference))

    async def checked(self, details: Details) -> Details:
        """The same details, and which blobs of the image are gone: a request for each, once."""
        return await self._crossing.run(lambda: self._blobs.checked(details))

    async def manifest(self, repository: str, reference: str) -> FetchedManifest:
        return await self._crossing.run(lambda: self._content.manifest(repository, reference))

    async def resolve(self, repository: str, reference: str) -> Resolved:
        return await self._crossing.run(lambda: self._client.resolve(repository, reference))

    async def forget(self, repository: str) -> None:
        """What was read of a repository is asked for again: after a reload."""

        async def there() -> None:
            self._content.forget(repository)
            self._blobs.forget(repository)

        await self._crossing.run(there)

    # Changing

    async def tagged(self, repository: str, tag: str) -> Digest | None:
        """What `tag` is now; None where there is no such tag, or nothing behind it."""
        return await self._crossing.run(lambda: tagged(self._client, repository, tag))

    async def add_tag(self, repository: str, digest: Digest, tag: str, *, instead_of: Digest | None) -> None:
        """Makes `tag` a tag of the manifest `digest` too. `instead_of`: what it is now, as was confirmed; that is
        in the journal before it is moved, and can be undone.

        Raises TagMoved where it is something else by now, UsageError where the user wants no change, JournalFailed.
        """
        if self.read_only:
            raise UsageError(f"{self.name} was opened read-only: no tag is added.")
        adding = Tagging(self._client, self._content, self.journal, self.username)
        await self._crossing.run(lambda: adding.add(repository, digest, tag, instead_of=instead_of))

    async def deletion(self, repository: str) -> Deletion:
        """What may be deleted, found out without deleting anything. Asks nothing where the user wants no change."""
        if self.read_only:
            return Deletion.READ_ONLY
        return await self._crossing.run(lambda: self._client.deletion(repository))

    async def plan_deletion(
        self,
        repository: str,
        tags: Sequence[str],
        *,
        digests: Sequence[Digest] = (),
        whole_manifests: bool = False,
        with_attached: bool = False,
        untagged: Manifests = Manifests.IN_TIME,
        patience: float = PATIENCE,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Plan:
        """What deleting `tags`, and the manifests `digests`, would mean. Changes nothing.

        `whole_manifests`: by digest, with all tags. `with_attached`: signatures, attestations and SBOMs go along.
        `untagged`: what becomes of manifests that lose their last tag; in doubt they are left where deleting them takes
        longer than `patience` seconds.
        `on_progress` hears (tags read, tags in all), on the client's thread.
        """

        async def plan() -> Plan:
            contents = await read_contents(
                self._client, self._content, repository, digests=digests, on_progress=on_progress
            )
            support = Deletion.READ_ONLY if self.read_only else await self._client.deletion(repository)
            method = Method.BY_TAG if support is Deletion.BY_TAG else Method.PLACEHOLDER

            def planned(contents: Contents) -> Plan:
                return make_plan(
                    contents,
                    tags,
                    method=method,
                    digests=digests,
                    whole_manifests=whole_manifests,
                    with_attached=with_attached,
                    protect=self.target.protect,
                    untagged=untagged,
                    patience=patience,
                    obstacle=self.deletion_obstacle(support),
                )

            plan = planned(contents)
            going = [manifest.digest for manifest in (*plan.manifests, *plan.left)]
            referred = await with_referrers(self._client, self._content, contents, going)
            if referred.manifests.keys() != contents.manifests.keys():
                plan = planned(referred)
            # Asked only where a tag can't go without it.
            needs_push = plan.method is Method.PLACEHOLDER and needs_untagging(plan) and not plan.obstacle
            return plan if not needs_push or await self._may_push(repository) else without_push(plan)

        return await self._crossing.run(plan)

    async def _may_push(self, repository: str) -> bool:
        try:
            await self._client.check_push(repository)
        except RegistryError:
            return False
        return True

    def deletion_obstacle(self, support: Deletion) -> str:
        """Why nothing can be deleted here, with the remedy; empty where it can."""
        return deletion_obstacle(self.host, support, by_choice=self.read_only)

    def deleting(self, plan: Plan) -> Running:
        """Carries out a plan that was confirmed."""
        execution = Execution(self._client, plan, self.journal, self.username)
        return Running(execution, plan.repository, self._content, self._crossing)

    @property
    def changes(self) -> Changes:
        """What was changed here before, and taking it back."""
        return Changes(
            self._client,
            self._content,
            self._crossing,
            self.journal,
            self.username,
            self.deletion_obstacle,
            read_only=self.read_only,
        )

    def collector(self, interactive: "Interactive | None" = None) -> "Collecting":
        """Garbage collection where this registry runs. `interactive`: for what ssh has to ask; called on the caller's
        event loop. Raises HostUnknown where nobody said where the registry runs, UsageError for no SSH destination.
        """
        from regtui.collecting import Collecting, host_of
        from regtui.garbage.procedure import HostCollector

        if (made := self.target.make_collector) is not None:
            return Collecting(made, self._crossing, interactive)

        def make(asked: "Interactive | None") -> "Collector":
            host, settings = host_of(self.target.runs_at, self.address, self.name, asked)
            self._hosts.append(host)
            return HostCollector(
                host, settings, self._client, self.journal, username=self.username, read_only=self.read_only
            )

        return Collecting(make, self._crossing, interactive)


class Filling:
    """Tags being completed, seen from the caller's side."""

    def __init__(self, filler: Filler, crossing: Crossing, content: ContentStore) -> None:
        self._filler = filler
        self._crossing = crossing
        self._content = content

    def prioritise(self, names: Sequence[str]) -> None:
        """These come next. Cheap: called at every scroll."""
        self._filler.prioritise(names)

    def batches(self) -> AsyncIterator[list[tuple[str, Summary]]]:
        return self._crossing.stream(self._run)

    async def _run(self) -> AsyncIterator[list[tuple[str, Summary]]]:
        await self._content.prepare(self._filler.repository)
        async for batch in self._filler.run():
            yield batch


async def open_connection(
    target: Target, crossing: Crossing | None = None, ssh: Ssh | None = None, *, unanswered: bool = False
) -> Connection:
    """Opens and pings: an answer means that address, TLS and credential are right. Raises RegistryError, and SshError
    where the target is reached via a host. `ssh`: logged in there already; the connection closes it. `unanswered`: one
    that doesn't answer is opened, too: its host may be asked why."""
    crossing = crossing or SameLoop()
    try:
        if target.via is not None and ssh is None:
            ssh = await log_in(target.via)
        settings = replace(target.http, tunnel=ssh) if ssh is not None else target.http

        async def opened() -> tuple[RegistryClient, Pong]:
            client = RegistryClient(target.address, target.credential, settings, target.lookup)
            try:
                return client, await client.ping()
            except Unreachable:
                if not unanswered:
                    await client.close()
                    raise
                return client, Pong("", "")
            except NotAuthenticated as error:
                await client.close()
                raise _explained(error, target) from None
            except BaseException:
                await client.close()
                raise

        client, pong = await crossing.run(opened)
    except BaseException:
        crossing.close()
        if ssh is not None:
            ssh.close()
        raise
    return Connection(target, client, pong, crossing, ssh)


async def log_in(via: Destination, *, on_terminal: bool = False) -> Ssh:
    """A login by ssh, which may ask on the terminal, or else asks nothing. Raises SshError."""
    ssh = Ssh(via)
    try:
        await aside(lambda: ssh.open(on_terminal=on_terminal))
    except BaseException:
        ssh.close()
        raise
    return ssh


def _explained(error: NotAuthenticated, target: Target) -> NotAuthenticated:
    """With which login was tried, or what kept one from being found."""
    found = target.lookup.found if target.lookup else None
    if found is None:
        return error
    # What was given with the command needs no telling.
    tried = f"Tried: {found.words}." if found.words and found.source is not Source.GIVEN else ""
    troubles = [trouble.message for trouble in found.troubles]
    # Its address is that of many hosts' own registries, as seen from there.
    how = f"Run: regtui login {target.name}" if target.via else error.remedy
    remedy = " ".join(filter(None, [tried, *troubles, how]))
    return NotAuthenticated(error.where, error.message, remedy, status=error.status, codes=error.codes)


def demo_target(version: "Version" = "2.8.2") -> Target:
    """The demo registry: in memory, behind the same client. `version` of distribution whose behaviour it has."""
    from datetime import UTC, datetime

    from regtui.demo import DemoTransport, sample_storage

    transport = DemoTransport(sample_storage(datetime.now(UTC)), version)

    def make_collector(interactive: object) -> "Collector":
        from regtui.demo.collector import DemoCollector

        return DemoCollector(transport.storage, version)

    return Target(
        Address.parse("http://demo.localhost"),
        http=HttpSettings(transport=transport),
        name="demo",
        ephemeral=True,
        make_collector=make_collector,
    )


async def nearest_tags(connection: Connection, repository: str, tag: str, count: int = 3) -> list[str]:
    """Tags whose names are like `tag`, for "has no tag X. Nearest: …". Empty where the repository is missing."""
    from difflib import get_close_matches

    names: list[str] = []
    try:
        async for page in connection.tags(repository):
            names += page
    except NotFound:
        return []
    return get_close_matches(tag, names, count, 0.4)

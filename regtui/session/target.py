"""A registry to open, and how: what is known of it before anything is sent."""

from dataclasses import dataclass, field
from functools import cache
from shlex import join
from typing import TYPE_CHECKING

from regtui.registry.address import Address
from regtui.registry.identity import RegistryId
from regtui.registry.settings import HttpSettings
from regtui.registry.values import Credential
from regtui.retention.settings import InUseSettings
from regtui.settings.credentials import Lookup
from regtui.ssh.destination import Destination

if TYPE_CHECKING:
    from regtui.garbage.collector import Collector, MakeCollector
    from regtui.host.profile import HostSettings
    from regtui.local.dialect import Version
    from regtui.local.memory import MemoryStorage
    from regtui.local.transport import LocalTransport
    from regtui.retention.policy import RetentionEntry


@dataclass(frozen=True, slots=True)
class Target:
    """`name`: how the user calls it, a profile's name or the address."""

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
    repeat: tuple[str, ...] = field(default=(), compare=False)
    """The options with which `regtui undo RUN` opens this registry in the same way; none where RUN alone does."""
    opens_at: tuple[str, str] = field(default=("", ""), compare=False)
    """Repository, and tag or digest, at which the app opens it; empty for where it was left."""
    prefix_hint: str = field(default="", compare=False)
    """What to try where no registry answers, and what was written may have a path of its own. Empty for nothing."""
    given_user: str = field(default="", compare=False)
    """Whom the command line names as the one to log in."""
    lookup: Lookup | None = field(default=None, compare=False)
    """Where no credential is given: how one is found, when the registry asks for it."""

    @property
    def identity(self) -> RegistryId:
        return RegistryId.of(self.address, self.via)

    def command(self, verb: str) -> str:
        """What a user types to have `verb` about this registry, whatever the default is."""
        return join(("regtui", verb, self.name or self.address.url))

    def undo_command(self, run: str, *options: str) -> str:
        """What a user types to take a run of this registry back: it works as it stands, whatever the default is."""
        return join(("regtui", "undo", run, *self.repeat, *options))

    @property
    def login_words(self) -> str:
        """Whose login was looked up, and where it was found: `ci, from the keyring`. Empty where none was wanted, or
        none found."""
        found = self.lookup.found if self.lookup else None
        return found.words if found else ""

    in_use: InUseSettings = field(default_factory=InUseSettings)
    """What says which of its images are in use."""
    retention: "tuple[RetentionEntry, ...]" = ()
    """What its config says of what goes."""
    also_known_as: tuple[str, ...] = ()
    """Other names that references to it carry."""
    gc_when: int | None = None
    """Bytes that a prune has to free for its garbage collection."""
    notify: tuple[str, ...] = ()
    """A program and its arguments, told what a prune did."""
    runs_at: "HostSettings | None" = None
    """Where the registry runs, for its garbage collection; None where nobody said."""
    make_collector: "MakeCollector | None" = None
    """Makes the collector of a registry that runs on no host: the demo's."""


def demo_target(version: "Version" = "2.8.2") -> Target:
    """The demo registry: in memory, behind the same client. `version` of distribution whose behaviour it has. It is
    made when it is opened: the app is to be seen before."""

    @cache
    def transport() -> "LocalTransport[MemoryStorage]":
        from datetime import UTC, datetime

        from regtui.demo.sample import sample_storage
        from regtui.local.transport import LocalTransport

        return LocalTransport(sample_storage(datetime.now(UTC)), version)

    def make_collector(interactive: object) -> "Collector":
        from regtui.demo.collector import DemoCollector

        return DemoCollector(transport().storage, version)

    return Target(
        Address.parse("http://demo.localhost"),
        http=HttpSettings(make_transport=transport),
        name="demo",
        ephemeral=True,
        make_collector=make_collector,
    )

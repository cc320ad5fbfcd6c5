"""The host that a registry runs on, as its profile and its address say it."""

from regtui.host.errors import HostUnknown
from regtui.host.hosts import Host, Interactive, LocalHost, SshHost
from regtui.host.profile import HostSettings
from regtui.registry.address import Address
from regtui.ssh.destination import Destination
from regtui.text import config_table


def host_of(
    settings: HostSettings | None, address: Address, name: str, interactive: Interactive | None
) -> tuple[Host, HostSettings]:
    """The host that a registry runs on. One at a loopback address runs on this machine, unless it is said otherwise.

    Raises HostUnknown where nobody said it, UsageError where it is no SSH destination.
    """
    if settings is None and not address.is_loopback:
        table = config_table(name, "host")
        raise HostUnknown(
            f"Garbage collection runs on the registry's host, and nobody said which that is for {address.name}.",
            f'Add it to the config file: {table} with ssh = "USER@HOST".',
        )
    settings = settings or HostSettings()
    if not settings.ssh:
        return LocalHost(), settings
    return SshHost(Destination.parse(settings.ssh), interactive), settings

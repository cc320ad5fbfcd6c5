"""`[registries.NAME.in_use]`: what says which images are in use."""

from dataclasses import fields

from regtui.errors import UsageError
from regtui.retention.settings import LOCAL, InUseSettings
from regtui.settings.table_reader import TableReader
from regtui.ssh.destination import Destination


def read_in_use(entry: TableReader, key: str = "in_use") -> InUseSettings:
    """Raises SettingsError, also for keys that there aren't: what a misspelt one names would count as unused."""
    reader = entry.table(key)
    if reader is None:
        return InUseSettings()
    reader.check_keys([field.name for field in fields(InUseSettings)])
    hosts = reader.strings("docker")
    for host in hosts:
        if host == LOCAL:
            continue
        try:
            Destination.parse(host)
        except UsageError as error:
            reader.refused(UsageError(f"docker: {error.message}", f'Or "{LOCAL}", for this machine.'))
    for name in ("kubectl", "files"):
        if not all(text.strip() for text in reader.strings(name)):
            reader.wrong(name, "a list of texts, none of them empty")
    return InUseSettings(hosts, reader.strings("kubectl"), reader.strings("files"), reader.string("command"))

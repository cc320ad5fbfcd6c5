"""The containers that regtui makes beside a registry's own, told by name and label together.

An image can have any label, and people give any name: what has only one of the two is somebody else's, and stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import join, quote
from typing import Any, Final

from regtui import bounds
from regtui.host.plain import text_at


def prints(command: str, value: str) -> str:
    """A command line that succeeds where this one prints `value` and nothing else. What goes on and on is ended."""
    return f'test "$({command} | head -c {bounds.HOST_VERSION})" = {quote(value)}'


@dataclass(frozen=True, slots=True)
class Beside:
    """One kind of them: `prefix` of the name, then the registry's; `label` says which registry's it is."""

    prefix: str
    label: str
    is_numbered: bool = False
    """There may be several at once: names end with a number each, of hexadecimal digits."""

    def name(self, registry: str) -> str:
        return self.prefix + registry

    def options(self, registry: str) -> list[str]:
        """Of `run` and `create`."""
        return ["--name", self.name(registry), "--label", f"{self.label}={registry}"]

    def is_one(self, entry: Mapping[str, Any]) -> bool:
        """Whether `inspect` tells of one."""
        of = text_at(entry, "Config", "Labels", self.label)
        name = text_at(entry, "Name").removeprefix("/")
        ours = self.name(of)
        return bool(of) and (name.startswith(f"{ours}-") if self.is_numbered else name == ours)

    def removal(self, runtime: Sequence[str], registry: str) -> str:
        """A command line that removes it where it is there."""
        name = self.name(registry)
        label = f'{{{{index .Config.Labels "{self.label}"}}}}'
        asked = join([*runtime, "inspect", "--type", "container", "--format", label, "--", name])
        return f"{{ ! {prints(f'{asked} 2>/dev/null', registry)} || {join([*runtime, 'rm', '-f', '--', name])}; }}"

    def removal_of_all(self, runtime: Sequence[str], registry: str) -> str:
        """A command line that removes those that are numbered."""
        named = quote(self.name(registry).replace(".", "\\.") + "-[0-9a-f]*")
        return (
            f"{self.listing(runtime, registry)} | grep -x -e {named} | "
            f'while read -r name; do {join([*runtime, "rm", "-f", "--"])} "$name" </dev/null; done'
        )

    def listing(self, runtime: Sequence[str], registry: str) -> str:
        """A command line that prints the names of those with its label, and fails where nobody knows."""
        labelled = f"label={self.label}={registry}"
        return join([*runtime, "ps", "-a", "--filter", labelled, "--format", "{{.Names}}"])


COLLECTOR: Final = Beside("regtui-gc-", "regtui.collects")
"""What collects."""
ASKER: Final = Beside("regtui-asks-", "regtui.asks", is_numbered=True)
"""What asks beside a registry: its storage, or redis as the registry gets there."""
STAND_IN: Final = Beside("regtui-pulls-", "regtui.stands-in-for")
"""What answers pulls while the registry is stopped."""

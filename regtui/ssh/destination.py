"""Where ssh goes."""

import re
from dataclasses import dataclass
from typing import Final

from regtui.errors import UsageError

# What a name may hold: never anything that a shell, or ssh's own %-expansion, reads as more than a name.
_USER: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+\\-]*")
_HOST: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?")
_DESTINATION: Final = re.compile(
    r"(?:(?P<user>.+)@)?(?:\[(?P<v6>[^\[\]]*:[^\[\]]*)\]|(?P<host>[^@:\[\]]+))(?::(?P<port>\d+))?"
)


@dataclass(frozen=True, slots=True)
class Destination:
    """`[user@]host[:port]`, as ssh takes it; `host` may be an alias of the user's ssh configuration."""

    host: str
    user: str = ""
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Destination":
        """Raises UsageError for what is no destination, and for what ssh would read as an option."""
        match = _DESTINATION.fullmatch(text.strip().removeprefix("ssh://").removesuffix("/"))
        if match is not None:
            host, user = match["v6"] or match["host"], match["user"] or ""
            port = int(match["port"]) if match["port"] else None
            names_fit = _HOST.fullmatch(host) and (not user or _USER.fullmatch(user))
            if names_fit and (port is None or 0 < port < 65536):
                return cls(host, user, port)
        raise UsageError(f"{text!r} is no SSH destination.", "Expected [USER@]HOST[:PORT].")

    @property
    def argument(self) -> str:
        """For ssh's command line, without the port."""
        return f"{self.user}@{self.host}" if self.user else self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return f"{f'{self.user}@' if self.user else ''}{host}{f':{self.port}' if self.port else ''}"

    @property
    def typed(self) -> str:
        """What a person types after `ssh`."""
        return f"-p {self.port} {self.argument}" if self.port else self.argument

    @property
    def known_as(self) -> str:
        """As known_hosts has it, quoted for a shell."""
        return f"'[{self.host}]:{self.port}'" if self.port and self.port != 22 else self.host

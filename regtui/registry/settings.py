"""How to talk to a registry. Known before anything is sent, so nothing here needs httpx."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from regtui import bounds
from regtui.registry.retry import RetryPolicy, Waiting
from regtui.registry.tls import TlsSettings

if TYPE_CHECKING:
    import httpx

    from regtui.registry.network import Tunnel

# Nobody is helped by more; how many it really is, the pace finds out.
_IN_FLIGHT: Final = 32


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """`timeout` in seconds: for connecting, for each pause within an answer, and for the whole of it with a second for
    each KiB that came (bounds.SLOWEST). `in_flight`: the most requests at once."""

    tls: TlsSettings = field(default_factory=TlsSettings)
    timeout: float = bounds.TIMEOUT
    in_flight: int = _IN_FLIGHT
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    transport: "httpx.AsyncBaseTransport | None" = field(default=None, compare=False)
    """Instead of the network: tests."""
    make_transport: "Callable[[], httpx.AsyncBaseTransport] | None" = field(default=None, compare=False)
    """The same, made when the registry is opened: the demo registry."""
    tunnel: "Tunnel | None" = field(default=None, compare=False)
    """The way to a registry that only another host reaches."""
    waiting: Waiting = field(default_factory=Waiting, compare=False)
    """Tells how long the registry asked to be left alone."""

    @property
    def is_in_memory(self) -> bool:
        """Whether there is no network between us and the registry."""
        return self.transport is not None or self.make_transport is not None

    def in_memory(self) -> "httpx.AsyncBaseTransport | None":
        """What stands for the network; None for the network itself."""
        return self.transport or (self.make_transport() if self.make_transport else None)

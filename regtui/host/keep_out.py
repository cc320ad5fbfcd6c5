"""How pushes are kept out while a registry is collected."""

from enum import Enum


class KeepOut(Enum):
    """How pushes are kept out while blobs are swept: an image pushed meanwhile would be broken."""

    STOP = "stop"
    """The registry is stopped, and the collector runs beside it with the same volumes and environment."""
    STAND_IN = "stand-in"
    """Likewise, and a stand-in of the same image that can't write answers pulls on its port."""
    READ_ONLY = "read-only"
    """The registry goes on answering pulls, read-only: where that is how the user has set it up."""
    ONLINE = "online"
    """Nothing keeps pushes out. Needs a second confirmation."""

    @property
    def stops(self) -> bool:
        """Whether the registry is stopped for it."""
        return self in (KeepOut.STOP, KeepOut.STAND_IN)

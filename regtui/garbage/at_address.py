"""What answers at a registry's address while the registry itself is stopped: another one, that takes pushes into the
sweep. Only those see it who reach the address as clients do."""

import asyncio
from enum import Enum
from typing import Final

from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotARegistry, RegistryError, ServerFailed, Unreachable

# All tries of one request; of what a balancer leads to, each comes to another one. Tries to connect all end before.
_SECONDS: Final = 45.0
# By a proxy: what is behind it took a connection, and didn't answer in time.
_TOO_LATE: Final = (504, 524)


class AtAddress(Enum):
    """As the script on the host is told it."""

    ANSWERS = "still-answers"
    """A registry does, however it answers."""
    SILENT = "is-silent"
    """What a stopped one leaves: nothing that can be connected to, connections that break off, or a proxy in front
    that says by itself that nothing is behind it."""
    UNKNOWN = "is-unknown"
    """A connection was taken, and no answer came in time: it may come later, as a push may be taken then."""


async def look_at_address(client: RegistryClient) -> AtAddress:
    try:
        async with asyncio.timeout(_SECONDS):
            await client.ping()
    except TimeoutError:
        return AtAddress.UNKNOWN
    except NotARegistry:
        return AtAddress.SILENT
    except Unreachable as error:
        if error.silent:
            return AtAddress.UNKNOWN
        # What shows a certificate is there.
        return AtAddress.SILENT if type(error) is Unreachable else AtAddress.ANSWERS
    except ServerFailed as error:
        if error.codes:
            # A registry's own errors have them.
            return AtAddress.ANSWERS
        return AtAddress.UNKNOWN if error.status in _TOO_LATE else AtAddress.SILENT
    except RegistryError:
        pass
    return AtAddress.ANSWERS

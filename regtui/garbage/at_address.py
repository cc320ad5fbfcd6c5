"""What answers at a registry's address while the registry itself is stopped: another one, that takes pushes into the
sweep. Only those see it who reach the address as clients do."""

import asyncio
from typing import Final

from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotARegistry, RegistryError, ServerFailed, Unreachable

# All tries of one request; of what a balancer leads to, each comes to another one.
_SECONDS: Final = 30.0


async def answers_still(client: RegistryClient) -> bool:
    """Whether a registry answers there, however it does. Silence is what a stopped one leaves: nothing that can be
    connected to, no answer within `_SECONDS`, or a proxy in front that says by itself that nothing is behind it."""
    try:
        async with asyncio.timeout(_SECONDS):
            await client.ping()
    except (TimeoutError, NotARegistry):
        return False
    except Unreachable as error:
        # A refused connection, and one that breaks off, are silence; what shows a certificate is there.
        return type(error) is not Unreachable
    except ServerFailed as error:
        # A registry's own errors have codes.
        return bool(error.codes)
    except RegistryError:
        return True
    return True

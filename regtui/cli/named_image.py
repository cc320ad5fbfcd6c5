"""The one image that a command names: how it is asked for, what it is called, and what is said where it isn't there."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from regtui.cli.counting import counting
from regtui.cli.missing import tag_missing
from regtui.oci.reference import Reference
from regtui.registry.errors import ManifestNotFound

if TYPE_CHECKING:
    from regtui.session.session import Session

T = TypeVar("T")


def asked(reference: Reference) -> tuple[str, str]:
    """Repository, and tag or digest; `latest` without either, as Docker has it: for what changes nothing."""
    return reference.repository, reference.identifier or "latest"


def name_of(reference: Reference) -> str:
    """Repository, and tag or digest, without the registry."""
    if reference.digest:
        return f"{reference.repository}@{reference.digest}"
    return f"{reference.repository}:{reference.tag or 'latest'}"


async def looked_up(session: "Session", reference: Reference, ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` finds at `reference`. Raises RegistryError; of a tag that isn't there with those that are like it."""
    try:
        async with counting(f"Reading {name_of(reference)}:", lambda: session.requests.total):
            return await ask()
    except ManifestNotFound as error:
        if reference.digest:
            raise
        raise await tag_missing(session, *asked(reference), error.missing_digest) from None

"""What every handler needs: the storage, and how this server was set up."""

from dataclasses import dataclass

import httpx

from regtui.local.dialect import Dialect
from regtui.local.storage import LocalStorage


@dataclass(frozen=True, slots=True)
class Service:
    storage: LocalStorage
    dialect: Dialect
    delete_enabled: bool
    read_only: bool


def absolute(request: httpx.Request, path: str) -> str:
    """Locations are absolute, built from the Host header; Links are paths only."""
    return f"{request.url.scheme}://{request.headers['Host']}{path}"

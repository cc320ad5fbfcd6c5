"""What every handler needs: the storage, and how this server was set up."""

from dataclasses import dataclass

import httpx

from regtui.demo.dialect import Dialect
from regtui.demo.storage import DemoStorage


@dataclass(frozen=True, slots=True)
class Service:
    storage: DemoStorage
    dialect: Dialect
    delete_enabled: bool
    read_only: bool


def absolute(request: httpx.Request, path: str) -> str:
    """Locations are absolute, built from the Host header; Links are paths only."""
    return f"{request.url.scheme}://{request.headers['Host']}{path}"

"""One open registry. Both faces hold this, and only this.

connection = await open_connection(Target(Address.parse("registry.example.com"), credential))
async for page in connection.repositories(): ...
"""

from typing import TYPE_CHECKING

from regtui.lazily import lazily

if TYPE_CHECKING:
    from regtui.connection.connection import Connection
    from regtui.connection.filling import Filling
    from regtui.connection.opening import log_in, open_connection
    from regtui.connection.target import Target, demo_target

__all__ = ["Connection", "Filling", "Target", "demo_target", "log_in", "open_connection"]

__getattr__ = lazily(
    __name__,
    connection="Connection",
    filling="Filling",
    opening="log_in open_connection",
    target="Target demo_target",
)

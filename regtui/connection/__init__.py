"""One open registry. Both faces hold this, and only this.

connection = await open_connection(Target(Address.parse("registry.example.com"), credential))
async for page in connection.repositories(): ...
"""

from regtui.connection.connection import Connection
from regtui.connection.filling import Filling
from regtui.connection.opening import log_in, open_connection
from regtui.target import Target, demo_target

__all__ = ["Connection", "Filling", "Target", "demo_target", "log_in", "open_connection"]

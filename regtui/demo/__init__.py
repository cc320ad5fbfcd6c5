"""A registry in memory behind an httpx transport, and the sample content that `regtui demo` shows."""

from regtui.demo.collection import Collected, CollectionFailed
from regtui.demo.dialect import Version
from regtui.demo.sample import sample_storage
from regtui.demo.storage import DemoStorage
from regtui.demo.transport import DemoTransport

__all__ = ["Collected", "CollectionFailed", "DemoStorage", "DemoTransport", "Version", "sample_storage"]

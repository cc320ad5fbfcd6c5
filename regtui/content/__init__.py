"""What was read once isn't read again: manifests and configs by digest, in memory and on disk."""

from regtui.content.shared_disk import SharedDisk
from regtui.content.store import ContentStore, Kept, NotKept

__all__ = ["ContentStore", "Kept", "NotKept", "SharedDisk"]

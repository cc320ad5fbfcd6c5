"""What was read once isn't read again: manifests and configs by digest."""

from regtui.content.store import ContentStore

__all__ = ["ContentStore"]

"""The tags of a repository."""

from regtui.ui.widgets.tags.table import TagTable

__all__ = ["TagTable"]

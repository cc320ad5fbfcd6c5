"""The repositories of the registry."""

from regtui.ui.widgets.repositories.tree import RepositoryLines

__all__ = ["RepositoryLines"]

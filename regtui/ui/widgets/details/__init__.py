"""The details of an image, in tabs."""

from regtui.ui.widgets.details.view import DetailsView

__all__ = ["DetailsView"]

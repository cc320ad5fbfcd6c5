"""Why something that says what is in use, or what was pulled, could not be read."""

from typing import Final

from regtui.errors import RegtuiError

NO_RULE: Final = "Nothing counts as unused before it can be read: no rule deletes anything."
"""What follows from a source that couldn't be read."""


class SourceFailed(RegtuiError):
    """It could not be read, or not as a whole."""

"""What is said of a tag that isn't there, with those whose names are like it."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

_NEAREST: Final = 3
# Names that are looked through: each is compared letter by letter.
_MOST: Final = 20_000


def no_tag_words(repository: str, tag: str, names: Collection[str]) -> tuple[str, str]:
    """The sentence, and what is near among the repository's tags, `names`; that is empty where nothing is."""
    near = get_close_matches(tag, names, _NEAREST, 0.4) if len(names) <= _MOST else []
    return f"{repository} has no tag {tag}.", f"Nearest: {', '.join(near)}." if near else ""

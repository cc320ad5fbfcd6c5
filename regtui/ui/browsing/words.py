"""What the browser says in its titles, its hints, and in panes that have nothing to show."""

from collections.abc import Mapping
from math import ceil
from typing import Final

from regtui.errors import RegtuiError
from regtui.listing.tags import TagList
from regtui.oci.reference import is_repository
from regtui.registry.errors import NotAllowed, NotAuthenticated, NotFound, Refused
from regtui.text import plural, size

Hint = tuple[str, str]

HINTS: Final[Mapping[str, tuple[Hint, ...]]] = {
    "repositories": (("enter", "open"), ("/", "filter"), ("tab", "next pane"), ("c", "registry")),
    "tags": (("enter", "details"), ("space", "mark"), ("d", "delete"), ("/", "filter"), ("s", "sort"), ("y", "copy")),
    "details": (("esc", "back"), ("[ ]", "tabs"), ("p", "platform"), ("/", "search"), ("y", "copy"), ("d", "delete")),
}
FILTERING: Final[tuple[Hint, ...]] = (("enter", "keep"), ("esc", "clear"))
"""While a filter or a search is typed: the other keys are letters of it."""
ALWAYS: Final[tuple[Hint, ...]] = (("^g", "collect"), ("?", "help"), ("q", "quit"))

# Keys of the tags by panes where they do nothing, and how to get from there to where they do.
_NOT_IN: Final = {"repositories": ("vaisSdyYt=*P", "tab"), "details": ("vaisS", "shift+tab")}

READING: Final = "reading …"
PASSING: Final = "names only · enter reads more"
"""Of a repository that the cursor rests on."""


def waiting_word(seconds: float) -> str:
    """While a registry asked to be left alone; empty where it didn't."""
    return f"waits {ceil(seconds)} s, as the registry asks" if seconds else ""


def elsewhere_words(key: str, pane: str) -> str:
    """Why a key of the tags does nothing in this pane; empty for all others."""
    keys, way = _NOT_IN.get(pane, ("", ""))
    return f"{key} is for tags: {way} goes to them." if key and key in keys else ""


def dropped_words(repository: str, marks: int) -> str:
    """Another repository was opened: marks are of one."""
    return f"{plural(marks, 'mark')} in {repository} {'was' if marks == 1 else 'were'} dropped."


def hidden_words(shown: bool) -> str:
    """What `.` did: mostly it isn't in sight."""
    return f"Signatures and empty repositories are {'shown' if shown else 'hidden'}."


def is_unlisted(error: RegtuiError) -> bool:
    """Whether it isn't reading that failed: this registry, or this login, has no list to read."""
    return isinstance(error, NotFound | NotAllowed | NotAuthenticated | Refused)


def catalog_words(error: RegtuiError) -> str:
    """Why there is no list; where a list isn't to be had, that a name can be typed."""
    if is_unlisted(error):
        told = str(error) if isinstance(error, NotAllowed | NotAuthenticated) else UNLISTED
        return f"{told.rstrip('.')}.\nA repository's name can be typed: / and enter, or ctrl+p."
    return str(error)


UNLISTED: Final = "This registry doesn't list its repositories."


def no_repository_words(text: str, opens: bool) -> str:
    """Where the filter matches none. `opens`: a name that isn't known can be opened."""
    return f"enter: open {text}" if opens and is_repository(text) else "No repository matches."


def tags_titles(repository: str, model: TagList) -> list[str]:
    """`fullstack/common · 6 tags, by created, newest first`, and what to say of it where that is too long."""
    shown = f"{len(model.shown):,} of " if len(model.shown) != model.total else ""
    count = f"{shown}{plural(model.total, 'tag')}"
    _, slash, last = repository.rpartition("/")
    titles = [f"{repository} · {count}, {model.order_words}", f"{repository} · {count}"]
    return [*titles, f"…/{last} · {count}"] if slash else titles


def tags_standing(model: TagList, range_from: str | None, trouble: str = "") -> str:
    """What is marked and what it frees; how far reading is, or what stopped it."""
    told = []
    if range_from:
        told.append(f"range from {range_from}: v ends it")
    if model.marked_count:
        told.append(f"{model.marked_count:,} marked{_unseen(model)}")
        if frees := model.marked_free_up_to():
            told.append(f"frees up to {size(frees)}")
    if trouble:
        told.append(trouble)
    elif model.filled < model.total:
        how = "checked" if model.remembered_count else "read"
        told.append(f"{model.filled:,}/{model.total:,} {how}")
    return " · ".join(told)


def _unseen(model: TagList) -> str:
    """Marks that the filter hides are still marks."""
    if model.marked_count == model.marked_shown:
        return ""
    return f", {f'only {model.marked_shown:,}' if model.marked_shown else 'none'} of them shown"


def no_tags_words(repository: str, model: TagList) -> str:
    """Why no tag is shown; empty where one is."""
    if model.shown:
        return ""
    if not model.total:
        return f"{repository} has no tags."
    if model.filter_text:
        return "No tag matches. esc clears the filter."
    return f"All tags of {repository} are signatures and the like. . shows them."

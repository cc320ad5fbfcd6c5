"""Why a tag or manifest didn't become what was planned: as a value, and in words."""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class Reason(Enum):
    """The values are in the journal, and stay as they are."""

    # Left alone
    STOPPED = "stopped"
    LEFT = "left"
    """A manifest that loses its last tag, for a collection of untagged images."""
    GONE_BEFORE = "gone before"
    MOVED = "moved"
    """A tag that points at something else than what was shown."""
    PUSHED_ANEW = "pushed anew"
    """A tag that led to something else already when the plan was made than when it was chosen."""
    LAST = "last"
    """A tag of an image that another tag was to keep when it was chosen, and that none did when the plan was made."""
    IN_USE = "in use"
    """A manifest that something reaches which didn't when the plan was made."""
    IMAGE_STAYS = "image stays"
    """A signature or the like, whose image is left alone."""
    NOT_A_MANIFEST = "not a manifest"
    UNCHECKED = "unchecked"
    """It couldn't be looked at right before, so it was left alone."""
    UNRECORDED = "unrecorded"
    """What was to be done can't be written to the journal before."""
    NO_PUSH = "no push"
    """A tag can't be removed alone without the right to push."""

    # Done
    THERE_BEFORE = "there before"
    """A tag that led to what undo was to put back, once it was looked at again."""

    # Tried
    REFUSED = "refused"
    """The registry gave an error, and it is as it was."""
    UNHEARD = "unheard"
    """No answer came in time, and it was as it was then."""
    NOT_DONE = "not done"
    """The registry said that it removed the tag, and it is as it was."""
    STILL_THERE = "still there"
    """A manifest that the registry said to have deleted, or somebody pushed again, by its digest alone."""
    PUSHED_AGAIN = "pushed again"
    """A manifest that was deleted, and that a tag leads to which wasn't there, or led elsewhere."""
    PUT_BACK = "put back"
    """A tag that couldn't be removed, and leads to its manifest again."""
    ON_PLACEHOLDER = "on placeholder"
    DANGLING = "dangling"
    """A tag that is listed, and leads to nothing."""
    UNKNOWN = "unknown"
    """What is there now can't be told."""

    @property
    def has_effect(self) -> bool:
        """Whether something may be otherwise than it was before."""
        return self in (Reason.UNHEARD, Reason.ON_PLACEHOLDER, Reason.DANGLING, Reason.UNKNOWN)


_UNDO: Final = "regtui undo finishes or reverts it"
_WORDS: Final[Mapping[Reason, str]] = {
    Reason.STOPPED: "not done: stopped before it",
    Reason.LEFT: "left without a tag: regtui gc --untagged deletes it",
    Reason.GONE_BEFORE: "it was gone already",
    Reason.MOVED: "not deleted: it points at another manifest since the plan was shown",
    Reason.PUSHED_ANEW: "not deleted: it was pushed anew since it was listed",
    Reason.LAST: "not deleted: it is the last tag of its image, which had more when it was listed",
    Reason.IN_USE: "not deleted: something may use it since the plan was shown",
    Reason.IMAGE_STAYS: "not deleted: its image stays, as something uses that since the plan was shown",
    Reason.NOT_A_MANIFEST: "not deleted: the registry doesn't have it as a manifest",
    Reason.UNCHECKED: "not deleted, as it could not be checked",
    Reason.UNRECORDED: "not done, as it can't be recorded in the journal",
    Reason.NO_PUSH: "this login may delete, but not push, which removing a tag alone needs on this registry. Deleting "
    "its manifest (--manifest) would remove all tags of it",
    Reason.THERE_BEFORE: "it was put back already",
    Reason.REFUSED: "not deleted",
    Reason.UNHEARD: "the registry may do it yet: regtui undo puts back what goes then",
    Reason.NOT_DONE: "the registry still lists it",
    Reason.STILL_THERE: "the registry has it still, or again",
    Reason.PUSHED_AGAIN: "somebody else pushed it again since",
    Reason.PUT_BACK: "the tag was put back as it was",
    Reason.ON_PLACEHOLDER: f"the tag points at an empty index now: {_UNDO}",
    Reason.DANGLING: f"the registry still lists it, and it leads to nothing: {_UNDO}",
    Reason.UNKNOWN: f"whether it is left can't be told: {_UNDO}",
}
# How journals of earlier versions tell, which have the words alone.
_BY_WORDS: Final = {
    _WORDS[reason]: reason for reason in (Reason.STOPPED, Reason.LEFT, Reason.MOVED, Reason.IMAGE_STAYS)
}


def in_words(reason: Reason, detail: str = "") -> str:
    """`detail`: the registry's error, or what else is known."""
    if not detail:
        return _WORDS[reason]
    if reason is Reason.REFUSED:
        return detail
    if reason in (Reason.UNCHECKED, Reason.UNRECORDED, Reason.PUSHED_AGAIN):
        return f"{_WORDS[reason]}: {detail}"
    if reason is Reason.IN_USE:
        return f"not deleted: {detail}"
    words = _WORDS[reason]
    return f"{detail.rstrip('. ')}. {words[0].upper()}{words[1:]}"


def reason_of(value: str, error: str) -> Reason | None:
    """The reason in a journal's record: by its value, in records of earlier versions by their sentence."""
    try:
        return Reason(value) if value else _BY_WORDS.get(error)
    except ValueError:  # of a later version
        return None

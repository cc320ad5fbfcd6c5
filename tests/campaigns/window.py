"""Whether regtui could know of a push before it took away what was pushed: by what a proxy between them saw, on one
clock.

Between the last look at a tag and its change nobody can know. A push is excused only there: the look was sent on before
the push was over and didn't show it, and the change came right after the look.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.support.meddler import Answer, Request

_MOST_BETWEEN: Final = 8
"""Requests. A look and its change are one turn: of the seven others that are in flight at once each may just begin its
next one."""


@dataclass(frozen=True)
class Push:
    """Of `tag`, from the digest `before` (empty for none) to `digest`; `began` and `ended` by `time.monotonic`."""

    tag: str
    before: str
    digest: str
    began: float
    ended: float


def was_unknowable(
    push: Push, seen: Sequence[Request], answers: Mapping[int, Answer], after_it: Container[int] = ()
) -> bool:
    """Whether all changes that could take the tag away after the push were made without a chance to know of it.

    `after_it`: the numbers of those before which the storage itself didn't have the tag any more: they took nothing.
    A DELETE of the tag that is under way together with the push may be carried out after it, which no look shows.
    """
    changes = [
        (request, answers[request.number])
        for request in seen
        if request.number in answers and _can_take_away(push, request) and answers[request.number].answered > push.began
        if request.number not in after_it
    ]
    for change, asked in sorted(changes, key=lambda pair: pair[1].asked):
        if not _is_excused(push, change, asked, seen, answers):
            return False
        if change.path.endswith(f"/manifests/{push.tag}") and asked.asked >= push.ended:
            shown_since = [
                request
                for request in seen
                if _is_look(push, request)
                and (answer := answers.get(request.number))
                and answer.asked >= asked.answered
                and answer.digest == push.digest
            ]
            if not shown_since:
                return True  # It took the tag away: what came after took nothing.
    return bool(changes)


def was_after_the_last_look(push: Push, seen: Sequence[Request], answers: Mapping[int, Answer]) -> bool:
    """Whether nothing was asked about the tag, nor for the tags' list, once it was pushed."""
    return not any(
        answers[request.number].asked >= push.ended
        for request in seen
        if request.number in answers and (_is_look(push, request) or _is_list(request))
    )


def _can_take_away(push: Push, request: Request) -> bool:
    """The tag's own change, or the DELETE of a manifest that it led to, before or after."""
    reference = request.path.rpartition("/manifests/")[2]
    if request.change is None or not reference:
        return False
    return reference == push.tag or (request.method == "DELETE" and reference in (push.before, push.digest))


def _is_look(push: Push, request: Request) -> bool:
    return request.method in ("GET", "HEAD") and request.path.endswith(f"/manifests/{push.tag}")


def _shows_tag(push: Push, request: Request) -> bool:
    """Whether its answer would tell of the push: of a tag that is new, also the list of the tags."""
    return _is_look(push, request) or (not push.before and _is_list(request))


def _is_list(request: Request) -> bool:
    return request.path.split("?")[0].endswith("/tags/list")


def _is_excused(
    push: Push, change: Request, changed: Answer, seen: Sequence[Request], answers: Mapping[int, Answer]
) -> bool:
    is_its_own = bool(push.before) and change.path.endswith(push.before)
    if change.method == "DELETE" and is_its_own and changed.asked >= push.ended:
        return True  # The tag led elsewhere by then: this didn't take it away.
    looks = [
        answers[request.number]
        for request in seen
        if request.number in answers and _shows_tag(push, request) and answers[request.number].answered <= changed.asked
    ]
    if not looks:
        return False
    last = max(looks, key=lambda look: look.answered)
    if push.before and change.path.endswith(push.digest) and last.asked >= push.ended and last.digest != push.digest:
        return True  # The tag was taken away before, by a change that is judged by itself.
    between = sum(1 for answer in answers.values() if last.answered < answer.asked < changed.asked)
    return last.asked < push.ended and last.digest != push.digest and between <= _MOST_BETWEEN

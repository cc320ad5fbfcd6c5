"""What a rule would mark, in words. Pure, and quick enough for a thread beside the screen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from regtui.deletion.judging import Choice, choose
from regtui.deletion.rules import Rule, parse_rule
from regtui.listing.blob_uses import sizes
from regtui.listing.candidates import candidates
from regtui.listing.summary import manifests_freed
from regtui.listing.tag_row import TagRow
from regtui.retention.tags_in_use import UsesHere
from regtui.text import plural, size

LABELS: Final = {
    "match": "Name matches",
    "older_than": "Older than",
    "keep": "All but newest",
    "keep_images": "All but newest",
    "keep_by": "by version",
    "keep_match": "Keep matching",
}
"""What the fields are called, on the screen and in what is said about them."""

_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """A rule as it is typed."""

    match: str = ""
    older_than: str = ""
    keep: str = ""
    by_version: bool = False
    images: bool = False
    keep_match: str = ""
    prereleases: bool = False
    duplicates: bool = False

    def rule(self) -> Rule:
        """Raises UsageError that names the field."""
        keep = self.keep.strip()
        return parse_rule(
            match=self.match,
            older_than=self.older_than.strip(),
            keep="" if self.images else keep,
            keep_images=keep if self.images else "",
            keep_by="version" if self.by_version and keep else "",
            keep_match=self.keep_match,
            prereleases=self.prereleases,
            duplicates=self.duplicates,
            places=LABELS,
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """`rows`: those selected, as listed; `staying`: the others. `total` tags, of which `read` are read. `held`: bytes
    of the blobs that the selected use, each once; `freed`: of those that no other tag uses, exact within the repository
    once all is read, unless there are more blobs than are held: then no fewer."""

    rows: tuple[TagRow, ...]
    staying: tuple[TagRow, ...]
    choice: Choice
    total: int
    read: int
    held: int
    freed: int
    obstacle: str = ""
    """Why no rule marks anything here; empty where rules do."""

    def sentences(self) -> list[str]:
        """How many, and how much: what the number is, and what it isn't."""
        if self.obstacle:
            return [self.obstacle]
        lines = [self._count()]
        if self.choice.unread:
            lines.append(f"{plural(len(self.choice.unread), 'tag')} not read yet: not marked.")
        if self.choice.undated:
            lines.append(f"{_names(self.choice.undated)}: without a date, never old.")
        if self.choice.future:
            lines.append(f"{_names(self.choice.future)}: dated in the future, never old nor counted as new.")
        if self.choice.protected:
            lines.append(f"{_names(self.choice.protected)}: protected, never marked.")
        if self.choice.in_use:
            lines.append(f"{_names(self.choice.in_use)}: in use, never marked.")
        return lines

    def _count(self) -> str:
        if not self.rows:
            return f"None of {plural(self.total, 'tag')} so far." if self.choice.unread else "No tag matches."
        count = f"{len(self.rows):,} of {plural(self.total, 'tag')}"
        if self.read < self.total:
            return f"{count} so far, {size(self.held)}; what of it only they use is known when all are read."
        if not self.freed:
            return f"{count}. Other tags use all of their layers: deleting them frees nothing."
        return f"{count}. Deleting them makes up to {size(self.freed)} collectable."


def preview(
    rule: Rule,
    rows: Sequence[TagRow],
    now: datetime,
    protect: Sequence[str],
    used: UsesHere = UsesHere(),  # noqa: B008
) -> Preview:
    """`rows`: all of the repository's, as listed."""
    if used.obstacle:
        return Preview((), tuple(rows), Choice(()), len(rows), sum(row.is_filled for row in rows), 0, 0, used.obstacle)
    known = [(row.tag, row.summary) for row in rows]
    in_use = used.tags(known)
    # Any of them may be what runs.
    unread = {tag for tag, summary in known if summary is None or summary.is_retryable} if used.by_digest else set()
    choice = choose(rule, candidates(known), now=now, protect=protect, in_use=in_use | unread)
    choice = replace(
        choice,
        in_use=tuple(tag for tag in choice.in_use if tag in in_use),
        unread=tuple(dict.fromkeys((*choice.unread, *(tag for tag in choice.in_use if tag in unread)))),
    )
    chosen = set(choice.selected)
    selected = tuple(row for row in rows if row.tag in chosen)
    held, freed = sizes((row.blobs for row in selected), (row.blobs for row in rows if row.tag not in chosen))
    unlisted = sum(row.unlisted for row in selected)
    held, freed = held + unlisted, freed + unlisted
    users = Counter(row.summary.digest for row in rows if row.summary is not None)
    freed += manifests_freed((row.summary for row in selected if row.summary is not None), lambda digest: users[digest])
    staying = tuple(row for row in rows if row.tag not in chosen)
    return Preview(selected, staying, choice, len(rows), sum(row.is_filled for row in rows), held, freed)


def marked_before(tags: Sequence[str]) -> str:
    """That what was marked already, and the rule doesn't select, stays marked; empty where there is nothing."""
    if not tags:
        return ""
    return f"{_names(tags)}: marked already, and {'stays' if len(tags) == 1 else 'stay'} so."


def marked_words(tags: Sequence[str], unread: int) -> str:
    """Afterwards: how many, and whether the rule should be asked again."""
    later = f" {plural(unread, 'tag')} not read yet: * again, when all are." if unread else ""
    return f"Marked {plural(len(tags), 'tag')}.{later}"


def _names(tags: Sequence[str]) -> str:
    more = f" and {len(tags) - _NAMED:,} more" if len(tags) > _NAMED else ""
    return f"{', '.join(tags[:_NAMED])}{more}"

"""Which rule holds for which repository: the entries of the config file, in their order. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from regtui.deletion.rules import OPTIONS, Rule, parse_rule


@dataclass(frozen=True, slots=True)
class RetentionEntry:
    """`repositories`: shell patterns, whose `*` takes `/` too. A rule that selects nothing keeps all of theirs.
    `number`: its place in the config file from 1 on; `line`: where it begins there, 0 where that isn't known."""

    repositories: tuple[str, ...]
    rule: Rule
    number: int = 1
    line: int = 0

    def names(self, repository: str) -> bool:
        return any(fnmatchcase(repository, pattern) for pattern in self.repositories)

    @property
    def place(self) -> str:
        """How people find it in the config file: `line 12`."""
        return f"line {self.line}" if self.line else f"entry {self.number}"


def entry_of(
    values: Mapping[str, str], repositories: Sequence[str], *, flags: Iterable[str], number: int, line: int
) -> RetentionEntry:
    """An entry from its texts. `flags`: the conditions that are switched on. Raises UsageError that names the key."""
    on = set(flags)
    rule = parse_rule(
        match=values.get("match", ""),
        older_than=values.get("older_than", ""),
        keep=values.get("keep", ""),
        keep_images=values.get("keep_images", ""),
        keep_by=values.get("keep_by", ""),
        keep_match=values.get("keep_match", ""),
        not_pulled_for=values.get("not_pulled_for", ""),
        prereleases="prereleases" in on,
        duplicates="duplicates" in on,
        places={key: key for key in OPTIONS},
    )
    return RetentionEntry(tuple(repositories), rule, number, line)


def entry_for(entries: Sequence[RetentionEntry], repository: str) -> RetentionEntry | None:
    """The first that names it; None where nothing is deleted there."""
    return next((entry for entry in entries if entry.names(repository)), None)

"""Which tags of a list are in use: by their names, or by what they lead to. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from regtui.listing.summary import Summary
from regtui.oci.digest import Digest
from regtui.retention.errors import NO_RULE
from regtui.retention.values import NOT_USED, InUse, UsePlace

Places = tuple[UsePlace, ...]


@dataclass(frozen=True, slots=True)
class UsesHere:
    """What is in use of one repository; `in_use` is None where that wasn't read yet."""

    in_use: InUse | None = NOT_USED
    repository: str = ""

    @property
    def obstacle(self) -> str:
        """Why no rule selects anything; empty where rules do."""
        if self.in_use is None:
            return "What is in use is being read: before that is known no rule marks anything."
        if self.in_use.unread:
            source = self.in_use.unread[0]
            return f"{source.where} could not be read: {source.error} {NO_RULE}"
        return ""

    @property
    def by_digest(self) -> bool:
        """Whether a tag may be in use by what it leads to."""
        return self.in_use is None or bool(self.in_use.digests)

    def tags(self, known: Iterable[tuple[str, Summary | None]]) -> set[str]:
        """Those that are in use."""
        return set(tags_in_use(self.in_use, self.repository, known)) if self.in_use is not None else set()


def tags_in_use(
    in_use: InUse, repository: str, tags: Iterable[tuple[str, Summary | None]]
) -> Mapping[str, tuple[UsePlace, ...]]:
    """Those of `tags` that are, with where. By digest as far as a tag is read: None isn't."""
    known = list(tags)
    below = _below_used_indexes(in_use, known)
    found: dict[str, Places] = {}
    for tag, summary in known:
        places = dict.fromkeys(in_use.places_of_tag(repository, tag))
        if summary is not None and summary.digest is not None:
            places |= dict.fromkeys(below.get(summary.digest, ()))
            places |= dict.fromkeys(
                place for digest in digests_within(summary) for place in in_use.places_of_digest(digest)
            )
        if places:
            found[tag] = tuple(places)
    return found


def digests_within(summary: Summary) -> Collection[Digest]:
    """The tag's manifest and what is below it. Configs too: some engines know an image by that alone."""
    images = [platform.digest for platform in summary.platforms]
    return [*filter(None, (summary.digest,)), *images, *(digest for digest, _ in summary.blobs)]


def _below_used_indexes(in_use: InUse, tags: Iterable[tuple[str, Summary | None]]) -> dict[Digest, Places]:
    """A platform's manifest, which has a tag of its own, of an index that is in use."""
    below: dict[Digest, dict[UsePlace, None]] = {}
    for _, summary in tags:
        if summary is not None and summary.digest is not None and (places := in_use.digests.get(summary.digest)):
            for platform in summary.platforms:
                below.setdefault(platform.digest, {}).update(dict.fromkeys(places))
    return {digest: tuple(places) for digest, places in below.items()}

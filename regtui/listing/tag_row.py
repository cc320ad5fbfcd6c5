"""One tag in a list of tags."""

import re
from dataclasses import dataclass
from typing import Final

from regtui.listing.row_facts import NOTHING_KNOWN, RowFacts
from regtui.listing.summary import Blob, Summary
from regtui.names.order import order_key
from regtui.oci.digest import Digest

# Referrers' fallback tags, and cosign's: what is attached to an image, by the image's digest.
_DIGEST_TAG: Final = re.compile(r"(sha(?:256|384|512))-([0-9a-f]{64,128})(?:\..+)?\Z")


@dataclass(slots=True, eq=False)
class TagRow:
    """One tag. `summary` is None until it is filled in. All but the tag may change; only TagList changes it."""

    tag: str
    key: str
    """Sorts by version: computed once, since sorting reads it very often."""
    folded: str
    """The tag in lower case, for the filter; mostly the same object as `tag`."""
    is_digest_tag: bool
    summary: Summary | None = None
    is_marked: bool = False
    facts: RowFacts = NOTHING_KNOWN
    line: int = -1
    """Where it was shown when lines were last counted; see TagList.line_of."""

    @property
    def error(self) -> str:
        """What is wrong with it, broken or not reached; else empty."""
        return self.summary.error if self.summary is not None else ""

    @property
    def is_filled(self) -> bool:
        """Whether there is nothing to ask for any more."""
        return self.summary is not None and not self.summary.is_retryable and not self.summary.is_remembered

    @property
    def is_being_checked(self) -> bool:
        """Whether it is shown as it was when last seen."""
        return self.summary is not None and self.summary.is_remembered

    @property
    def unlisted(self) -> int:
        """Bytes of blobs that aren't in `blobs`, as in Summary."""
        return self.summary.unlisted if self.summary is not None else 0

    @property
    def blobs(self) -> tuple[Blob, ...]:
        return self.summary.blobs if self.summary is not None else ()


def new_row(tag: str) -> TagRow:
    folded = tag.lower()
    # Of 100,000 tags most aren't: looked at closely only where it may be one.
    is_digest_tag = tag.startswith("sha") and digest_tag_subject(tag) is not None
    return TagRow(tag, order_key(tag), tag if folded == tag else folded, is_digest_tag)


def digest_tag_subject(tag: str) -> Digest | None:
    """The digest of the image that a digest tag belongs to; None for other tags."""
    match = _DIGEST_TAG.match(tag)
    return Digest.or_none(f"{match[1]}:{match[2]}") if match else None

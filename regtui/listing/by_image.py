"""What the tags of a list have to do with each other: the same image, what is attached to it, blobs that they share."""

from collections.abc import Iterable
from dataclasses import replace

from regtui.listing.blob_uses import BlobUses
from regtui.listing.sorted_rows import by_version
from regtui.listing.summary import Summary, manifests_freed
from regtui.listing.tag_row import TagRow, digest_tag_subject
from regtui.oci.digest import Digest


class ByImage:
    """Rows by the digests and blobs in their summaries, which are set here alone: `learn`, and before another one, or
    when the row goes, `forget`."""

    def __init__(self) -> None:
        self.filled = 0
        self.remembered = 0
        self._same: dict[Digest, list[TagRow]] = {}
        self._digest_tags: dict[Digest, list[str]] = {}
        self._uses = BlobUses()

    @property
    def has_digest_tags(self) -> bool:
        """Whether there were any: `sha256-….sig` and the like."""
        return bool(self._digest_tags)

    def add(self, row: TagRow) -> None:
        """A row without a summary."""
        if subject := _subject(row):
            self._digest_tags.setdefault(subject, []).append(row.tag)

    def remove(self, row: TagRow) -> None:
        self.forget(row)
        if subject := _subject(row):
            self._digest_tags[subject].remove(row.tag)

    def learn(self, row: TagRow, summary: Summary) -> Iterable[Digest]:
        """The digests that more rows have now than before."""
        row.summary = self._held(summary)
        self.filled += row.is_filled
        self.remembered += row.is_being_checked
        if summary.digest is None:
            return ()
        self._same.setdefault(summary.digest, []).append(row)
        return (summary.digest,)

    def _held(self, summary: Summary) -> Summary:
        if not summary.blobs:
            return summary
        if self._uses.is_full:
            return replace(summary, blobs=(), unlisted=summary.size or 0)
        return replace(summary, blobs=self._uses.add(summary.blobs))

    def forget(self, row: TagRow) -> Iterable[Digest]:
        """The digests that fewer rows have now than before. Its summary stays until it learns another one."""
        if row.summary is None:
            return ()
        self.filled -= row.is_filled
        self.remembered -= row.is_being_checked
        self._uses.remove(row.blobs)
        digest = row.summary.digest
        if digest is None:
            return ()
        same = self._same[digest]
        same.remove(row)
        if not same:
            del self._same[digest]
        return (digest,)

    def rows(self, digest: Digest) -> Iterable[TagRow]:
        """All with that digest, in no order."""
        return self._same.get(digest, ())

    def beside(self, row: TagRow) -> tuple[str, ...]:
        """The other tags with the same digest, in the order of versions."""
        if row.summary is None or row.summary.digest is None:
            return ()
        same = self._same[row.summary.digest]
        return tuple(other.tag for other in sorted(same, key=by_version) if other is not row) if len(same) > 1 else ()

    def attached(self, row: TagRow) -> tuple[str, ...]:
        """The digest tags that belong to its image."""
        digest = row.summary.digest if row.summary is not None else None
        return tuple(sorted(self._digest_tags.get(digest, ()))) if digest is not None else ()

    def freed_by(self, rows: Iterable[TagRow]) -> int:
        """Bytes of the blobs that only `rows` use, each once, and of the manifests that only they lead to. No fewer
        than there are: of blobs that aren't held, all that a row has are counted."""
        going = list(rows)
        summaries = (row.summary for row in going if row.summary is not None)
        manifests = manifests_freed(summaries, lambda digest: len(self._same[digest]))
        unlisted = sum(row.unlisted for row in going)
        return self._uses.freed_by(row.blobs for row in going) + unlisted + manifests


def _subject(row: TagRow) -> Digest | None:
    return digest_tag_subject(row.tag) if row.is_digest_tag else None

"""What one version of the registry does differently from another."""

from dataclasses import dataclass
from typing import Literal

Version = Literal["2.7.1", "2.8.2", "3.1.1"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The differences between versions, as data: the handlers ask it instead of comparing version numbers."""

    version: Version
    json_type: str
    """Content-Type of JSON answers; 3.x dropped the charset."""
    largest_catalog_page: int | None
    """A larger `n` is refused; None: any `n` is taken."""
    strict_numbers: bool
    """Whether a page size that is no number is refused rather than ignored."""
    pages_tags: bool
    deletes_tags: bool
    converts_to_schema1: bool
    checks_index_accept: bool
    manifests_reach_layers: bool
    """Whether a layer's or config's digest is taken for a manifest's: DELETE of it then breaks images."""
    explains: bool
    """Whether the detail of an error is a sentence (3.x) or whatever Go's JSON made of it (2.x)."""
    listed_by_layers: bool
    """The catalog shows repositories that have a `_layers` directory (2.x), or `_manifests` (3.x)."""
    collector_spares_children: bool
    collector_unlinks_layers: bool

    @classmethod
    def of(cls, version: Version) -> "Dialect":
        modern = version == "3.1.1"
        return cls(
            version=version,
            json_type="application/json" if modern else "application/json; charset=utf-8",
            largest_catalog_page=None if version == "2.7.1" else 1000,
            strict_numbers=modern,
            pages_tags=modern,
            deletes_tags=modern,
            converts_to_schema1=not modern,
            checks_index_accept=not modern,
            manifests_reach_layers=not modern,
            explains=modern,
            listed_by_layers=not modern,
            collector_spares_children=modern,
            collector_unlinks_layers=modern,
        )

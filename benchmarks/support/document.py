"""docs/benchmarks.md: a section for each benchmark, replaced when it is run again with --save."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.support.table import Table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def save(name: str, title: str, tables: Sequence[Table], machine: str) -> None:
    """Puts the section of `name` in place of the one that is there, or at the end."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    how = f"`python -m benchmarks {name}`; {machine}."
    body = "\n\n".join(table.markdown() for table in tables)
    section = "\n".join([begin, f"## {title}", "", how, "", body, end])
    text = DOCUMENT.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    after = rest.partition(end)[2] if found else "\n"
    DOCUMENT.write_text((before if found else f"{text.rstrip()}\n\n") + section + after, encoding="utf-8")

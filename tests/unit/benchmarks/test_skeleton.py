"""The frame that benchmarks are put into: found by their module, shown as text, kept in the document."""

from pathlib import Path

import pytest

from benchmarks.__main__ import found
from benchmarks.support import document
from benchmarks.support.table import Table
from benchmarks.support.timing import side_by_side


def table() -> Table:
    made = Table("Cost", ["", "time"], note="Of one.")
    made.row("a", "1 ms")
    made.row("longer", "10 ms")
    return made


def test_every_benchmark_is_found_and_has_a_title() -> None:
    assert "startup" in found()
    assert all(benchmark.title for benchmark in found().values())


def test_a_table_as_text_and_as_markdown() -> None:
    assert table().text().splitlines()[2:] == [
        "         time",
        "------  -----",
        "a        1 ms",
        "longer  10 ms",
        "",
        "Of one.",
    ]
    assert "| longer | 10 ms |" in table().markdown()


def test_subjects_take_turns_and_may_time_themselves() -> None:
    order: list[str] = []

    def one() -> None:
        order.append("one")

    def two() -> float:
        order.append("two")
        return 4.0

    assert side_by_side({"one": one, "two": two}, runs=3)["two"] == 4.0
    assert order == ["one", "two"] * 3


def test_a_section_of_the_document_is_replaced_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text("# Benchmarks\n")
    monkeypatch.setattr(document, "DOCUMENT", file)
    for name, machine in (("one", "slow"), ("two", "slow"), ("one", "fast")):
        document.save(name, name.title(), [table()], machine)
    text = file.read_text()
    assert text.startswith("# Benchmarks\n")
    assert (text.count("## One"), text.count("## Two")) == (1, 1)
    assert text.index("fast") < text.index("## Two") < text.index("slow")

"""The one table of limits: what the documentation says is what the code does."""

import re
from pathlib import Path

import pytest

from regtui import bounds

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/limits.md"
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
UNITS = {"KIB", "MIB"}


def number(text: str) -> float:
    match = re.fullmatch(r"([\d,]+)(?: (KiB|MiB))?", text)
    assert match is not None, text
    return int(match[1].replace(",", "")) * {"KiB": bounds.KIB, "MiB": bounds.MIB, None: 1}[match[2]]


def test_the_documentation_has_every_limit_and_no_other() -> None:
    assert set(ROWS) == {name for name in vars(bounds) if name.isupper()} - UNITS


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_limit_is_as_documented(name: str) -> None:
    assert number(ROWS[name]) == getattr(bounds, name)


def test_what_is_said_where_a_limit_is_met_is_what_the_client_says() -> None:
    """Of the sentences that name what was being done: each way of saying so, `while` or none, stands in the client."""
    registry = DOCUMENT.parents[1] / "regtui/registry"
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(registry.glob("*.py")))
    said = re.sub(r"\{_amount\(limit\)\}", "N", code)
    found = re.findall(r"\*HOST ([^*…]+? )(while |(?=listing|reading))", DOCUMENT.read_text(encoding="utf-8"))
    assert len(found) >= 8
    for words, joined in found:
        sentence = re.sub(r"[\d,]+ MiB", "N", words)
        assert f"{sentence}{joined}{{where.operation}}" in said, sentence


def test_what_a_whole_answer_and_a_listing_may_take() -> None:
    assert bounds.whole_answer(None, 10**9) is None
    assert bounds.whole_answer(30.0, 0) == 30.0
    assert bounds.whole_answer(30.0, 10 * bounds.SLOWEST) == 40.0
    assert bounds.all_manifests(2) == bounds.MANIFESTS + 2 * bounds.MANIFESTS_EACH
    assert bounds.plan_values(2) == bounds.PLAN_VALUES + 2 * bounds.PLAN_VALUES_EACH
    assert bounds.plan_referrers(3) == bounds.PLAN_REFERRERS + 3 * bounds.PLAN_REFERRERS_EACH
    assert (bounds.listing_requests(0), bounds.listing_requests(10_000)) == (1_000, 2_000)

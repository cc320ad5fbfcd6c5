"""What a program writes, taken apart: nothing is lost, and what isn't known is called so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.ui.driver.sequences import Kind, tokens


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("text, 名前", Kind.TEXT),
        ("\x1b[1;31m", Kind.STYLE),
        ("\x1b[m", Kind.STYLE),
        ("\x1b[3;4H", Kind.MOVE),
        ("\n", Kind.NEXT_LINE),
        ("\x1b]8;id=1;https://example.com\x1b\\", Kind.LINK),
        ("\x1b]52;c;Y29weQ==\x07", Kind.HARMLESS),
        ("\x1b]22;pointer\x07", Kind.HARMLESS),
        ("\x1b[?1003h", Kind.HARMLESS),
        ("\x1b[?2004l", Kind.HARMLESS),
        ("\x1b[?2026$p", Kind.HARMLESS),
        ("\x1b[>25u", Kind.HARMLESS),
        ("\x1b[<u", Kind.HARMLESS),
        ("\x1b[5 q", Kind.HARMLESS),
        ("\x07", Kind.HARMLESS),
        ("\x1b[?2026h", Kind.SYNCHRONIZED),
        ("\x1b[?1049h", Kind.ALTERNATE_SCREEN),
        ("\x1b[2J", Kind.UNKNOWN),
        ("\x1b[u", Kind.UNKNOWN),
        ("\x1b[>4;2m", Kind.UNKNOWN),
        ("\x1bPq#0;2;0;0;0~\x1b\\", Kind.UNKNOWN),
        ("\x1b_Gf=100;AAAA\x1b\\", Kind.UNKNOWN),
        ("\x1bc", Kind.UNKNOWN),
        ("\t", Kind.UNKNOWN),
        ("\x1b[12", Kind.UNKNOWN),
    ],
)
def test_one_of_each(data: str, kind: Kind) -> None:
    assert [token.kind for token in tokens(data)][:1] == [kind]


@given(st.text(st.sampled_from("\x1b[]?;1m2Hhab\n\x07\\Pu")))
def test_nothing_is_lost(data: str) -> None:
    values = "".join(token.value for token in tokens(data) if token.kind in (Kind.TEXT, Kind.UNKNOWN, Kind.HARMLESS))
    assert all(character in data for character in values)
    assert values.count("a") == data.count("a") or "\x1b]8;" in data

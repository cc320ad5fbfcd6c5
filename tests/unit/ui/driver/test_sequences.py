"""What a program writes, taken apart: nothing is lost, and what isn't known is called so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.ui.driver.sequences import SequenceKind, tokens


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("text, 名前", SequenceKind.TEXT),
        ("\x1b[1;31m", SequenceKind.STYLE),
        ("\x1b[m", SequenceKind.STYLE),
        ("\x1b[3;4H", SequenceKind.MOVE),
        ("\n", SequenceKind.NEXT_LINE),
        ("\x1b]8;id=1;https://example.com\x1b\\", SequenceKind.LINK),
        ("\x1b]52;c;Y29weQ==\x07", SequenceKind.HARMLESS),
        ("\x1b]22;pointer\x07", SequenceKind.HARMLESS),
        ("\x1b[?1003h", SequenceKind.HARMLESS),
        ("\x1b[?2004l", SequenceKind.HARMLESS),
        ("\x1b[?2026$p", SequenceKind.HARMLESS),
        ("\x1b[>25u", SequenceKind.HARMLESS),
        ("\x1b[<u", SequenceKind.HARMLESS),
        ("\x1b[5 q", SequenceKind.HARMLESS),
        ("\x07", SequenceKind.HARMLESS),
        ("\x1b[?2026h", SequenceKind.SYNCHRONIZED),
        ("\x1b[?1049h", SequenceKind.ALTERNATE_SCREEN),
        ("\x1b[2J", SequenceKind.UNKNOWN),
        ("\x1b[u", SequenceKind.UNKNOWN),
        ("\x1b[>4;2m", SequenceKind.UNKNOWN),
        ("\x1bPq#0;2;0;0;0~\x1b\\", SequenceKind.UNKNOWN),
        ("\x1b_Gf=100;AAAA\x1b\\", SequenceKind.UNKNOWN),
        ("\x1bc", SequenceKind.UNKNOWN),
        ("\t", SequenceKind.UNKNOWN),
        ("\x1b[12", SequenceKind.UNKNOWN),
    ],
)
def test_one_of_each(data: str, kind: SequenceKind) -> None:
    assert [token.kind for token in tokens(data)][:1] == [kind]


@given(st.text(st.sampled_from("\x1b[]?;1m2Hhab\n\x07\\Pu")))
def test_nothing_is_lost(data: str) -> None:
    values = "".join(
        token.value
        for token in tokens(data)
        if token.kind in (SequenceKind.TEXT, SequenceKind.UNKNOWN, SequenceKind.HARMLESS)
    )
    assert all(character in data for character in values)
    assert values.count("a") == data.count("a") or "\x1b]8;" in data

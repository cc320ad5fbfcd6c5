from hypothesis import given
from hypothesis import strategies as st

from regtui.listing.parts import in_parts


@given(st.integers(0, 40_000))
def test_nothing_is_lost_and_the_first_part_is_short(count: int) -> None:
    names = [str(number) for number in range(count)]
    parts = list(in_parts(names))
    assert [name for part in parts for name in part] == names
    assert not parts or len(parts[0]) <= 1_000
    assert all(parts)

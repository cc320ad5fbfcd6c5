"""The cells: nothing is ever half a wide character, and nothing is written beyond the edges."""

from regtui.ui.driver.grid import RIGHT_HALF, Grid


def row(grid: Grid) -> list[str | None]:
    return grid.characters[0]


def test_either_half_overwritten_leaves_a_space_for_the_other() -> None:
    grid = Grid(6, 1, " ")
    assert grid.put(0, 1, "名前", 0) == 5
    assert row(grid) == [" ", "名", RIGHT_HALF, "前", RIGHT_HALF, " "]
    grid.put(0, 2, "x", 0)
    assert row(grid) == [" ", " ", "x", "前", RIGHT_HALF, " "]
    grid.put(0, 3, "y", 0)
    assert row(grid) == [" ", " ", "x", "y", " ", " "]
    grid.put(0, 1, "ab", 0)
    grid.put(0, 2, "名", 0)
    assert row(grid) == [" ", "a", "名", RIGHT_HALF, " ", " "]


def test_what_combines_belongs_to_what_is_before_it() -> None:
    grid = Grid(4, 1, " ")
    assert grid.put(0, 0, "e\u0301x", 0) == 2
    assert row(grid)[:2] == ["e\u0301", "x"]
    grid.put(0, 0, "名\u0301", 0)
    assert row(grid)[:2] == ["名\u0301", RIGHT_HALF]


def test_the_edges_cut() -> None:
    grid = Grid(3, 1, " ")
    grid.put(0, 1, "abcd", 0)
    assert row(grid) == [" ", "a", "b"]
    # Half of a wide character is none.
    grid.put(0, 2, "名", 0)
    assert row(grid) == [" ", "a", " "]
    grid.put(7, 0, "below", 0)
    grid.put(7, 0, "名", 0)
    assert row(grid) == [" ", "a", " "]


def test_rows_scroll_and_blank_ones_follow() -> None:
    grid = Grid(1, 4, " ")
    for y, character in enumerate("abcd"):
        grid.put(y, 0, character, 5)
    grid.scroll(1, 4, 2)
    assert grid.characters == [["a"], ["d"], [" "], [" "]]
    assert grid.pens == [[5], [5], [0], [0]]
    grid.scroll(0, 2, -1)
    assert grid.characters == [[" "], ["a"], [" "], [" "]]

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.deletion.expressions import Expression
from regtui.errors import UsageError


def test_it_matches_anywhere_unless_it_is_bound() -> None:
    assert Expression("rc").is_in("1.0-rc1")
    assert not Expression("^rc").is_in("1.0-rc1")
    assert Expression(r"^1\.\d+$").is_in("1.25")
    assert not Expression("RC").is_in("1.0-rc1")
    assert Expression("(?i)RC").is_in("1.0-rc1")


@pytest.mark.parametrize(
    ("text", "reason", "remedy"),
    [
        ("1.(2", "missing )", ""),
        ("1.**", "bad repetition operator, at character 3 (**)", "put a \\ before it"),
        ("x[z-a]", "invalid character class range, at character 3 (z-a)", ""),
        ("^(?!latest)", "invalid perl operator, at character 2 ((?!)", "--keep-match"),
        ("(a)\\1", "invalid escape sequence, at character 4 (\\1)", ""),
        ("x{2000}", "invalid repetition size, at character 2 ({2000})", ""),
        ("a" * 501, "longer than 500 characters", ""),
        ("\ud800", "no valid text", ""),
        ("\\", "trailing \\", ""),
    ],
)
def test_a_bad_one_is_refused_with_the_place(text: str, reason: str, remedy: str) -> None:
    with pytest.raises(UsageError) as refused:
        Expression(text, "--match")
    assert refused.value.message.startswith("--match: ")
    assert reason in refused.value.message
    assert remedy in refused.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        # Each keeps a backtracking engine busy until the universe ends, or takes all memory there is.
        "(a+)+$",
        "(a|aa)+$",
        "(.*)*x$",
        ".*" * 240 + "$x",
        "(?:(?:a?){31}){31}a{31}$",
    ],
)
def test_a_hostile_one_does_not_hang(text: str) -> None:
    expression = Expression(text)
    assert not any(expression.is_in("a" * 127 + "!") for _ in range(1_000))


@pytest.mark.parametrize("text", ["(?:a{999}){999}", "((a{100}){10}){10}", r"(\pL|\pN){1000}"])
def test_one_that_would_need_much_memory_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Expression(text)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_an_expression_or_a_usage_error(text: str, name: str) -> None:
    with contextlib.suppress(UsageError):
        assert Expression(text).is_in(name) in (True, False)


@given(st.characters(codec="utf-8"), st.text())
def test_names_that_are_no_valid_text_can_be_looked_at(character: str, name: str) -> None:
    assert Expression(".").is_in("\ud800")
    assert Expression(f"\\x{{{ord(character):x}}}").is_in(name + character)

"""What the campaign of deletions excuses: a push that nobody could know of, and no other."""

import pytest

from tests.campaigns.window import Push, was_after_the_last_look, was_unknowable
from tests.support.meddler import Answer, Request

OLD, NEW, OTHER = (f"sha256:{number}" * 3 for number in range(3))
PATH = "/v2/team/app/manifests"
PUSH = Push("1.0", OLD, NEW, began=10.0, ended=20.0)

Seen = tuple[str, str, float, float, str]
"""(method, reference, when it was sent on, when it was answered, the digest in the answer)"""


def proxied(*seen: Seen) -> tuple[list[Request], dict[int, Answer]]:
    requests, answers = [], {}
    for number, (method, reference, asked, answered, digest) in enumerate(seen, start=1):
        changes = method in ("PUT", "DELETE")
        requests.append(Request(method, f"{PATH}/{reference}", number, number if changes else None))
        answers[number] = Answer(asked, answered, digest)
    return requests, answers


@pytest.mark.parametrize("change", [("PUT", "1.0"), ("DELETE", "1.0"), ("DELETE", NEW)])
def test_a_change_that_follows_a_look_from_before_the_push_is_excused(change: tuple[str, str]) -> None:
    assert was_unknowable(PUSH, *proxied(("HEAD", "1.0", 8, 9, OLD), (*change, 21, 22, "")))


def test_a_look_that_was_under_way_while_it_was_pushed_is_excused_where_it_did_not_show_it() -> None:
    assert was_unknowable(PUSH, *proxied(("HEAD", "1.0", 15, 16, OLD), ("DELETE", "1.0", 21, 22, "")))
    assert not was_unknowable(PUSH, *proxied(("HEAD", "1.0", 15, 16, NEW), ("DELETE", "1.0", 21, 22, "")))


def test_a_look_after_the_push_is_no_excuse() -> None:
    assert not was_unknowable(PUSH, *proxied(("HEAD", "1.0", 20, 21, NEW), ("DELETE", "1.0", 22, 23, "")))


def test_without_a_look_there_is_no_excuse() -> None:
    assert not was_unknowable(PUSH, *proxied(("HEAD", "2.0", 8, 9, OLD), ("DELETE", "1.0", 21, 22, "")))


@pytest.mark.parametrize(("asked", "is_excused"), [(8, True), (15, True), (20, False)])
def test_a_tag_that_is_new_is_looked_for_in_the_list(asked: float, is_excused: bool) -> None:
    seen, answers = proxied(("GET", "", asked, asked + 0.5, ""), ("DELETE", NEW, 21, 22, ""))
    seen[0] = Request("GET", "/v2/team/app/tags/list?n=100000", 1, None)
    assert was_unknowable(Push("1.0", "", NEW, began=10.0, ended=20.0), seen, answers) is is_excused
    assert not was_unknowable(PUSH, seen, answers)


def test_a_look_long_before_the_change_is_no_excuse() -> None:
    meanwhile: list[Seen] = [("HEAD", f"t{number}", 9.1, 9.2, OTHER) for number in range(17)]
    seen = proxied(("HEAD", "1.0", 8, 9, OLD), *meanwhile, ("DELETE", "1.0", 21, 22, ""))
    assert not was_unknowable(PUSH, *seen)


def test_one_change_that_could_know_is_enough() -> None:
    seen = proxied(
        ("HEAD", "1.0", 8, 9, OLD),
        ("PUT", "1.0", 21, 22, ""),
        ("HEAD", "1.0", 23, 24, NEW),
        ("DELETE", NEW, 25, 26, ""),
    )
    assert not was_unknowable(PUSH, *seen)


def test_what_comes_after_the_change_that_took_it_took_nothing() -> None:
    meanwhile: list[Seen] = [("HEAD", f"t{number}", 23, 24, OTHER) for number in range(17)]
    taken: list[Seen] = [("HEAD", "1.0", 8, 9, OLD), ("PUT", "1.0", 21, 22, "")]
    assert was_unknowable(PUSH, *proxied(*taken, *meanwhile, ("DELETE", NEW, 25, 26, "")))


def test_a_look_that_shows_it_gone_is_the_end_of_what_can_be_taken() -> None:
    taken: list[Seen] = [("HEAD", "1.0", 8, 9, OLD), ("DELETE", "1.0", 19, 22, ""), ("HEAD", "1.0", 23, 24, "")]
    assert was_unknowable(PUSH, *proxied(*taken, ("DELETE", NEW, 25, 26, "")))


def test_changes_of_other_things_and_from_before_the_push_took_nothing_away() -> None:
    look: Seen = ("HEAD", "1.0", 8, 9, OLD)
    assert not was_unknowable(PUSH, *proxied(look, ("DELETE", "2.0", 21, 22, ""), ("DELETE", OTHER, 21, 22, "")))
    assert not was_unknowable(PUSH, *proxied(look, ("DELETE", "1.0", 9.1, 9.5, "")))


def test_the_manifest_that_it_led_to_before_takes_it_along_only_while_it_is_pushed() -> None:
    look: Seen = ("HEAD", "1.0", 20, 21, NEW)
    own: list[Seen] = [("HEAD", "1.0", 8, 9, OLD), ("PUT", "1.0", 9.5, 11, "")]
    assert was_unknowable(PUSH, *proxied(*own, look, ("DELETE", OLD, 22, 23, "")))


@pytest.mark.parametrize(("reference", "asked", "is_late"), [("1.0", 19, True), ("1.0", 20, False), ("2.0", 25, True)])
def test_what_was_pushed_after_the_last_look_can_not_be_told(reference: str, asked: float, is_late: bool) -> None:
    assert was_after_the_last_look(PUSH, *proxied(("HEAD", reference, asked, asked + 1, ""))) is is_late


def test_a_list_of_tags_is_a_look() -> None:
    seen = [Request("GET", "/v2/team/app/tags/list?n=1000", 1, None)]
    assert not was_after_the_last_look(PUSH, seen, {1: Answer(20, 21, "")})


def test_a_change_before_which_the_storage_had_lost_the_tag_took_nothing() -> None:
    """A DELETE of the tag and the push, at the registry at once: the push first, and then the DELETE."""
    seen: list[Seen] = [("HEAD", "1.0", 8, 9, OLD), ("DELETE", "1.0", 12, 21, "")]
    looks: list[Seen] = [("HEAD", f"t{number}", 23, 24, OTHER) for number in range(17)]
    requests, answers = proxied(*seen, *looks, ("DELETE", NEW, 25, 26, ""))
    assert not was_unknowable(PUSH, requests, answers)
    assert was_unknowable(PUSH, requests, answers, after_it={requests[-1].number})
    assert not was_unknowable(PUSH, *proxied(("DELETE", NEW, 25, 26, "")), after_it={1})

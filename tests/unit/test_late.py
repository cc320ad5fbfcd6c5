"""A dataclass whose methods are written late is the standard library's own in all that can be seen of it."""

import copy
import dataclasses
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from threading import Barrier
from typing import Any, Generic, TypeVar

import pytest

from regtui.late import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Late:
    """The one that is looked at."""

    name: str
    size: int = 0
    secret: str = field(default="", repr=False)
    seen: list[str] = field(default_factory=list, compare=False)

    @property
    def words(self) -> str:
        return f"{self.name}: {self.size}"


def fresh() -> type[Any]:
    """A class that nobody has used."""

    @dataclass(frozen=True, slots=True)
    class Fresh:
        name: str
        size: int = 0
        seen: list[str] = field(default_factory=list)

    return Fresh


def test_it_has_what_was_given_and_its_defaults() -> None:
    late = Late("app", secret="key")
    assert (late.name, late.size, late.secret, late.seen, late.words) == ("app", 0, "key", [], "app: 0")
    assert Late("other").seen is not late.seen


@pytest.mark.parametrize("arguments", [(), ("app", 1, "key", [], "more")])
def test_it_takes_no_other_arguments_than_its_fields(arguments: tuple[Any, ...]) -> None:
    made = fresh()
    for _ in range(2):
        with pytest.raises(TypeError, match="__init__"):
            made(*arguments)
        with pytest.raises(TypeError, match="unexpected keyword argument 'age'"):
            made("app", age=1)


@pytest.mark.parametrize("use", [repr, hash, lambda late: late == Late("app", 1)])
def test_it_says_and_compares_as_the_other_does(use: Callable[[object], object]) -> None:
    @dataclass(frozen=True, slots=True)
    class Pair:
        left: str
        right: int = field(default=1, compare=False)

    @dataclasses.dataclass(frozen=True, slots=True)
    class Early:
        left: str
        right: int = field(default=1, compare=False)

    assert str(use(Pair("a"))).replace("Pair", "Early") == str(use(Early("a")))


def test_only_what_counts_makes_two_unequal() -> None:
    assert Late("app", 1, seen=["x"]) == Late("app", 1)
    assert Late("app", 1) != Late("app", 2)
    assert len({Late("app", 1), Late("app", 1), Late("app", 2)}) == 2
    assert Late("app") != object()


def test_it_is_frozen_and_has_no_room_for_more() -> None:
    late = fresh()("app")
    with pytest.raises(dataclasses.FrozenInstanceError):
        late.name = "other"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del late.name
    assert not hasattr(late, "__dict__")


def test_the_functions_for_dataclasses_know_it() -> None:
    late = Late("app", 1, "key")
    assert replace(late, size=2) == Late("app", 2, "key")
    assert dataclasses.asdict(late) == {"name": "app", "size": 1, "secret": "key", "seen": []}
    assert [each.name for each in dataclasses.fields(late)] == ["name", "size", "secret", "seen"]
    match late:
        case Late(name, size):
            assert (name, size) == ("app", 1)
        case _:
            raise AssertionError


@pytest.mark.parametrize("look", [dataclasses.fields, dataclasses.is_dataclass])
def test_its_fields_are_known_before_there_is_an_instance(look: Callable[[object], object]) -> None:
    made = fresh()
    assert look(made)
    assert [each.name for each in dataclasses.fields(made)] == ["name", "size", "seen"]
    assert made("app").size == 0


def test_it_can_be_copied() -> None:
    late = Late("app", 1, "key", ["x"])
    assert copy.deepcopy(late) == pickle.loads(pickle.dumps(late)) == late


def test_it_can_be_generic() -> None:
    @dataclass(frozen=True, slots=True)
    class Box(Generic[T]):
        content: T

    assert Box(1) == Box(1)
    assert Box[int].__origin__ is Box  # type: ignore[attr-defined]


def test_it_keeps_its_name_and_what_is_said_of_it() -> None:
    assert (Late.__name__, Late.__qualname__, Late.__module__) == ("Late", "Late", __name__)
    Late("app")
    assert Late.__doc__ == "The one that is looked at."


def test_a_method_of_its_own_stays() -> None:
    @dataclass(frozen=True, slots=True)
    class Secret:
        value: str

        def __repr__(self) -> str:
            return "Secret(…)"

    assert repr(Secret("key")) == repr(Secret("key")) == "Secret(…)"
    assert Secret("key") == Secret("key")


def test_other_dataclasses_are_left_to_the_standard_library() -> None:
    @dataclass(slots=True)
    class Changing:
        name: str

    @dataclass
    class Plain:
        name: str = "plain"

    changing = Changing("a")
    changing.name = "b"
    assert (changing, vars(Plain())) == (Changing("b"), {"name": "plain"})


def test_several_threads_may_be_the_first() -> None:
    threads = 8
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(50):
            made, start = fresh(), Barrier(threads)

            def first(number: int, made: type[Any] = made, start: Barrier = start) -> Any:
                start.wait()
                instance = made("app", number)
                return instance, hash(dataclasses.astuple(instance)[:2]), instance == made("app", number)

            results = list(pool.map(first, range(threads)))
            assert [instance.size for instance, _, _ in results] == list(range(threads))
            assert all(equal for _, _, equal in results)

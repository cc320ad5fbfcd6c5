"""Frozen dataclasses whose methods are written when they are first used.

Python writes seven methods for each as text, and compiles them: half a millisecond. That was a fifth of the start of
`regtui ls`, which loads forty of them, makes an instance of every other, and compares hardly any.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass"]

_FROZEN: Final = {"frozen": True, "slots": True}

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(whole=None, /, **options):
        """The standard library's own, in what is written as in how it is used."""
        return _late if options == _FROZEN else dataclasses.dataclass(whole, **options)


def _late(whole: type) -> type:
    """`whole` with slots, which no class can be given afterwards, and with methods that put the written ones in their
    place. Two threads may do so at once: both write the same."""
    fields = tuple(whole.__annotations__)
    said = {name: value for name, value in vars(whole).items() if name not in ("__dict__", "__weakref__")}

    def write(**options: bool) -> None:
        copy = type(whole)(whole.__name__, whole.__bases__, said)
        for name, value in vars(dataclasses.dataclass(**_FROZEN, **options)(copy)).items():
            if name not in fields and said.get(name) is not value:
                setattr(slotted, name, value)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        write(eq=False, repr=False)
        self.__init__(*args, **kwargs)

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        write(init=False)
        return bool(self == other)

    def __hash__(self: Any) -> int:  # noqa: N807
        write(init=False)
        return hash(self)

    def __repr__(self: Any) -> str:  # noqa: N807
        write(init=False)
        return repr(self)

    body: dict[str, Any] = {"__init__": __init__, "__eq__": __eq__, "__hash__": __hash__, "__repr__": __repr__}
    body["__dataclass_fields__"] = _Fields(write)
    body |= {name: value for name, value in said.items() if name not in fields}
    body |= {"__slots__": fields, "__qualname__": whole.__qualname__}
    slotted = type(whole)(whole.__name__, whole.__bases__, body)
    return slotted


class _Fields:
    """What `fields()` asks the class itself for, of which there may be no instance yet."""

    def __init__(self, write: Callable[..., None]) -> None:
        self._write = write

    def __get__(self, instance: object, owner: type) -> object:
        self._write(eq=False, repr=False)
        return owner.__dataclass_fields__  # type: ignore[attr-defined]

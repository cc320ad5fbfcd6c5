"""Pens: the styles in which cells are written, as small numbers, and the shortest way from one to the other."""

from dataclasses import dataclass, replace
from typing import Final

from regtui.ui.driver.terminal import Colors

DEFAULT: Final = 0
"""The number of the pen that `CSI m` gives."""

_LINK_END: Final = "\x1b]8;;\x1b\\"
# What ends each group of attributes.
_GROUPS: Final = {
    "22": frozenset("12"),
    "23": frozenset("3"),
    "24": frozenset({"4", "21"}),
    "25": frozenset("56"),
    "27": frozenset("7"),
    "28": frozenset("8"),
    "29": frozenset("9"),
    "54": frozenset({"51", "52"}),
    "55": frozenset({"53"}),
}
_ATTRIBUTES: Final = frozenset().union(*_GROUPS.values())
# On a blank, these show.
_SEEN_ON_BLANKS: Final = frozenset({"4", "21", "5", "6", "7", "9", "51", "52", "53"})


class NotUnderstood(ValueError):
    """A style that isn't known here."""


@dataclass(frozen=True, slots=True)
class Pen:
    """A style. Colours as SGR writes them (`31`, `38;5;9`, `48;2;0;0;0`), empty for the default; `link` as in OSC 8."""

    foreground: str = ""
    background: str = ""
    attributes: frozenset[str] = frozenset()
    link: str = ""


class Pens:
    """Gives each pen a number, from DEFAULT on. With `colors`, colours are reduced to so many."""

    def __init__(self, colors: Colors = None) -> None:
        self._colors = colors
        self._pens = [Pen()]
        self._numbers = {Pen(): DEFAULT}
        self._after: dict[tuple[int, str], int] = {}
        self._changes: dict[tuple[int, int], str] = {}
        self._of_blank: dict[int, int] = {}

    def __getitem__(self, number: int) -> Pen:
        return self._pens[number]

    def after(self, number: int, sgr: str) -> int:
        """The pen that `CSI sgr m` makes of this one. Raises NotUnderstood."""
        found = self._after.get((number, sgr))
        if found is None:
            found = self._after[number, sgr] = self._number(self._apply(self._pens[number], sgr))
        return found

    def linked(self, number: int, link: str) -> int:
        """This pen with another link: `id=…;https://…`, or `;` for none."""
        return self._number(replace(self._pens[number], link="" if link == ";" else link))

    def of_blank(self, number: int) -> int:
        """The pen with what can be seen of this one where there is only a space."""
        found = self._of_blank.get(number)
        if found is None:
            pen = self._pens[number]
            if not pen.link and not pen.attributes & _SEEN_ON_BLANKS:
                pen = Pen(background=pen.background)
            found = self._of_blank[number] = self._number(pen)
        return found

    def is_erased(self, number: int, *, erases_in_color: bool) -> bool:
        """Whether an erased cell looks like a space of this pen."""
        pen = self._pens[number]
        return (erases_in_color or not pen.background) and not pen.link and not pen.attributes & _SEEN_ON_BLANKS

    def change(self, old: int, new: int) -> str:
        """What changes the terminal's pen from one to the other, in as few bytes as possible."""
        found = self._changes.get((old, new))
        if found is None:
            found = self._changes[old, new] = _change(self._pens[old], self._pens[new])
        return found

    def _number(self, pen: Pen) -> int:
        number = self._numbers.setdefault(pen, len(self._pens))
        if number == len(self._pens):
            self._pens.append(pen)
        return number

    def _apply(self, pen: Pen, sgr: str) -> Pen:
        foreground, background, attributes = pen.foreground, pen.background, pen.attributes
        codes = iter(sgr.split(";"))
        for code in codes:
            if code in ("", "0"):
                foreground = background = ""
                attributes = frozenset()
            elif code in ("38", "48"):
                kind = next(codes, "")
                parts = [next(codes, "") for _ in range({"2": 3, "5": 1}.get(kind, 0))]
                if not parts or not all(part.isdigit() for part in parts):
                    raise NotUnderstood(sgr)
                color = self._reduced(";".join((code, kind, *parts)))
                foreground, background = (color, background) if code == "38" else (foreground, color)
            elif code == "39":
                foreground = ""
            elif code == "49":
                background = ""
            elif code in _ATTRIBUTES:
                attributes |= {code}
            elif code in _GROUPS:
                attributes -= _GROUPS[code]
            elif code.isdigit() and int(code) in (*range(30, 38), *range(90, 98)):
                foreground = code
            elif code.isdigit() and int(code) in (*range(40, 48), *range(100, 108)):
                background = code
            else:
                raise NotUnderstood(sgr)
        return Pen(foreground, background, attributes, pen.link)

    def _reduced(self, color: str) -> str:
        """The nearest colour of those that are left."""
        if self._colors is None:
            return color
        from rich.color import Color, ColorSystem

        code, kind, *parts = color.split(";")
        numbers = [min(int(part), 255) for part in parts]
        system = ColorSystem.STANDARD if self._colors == 16 else ColorSystem.EIGHT_BIT
        full = Color.from_rgb(*numbers) if kind == "2" else Color.from_ansi(numbers[0])
        return ";".join(full.downgrade(system).get_ansi_codes(foreground=code == "38"))


def _change(old: Pen, new: Pen) -> str:
    link = "" if old.link == new.link else f"\x1b]8;{new.link}\x1b\\" if new.link else _LINK_END
    if replace(old, link=new.link) == new:
        return link
    anew = ["", *sorted(new.attributes), new.foreground, new.background]
    steps: list[str] = []
    kept = old.attributes
    for end, group in _GROUPS.items():
        if kept & group - new.attributes:
            kept -= group
            steps.append(end)
    steps += sorted(new.attributes - kept)
    if old.foreground != new.foreground:
        steps.append(new.foreground or "39")
    if old.background != new.background:
        steps.append(new.background or "49")
    shortest = min(";".join(steps), _without_empty_tail(anew), key=len)
    return f"{link}\x1b[{shortest}m"


def _without_empty_tail(codes: list[str]) -> str:
    """The first is the empty one that resets; the others are there or not."""
    return ";".join(codes[:1] + [code for code in codes[1:] if code])

"""What the terminal can do, as far as that is known."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Colors = Literal[16, 256] | None
"""To how many colours styles are reduced; None leaves them as they come."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Without any of these, only cursor moves and erasing in the default colour are used: every terminal has them.

    `erases_in_color`: erased cells take the current background ("bce"). `erases_cells`: ECH. `repeats`: REP.
    `scrolls`: margins, and inserting and deleting lines between them.
    """

    erases_in_color: bool = False
    erases_cells: bool = False
    repeats: bool = False
    scrolls: bool = False
    colors: Colors = None

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ, *, colors: Colors = None) -> "Terminal":
        """By the terminfo entry of $TERM, and what is known better than that."""
        term = environment.get("TERM", "")
        try:
            import curses

            # Standard output: no terminal has to be there, only a file.
            curses.setupterm(term, 1)
        except Exception:  # noqa: BLE001 - no curses, no such entry, no database: then nothing is known
            return cls(colors=colors)

        def has(*names: str) -> bool:
            return all(curses.tigetstr(name) for name in names)

        # tmux has both, whatever it calls itself, and its entry says neither. It repeats, but only ASCII (3.3a).
        is_tmux = term.startswith("tmux") or (term.startswith("screen") and bool(environment.get("TMUX")))
        # Everybody calls itself xterm; not everybody repeats as xterm does.
        is_itself = not term.startswith("xterm") or "XTERM_VERSION" in environment
        return cls(
            erases_in_color=is_tmux or curses.tigetflag("bce") > 0,
            erases_cells=is_tmux or has("ech"),
            repeats=is_itself and has("rep"),
            # Multiplexers find out themselves what scrolled, for the terminal that they write to.
            scrolls=not term.startswith(("screen", "tmux")) and has("csr", "il", "dl"),
            colors=colors,
        )

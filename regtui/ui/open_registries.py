"""The registries that are open, each with its browser as it was left. The last one is on the screen."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual.app import App

if TYPE_CHECKING:
    from regtui.session.target import Target
    from regtui.ui.open_registry import OpenRegistry
    from regtui.ui.screens.browser import BrowserScreen


class OpenRegistries:
    """By the name that the user calls them."""

    def __init__(self, app: App[Any], clock: Callable[[], datetime]) -> None:
        self._app = app
        self._clock = clock
        self._browsers: dict[str, BrowserScreen] = {}
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._browsers)

    def __iter__(self) -> Iterator["OpenRegistry"]:
        """The one on the screen comes last."""
        return iter([browser.registry for browser in self._browsers.values()])

    @property
    def current(self) -> "OpenRegistry":
        return list(self)[-1]

    def show(self, registry: "OpenRegistry") -> None:
        """A browser on it; one that is open under the same name is closed for it."""
        from regtui.ui.screens.browser import BrowserScreen

        before = self._browsers.pop(registry.name, None)
        screen = BrowserScreen(registry, self._clock)
        self._count += 1
        # Installed, so that it stays as it is while another one is shown.
        self._app.install_screen(screen, f"browser-{self._count}")
        self._put_on(screen)
        if before is not None:
            self._app.uninstall_screen(before)
            before.remove()
            before.registry.end()

    def back_to(self, name: str) -> bool:
        """Shows the one of that name as it was left; False where it isn't open."""
        screen = self._browsers.pop(name, None)
        if screen is None:
            return False
        self._put_on(screen)
        return True

    def close(self, target: "Target") -> bool:
        """Closes the one that was opened by `target`; the one before it, or nothing, is on the screen then. False where
        it isn't open."""
        for name, screen in [*self._browsers.items()]:
            if screen.session.target is target:
                del self._browsers[name]
                if self._browsers:
                    self._put_on(next(reversed(self._browsers.values())))
                else:
                    self._app.pop_screen()
                self._app.uninstall_screen(screen)
                screen.remove()
                screen.registry.end()
                return True
        return False

    def _put_on(self, screen: "BrowserScreen") -> None:
        is_first = not self._browsers
        self._browsers[screen.session.name] = screen
        if self._app.screen is screen:
            return
        if is_first and not any(type(one) is type(screen) for one in self._app.screen_stack):
            self._app.push_screen(screen)
        else:
            self._app.switch_screen(screen)

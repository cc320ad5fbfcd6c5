"""The app: themes, the palette, and which screen is on."""

import asyncio
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from textual import _time, events, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.driver import Driver
from textual.screen import ModalScreen, Screen

from regtui.aside import aside
from regtui.errors import DONE, RegtuiError
from regtui.session.resolving import Options, resolve_target
from regtui.session.target import Target
from regtui.settings.config import Config, Profile
from regtui.settings.credentials import Credentials
from regtui.text import clean
from regtui.ui.keys import KeyQueue
from regtui.ui.loading import loaded
from regtui.ui.open_registries import OpenRegistries
from regtui.ui.palette import BrowserCommands, Palette
from regtui.ui.question import Asking
from regtui.ui.screens.opening import OpeningScreen
from regtui.ui.shown import Forget, ShownFrames, Told
from regtui.ui.styles import style_path
from regtui.ui.widths import LOW, MEDIUM, SMALLEST, fitting

# What is not needed for the first frame is imported when it is: the client, and every screen but one.


def utc_now() -> datetime:
    return datetime.now(UTC)


class RegtuiApp(App[int]):
    """`start`: the registry to open; None asks for one. `options`: what holds for those that are opened later, too.

    `clock` tells the time that ages are counted to.

    `driver_class`: how the terminal is written to; None for Textual's own way.
    """

    TITLE = "regtui"
    CSS_PATH: ClassVar[Any] = [
        style_path(name) for name in ("app.tcss", "browser.tcss", "dialogs.tcss", "garbage.tcss")
    ]
    # Textual declares both as instance variables, and reads them from the class.
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-tiny"),
        (SMALLEST[0], "-narrow"),
        (MEDIUM, "-medium"),
        (160, "-beside"),
        (200, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (SMALLEST[1], "-low"), (LOW, "-tall")]  # noqa: RUF012
    COMMANDS = App.COMMANDS | {BrowserCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "help", show=False, id="app.help"),
        Binding("ctrl+p", "command_palette", "every action", show=False, priority=True, id="app.palette"),
        # Not where text is typed.
        Binding("colon", "command_palette", "every action", show=False, id="app.palette_too"),
        Binding("c", "switch", "switch registry", show=False, id="app.switch"),
        Binding("ctrl+g", "garbage", "garbage collection", show=False, id="app.garbage"),
        Binding("exclamation_mark", "requests", "log of requests", show=False, id="app.requests"),
        Binding("q,ctrl+q", "quit", "quit", show=False, id="app.quit"),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True, id="app.interrupt"),
        Binding("ctrl+z", "suspend_process", "suspend, back by fg", show=False, id="app.suspend"),
    ]

    def __init__(
        self,
        config: Config,
        credentials: Credentials,
        start: Target | None,
        *,
        options: Options | None = None,
        clock: Callable[[], datetime] = utc_now,
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class)
        self.config = config
        self.credentials = credentials
        self.options = options or Options()
        self.clock = clock
        self.key_queue = KeyQueue(self, self._take_typed)
        self._start = start
        self._opened = OpenRegistries(self, clock)
        self._exit_code = DONE
        self._shown = ShownFrames(self, _time.get_time)
        if "SSH_CONNECTION" in os.environ:
            self.animation_level = "none"

    def get_default_screen(self) -> Screen[Any]:
        """The first frame."""
        return self._opening_of(self._start) if self._start is not None else super().get_default_screen()

    def on_mount(self) -> None:
        if self.config.theme in self.available_themes:
            self.theme = self.config.theme
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        for warning in self.config.warnings:
            self.notify(clean(warning), severity="warning", timeout=15, markup=False)
        if self._start is not None:
            self.open(self._start)
        else:
            self.ask()
        self.call_after_refresh(self._shown.ask_first)

    def _remember_theme(self, theme: Any) -> None:
        if theme.name != self.config.theme:
            try:
                self.config = self.config.remember_theme(theme.name)
            except RegtuiError as error:
                self.notify(clean(str(error)), severity="warning", markup=False)

    # What is typed

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self.key_queue.put(event)
        elif isinstance(event, events.Key) and not self._counts(event):
            # Handed on when there was nothing to answer. On its way up from the widget, the question came.
            event.stop()
        elif isinstance(event, events.MouseDown | events.MouseUp) and not event.is_forwarded:
            if self._counts(event):
                await super().on_event(event)
        elif isinstance(event, events.CursorPosition):
            self._shown.answered(event)
        else:
            await super().on_event(event)

    async def _take_typed(self, event: events.Key | events.Paste) -> None:
        if self._counts(event):
            await super().on_event(event)

    def _counts(self, event: events.Event) -> bool:
        """Not where it would answer what wasn't seen yet when it was typed."""
        screen = self.screen
        return not isinstance(screen, Asking) or screen.question.takes(event)

    def when_shown(self, told: Told) -> Forget:
        """Calls `told` with the time when all that has been painted by now is on the terminal."""
        return self._shown.when(told)

    @property
    def is_terminal_silent(self) -> bool:
        """Whether it has never said what it shows, though it was asked."""
        return self._shown.is_silent

    # Which registry

    # Described, as Textual would describe it by all that is known of the target: 2 ms before the first frame.
    @work(exclusive=True, group="open", description="open")
    async def open(self, target: Target) -> None:
        """Opens a registry; where that fails, the connect screen says why."""
        opening = self._opening(target)
        await opening.painted()
        await loaded("regtui.ui.open_registry")
        from regtui.ui.open_registry import open_registry

        loading = asyncio.create_task(loaded("regtui.ui.screens.browser", "regtui.session.filling"))
        try:
            registry = await open_registry(self, target)
        except RegtuiError as error:
            await opening.uncovered()
            self._end(opening)
            self.ask(target, error)
            return
        try:
            await loading
            await opening.uncovered()
        except BaseException:
            registry.end()
            raise
        self._end(opening)
        self._opened.show(registry)

    def _opening(self, target: Target) -> OpeningScreen:
        """What is on the screen meanwhile: at the start that is there already."""
        if isinstance(self.screen, OpeningScreen):
            return self.screen
        opening = self._opening_of(target)
        self.push_screen(opening)
        return opening

    def _opening_of(self, target: Target) -> OpeningScreen:
        return OpeningScreen(target.name or target.address.name, fitting(self))

    def _end(self, opening: OpeningScreen) -> None:
        """The one below everything stays there."""
        if self.screen_stack[0] is not opening:
            opening.dismiss()

    @work(exclusive=True, group="ask")
    async def ask(self, target: Target | None = None, error: RegtuiError | None = None, address: str = "") -> None:
        """The connect screen; without an answer, back to what is open. `address`: what was typed already."""
        from regtui.ui.screens.connect import ConnectScreen

        is_first = not self._opened
        if is_first and error:
            # Of whoever quits without having opened anything.
            self._exit_code = error.exit_code
        screen = ConnectScreen(self.config, self.credentials, target, error, self.options, address, is_first=is_first)
        connected = await self.push_screen_wait(screen)
        if connected is None:
            return
        self._exit_code = DONE
        self.config = connected.config
        self._opened.show(connected.registry)
        if connected.notice:
            self.notify(clean(connected.notice), timeout=8, markup=False)

    @work(exclusive=True, group="switch")
    async def action_switch(self) -> None:
        from regtui.ui.screens.choose import OTHER, ChooseScreen, RegistryChoice

        # The one before this first: back and forth is what it is most used for.
        told = {registry.name: registry.session.identity.in_full for registry in reversed([*self._opened][:-1])}
        told |= {name: profile.identity.in_full for name, profile in self.config.profiles.items()}
        told |= {"demo": "the built-in sample registry", self._opened.current.name: "this one"}
        is_open = {registry.name for registry in self._opened}
        chosen = await self.push_screen_wait(
            ChooseScreen([RegistryChoice(n, t, n in is_open) for n, t in told.items()])
        )
        if chosen is None or self._opened.back_to(chosen.name):
            return
        if chosen.name == OTHER:
            self.ask(address=chosen.told)
            return
        try:
            target = resolve_target(chosen.name, self.config, self.credentials, self.options)
        except RegtuiError as error:
            self.notify(clean(str(error)), severity="error", markup=False)
            return
        self.open(target)

    @work(exclusive=True, group="garbage")
    async def action_garbage(self) -> None:
        from regtui.ui.screens.browser import BrowserScreen
        from regtui.ui.screens.garbage import GarbageScreen

        report = await self.push_screen_wait(GarbageScreen(self._opened.current, self.config))
        if report is not None:
            # Untagged images and empty repositories may be gone.
            for screen in self.screen_stack:
                if isinstance(screen, BrowserScreen):
                    screen.load_repositories()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Over a dialog, only the dialog's own keys count."""
        if not self._opened:
            return action not in ("switch", "garbage", "requests")
        from regtui.ui.screens.browser import BrowserScreen
        from regtui.ui.screens.confirm import ConfirmScreen

        if action in ("switch", "garbage"):
            return isinstance(self.screen, BrowserScreen)
        if action == "quit":
            # Its own keys answer.
            return not isinstance(self.screen, ConfirmScreen)
        if action == "requests":
            return not isinstance(self.screen, ModalScreen)
        if action == "help":
            return not isinstance(self.screen, ModalScreen)
        return True

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers everywhere; the browser adds its own."""
        from regtui.ui.screens.browser import BrowserScreen
        from regtui.ui.screens.connect import ConnectScreen

        yield SystemCommand("Theme", "choose the colours; the choice is remembered", self.action_change_theme)
        if self.check_action("help", ()):
            yield SystemCommand("Keys", "what each key does", self.action_help)
        target = screen.session.target if isinstance(screen, BrowserScreen) else None
        if isinstance(screen, ConnectScreen):
            target = screen.target
        if target is not None:
            yield SystemCommand(
                "Doctor", "check the way to this registry, and what it allows", partial(self.examine, target)
            )
            yield SystemCommand("Forget login", "what regtui keeps for this registry", partial(self.forget, target))
        yield SystemCommand("Quit", "leave regtui", self.action_quit)

    def examine(self, target: Target) -> None:
        """What is wrong with a registry, and what to do about it."""
        from regtui.ui.screens.doctor import DoctorScreen

        self.push_screen(DoctorScreen(target))

    @work(exclusive=True, group="forget")
    async def forget(self, target: Target) -> None:
        """Logs out, for now and for the next time: a registry that is open is closed, and can be connected to anew."""
        from regtui.settings.logout import log_out

        profile = Profile(target.name, target.address, via=target.via)
        try:
            said = await aside(lambda: log_out(self.credentials, profile.login_names))
        except RegtuiError as error:
            said = [str(error)]
        self.notify(clean(" ".join(said)), timeout=10, markup=False)
        is_logged_in = target.credential is not None or bool(target.login_words)
        # The session knows the login, and the tokens that were given for it.
        if is_logged_in and self._opened.close(target):
            self.ask(target)

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            # Without an id: the last one may still be closing, and two of one id end the app.
            self.push_screen(Palette())
            self.call_after_refresh(self._still_cursors)

    def search_themes(self) -> None:
        super().search_themes()
        self.call_after_refresh(self._still_cursors)

    def _still_cursors(self) -> None:
        """A blinking cursor is 2.6 KB a second over SSH."""
        from textual.widgets import Input

        for field in self.screen.query(Input):
            field.cursor_blink = False

    def action_requests(self) -> None:
        from regtui.ui.screens.requests import RequestsScreen

        session = self._opened.current.session
        self.push_screen(RequestsScreen(session.requests, session.host, session.address.url))

    def action_help(self) -> None:
        from regtui.ui.screens.browser import BrowserScreen
        from regtui.ui.screens.help import HelpScreen, browser_keys, keys_of

        screen = self.screen
        sections = browser_keys(screen.pane.id or "") if isinstance(screen, BrowserScreen) else keys_of(screen)
        self.push_screen(HelpScreen(sections))

    async def action_quit(self) -> None:
        self.leave()

    @work(exclusive=True, group="leave")
    async def leave(self) -> None:
        """Out, once nothing is being changed any more; see leaving.py."""
        from regtui.ui.leaving import may_leave

        if await may_leave(self):
            self.exit(self._exit_code)

    @property
    def crash(self) -> Exception | None:
        """The unexpected error that ended the app."""
        return self._exception

    def _fatal_error(self) -> None:
        # Textual prints the traceback with its local variables: passwords are among them. See start.py.
        self._close_messages_no_wait()

    async def on_unmount(self) -> None:
        await asyncio.gather(*(registry.close() for registry in self._opened))

"""The first screen where nothing is configured, and where the registry that was named can't be opened."""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from regtui import bounds
from regtui.aside import aside
from regtui.errors import RegtuiError, UsageError
from regtui.registry.errors import NotAuthenticated, Unreachable
from regtui.registry.values import Credential
from regtui.session.place import Place, place_of
from regtui.session.resolving import Options, lookup_for, profile_for, protected_at, target_for
from regtui.session.target import Target
from regtui.settings.config import Config, Profile
from regtui.settings.credentials import Credentials, PasswordPlace
from regtui.text import clean
from regtui.ui.open_registry import OpenRegistry, open_registry
from regtui.ui.screens.keep import KeepScreen
from regtui.ui.screens.known_registries import KnownRegistry, known_registries
from regtui.ui.widgets.hints import Hints
from regtui.ui.widgets.tick import Tick

_HINTS: Final = (("enter", "connect"), ("tab", "next field"))
_BACK: Final = ("esc", "back")
_QUIT: Final = ("ctrl+q", "quit")


@dataclass(frozen=True, slots=True)
class Connected:
    """An open registry, the config that now knows it, and what to tell about the password."""

    registry: OpenRegistry
    config: Config
    notice: str = ""


class ConnectScreen(Screen[Connected | None]):
    """Address, user, password. `target` and `error`: what was tried already, and why it failed. `options`: what the
    command line said of whichever registry is opened. `address`: what was typed as one before. `is_first`: there is
    nothing to go back to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "cancel", show=False, id="connect.back"),
        Binding("ctrl+g", "ask_host", "what its host says of a collection", show=False, id="connect.host"),
        # Priority: else what is typed ahead on a slow line, the password, would still go into the field before.
        Binding("tab", "app.focus_next", show=False, priority=True, id="connect.tab"),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True, id="connect.backtab"),
        Binding("down", "step(1)", "next", show=False, priority=True, id="connect.next"),
        Binding("up", "step(-1)", "previous", show=False, priority=True, id="connect.previous"),
        # On a tick, which enter would toggle: space does.
        Binding("enter", "connect", "connect", show=False, priority=True, id="connect.connect"),
    ]

    def __init__(
        self,
        config: Config,
        credentials: Credentials,
        target: Target | None = None,
        error: RegtuiError | None = None,
        options: Options | None = None,
        address: str = "",
        *,
        is_first: bool = False,
    ) -> None:
        super().__init__()
        self._hints = (*_HINTS, _QUIT) if is_first else (*_HINTS, _BACK, _QUIT)
        self._is_first = is_first
        self._config = config
        self._credentials = credentials
        self.target = target
        self._error = error
        self._options = options or Options()
        known = _user_of(target, config, self._options) if target else ""
        self._address = Input(
            str(target.address) if target else address,
            placeholder="registry.example.com",
            compact=True,
            # A letter typed on the list comes before the focus does.
            select_on_focus=False,
        )
        self._user = Input(known, placeholder="empty: without login", compact=True)
        self._password = Input(password=True, compact=True)
        self._remember = Tick("remember it (the password in the keyring)", id="remember")
        self._connect = Button("Connect", variant="primary", compact=True, id="connect")
        self._said = Static(id="said")
        self._known: list[KnownRegistry] = []
        self._list = OptionList(id="known")
        for field in (self._address, self._user, self._password):
            field.cursor_blink = False

    def compose(self) -> ComposeResult:
        with Vertical(id="form", classes="pane"):
            yield self._list
            for label, field in (("Address", self._address), ("User", self._user), ("Password", self._password)):
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield field
            yield self._remember
            yield self._connect
            yield self._said
        yield Hints(*self._hints)

    def on_mount(self) -> None:
        self.query_one("#form").border_title = "Connect to a registry"
        if self._error is not None:
            self._tell(self._error)
        # Nothing went wrong with one that was just logged out of: it's the login that is asked for.
        lacks_login = isinstance(self._error, NotAuthenticated) or (self.target is not None and self._error is None)
        (self._login_field() if lacks_login else self._address).focus()
        self.list_known(goes_there=self._error is None and self.target is None and not self._address.value)

    @work(group="known")
    async def list_known(self, *, goes_there: bool) -> None:
        """What is known already, above the fields; where nothing else was wanted, with the cursor there."""
        self._known = await aside(lambda: known_registries(self._config, self._credentials))
        width = max(len(known.name) for known in self._known)
        self._list.add_options(
            Option(Content.assemble(f"{clean(known.name):<{width}}  ", (clean(known.where), "dim")))
            for known in self._known
        )
        self._list.highlighted = 0
        # Whoever typed something meanwhile is not called back.
        is_untouched = self.focused in (None, self._address, self._list) and not self._address.value
        if goes_there and len(self._known) > 1 and is_untouched:
            self.call_after_refresh(self._list.focus)

    @on(OptionList.OptionSelected)
    def _known_chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._address.value = self._known[event.option_index].name
        self._user.value = self._password.value = ""
        self.connect()

    def on_key(self, event: events.Key) -> None:
        """A letter on the list is the first one of an address."""
        if self.focused is self._list and event.is_printable and event.character and event.character != " ":
            event.stop()
            self._address.focus()
            self._address.insert_text_at_cursor(event.character)

    def action_step(self, steps: int) -> None:
        """In the list from one to the next, then on to the fields."""
        count, line = self._list.option_count, self._list.highlighted
        if self.focused is self._list and line is not None and 0 <= line + steps < count:
            self._list.highlighted = line + steps
        elif steps > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def _login_field(self) -> Input:
        """What a login lacks: who it is, or else the right password."""
        return self._password if self._user.value else self._user

    @on(Input.Submitted)
    @on(Button.Pressed, "#connect")
    def _submitted(self) -> None:
        self.connect()

    @work(exclusive=True, group="connect")
    async def connect(self) -> None:
        """Opens what was typed; stays, and says why, where that fails."""
        where = self.focused
        try:
            place = self._place()
            profile = self._profile(place.registry)
            self._say(f"Connecting to {profile.name} …")
            self.target = place.on(self._target_of(profile))
            registry = await open_registry(self.app, self.target)
        except RegtuiError as error:
            self._tell(error)
            # Whoever went on meanwhile is not called back.
            if isinstance(error, NotAuthenticated) and self.focused is where:
                field = self._login_field()
                field.focus()
                # Not typed behind what was wrong.
                field.action_select_all()
            return
        try:
            connected = await self._remembered(registry, profile)
        except BaseException as error:
            # Cancelled, too: a keyring may take its time, and somebody goes back meanwhile.
            registry.end()
            if not isinstance(error, RegtuiError):
                raise
            self._tell(error)
            return
        self.dismiss(connected)

    def _place(self) -> Place:
        """What was typed. A path that may be the registry's own is that: it is an address that is asked for."""
        text = self._address.value.strip()
        place = place_of(text, self._config)
        return place if place.is_sure else Place(text)

    def _profile(self, address: str) -> Profile:
        """Raises UsageError where the address is none."""
        if self.target is not None and address == str(self.target.address) and self.target.name:
            known = self._config.profiles.get(self.target.name)
            if known is not None:
                return known
        if not address and not self._config.default:
            raise UsageError("No address.", "Type the registry's, such as registry.example.com or 127.0.0.1:5000.")
        return profile_for(address, self._config, environment={})

    def _target_of(self, profile: Profile) -> Target:
        if profile.name == "demo" and "demo" not in self._config.profiles:
            from regtui.session.target import demo_target

            return replace(demo_target(), read_only=self._options.read_only, protect=self._config.protect)
        protect = protected_at(profile, self._config)
        user = self._user.value.strip()
        if user and self._password.value:
            typed = Credential(user, self._password.value)
            return replace(target_for(profile, typed, self._options), given_user=user, protect=protect)
        lookup = lookup_for(profile, self._credentials, replace(self._options, username=user))
        return replace(target_for(profile, None, self._options), lookup=lookup, protect=protect)

    async def _remembered(self, registry: OpenRegistry, profile: Profile) -> Connected:
        session = registry.session
        credential = session.target.credential
        login = session.target.login_words
        notice = f"Logged in as {login}." if login and session.username else ""
        if not self._remember.value:
            if credential is not None:
                self._credentials.use_for_session(profile.login_name, credential)
            return Connected(registry, self._config, notice)
        user = credential.username if credential else profile.username
        kept = replace(profile, address=session.address, username=user)
        config = self._config.remember_profile(kept, as_default=not self._config.default)
        if credential is None:
            return Connected(registry, config, notice)
        return Connected(registry, config, await self._kept(profile.login_name, credential))

    async def _kept(self, host: str, credential: Credential) -> str:
        """Where the password is now, in words; nothing where that was said before."""
        if await aside(lambda: self._credentials.store(host, credential)) is PasswordPlace.KEYRING:
            return ""
        way = await aside(lambda: self._credentials.docker_way(host))
        if await self.app.push_screen_wait(KeepScreen(self._credentials.keyring_trouble, way)):
            place = await aside(lambda: self._credentials.store_with_docker(host, credential))
            return f"The password is in {place}."
        return f"The password is kept {PasswordPlace.SESSION.value}."

    @property
    def _host_may_know(self) -> bool:
        """Whether it may be down for its collection, and its host is known."""
        target = self.target
        is_known = target is not None and (target.runs_at is not None or target.address.is_loopback)
        return is_known and isinstance(self._error, Unreachable)

    @work(exclusive=True, group="connect")
    async def ask_host(self) -> None:
        """The garbage screen of a registry that doesn't answer; afterwards it is tried again."""
        from regtui.ui.screens.garbage import GarbageScreen

        assert self.target is not None
        try:
            registry = await open_registry(self.app, self.target, patience=bounds.STATUS_SILENCE)
        except RegtuiError as error:
            self._tell(error)
            return
        try:
            await self.app.push_screen_wait(GarbageScreen(registry, self._config))
        finally:
            await registry.close()
        self.connect()

    def action_ask_host(self) -> None:
        self.ask_host()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "ask_host":
            return self._host_may_know
        return action != "connect" or self.focused is self._remember

    def action_connect(self) -> None:
        self.connect()

    def action_back(self) -> None:
        """What connects is stopped; without a screen to go back to that is all: esc never quits."""
        is_connecting = bool(self.workers.cancel_group(self, "connect"))
        if not self._is_first:
            self.dismiss(None)
        elif is_connecting:
            self._say("Stopped.")

    def _tell(self, error: RegtuiError) -> None:
        self._error = error
        remedy = error.remedy
        if self._host_may_know:
            remedy = f"{remedy}\nIs it being collected? ctrl+g: what its host says."
        self.query_one(Hints).show(*((("ctrl+g", "ask its host"),) if self._host_may_know else ()), *self._hints)
        if isinstance(error, NotAuthenticated):
            # There is no need to leave for the command line.
            tried = remedy.partition("Run: regtui login")[0].strip()
            remedy = f"{tried}\nType its user and password above.".strip()
        self._say(f"{error.message}\n{remedy}".strip(), is_error=True)

    def _say(self, text: str, *, is_error: bool = False) -> None:
        self._said.update(Content(clean(text, keep="\n")))
        self._said.set_class(is_error, "-error")


def _user_of(target: Target, config: Config, options: Options) -> str:
    """The user that was tried, or would have been: the field need not be filled in anew, nor is a password typed into
    it."""
    found = target.lookup.found if target.lookup else None
    credential = target.credential or (found.credential if found else None)
    if credential is not None:
        return credential.username
    profile = config.profiles.get(target.name)
    return options.username or target.given_user or (profile.username if profile else "")

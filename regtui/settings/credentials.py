"""Credentials: where they are looked for, and where they are kept. Never in a file of ours.

In this order: what the command line gave, REGTUI_USERNAME and REGTUI_PASSWORD for the registry that the command is
about, what was typed since regtui was started, the operating system's keyring, DOCKER_AUTH_CONFIG, Docker's config file
and its helpers, Podman's auth files.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from regtui.errors import SettingsError
from regtui.registry.values import Credential, Keychain
from regtui.settings import own_logins
from regtui.settings.credential_helper import Helper
from regtui.settings.docker_files import (
    AuthFile,
    auth_files,
    docker_file,
    remove_login,
    server_of,
    shown,
    write_login,
)
from regtui.settings.system_keyring import SystemKeyring

_KEYRING_TIMEOUT: Final = 3.0
# Some ask a cloud for a token first.
_HELPER_TIMEOUT: Final = 10.0


_VARIABLES: Final = "REGTUI_USERNAME and REGTUI_PASSWORD"
_OPTION_AND_VARIABLE: Final = "-u and REGTUI_PASSWORD"


class LoginSource(Enum):
    """Where a credential was found: said to the user, never the secret itself."""

    GIVEN = "the command line"
    ENVIRONMENT = "the environment"
    SESSION = "typed in this session"
    KEYRING = "the keyring"
    DOCKER = "Docker's config file"
    HELPER = "a credential helper"
    PODMAN = "Podman's auth file"
    NONE = "anonymous"


@dataclass(frozen=True, slots=True)
class FoundLogin:
    """`place`: which file, program, option or variable. `troubles`: what went wrong, each with its remedy."""

    credential: Credential | None
    source: LoginSource
    place: str = ""
    scoped: tuple[tuple[str, Credential], ...] = ()
    troubles: tuple[SettingsError, ...] = field(default=(), compare=False)
    scoped_places: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where each of `scoped` was found."""

    @property
    def keychain(self) -> Keychain:
        return Keychain(self.credential, self.scoped)

    @property
    def correction(self) -> str:
        """What to do where the registry rejects it; empty where a new login is the way."""
        if self.source is not LoginSource.ENVIRONMENT:
            return ""
        if self.place == _OPTION_AND_VARIABLE:
            return "Correct REGTUI_PASSWORD, or unset it: with -u it goes before any login that is kept."
        return "Correct REGTUI_USERNAME and REGTUI_PASSWORD, or unset them: they go before any login that is kept."

    @property
    def words(self) -> str:
        """Whose it is, and where from: `ci, from the keyring`. Empty where there is none."""
        return self.words_for("")

    def words_for(self, repository: str) -> str:
        """The same of what goes out for `repository`; without one, for the registry itself."""
        known = self.keychain.credential_for(repository)
        if known is None:
            return ""
        whose = known.username or "a token"
        if known is not self.credential:
            prefix = next(prefix for prefix, credential in self.scoped if credential is known)
            only = f" (for {prefix})" if repository else " (for some repositories)"
            return f"{whose}{only}, from {self.scoped_places.get(prefix) or self.place or self.source.value}"
        if self.source is LoginSource.SESSION:
            return f"{whose}, {self.source.value}"
        return f"{whose}, from {self.place or self.source.value}"


class Lookup:
    """A credential that is looked for when a registry asks for one. Blocks."""

    def __init__(self, find: Callable[[], FoundLogin]) -> None:
        self._find = find
        self._was_asked = False
        self.found: FoundLogin | None = None
        """None until somebody wanted it."""

    def __call__(self) -> Keychain:
        """For the registry's client. Asked again, it looks again: what it gave isn't accepted any more."""
        found = self._find() if self._was_asked else self.find()
        self._was_asked, self.found = True, found
        return found.keychain

    def find(self) -> FoundLogin:
        """What was found, or is now."""
        if self.found is None:
            self.found = self._find()
        return self.found


class PasswordPlace(Enum):
    """Where a credential went."""

    KEYRING = "in the keyring"
    SESSION = "until regtui is closed"


class Credentials:
    """All lookups block, up to the time limits (seconds) of keyring and helpers: call them off the event loop."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        keyring_timeout: float = _KEYRING_TIMEOUT,
        helper_timeout: float = _HELPER_TIMEOUT,
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self._keyring = SystemKeyring(keyring_timeout)
        self._helper_timeout = helper_timeout
        self._session: dict[str, Credential] = {}
        self.keyring_trouble = ""
        """Why the keyring didn't keep what it was given last. Reads on after a colon."""

    def of_environment(self, username: str = "") -> FoundLogin | None:
        """What REGTUI_USERNAME and REGTUI_PASSWORD say, for the registry that a command is about and no other; None
        where that is no login. `username` was given with the command: the password is that user's, unless the
        environment says that it is another's."""
        user = self._environment.get("REGTUI_USERNAME", "")
        password = self._environment.get("REGTUI_PASSWORD", "")
        if not password or not (user or username) or (user and username and user != username):
            return None
        place = _OPTION_AND_VARIABLE if username else _VARIABLES
        return FoundLogin(Credential(user or username, password), LoginSource.ENVIRONMENT, place)

    @property
    def environment_user(self) -> str:
        """Whom REGTUI_USERNAME names; empty for nobody."""
        return self._environment.get("REGTUI_USERNAME", "")

    def unused_password(self, username: str = "") -> str:
        """That REGTUI_PASSWORD is set and isn't used, and why; empty where that isn't so. `username` as before."""
        if not self._environment.get("REGTUI_PASSWORD") or self.of_environment(username) is not None:
            return ""
        if user := self.environment_user:
            return (
                f"REGTUI_PASSWORD is that of {user}, as REGTUI_USERNAME says, and -u names {username}: it isn't used."
            )
        return "REGTUI_PASSWORD is set, but neither REGTUI_USERNAME nor -u says whose it is: it isn't used."

    def find(self, host: str, username: str = "") -> FoundLogin:
        """What is known for `host` (`HOST[:PORT][/PREFIX]`); `username` narrows it where the profile names one."""
        if (kept := self._session.get(host)) and username in ("", kept.username):
            return FoundLogin(kept, LoginSource.SESSION)
        troubles: list[SettingsError] = []
        try:
            if stored := self._keyring.get(host, username):
                return FoundLogin(stored, LoginSource.KEYRING)
        except SettingsError as error:
            troubles.append(error)
        return self._from_files(host, username, troubles)

    def find_by_any(self, hosts: Iterable[str], username: str = "") -> FoundLogin:
        """The same for a registry that has several names: the first that anything is known for."""
        first, *others = hosts
        found = self.find(first, username)
        while found.source is LoginSource.NONE and others:
            found = self.find(others.pop(0), username)
        return found

    def _from_files(self, host: str, username: str, troubles: list[SettingsError]) -> FoundLogin:
        """Docker's and Podman's. The first general credential counts, and all scoped ones: those are more precise."""
        best = FoundLogin(None, LoginSource.NONE)
        scoped: dict[str, Credential] = {}
        places: dict[str, str] = {}
        for found in self._in_files(host, troubles):
            general = found.credential if _is_of(username, found.credential) else None
            mine = {prefix: c for prefix, c in found.scoped if _is_of(username, c)}
            scoped = mine | scoped
            places = dict.fromkeys(mine, found.place) | places
            if (best.credential is None and general) or (best.source is LoginSource.NONE and mine):
                best = FoundLogin(general, found.source, found.place)
        return FoundLogin(best.credential, best.source, best.place, tuple(scoped.items()), tuple(troubles), places)

    def hosts_of_files(self) -> list[str]:
        """The registries that Docker's and Podman's files name, sorted. A file that can't be read names none."""
        hosts: set[str] = set()
        for path, is_docker in auth_files(self._environment):
            with contextlib.suppress(SettingsError):
                if file := AuthFile.load(path, is_docker=is_docker):
                    hosts.update(file.hosts)
        return sorted(hosts)

    def _in_files(self, host: str, troubles: list[SettingsError]) -> Iterator[FoundLogin]:
        if given := self._environment.get("DOCKER_AUTH_CONFIG"):
            yield from self._from_variable(given, host, troubles)
        for path, is_docker in auth_files(self._environment):
            yield from self._from_file(path, is_docker, host, troubles)

    def _from_variable(self, text: str, host: str, troubles: list[SettingsError]) -> list[FoundLogin]:
        """$DOCKER_AUTH_CONFIG: what would stand in Docker's config file, given by CI systems as a rule."""
        try:
            file = AuthFile.parse(text.encode(errors="replace"), Path("DOCKER_AUTH_CONFIG"), is_docker=True)
            return [FoundLogin(file.keychain(host).general, LoginSource.DOCKER, "DOCKER_AUTH_CONFIG")]
        except SettingsError as error:
            troubles.append(error)
            return []

    def _from_file(self, path: Path, is_docker: bool, host: str, troubles: list[SettingsError]) -> list[FoundLogin]:
        """What its helper has, then what stands in it. Where one fails the other may still know."""
        try:
            file = AuthFile.load(path, is_docker=is_docker)
        except SettingsError as error:
            troubles.append(error)
            return []
        if file is None:
            return []
        results = []
        try:
            if (name := file.helper(host)) and (kept := self._helper(name).get(server_of(host))):
                place = f"docker-credential-{name} (named in {shown(path)})"
                results.append(FoundLogin(kept, LoginSource.HELPER, place))
        except SettingsError as error:
            troubles.append(SettingsError(error.message, error.remedy or f"It is named in {shown(path)}."))
        try:
            own = file.keychain(host)
            source = LoginSource.DOCKER if is_docker else LoginSource.PODMAN
            results.append(FoundLogin(own.general, source, shown(path), own.scoped))
        except SettingsError as error:
            troubles.append(error)
        return results

    def _helper(self, name: str) -> Helper:
        return Helper(name, self._environment, self._helper_timeout)

    # Keeping

    def use_for_session(self, host: str, credential: Credential) -> None:
        """Keeps it in memory alone."""
        self._session[host] = credential

    def store(self, host: str, credential: Credential) -> PasswordPlace:
        """Keeps it in the keyring, or where there is none that answers, until regtui is closed."""
        self.keyring_trouble = "this machine has no usable keyring"
        try:
            if self._keyring.store(host, credential):
                self._session.pop(host, None)
                return PasswordPlace.KEYRING
        except SettingsError as error:
            self.keyring_trouble = f"{error.message[:1].lower()}{error.message[1:].rstrip('.')}"
        self.use_for_session(host, credential)
        return PasswordPlace.SESSION

    def docker_way(self, host: str) -> str:
        """Where `store_with_docker` would put it, and how safe that is. Raises SettingsError."""
        path = docker_file(self._environment)
        file = AuthFile.load(path, is_docker=True)
        if file and (helper := file.helper(host)):
            return f"with docker-credential-{helper}, as Docker does"
        return f"in {shown(path)}, as Docker does: readable by you alone, but not encrypted"

    def store_with_docker(self, host: str, credential: Credential) -> str:
        """Keeps it where `docker login` would: with the helper that Docker's config file names, else in the file. Says
        where. Raises SettingsError."""
        path = docker_file(self._environment)
        file = AuthFile.load(path, is_docker=True)
        helper = file.helper(host) if file else ""
        if helper:
            self._helper(helper).store(server_of(host), credential)
        write_login(path, host, None if helper else credential)
        own_logins.remember(host, credential.username)
        self._session.pop(host, None)
        return f"docker-credential-{helper}" if helper else shown(path)

    # Forgetting

    def forget(self, host: str) -> list[str]:
        """Removes it everywhere that regtui has put it; the places. Raises SettingsError where one can't be asked."""
        places = []
        if self._session.pop(host, None) is not None:
            places.append("this session")
        try:
            if self._keyring.remove(host):
                places.append("the keyring")
        finally:
            if place := self._forget_with_docker(host):
                places.append(place)
        return places

    def _forget_with_docker(self, host: str) -> str:
        """Where it was; empty where regtui didn't put it there, or somebody has logged in anew since."""
        username = own_logins.logins().get(host)
        if username is None:
            return ""
        path = docker_file(self._environment)
        kept = [f.credential for f in self._from_file(path, True, host, []) if f.credential]
        place = ""
        if kept and kept[0].username == username:
            file = AuthFile.load(path, is_docker=True)
            helper = file.helper(host) if file else ""
            if helper:
                self._helper(helper).erase(server_of(host))
            remove_login(path, host)
            place = f"docker-credential-{helper}" if helper else shown(path)
        own_logins.forget(host)
        return place


def _is_of(username: str, credential: Credential | None) -> bool:
    """Whether it is that user's: a token that doesn't say whose it is may be."""
    return credential is not None and (not username or credential.username in ("", username))

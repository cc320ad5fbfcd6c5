"""From the options of a command to an open registry: config, credentials, target, session, log."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from regtui.cli.console import ask_password, is_interactive, read_password, say, warn
from regtui.cli.request_log import write_log
from regtui.errors import UNREACHABLE, RegtuiError, UsageError
from regtui.oci.reference import Reference, is_repository
from regtui.registry.values import Credential
from regtui.session.place import check_registry, is_registry_alone, place_of, prefix_hint
from regtui.session.resolving import Options, profile_for, resolve_target, split_reference, target_of
from regtui.session.target import Target
from regtui.settings.config import Config, Profile
from regtui.settings.credentials import Credentials

if TYPE_CHECKING:
    from regtui.deletion.entry import Entry
    from regtui.session.session import Session


# They tell what is wrong in the config file in their own way.
_SHOWING_WARNINGS: Final = ("browse", "demo", "doctor")


class Invocation:
    """What the command line, the environment and the config file say together.

    Raises SettingsError, UsageError; reads a password from stdin where the options say so.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        write_log(arguments.log_file)
        self.config = Config.load(arguments.config)
        if arguments.command not in _SHOWING_WARNINGS:
            for warning in self.config.warnings:
                warn(warning)
        self._registry: str | None = arguments.registry
        self._username: str = arguments.username
        self._named: dict[str, Reference] = {}
        """By registry, what was named at it last."""
        if arguments.plain_http and (arguments.ca_file or arguments.insecure or arguments.client_cert):
            raise UsageError("--plain-http has no certificates: it goes with none of the options about them.")
        if arguments.client_key and not arguments.client_cert:
            raise UsageError("--client-key needs --client-cert.")
        self.options = Options(
            username=self._username,
            password=read_password() if arguments.password_stdin else None,
            environment_login=True,
            plain_http=arguments.plain_http,
            ca_file=arguments.ca_file,
            client_cert=arguments.client_cert,
            client_key=arguments.client_key,
            insecure=arguments.insecure,
            insecure_hosts=tuple(arguments.insecure_host),
            timeout=arguments.timeout,
            read_only=arguments.read_only,
            no_cache=arguments.no_cache,
        )
        self.credentials = Credentials()

    @property
    def gives_login(self) -> bool:
        """Whether the command line or the environment has a login: meant for one registry, and sent to no other."""
        given = self._username or self.options.password is not None
        return bool(given) or self.credentials.of_environment() is not None

    def registry(self, argument: str | None) -> str | None:
        """The registry meant: as an argument, by -r, by $REGTUI_REGISTRY or the config's default; None for none."""
        if argument and self._registry and argument != self._registry:
            raise UsageError(f"Two registries are named: {argument} and, with -r, {self._registry}.")
        return argument or self._registry or os.environ.get("REGTUI_REGISTRY") or self.config.default or None

    def reference(self, text: str) -> Reference:
        """REPOSITORY or REFERENCE. With -r, all of it is the repository's name, dots in its first part included."""
        is_certain = self.registry(None) is not None
        if not self._registry and is_registry_alone(text, self.config, is_certain=is_certain):
            raise UsageError(f"{text} is a registry, not a repository.", f"Its repositories: regtui ls {text}")
        reference = split_reference(text, self.config, by_prefix=not self._registry)
        if not self._registry and reference.registry is not None:
            self._named[reference.registry] = reference
        if not self._registry or reference.registry is None:
            return reference
        repository = f"{reference.registry}/{reference.repository}"
        if not is_repository(repository):
            raise UsageError(f"Two registries are named: {reference.registry} and, with -r, {self._registry}.")
        return replace(reference, registry=None, repository=repository)

    def profile(self, argument: str | None) -> Profile:
        return profile_for(self._checked(argument), self.config)

    def target(self, argument: str | None) -> Target:
        """The target to open; asks for the password where -u names a user without a known one."""
        registry = self._checked(argument)
        target = resolve_target(registry, self.config, self.credentials, self.options)
        return self._with_password(replace(target, prefix_hint=self._prefix_hint(registry or "")))

    def _prefix_hint(self, registry: str) -> str:
        """What to try where no registry answers: the path may belong to the one that it wasn't taken for."""
        if reference := self._named.get(registry):
            is_known = registry in self.config.profiles
            return "" if is_known else prefix_hint(registry, reference.repository, reference.identifier or "")
        place = place_of(registry, self.config)
        return f"If {place.repository} is a repository there: regtui tags {registry}" if not place.is_sure else ""

    def _checked(self, argument: str | None) -> str | None:
        """The registry meant. Raises UsageError where what is named is something at one."""
        registry = self.registry(argument)
        if registry:
            check_registry(registry, self.config)
        return registry

    def target_of_run(self, entry: "Entry") -> Target:
        """The registry where a run was made, or may have been made (`Entry.belongs_to`). Neither the environment nor
        the config's default counts. Raises OtherRegistry where -r names another one, UsageError where several
        profiles lead there."""
        from regtui.deletion.belonging import check_named
        from regtui.session.run_registry import registry_of

        if self._registry:
            target = self.target(self._registry)
            check_named(entry, target.identity, self._registry)
            return target
        found = registry_of(entry, self.config)
        if found.note:
            say(found.note)
        return self._with_password(target_of(found.profile, self.config, self.credentials, self.options))

    def _with_password(self, target: Target) -> Target:
        if not self._username or target.lookup is None or target.lookup.find().credential is not None:
            return target
        if not is_interactive():
            raise UsageError(
                f"There is no password for {self._username}.",
                "Give it with --password-stdin or in REGTUI_PASSWORD.",
            )
        password = ask_password(f"Password of {self._username} for {target.address.name}:")
        return replace(target, credential=Credential(self._username, password), lookup=None)

    def run(
        self, argument: str | None, work: Callable[["Session"], Awaitable[int]], *, patience: float | None = None
    ) -> int:
        """Opens the registry, runs `work` with it, closes it; `work`'s exit code. Raises RegtuiError. `patience`:
        also one that doesn't answer, or not for so many seconds."""
        return self.run_at(self.target(argument), work, patience=patience)

    def run_at(
        self, target: Target, work: Callable[["Session"], Awaitable[int]], *, patience: float | None = None
    ) -> int:
        """The same with a target."""
        # What --password-stdin gives is the password that was meant.
        unused = "" if self.options.password is not None else self.credentials.unused_password(self._username)
        if unused and target.name != "demo":
            warn(unused)

        async def opened() -> int:
            async with connected(target, patience=patience) as session:
                return await work(session)

        try:
            return asyncio.run(opened())
        except RegtuiError as error:
            raise self._explained(error, target) from None

    def _explained(self, error: RegtuiError, target: Target) -> RegtuiError:
        """A name without a dot that leads nowhere may be meant for a profile."""
        profiles, name = self.config.profiles, target.name
        if not profiles or name in profiles or name == "localhost" or not name.replace("-", "").isalnum():
            return error
        if error.exit_code == UNREACHABLE:
            error.remedy = f"There is no profile {name} either; there are {', '.join(profiles)}. {error.remedy}"
        return error


@asynccontextmanager
async def connected(target: Target, *, patience: float | None = None) -> AsyncIterator["Session"]:
    # The app makes an invocation, too, and shows its first frame before it loads what talks to a registry.
    from regtui.session.opening import log_in, open_session

    target.http.waiting.tell = lambda seconds: warn(f"{target.address.name} asks to wait {seconds:.0f} s: waiting.")
    ssh = await log_in(target.via, on_terminal=is_interactive()) if target.via else None
    session = await open_session(target, ssh=ssh, patience=patience)
    try:
        yield session
        if words := session.unused_login:
            say(words)
    finally:
        await session.close()

"""`regtui login`: checks a credential against the registry, and keeps it in the keyring, or as Docker does."""

import argparse
import asyncio
from dataclasses import replace

from regtui.cli.console import ask, ask_password, is_interactive, say
from regtui.cli.invocation import Invocation, connected
from regtui.errors import DONE, SettingsError, UsageError
from regtui.registry.errors import NotAuthenticated
from regtui.registry.values import Credential
from regtui.session.resolving import target_for
from regtui.session.target import Target
from regtui.settings.config import Profile
from regtui.settings.credentials import Credentials, PasswordPlace


def run(arguments: argparse.Namespace) -> int:
    """Raises UsageError where something isn't known and nobody can be asked, RegtuiError."""
    invocation = Invocation(arguments)
    profile = invocation.profile(arguments.registry_argument)
    target = target_for(profile, None, invocation.options)
    password = invocation.options.password
    if password is None:
        _check_interactive()
        # Before anything secret is typed: is it there, is it a registry, is its certificate right?
        asyncio.run(_reach(replace(target, given_user="")))
    username = invocation.options.username or profile.username or _ask_username(profile)
    if password is None:
        password = ask_password(f"Password of {username} for {profile.address.name}:")
    credential = Credential(username, password)
    if not _is_asked_for(replace(target, credential=credential, given_user="")):
        say(f"{profile.address.name} asks for no login. Nothing was stored.")
        return DONE
    place = _keep(invocation.credentials, profile.login_name, credential, with_docker=arguments.store == "docker")
    say(f"Logged in to {profile.address.name} as {username}. The password is in {place}.")
    return DONE


def _keep(credentials: Credentials, host: str, credential: Credential, *, with_docker: bool) -> str:
    """Where it is now. Raises SettingsError where that is nowhere."""
    if with_docker:
        return credentials.store_with_docker(host, credential)
    if credentials.store(host, credential) is PasswordPlace.KEYRING:
        return "the keyring"
    reason = credentials.keyring_trouble
    if is_interactive():
        say(f"It can't be kept in the keyring: {reason}.")
        say(f"It can be kept {credentials.docker_way(host)}.")
        if ask("Keep it there? [y/N]").lower() in ("y", "yes"):
            return credentials.store_with_docker(host, credential)
    raise SettingsError(
        f"{host} accepts the login of {credential.username}, but it can't be kept: {reason}.",
        f"Add --store docker to keep it {credentials.docker_way(host)}; or set REGTUI_USERNAME and REGTUI_PASSWORD, or "
        "give -u and --password-stdin with each command.",
    )


def _check_interactive() -> None:
    if not is_interactive():
        raise UsageError("Nobody can be asked for the password here.", "Give it with --password-stdin.")


def _ask_username(profile: Profile) -> str:
    if not is_interactive():
        raise UsageError("A password without a user name.", "Give it with -u NAME.")
    username = ask(f"User name for {profile.address.name}:")
    if not username:
        raise UsageError("No user name was given.")
    return username


async def _reach(target: Target) -> None:
    try:
        async with connected(target):
            pass
    except NotAuthenticated:
        return


def _is_asked_for(target: Target) -> bool:
    """Whether the registry asked for the credential, and took it. Raises RegistryError."""

    async def asked() -> bool:
        async with connected(target) as session:
            return bool(session.username)

    try:
        return asyncio.run(asked())
    except NotAuthenticated as error:
        # Its remedy is what was just tried.
        raise NotAuthenticated(
            error.where, error.message, "Nothing was stored.", status=error.status, codes=error.codes
        ) from None

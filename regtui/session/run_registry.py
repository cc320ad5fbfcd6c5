"""From a run of the journal to the registry that it was made at: the profile that leads there, whatever is default."""

from dataclasses import dataclass

from regtui.deletion.entry import Entry
from regtui.errors import UsageError
from regtui.registry.address import Address
from regtui.session.resolving import profiles_of
from regtui.settings.config import Config, Profile
from regtui.ssh.destination import Destination


@dataclass(frozen=True, slots=True)
class RunRegistry:
    """Where a run is taken back. `profile` opens it; `note` says what a user may not expect about that, if anything."""

    profile: Profile
    note: str = ""


def registry_of(entry: Entry, config: Config) -> RunRegistry:
    """The profile that leads to the registry of `entry`; where there is none, what the run itself says.

    Of a run whose `via` isn't known it may be one that is reached via a host: `Entry.belongs_to` tells.
    Raises UsageError where several profiles lead there.
    """
    known = profiles_of(entry.registry, config) or _perhaps(entry, config)
    if len(known) > 1:
        names = ", ".join(profile.name for profile in known)
        raise UsageError(
            f"Several profiles lead to {entry.registry}, where {entry.name} was made: {names}.",
            f"Name one of them with -r: regtui undo {entry.name} -r {known[0].name}",
        )
    if known:
        return RunRegistry(known[0])
    place = entry.registry
    profile = Profile(
        name=str(place),
        address=Address.parse(place.spoken or place.address),
        via=Destination.parse(place.via) if place.via else None,
        protect=config.protect,
    )
    if not config.profiles:
        return RunRegistry(profile)
    return RunRegistry(profile, f"No profile of {config.path} leads to {place}: it is opened by its address.")


def _perhaps(entry: Entry, config: Config) -> list[Profile]:
    """The profiles that have the address of a run whose `via` isn't known, each via a host."""
    if entry.knows_via:
        return []
    return [profile for profile in config.profiles.values() if profile.identity.address == entry.registry.address]

"""Where `regtui REGISTRY` and `regtui HOST/REPOSITORY[:TAG]` lead: both are written alike."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from regtui.errors import UsageError
from regtui.registry.address import Address
from regtui.registry.identity import RegistryId
from regtui.session.resolving import split_reference
from regtui.session.target import Target
from regtui.settings.config import Config


@dataclass(frozen=True, slots=True)
class Place:
    """`registry` as it can be resolved. `repository` is empty for the registry alone. `is_sure`: not where the path may
    be the registry's prefix as well."""

    registry: str
    repository: str = ""
    tag: str = ""
    is_sure: bool = True

    def on(self, target: Target) -> Target:
        return replace(target, opens_at=(self.repository, self.tag)) if self.repository else target


def place_of(text: str, config: Config) -> Place:
    """What is no reference is taken for a registry, whose address says what is wrong with it."""
    path = urlsplit(text if "://" in text else f"//{text}").path.strip("/")
    if not path or text in config.profiles or _is_known(text, config):
        return Place(text)
    try:
        found = split_reference(text, config)
    except UsageError:
        return Place(text)
    if found.registry is None:
        return Place(text)
    is_sure = found.registry in config.profiles or bool(found.identifier)
    return Place(found.registry, found.repository, found.tag or "", is_sure)


def _is_known(text: str, config: Config) -> bool:
    try:
        wanted = RegistryId.of(Address.parse(text))
    except UsageError:
        return False
    return any(profile.identity == wanted for profile in config.profiles.values())

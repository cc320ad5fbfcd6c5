"""What a text names: a registry, or a repository or an image at one. They are written alike (docs/interface.md)."""

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
    """`registry` as it can be resolved. `repository` is empty for the registry alone; `identifier` is a tag, a digest,
    or empty. `is_sure`: not where the path may be the registry's prefix as well."""

    registry: str
    repository: str = ""
    identifier: str = ""
    is_sure: bool = True

    def on(self, target: Target) -> Target:
        """`target`, which is its registry, opened there."""
        if not self.repository:
            return target
        # Where a profile says what is whose, there is nothing to guess.
        is_guessed = target.name == target.address.name and not target.address.prefix
        hint = prefix_hint(self.registry, self.repository, self.identifier) if is_guessed else ""
        return replace(target, opens_at=(self.repository, self.identifier), prefix_hint=hint)


def place_of(text: str, config: Config) -> Place:
    """What is no reference is taken for a registry, whose address says what is wrong with it."""
    if text in config.profiles or not _has_path(text) or _is_known(text, config):
        return Place(text)
    try:
        found = split_reference(text, config)
    except UsageError:
        return Place(text)
    if found.registry is None:
        return Place(text)
    is_sure = found.registry in config.profiles or bool(found.identifier)
    return Place(found.registry, found.repository, found.tag or found.digest or "", is_sure)


def check_registry(text: str, config: Config) -> None:
    """Raises UsageError where `text` certainly names something at a registry, and not the registry."""
    place = place_of(text, config)
    if not place.repository or not place.is_sure:
        return
    what, command = ("an image", "inspect") if place.identifier else ("a repository", "tags")
    raise UsageError(
        f"{text} is {what}, not a registry.", f"Its registry is {place.registry}. To see it: regtui {command} {text}"
    )


def is_registry_alone(text: str, config: Config, *, is_certain: bool) -> bool:
    """Whether `text` names a registry: a host with its port, a URL, the address of a profile. Where it needn't be
    certain also what may as well be a repository's name: a profile's, and a host's without a port."""
    if not is_certain and (text in config.profiles or text == "demo"):
        return True
    scheme, _, rest = text.rpartition("://")
    host, slash, path = rest.partition("/")
    if path.strip("/"):
        return _is_known(text, config)
    name, colon, port = host.partition(":")
    is_host = "." in name or name == "localhost" or host.startswith("[")
    if scheme or (is_host and (host.startswith("[") or (bool(colon) and port.isdecimal()))):
        return True
    return is_host and not colon and (bool(slash) or not is_certain)


def prefix_hint(registry: str, repository: str, identifier: str) -> str:
    """What to write where nothing answers at the root of the host, and the path may be that of the registry.
    `identifier`: a tag, a digest, or empty."""
    prefix, _, rest = repository.partition("/")
    end = f"{'@' if ':' in identifier else ':'}{identifier}" if identifier else ""
    return f"If {prefix} is the path below which it is served: -r {registry}/{prefix} {rest or 'NAME'}{end}"


def _has_path(text: str) -> bool:
    try:
        return bool(urlsplit(text if "://" in text else f"//{text}").path.strip("/"))
    except ValueError:
        return False


def _is_known(text: str, config: Config) -> bool:
    try:
        wanted = RegistryId.of(Address.parse(text))
    except UsageError:
        return False
    return any(profile.identity == wanted for profile in config.profiles.values())

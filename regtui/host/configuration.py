"""What a registry's own configuration says about its storage: its config file, with its environment laid over it.

Distribution reads `REGISTRY_A_B=value` over `a: {b: …}` of the file, and `REGISTRY_A={b: value}` in place of all of
`a`, values as YAML; checked on 2.8.2 and 3.1.1. The file holds secrets: it is read, and neither kept nor logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from regtui.host.errors import NotOnHost
from regtui.host.plain import at as _at
from regtui.host.plain import list_at, plain, plain_name, plain_secret, table_at, text_at
from regtui.host.redis_cache import Redis
from regtui.text import one_line

CANDIDATES: Final = ("/etc/distribution/config.yml", "/etc/docker/registry/config.yml")
"""Where images and packages have it: 3.x, then 2.x and Debian's package."""

# Keys of `storage` that are no driver.
_NO_DRIVERS: Final = frozenset({"maintenance", "cache", "delete", "redirect", "tag"})
_DEFAULT_ROOT: Final = "/var/lib/registry"
_READ: Final = ("REGISTRY_STORAGE", "REGISTRY_REDIS", "REGISTRY_PROXY")
_TAG: Final = "tag:yaml.org,2002:"
_RESOLVED: Final = frozenset(f"{_TAG}{kind}" for kind in ("bool", "null", "merge"))
_LONGEST: Final = 256 * 1024
_MOST_KEYS: Final = 10_000
_DEEPEST: Final = 100


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """`root` is empty for object stores."""

    driver: str
    root: str
    delete_enabled: bool
    blob_cache: str
    bucket: tuple[str, ...] = ()
    """What of an object store is the registry's, by names that others can have, too; empty for other storages."""
    redis: Redis | None = None
    """Where `blob_cache` is kept, where that is redis."""
    is_pull_through: bool = False
    """It is a cache of another registry."""


def read_storage(text: str, environment: Mapping[str, str], path: str) -> StorageSettings:
    """Raises NotOnHost where `text` is no config of a registry. `path` is only for that sentence."""
    config = _laid_over(_parsed(text), environment)
    storage = table_at(config, "storage")
    driver = next((name for name in storage if name not in _NO_DRIVERS and name[:1].isalpha()), "")
    if not driver:
        raise NotOnHost(
            f"{path} is no config file of a registry: it names no storage.", 'Give the right one: config = "…".'
        )
    root = ""
    if driver == "filesystem":
        root = text_at(storage, "filesystem", "rootdirectory") or _DEFAULT_ROOT
        plain(root, f"The storage's root directory, by {one_line(path)},")
    # The older name of the same key.
    blob_cache = text_at(storage, "cache", "blobdescriptor") or text_at(storage, "cache", "layerinfo")
    blob_cache = blob_cache.strip()
    return StorageSettings(
        redis=_redis(config) if blob_cache == "redis" else None,
        bucket=_bucket(driver, storage) if driver not in ("filesystem", "inmemory") else (),
        driver=plain(driver, f"The storage's driver, by {one_line(path)},"),
        root=root,
        delete_enabled=_at(storage, "delete", "enabled") is True,
        blob_cache=blob_cache,
        is_pull_through=bool(text_at(config, "proxy", "remoteurl")),
    )


def _laid_over(config: object, environment: Mapping[str, str]) -> dict[str, Any]:
    """What is said more exactly comes later: names in order, as the registry takes them."""
    laid = table_at(config)
    for name in sorted(environment):
        _, *way = name.lower().split("_")
        if not name.startswith(_READ) or "" in way:
            continue
        place = laid
        for depth, key in enumerate(way[:-1]):
            # A storage of one word is its driver's name.
            below = place.get(key)
            below = {below: {}} if depth == 0 and isinstance(below, str) else table_at(below)
            place[key] = below
            place = below
        place[way[-1]] = _parsed(environment[name])
    if isinstance(driver := laid.get("storage"), str):
        laid["storage"] = {driver: {}}
    return laid


def _redis(config: object) -> Redis:
    """2.x names one address, 3.x several. What isn't one plain server is told, and not asked."""

    def value(key: str) -> str:
        return text_at(config, "redis", key)

    addresses = [address for address in list_at(config, "redis", "addrs") if isinstance(address, str)]
    older = value("addr")
    if older and addresses and addresses != [older]:
        return Redis(why_not="its address is said by both addr, which 2.x takes, and addrs, which 3.x takes")
    addresses = addresses or [address for address in (older,) if address]
    has_tls = bool(_at(config, "redis", "tls")) and _at(config, "redis", "tls", "enabled") is not False
    if value("mastername"):
        return Redis(why_not="it is found by sentinels")
    if len(addresses) != 1:
        return Redis(why_not="it is a cluster" if addresses else "its address isn't said")
    if has_tls:
        return Redis(why_not="it speaks TLS")
    host, _, port = addresses[0].rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5:
        return Redis(why_not="its address is no host and port")
    db = value("db")
    return Redis(
        host=plain_name(host.strip("[]"), "The address of redis"),
        port=int(port),
        # With a line break in it, it would be lines of its own to what doesn't speak redis's protocol.
        username=plain(value("username"), "The username for redis"),
        password=plain_secret(value("password"), "The password for redis"),
        db=int(db) if db.isdecimal() and len(db) < 5 else 0,
    )


_PLACE: Final = ("bucket", "container", "accountname")


def _bucket(driver: str, storage: Mapping[str, Any]) -> tuple[str, ...]:
    """Not by region and endpoint, of which one server may have many."""
    root = "/".join(part for part in text_at(storage, driver, "rootdirectory").split("/") if part not in ("", "."))
    # Drivers of the same service have several names: `s3`, `s3aws`.
    return ("s3" if driver.startswith("s3") else driver, *(text_at(storage, driver, key) for key in _PLACE), root)


def _parsed(text: str) -> object:
    """YAML, whatever it is made of: None where it is none, or too much of it."""
    if len(text) > _LONGEST:
        return None
    import yaml

    class Loader(yaml.SafeLoader):
        """Texts, truth and nothing: a number or a date is the text that stands there, as the registry takes it for a
        setting that is one. What makes numbers of texts fails at some in its own ways, and is slow at others."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - as the library has it
            first: [(tag, pattern) for tag, pattern in resolvers if tag in _RESOLVED]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }
        yaml_constructors: ClassVar[dict[str | None, Any]] = {}

        def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
            # It takes time by the square of the depth.
            if self.flow_level > _DEEPEST:
                raise yaml.YAMLError("too deep")
            super().fetch_flow_collection_start(token)

        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            # Merge keys of merge keys: a few lines that make millions.
            super().flatten_mapping(node)
            if len(node.value) > _MOST_KEYS:
                raise yaml.YAMLError("too many keys")

        def whatever_its_tag(self, node: yaml.Node) -> object:
            if isinstance(node, yaml.MappingNode):
                return self.construct_mapping(node, deep=True)
            if isinstance(node, yaml.SequenceNode):
                return self.construct_sequence(node, deep=True)
            if node.tag == f"{_TAG}null":
                return None
            text = str(node.value)
            return self.bool_values.get(text.lower(), text) if node.tag == f"{_TAG}bool" else text

    Loader.yaml_constructors[None] = Loader.whatever_its_tag
    try:
        return Loader(text).get_single_data()
    except (yaml.YAMLError, ValueError, LookupError, RecursionError, ArithmeticError, TypeError, AttributeError):
        # What the library stumbles over isn't always said by an error of its own.
        return None

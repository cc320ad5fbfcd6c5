"""What a registry's own configuration says about its storage: its config file, with its environment laid over it.

Distribution reads `REGISTRY_A_B=value` over `a: {b: …}` of the file; checked on 2.8.2 and 3.1.1. The file holds
secrets: it is read, and neither kept nor logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from regtui.host.errors import NotOnHost
from regtui.host.plain import at as _at
from regtui.host.plain import plain, plain_name, plain_secret, text_at
from regtui.host.redis_cache import Redis
from regtui.text import one_line

CANDIDATES: Final = ("/etc/distribution/config.yml", "/etc/docker/registry/config.yml")
"""Where images and packages have it: 3.x, then 2.x and Debian's package."""

# Keys of `storage` that are no driver.
_NO_DRIVERS: Final = frozenset({"maintenance", "cache", "delete", "redirect", "tag"})
_DEFAULT_ROOT: Final = "/var/lib/registry"
_LONGEST: Final = 256 * 1024
_MOST_KEYS: Final = 10_000


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
    config = _parsed(text)
    storage = _at(config, "storage")
    if not isinstance(storage, dict):
        storage = {}
    named = next((name for name in storage if isinstance(name, str) and name not in _NO_DRIVERS), "")
    driver = environment.get("REGISTRY_STORAGE") or named
    driver = driver or next((n for n in ("filesystem", "s3", "gcs", "azure") if _has(environment, n)), "")
    if not driver:
        raise NotOnHost(
            f"{path} is no config file of a registry: it names no storage.", 'Give the right one: config = "…".'
        )
    root = ""
    if driver == "filesystem":
        root = (
            environment.get("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY")
            or text_at(storage, "filesystem", "rootdirectory")
            or _DEFAULT_ROOT
        )
        plain(root, f"The storage's root directory, by {one_line(path)},")
    blob_cache = _blob_cache(storage, environment)
    return StorageSettings(
        redis=_redis(config, environment) if blob_cache == "redis" else None,
        bucket=_bucket(driver, storage, environment) if driver not in ("filesystem", "inmemory") else (),
        driver=plain(driver, f"The storage's driver, by {one_line(path)},"),
        root=root,
        delete_enabled=_truth(environment, "REGISTRY_STORAGE_DELETE", "enabled", _at(storage, "delete", "enabled")),
        blob_cache=blob_cache,
        is_pull_through=bool(environment.get("REGISTRY_PROXY_REMOTEURL") or text_at(config, "proxy", "remoteurl")),
    )


def _redis(config: object, environment: Mapping[str, str]) -> Redis:
    """2.x names one address, 3.x several. What isn't one plain server is told, and not asked."""

    def value(key: str) -> str:
        return environment.get(f"REGISTRY_REDIS_{key.upper()}") or text_at(config, "redis", key)

    several = environment.get("REGISTRY_REDIS_ADDRS")
    listed = _parsed(several) if several else _at(config, "redis", "addrs")
    addresses = [address for address in listed if isinstance(address, str)] if isinstance(listed, list) else []
    addresses = addresses or [address for address in (value("addr"),) if address]
    has_tls = bool(_at(config, "redis", "tls")) and _at(config, "redis", "tls", "enabled") is not False
    if value("mastername"):
        return Redis(why_not="it is found by sentinels")
    if len(addresses) != 1:
        return Redis(why_not="it is a cluster" if addresses else "its address isn't said")
    if has_tls or any(name.startswith("REGISTRY_REDIS_TLS") for name in environment):
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


_PLACE: Final = ("bucket", "container", "accountname", "rootdirectory", "region", "regionendpoint")


def _bucket(driver: str, storage: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[str, ...]:
    prefix = f"REGISTRY_STORAGE_{driver.upper()}_"
    return (driver, *(environment.get(f"{prefix}{key.upper()}") or text_at(storage, driver, key) for key in _PLACE))


def _has(environment: Mapping[str, str], driver: str) -> bool:
    return any(name.startswith(f"REGISTRY_STORAGE_{driver.upper()}_") for name in environment)


def _blob_cache(storage: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    given = environment.get("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR")
    if given is None and "REGISTRY_STORAGE_CACHE" in environment:
        given = text_at(_parsed(environment["REGISTRY_STORAGE_CACHE"]), "blobdescriptor")
    if given is None:
        # The older name of the same key.
        given = text_at(storage, "cache", "blobdescriptor") or text_at(storage, "cache", "layerinfo")
    return given.strip()


def _truth(environment: Mapping[str, str], prefix: str, key: str, from_file: object) -> bool:
    if (given := environment.get(f"{prefix}_{key.upper()}")) is not None:
        return _parsed(given) is True
    if (whole := environment.get(prefix)) is not None:
        return _at(_parsed(whole), key) is True
    return from_file is True


def _parsed(text: str) -> object:
    """YAML, whatever it is made of: None where it is none, or too much of it."""
    if len(text) > _LONGEST:
        return None
    import yaml

    class Loader(yaml.SafeLoader):
        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            # Merge keys of merge keys: a few lines that make millions.
            super().flatten_mapping(node)
            if len(node.value) > _MOST_KEYS:
                raise yaml.YAMLError("too many keys")

    try:
        return Loader(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError):
        # Numbers and dates that are none are no YAMLError.
        return None

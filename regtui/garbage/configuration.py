"""What a registry's own configuration says about its storage: its config file, with its environment laid over it.

Distribution reads `REGISTRY_A_B=value` over `a: {b: …}` of the file; checked on 2.8.2 and 3.1.1. The file holds
secrets: it is read, and neither kept nor logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from regtui.garbage.errors import NotOnHost

CANDIDATES: Final = ("/etc/distribution/config.yml", "/etc/docker/registry/config.yml")
"""Where images and packages have it: 3.x, then 2.x and Debian's package."""

# Keys of `storage` that are no driver.
_NO_DRIVERS: Final = frozenset({"maintenance", "cache", "delete", "redirect", "tag"})
_DEFAULT_ROOT: Final = "/var/lib/registry"


@dataclass(frozen=True, slots=True)
class Storage:
    """`root` is empty for object stores."""

    driver: str
    root: str
    delete_enabled: bool
    blob_cache: str


def read_storage(text: str, environment: Mapping[str, str], path: str) -> Storage:
    """Raises NotOnHost where `text` is no config of a registry. `path` is only for that sentence."""
    import yaml

    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        config = None
    storage = _at(config, "storage")
    if not isinstance(storage, dict):
        storage = {}
    named = next((name for name in storage if name not in _NO_DRIVERS), "")
    driver = environment.get("REGISTRY_STORAGE") or named
    driver = driver or next((n for n in ("filesystem", "s3", "gcs", "azure") if _has(environment, n)), "")
    if not driver:
        raise NotOnHost(
            f"{path} is no config file of a registry: it names no storage.", 'Give the right one: config = "…".'
        )
    root = ""
    if driver == "filesystem":
        root = environment.get("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY") or str(
            _at(storage, "filesystem", "rootdirectory") or _DEFAULT_ROOT
        )
    return Storage(
        driver=driver,
        root=root,
        delete_enabled=_truth(environment, "REGISTRY_STORAGE_DELETE", "enabled", _at(storage, "delete", "enabled")),
        blob_cache=_blob_cache(storage, environment),
    )


def _has(environment: Mapping[str, str], driver: str) -> bool:
    return any(name.startswith(f"REGISTRY_STORAGE_{driver.upper()}_") for name in environment)


def _blob_cache(storage: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    given = environment.get("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR")
    if given is None and "REGISTRY_STORAGE_CACHE" in environment:
        given = str(_at(_parsed(environment["REGISTRY_STORAGE_CACHE"]), "blobdescriptor") or "")
    if given is None:
        # The older name of the same key.
        given = str(_at(storage, "cache", "blobdescriptor") or _at(storage, "cache", "layerinfo") or "")
    return given.strip()


def _truth(environment: Mapping[str, str], prefix: str, key: str, from_file: object) -> bool:
    if (given := environment.get(f"{prefix}_{key.upper()}")) is not None:
        return _parsed(given) is True
    if (whole := environment.get(prefix)) is not None:
        return _at(_parsed(whole), key) is True
    return from_file is True


def _parsed(text: str) -> object:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _at(table: object, *keys: str) -> Any:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table

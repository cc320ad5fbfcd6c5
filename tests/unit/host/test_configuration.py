"""A registry's own configuration: the file, and the environment over it."""

import pytest

from regtui.host.configuration import StorageSettings, read_storage
from regtui.host.errors import NotOnHost

OFFICIAL_2 = """
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
"""
OFFICIAL_3 = """
version: 0.1
storage:
  delete:
    enabled: true
  tag:
    concurrencylimit: 8
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
"""
S3 = "storage: {s3: {bucket: images, region: eu-central-1}, redirect: {disable: true}, maintenance: {}}"


def read(text: str, **environment: str) -> StorageSettings:
    return read_storage(text, environment, "config.yml")


def test_the_official_configs() -> None:
    assert read(OFFICIAL_2) == StorageSettings("filesystem", "/var/lib/registry", False, "inmemory")
    assert read(OFFICIAL_3) == StorageSettings("filesystem", "/var/lib/registry", True, "inmemory")


def test_an_object_store_has_no_root() -> None:
    bucket = ("s3", "images", "", "", "", "eu-central-1", "")
    assert read(S3) == StorageSettings("s3", "", False, "", bucket)
    # As others may have it, too.
    assert read("version: 0.1", REGISTRY_STORAGE_S3_BUCKET="images", REGISTRY_STORAGE_S3_REGION="eu-central-1") == (
        StorageSettings("s3", "", False, "", bucket)
    )
    assert read(S3, REGISTRY_STORAGE_S3_ROOTDIRECTORY="/staging").bucket != bucket


def test_the_environment_wins() -> None:
    assert read(OFFICIAL_2, REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="/data").root == "/data"
    assert read(OFFICIAL_2, REGISTRY_STORAGE_DELETE_ENABLED="true").delete_enabled
    assert read(OFFICIAL_2, REGISTRY_STORAGE_DELETE='{"enabled": true}').delete_enabled
    assert not read(OFFICIAL_3, REGISTRY_STORAGE_DELETE_ENABLED="false").delete_enabled
    assert read(OFFICIAL_2, REGISTRY_STORAGE_CACHE="{}").blob_cache == ""
    assert read(OFFICIAL_2, REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR="redis").blob_cache == "redis"
    assert read("version: 0.1", REGISTRY_STORAGE_S3_BUCKET="images").driver == "s3"


@pytest.mark.parametrize("text", ["", "[]", "storage: [", "version: 0.1", "storage: 7", "\0"])
def test_what_is_no_config_is_said(text: str) -> None:
    with pytest.raises(NotOnHost, match=r"config\.yml is no config file of a registry"):
        read(text)


def test_the_environment_names_another_driver() -> None:
    assert read(OFFICIAL_2, REGISTRY_STORAGE="s3").driver == "s3"

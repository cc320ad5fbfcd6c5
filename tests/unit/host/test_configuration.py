"""A registry's own configuration: the file, and the environment over it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.host.configuration import StorageSettings, read_storage
from regtui.host.errors import NotOnHost
from regtui.host.redis_cache import Redis

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
    bucket = ("s3", "images", "", "", "")
    assert read(S3) == StorageSettings("s3", "", False, "", bucket)
    # As others may have it, too.
    assert read("version: 0.1", REGISTRY_STORAGE_S3_BUCKET="images", REGISTRY_STORAGE_S3_REGION="eu-central-1") == (
        StorageSettings("s3", "", False, "", bucket)
    )
    assert read(S3, REGISTRY_STORAGE_S3_ROOTDIRECTORY="/staging").bucket != bucket


@pytest.mark.parametrize(
    "setting",
    [
        {"ROOTDIRECTORY": "/"},
        {"ROOTDIRECTORY": ""},
        {"ROOTDIRECTORY": "./"},
        {"REGIONENDPOINT": "http://localhost:9000"},
        {"REGION": "eu-west-1"},
    ],
)
def test_a_bucket_is_the_same_by_whatever_address_and_however_its_directory_is_written(setting: dict[str, str]) -> None:
    variables = {f"REGISTRY_STORAGE_S3_{name}": value for name, value in setting.items()}
    assert read(S3, **variables).bucket == read(S3).bucket
    assert read(S3.replace("s3:", "s3aws:")).bucket == read(S3).bucket
    below = [
        read(S3, REGISTRY_STORAGE_S3_ROOTDIRECTORY=f"{root}").bucket for root in ("a/b", "/a/b", "a//b/", "/a/./b")
    ]
    assert len(set(below)) == 1


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


def test_the_environment_takes_the_place_of_a_whole_section() -> None:
    """And what is said more exactly goes over it, as 2.8.2 and 3.1.1 have it."""
    whole = {"REGISTRY_STORAGE": '{"filesystem": {"rootdirectory": "/data"}, "delete": {"enabled": true}}'}
    assert read(OFFICIAL_2, **whole) == StorageSettings("filesystem", "/data", True, "")
    section = {"REGISTRY_STORAGE_FILESYSTEM": '{"rootdirectory": "/data"}'}
    assert read(OFFICIAL_2, **section).root == "/data"
    exact = {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/other # its own"}
    assert read(OFFICIAL_2, **section, **exact).root == "/other"
    assert read(OFFICIAL_2, REGISTRY_STORAGE="filesystem", **exact).root == "/other"
    assert read(OFFICIAL_2, REGISTRY_STORAGE="inmemory").driver == "inmemory"
    redis = {"REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "redis", "REGISTRY_REDIS": '{"addr": "cache:6380"}'}
    assert read(OFFICIAL_2, **redis).redis == Redis("cache", 6380)
    assert read(OFFICIAL_2, REGISTRY_PROXY='{"remoteurl": "https://registry.example.com"}').is_pull_through


@pytest.mark.parametrize("number", [f"0x{'f' * 6000}", f"0b{'1' * 20_000}", ":".join(["59"] * 3000)], ids=len)
def test_a_number_that_has_no_end(number: str) -> None:
    with pytest.raises(NotOnHost, match=r"root directory, by config\.yml, is longer than 4,096 characters"):
        read(f"storage: {{filesystem: {{rootdirectory: {number}}}}}")


def test_what_is_nested_without_an_end_is_no_config() -> None:
    """It is refused where it gets too deep: read on, it takes minutes."""
    with pytest.raises(NotOnHost):
        read("[" * 250_000)


TAGGED = [
    *(
        f'!!{kind} "{text}"'
        for kind in ("int", "float", "bool", "timestamp", "binary", "null")
        for text in ("", "x", "-")
    ),
    *(f"!!{kind} {node}" for kind in ("map", "seq", "set", "omap", "pairs", "str") for node in ("x", "[a]", "{a: b}")),
    *("0x", "0b", "-", "1e", "=", "<<", "2001-99-99", "!!python/none", "!x y", "&a [*a]", "&a {b: *a}", "1:1:1"),
]


@pytest.mark.parametrize("value", TAGGED)
def test_a_value_of_any_kind_elsewhere_changes_nothing(value: str) -> None:
    """In another variable, or beside the storage in the file: there the whole may be no config at all."""
    assert read(OFFICIAL_2, REGISTRY_REDIS_X=value) == read(OFFICIAL_2)
    with suppress(NotOnHost):
        assert read(f"{OFFICIAL_2}\nx: {value}\n") == read(OFFICIAL_2)


@pytest.mark.parametrize("value", ["010", "1_000", "1e3", "2001-01-01", "0x10", "1:30", "~x", ".5", "+1"])
def test_what_looks_like_a_number_is_the_text_that_stands_there(value: str) -> None:
    """As the registry has it for a setting that is a text: a password, a directory."""
    redis = read(
        OFFICIAL_2,
        REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR="redis",
        REGISTRY_REDIS_ADDR="r:1",
        REGISTRY_REDIS_PASSWORD=value,
    ).redis
    assert redis is not None
    assert redis.password == value


def test_a_number_of_many_parts_costs_no_time() -> None:
    """By the square of its length it took minutes: more is to be done here than a test waits for."""
    assert read(OFFICIAL_2, REGISTRY_STORAGE_X=":".join(["1"] * 120_000)) == read(OFFICIAL_2)


@given(st.text(alphabet="!&*<>|-=?:,[]{}\"'%@`#~ \n\t\\0x1aeny._+int", max_size=60))
def test_a_text_of_any_kind_is_a_config_or_none(text: str) -> None:
    with suppress(NotOnHost):
        read(f"storage: {{filesystem: {{}}}}\n{text}")
    with suppress(NotOnHost):
        read(OFFICIAL_2, REGISTRY_REDIS=text)


def test_two_addresses_of_redis_by_the_keys_of_two_versions_are_none() -> None:
    redis = {"REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR": "redis"}
    both = '{"addr": "one:6379", "addrs": ["two:6379"]}'
    same = '{"addr": "one:6379", "addrs": ["one:6379"]}'
    told = read(OFFICIAL_2, **redis, REGISTRY_REDIS=both).redis
    assert told is not None
    assert "both addr" in told.why_not
    assert read(OFFICIAL_2, **redis, REGISTRY_REDIS=same).redis == Redis("one", 6379)

"""Image configs: times as Go writes them, and fields of the wrong type."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.oci.config import ImageConfig, parse_time
from regtui.oci.descriptor import InvalidManifest
from regtui.oci.digest import Digest
from regtui.oci.platform import Platform
from tests.unit.oci.test_manifest import JSON


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-05-04T12:00:00Z", datetime(2024, 5, 4, 12, tzinfo=UTC)),
        ("2024-05-04T12:00:00.123456789Z", datetime(2024, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2024-05-04T12:00:00.5+02:00", datetime(2024, 5, 4, 10, 0, 0, 500000, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        # Go's zero time, and zones that push it below the first year: unknown.
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("9999-12-31T23:59:59-23:00", None),
        ("2024-05-04T23:59:60Z", None),
        ("yesterday", None),
        ("\ud800", None),
        ("", None),
        (1714824000, None),
        (None, None),
    ],
)
def test_times(text: object, time: datetime | None) -> None:
    assert parse_time(text) == time


@given(st.datetimes(min_value=datetime(2, 1, 2), timezones=st.just(UTC)))
def test_a_time_that_is_written_is_read_back(time: datetime) -> None:
    assert parse_time(time.isoformat().replace("+00:00", "Z")) == time


@given(st.text() | st.text("0123456789-:TZ.+W"))
def test_any_text_is_a_time_in_utc_or_none(text: str) -> None:
    time = parse_time(text)
    assert time is None or time.tzinfo is UTC


def test_a_whole_config() -> None:
    diff = "sha256:" + "d" * 64
    value = {
        "created": "2024-05-04T12:00:00Z",
        "os": "linux",
        "architecture": "arm64",
        "variant": "v8",
        "config": {
            "User": "www",
            "WorkingDir": "/srv",
            "Entrypoint": ["/bin/app"],
            "Cmd": "serve",
            "Env": ["A=1", 2],
            "ExposedPorts": {"80/tcp": {}},
            "Volumes": {"/data": {}},
            "Labels": {"a": "b", "c": 5},
            "Healthcheck": {"Test": ["CMD", "true"]},
        },
        "rootfs": {"type": "layers", "diff_ids": [diff, "nonsense"]},
        "history": [{"created_by": "RUN x", "empty_layer": True}, None],
    }
    config = ImageConfig.parse(json.dumps(value).encode())
    assert config.platform == Platform("linux", "arm64", "v8")
    assert (config.entrypoint, config.cmd, config.env) == (("/bin/app",), ("serve",), ("A=1",))
    assert (config.exposed_ports, config.volumes) == (("80/tcp",), ("/data",))
    assert config.labels == {"a": "b"}
    assert config.healthcheck == ("CMD", "true")
    assert config.diff_ids == (Digest(diff),)
    assert [(step.created_by, step.empty_layer) for step in config.history] == [("RUN x", True)]


def test_an_empty_config_is_one() -> None:
    assert ImageConfig.parse(b"{}") == ImageConfig(None, None)


KEYS = ["created", "os", "architecture", "config", "rootfs", "history", "author"]
RUN = st.dictionaries(st.sampled_from(["Env", "Cmd", "Labels", "Healthcheck", "Volumes", "diff_ids"]), JSON)


@given(st.dictionaries(st.sampled_from(KEYS), JSON | RUN) | JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        ImageConfig.parse(json.dumps(value).encode())
    except InvalidManifest:
        assert not isinstance(value, dict)

"""Image configs: how an image was made and how it runs. OCI image-spec 1.1, "config.md"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from regtui.oci.descriptor import string_map, text_of
from regtui.oci.digest import Digest
from regtui.oci.manifest import load_json_object
from regtui.oci.platform import Platform


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step of the build. `empty_layer`: it made no layer."""

    created: datetime | None
    created_by: str
    comment: str
    author: str
    empty_layer: bool


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The config of an image. `created` in UTC, None where the config has none."""

    created: datetime | None
    platform: Platform | None
    author: str = ""
    user: str = ""
    working_dir: str = ""
    stop_signal: str = ""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    healthcheck: tuple[str, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    diff_ids: tuple[Digest, ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> "ImageConfig":
        """Raises InvalidManifest where `body` isn't a JSON object; fields of a wrong type are left out."""
        value = load_json_object(body, "the image config")
        run = value.get("config")
        run = run if isinstance(run, Mapping) else {}
        rootfs = value.get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, Mapping) else None
        health = run.get("Healthcheck")
        return cls(
            created=parse_time(value.get("created")),
            platform=Platform.from_json(value),
            author=text_of(value.get("author")),
            user=text_of(run.get("User")),
            working_dir=text_of(run.get("WorkingDir")),
            stop_signal=text_of(run.get("StopSignal")),
            entrypoint=_words(run.get("Entrypoint")),
            cmd=_words(run.get("Cmd")),
            env=_words(run.get("Env")),
            exposed_ports=_keys(run.get("ExposedPorts")),
            volumes=_keys(run.get("Volumes")),
            labels=string_map(run.get("Labels")),
            healthcheck=_words(health.get("Test")) if isinstance(health, Mapping) else (),
            history=_history(value.get("history")),
            diff_ids=tuple(d for d in map(Digest.or_none, diff_ids) if d) if isinstance(diff_ids, list) else (),
        )


def created_and_platform(body: bytes) -> tuple[datetime | None, Platform | None]:
    """What a list shows of an image, a tenth of the work of `ImageConfig.parse`; both as there, raises as that does."""
    value = load_json_object(body, "the image config")
    return parse_time(value.get("created")), Platform.from_json(value)


def parse_time(value: object) -> datetime | None:
    """An RFC 3339 time as UTC; None where it is missing, malformed, or Go's zero time."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # Go writes its zero time where a builder set none; reproducible builds mean "unknown" by it too.
    return time if time.year > 1 else None


def _history(value: object) -> tuple[HistoryEntry, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        HistoryEntry(
            created=parse_time(entry.get("created")),
            created_by=text_of(entry.get("created_by")),
            comment=text_of(entry.get("comment")),
            author=text_of(entry.get("author")),
            empty_layer=entry.get("empty_layer") is True,
        )
        for entry in value
        if isinstance(entry, Mapping)
    )


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _keys(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, Mapping) else ()

"""An image written out: for people in sections, for pipes a line a fact."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from regtui import text
from regtui.cli.fitting import terminal_width
from regtui.cli.output import Output
from regtui.listing.details import FOREIGN, Details, PlatformDetails
from regtui.listing.history import instruction
from regtui.oci.config import ImageConfig
from regtui.oci.manifest import Manifest, Schema1Manifest

_WHOLE_DIGESTS: Final = 116


def show_text(
    output: Output, name: str, details: Details, shown: Sequence[PlatformDetails], whole: Sequence[PlatformDetails]
) -> None:
    """Sections: manifest, platforms, then for each of those that are shown `whole` config, layers and history."""
    now = datetime.now(UTC)
    output.line(name, "bold")
    created = f"{text.time_utc(details.created)} ({text.age(details.created, now)})" if details.created else "–"
    facts = [
        ("digest", details.digest),
        ("media type", details.media_type or "–"),
        ("created", created),
        *_sizes(details),
        *_foreign_layers(shown),
    ]
    _pairs(output, facts)
    if details.error:
        output.line(f"  broken: {details.error}", "warning")
    if any(each.digest != details.digest for each in shown) or len(shown) > 1:
        output.line()
        output.line("Platforms", "bold")
        # A digest that is cut is of no use; the whole ones need room.
        is_wide = terminal_width() >= _WHOLE_DIGESTS
        rows = [
            (
                _label(each),
                text.age(each.created, now),
                text.size(each.pull_size),
                each.digest if is_wide else each.digest.short,
                each.error,
            )
            for each in shown
        ]
        output.table(("PLATFORM", "CREATED", "SIZE", "DIGEST", ""), rows, right=frozenset({"SIZE"}), indent="  ")
    for each in whole:
        _platform_text(output, each, now)
    if len(whole) < len(shown):
        output.line()
        output.line("The other platforms: --platform OS/ARCH, or --all-platforms.")


def _sizes(details: Details) -> list[tuple[str, str]]:
    """Of a pull, and of all platforms together where those differ."""
    pull = details.pull_size
    if details.size is None or pull is None:
        return [("size", "–")]
    total = f"{text.size(details.size)} ({text.exact_size(details.size)})"
    if len(details.platforms) < 2:
        return [("size", total)]
    return [("pull size", f"{text.size_range(pull)}, by platform"), ("total size", f"{total}, all platforms together")]


def _foreign_layers(shown: Sequence[PlatformDetails]) -> list[tuple[str, str]]:
    several = len(shown) > 1
    return [
        (FOREIGN, f"{each.foreign_words}{f' ({_label(each)})' if several else ''}") for each in shown if each.foreign
    ]


def _platform_text(output: Output, each: PlatformDetails, now: datetime) -> None:
    if facts := [*_config_facts(each), *_manifest_facts(each)]:
        output.line()
        output.line(f"Config of {_label(each)}", "bold")
        _pairs(output, [(key.replace("_", " "), value) for key, value in facts])
    if each.layers:
        output.line()
        output.line(f"Layers of {_label(each)}", "bold")
        layers = [(text.size(layer.size), layer.digest.short, layer.made_by) for layer in each.layers]
        output.table(("SIZE", "DIGEST", "MADE BY"), layers, right=frozenset({"SIZE"}), indent="  ")
    if each.history:
        output.line()
        output.line(f"History of {_label(each)}", "bold")
        steps = [
            (text.age(step.created, now), instruction(step.created_by) or step.comment or "–") for step in each.history
        ]
        output.table(("CREATED", "INSTRUCTION"), steps, indent="  ")


def show_fields(output: Output, name: str, details: Details, shown: Sequence[PlatformDetails]) -> None:
    """A line a fact: what it is about, then its fields. For awk and grep."""
    output.fields("reference", name)
    output.fields("digest", details.digest)
    output.fields("media_type", details.media_type)
    output.fields("created", text.rfc3339(details.created))
    output.fields("size", _exact(details.size))
    if details.error:
        output.fields("error", details.error)
    for each in shown:
        created = text.rfc3339(each.created)
        output.fields("platform", _plain_label(each), each.digest, _exact(each.pull_size), created, each.media_type)
    for each in shown:
        label = _plain_label(each)
        for key, value in [*_config_facts(each), *_manifest_facts(each)]:
            output.fields("config", label, key, value)
        for layer in each.layers:
            facts = (label, layer.digest, _exact(layer.size), layer.media_type, layer.instruction)
            output.fields("layer", *facts, *((FOREIGN, " ".join(layer.urls)) if layer.is_foreign else ()))
        for step in each.history:
            output.fields("history", label, text.rfc3339(step.created), instruction(step.created_by) or step.comment)


def _exact(size: int | None) -> str:
    return "" if size is None else str(size)


def _label(each: PlatformDetails) -> str:
    if each.platform:
        return each.platform.details
    if isinstance(each.manifest, Manifest) and each.manifest.is_artifact:
        return each.manifest.artifact_type or each.manifest.config.media_type
    return "schema 1" if isinstance(each.manifest, Schema1Manifest) else each.digest.short


def _plain_label(each: PlatformDetails) -> str:
    """One word: os[(version+features)]/architecture[/variant]."""
    return each.platform.exact if each.platform else _label(each)


def _pairs(output: Output, facts: Sequence[tuple[str, str]]) -> None:
    width = max((len(key) for key, _ in facts), default=0)
    for key, value in facts:
        output.line(f"  {key:<{width}}   {value}", keep_spaces=True)


def _config_facts(each: PlatformDetails) -> list[tuple[str, str]]:
    """What the config says that isn't empty; a key may occur more than once."""
    config = each.config
    if config is None:
        return []
    facts = [
        ("user", config.user),
        ("working_dir", config.working_dir),
        ("entrypoint", _command(config.entrypoint)),
        ("cmd", _command(config.cmd)),
        ("stop_signal", config.stop_signal),
        ("healthcheck", _command(config.healthcheck)),
        ("author", config.author),
        *_many(config),
    ]
    return [(key, value) for key, value in facts if value]


def _many(config: ImageConfig) -> list[tuple[str, str]]:
    return [
        *(("env", variable) for variable in config.env),
        *(("port", port) for port in config.exposed_ports),
        *(("volume", volume) for volume in config.volumes),
        *(("label", f"{key}={value}") for key, value in config.labels.items()),
    ]


def _manifest_facts(each: PlatformDetails) -> list[tuple[str, str]]:
    if not isinstance(each.manifest, Manifest):
        return []
    subject = [("subject", str(each.manifest.subject.digest))] if each.manifest.subject else []
    attested = [("attestation", str(attestation.digest)) for attestation in each.attestations]
    return [
        *subject,
        *attested,
        *(("annotation", f"{key}={value}") for key, value in each.manifest.annotations.items()),
    ]


def _command(words: Sequence[str]) -> str:
    """As a Dockerfile's exec form has it."""
    import json

    return json.dumps(list(words), ensure_ascii=False) if words else ""

"""What stands in each tab: pure functions from details to lines."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.text import Text

from regtui.listing.details import Details, LayerDetail, PlatformDetails
from regtui.listing.history import instruction
from regtui.oci.config import HistoryEntry
from regtui.oci.descriptor import Descriptor
from regtui.oci.digest import Digest
from regtui.oci.manifest import Index, Manifest, Schema1Manifest
from regtui.oci.media_type import IMAGE_CONFIGS
from regtui.text import age, clean, exact_size, one_line, plural, size, size_range, time_utc
from regtui.ui.widgets.details.drawing import (
    DIM,
    WRONG,
    ItemLine,
    Line,
    blank_between,
    field,
    heading,
    items_lines,
    json_lines,
    prose,
    wrapped,
)

_BAR: Final = 10
_ATTESTATION: Final = "vnd.docker.reference.type"

Tab = Callable[[Details, PlatformDetails | None, int, datetime], Sequence[Line]]

Users = Callable[[Collection[Digest]], Mapping[Digest, Sequence[str]]]
"""Which other tags use each of some blobs, as far as that is known."""

# Of the tags that use a layer, so many are named.
_NAMED: Final = 8


@dataclass(frozen=True, slots=True)
class LayerView:
    """How the layers are shown: those that are `unfolded` with all that is known of them, the largest first where they
    are sorted `by_size`."""

    users: Mapping[Digest, Sequence[str]]
    unfolded: Collection[Digest] = ()
    by_size: bool = False


def overview(details: Details, image: PlatformDetails | None, width: int, now: datetime) -> list[Line]:
    """What it is, what it runs on, how it runs."""
    return blank_between(
        [
            _broken(details, image, width),
            _identity(details, image, width, now),
            _platforms(details, image, width, now),
            _run(image, width),
            _annotations(details, image, width),
        ]
    )


def with_notes(lines: Sequence[Line], notes: Sequence[tuple[str, str]], width: int) -> list[Line]:
    """The overview with what is known besides the registry, at the end of what it is."""
    noted = [line for label, text in notes for line in field(label, text, width)]
    end = next((number for number, line in enumerate(lines) if number and not line.plain), len(lines))
    return [*lines[:end], *noted, *lines[end:]]


def _broken(details: Details, image: PlatformDetails | None, width: int) -> list[Text]:
    error = details.error or (image.error if image else "")
    return prose(f"! {error}", width, WRONG) if error else []


def _identity(details: Details, image: PlatformDetails | None, width: int, now: datetime) -> list[Text]:
    created = f"{time_utc(details.created)}  ({age(details.created, now)})" if details.created else "not known"
    lines = [
        *field("digest", details.digest, width),
        *field("type", _kind(details), width),
        *field("media type", details.media_type, width),
        *field("created", created, width),
        *_sizes(details, width),
        *_foreign_layers(image, width),
        *field("manifest", exact_size(len(details.body)), width),
    ]
    manifest = details.manifest
    if isinstance(manifest, Manifest | Index) and manifest.subject:
        lines += field("attached to", manifest.subject.digest, width)
    return lines


def _sizes(details: Details, width: int) -> list[Text]:
    """Of a pull, and of all platforms together where there are several."""
    total = f"{size(details.size)}  ({exact_size(details.size)})"
    if len(details.platforms) < 2:
        return field("pull size", total, width)
    return [
        *field("pull size", f"{size_range(details.pull_size)}, by platform", width),
        *field("total size", total, width),
    ]


def _foreign_layers(image: PlatformDetails | None, width: int) -> list[Text]:
    return field("foreign", image.foreign_words, width) if image and image.foreign else []


def _kind(details: Details) -> str:
    manifest = details.manifest
    match manifest:
        case Index():
            artifact = f" of {manifest.artifact_type}" if manifest.artifact_type else ""
            return f"index{artifact}, {plural(len(manifest.images()), 'platform')}"
        case Schema1Manifest():
            return "image, schema 1 (legacy)"
        case Manifest() if manifest.config.media_type not in IMAGE_CONFIGS:
            return f"artifact: {manifest.artifact_type or manifest.config.media_type}"
        case Manifest():
            return "image"
        case _:
            return "no manifest" if details.is_no_manifest else "unknown to regtui: shown as it is"


def _platforms(details: Details, image: PlatformDetails | None, width: int, now: datetime) -> list[Text]:
    """Each with its size and date; attestations stand under what they attest."""
    if not isinstance(details.manifest, Index):
        if image is not None and image.platform is not None:
            return field("platform", image.platform.details, width)
        return []

    def drawn(one: PlatformDetails | Descriptor) -> Iterator[Text]:
        if isinstance(one, Descriptor):
            yield _attestation(one)
            return
        current = "▸ " if one is image and len(details.platforms) > 1 else "  "
        name = clean(one.platform.details) if one.platform else "no platform"
        line = Text(f"{current}{name:<18}{size(one.pull_size):>8}  {age(one.created, now):<15} ", no_wrap=True)
        yield line.append(one.digest.short, DIM).append(f"  ! {one_line(one.error)}" if one.error else "", WRONG)

    count = sum(1 + len(one.attestations) for one in details.platforms)
    return [heading("Platforms"), *items_lines(_with_attestations(details), count, drawn)]


def _with_attestations(details: Details) -> Iterator[PlatformDetails | Descriptor]:
    for one in details.platforms:
        yield one
        yield from one.attestations


def _attestation(attestation: Descriptor) -> Text:
    kind = one_line(attestation.annotations.get(_ATTESTATION, "attestation")).removesuffix("-manifest")
    return Text(f"    └ {kind}  {attestation.digest.short}", DIM, no_wrap=True)


def _run(image: PlatformDetails | None, width: int) -> list[Text]:
    config = image.config if image else None
    if config is None:
        return []
    pairs = [
        ("entrypoint", " ".join(config.entrypoint)),
        ("cmd", " ".join(config.cmd)),
        ("user", config.user),
        ("workdir", config.working_dir),
        ("ports", ", ".join(config.exposed_ports)),
        ("volumes", ", ".join(config.volumes)),
        ("health", " ".join(config.healthcheck)),
        ("author", config.author),
    ]
    pairs += [("env" if number == 0 else "", entry) for number, entry in enumerate(config.env)]
    pairs = [pair for pair in pairs if pair[1]]
    lines = items_lines(pairs, len(pairs), lambda pair: field(*pair, width))
    labels = sorted(config.labels.items())
    if labels:
        lines += [Text(), heading("Labels"), *labelled(labels, width)]
    return lines


def _annotations(details: Details, image: PlatformDetails | None, width: int) -> list[Text]:
    manifests = [details.manifest, image.manifest if image else None]
    found = {k: v for m in manifests if isinstance(m, Manifest | Index) for k, v in m.annotations.items()}
    return [heading("Annotations"), *labelled(sorted(found.items()), width)] if found else []


def labelled(items: Sequence[tuple[str, str]], width: int) -> list[Text]:
    """Labels and annotations: `key value`, over as many lines as it needs."""
    return items_lines(items, len(items), lambda item: _label(*item, width))


def _label(key: str, value: str, width: int) -> Iterator[Text]:
    first, *rest = wrapped(f"{one_line(key)} {one_line(value)}", width - 4)
    first.stylize(DIM, 0, len(one_line(key)))
    yield Text("  ").append(first)
    for more in rest:
        yield Text("    ").append(more)


def layers(image: PlatformDetails | None, width: int, view: LayerView) -> list[Text]:
    """Size, its share, how many other tags use it, and the instruction that made it; the base comes first."""
    if image is None or not image.layers:
        return [Text("No layers.", DIM)]
    largest = max((layer.own_size for layer in image.layers), default=0)
    total = sum(layer.own_size for layer in image.layers)
    titles = f"{'#':>3} {'SIZE':>8} {'SHARE':>6}  {'':<{_BAR}}  {'DIGEST':<12}  {'TAGS':>4}  MADE BY"
    numbered = list(enumerate(image.layers, 1))
    if view.by_size:
        numbered.sort(key=lambda one: -(one[1].size or 0))

    def drawn(one: tuple[int, LayerDetail]) -> Iterator[Text]:
        number, layer = one
        share = f"{layer.own_size * 100 / total:.0f} %" if total and not layer.is_foreign else ""
        users = view.users.get(layer.digest, ())
        line = ItemLine(layer.digest, f"{number:>3} {size(layer.size):>8} {share:>6}  ")
        line.append(bar(layer.own_size, largest), "green").append(f"  {layer.digest.short}  ", DIM)
        line.append(f"{f'+{len(users)}' if users else '–':>4}  ", "" if users else DIM)
        yield line.append(one_line(layer.made_by))
        if layer.digest in view.unfolded:
            yield from _unfolded(layer, users, width)

    return [Text(titles, DIM, no_wrap=True), *items_lines(numbered, len(numbered), drawn)]


def _unfolded(layer: LayerDetail, users: Sequence[str], width: int) -> list[Text]:
    """All that is known of one layer."""
    more = f" and {len(users) - _NAMED:,} more" if len(users) > _NAMED else ""
    used = f"{', '.join(users[:_NAMED])}{more}" if users else "none that was read"
    facts = [
        ("digest", layer.digest),
        ("type", layer.media_type),
        ("from", " ".join(layer.urls)),
        ("made by", layer.instruction),
        ("also in", used),
    ]
    return [
        Text("      ", no_wrap=True).append(line)
        for label, value in facts
        if value
        for line in field(label, value, width - 6)
    ]


def bar(value: int, largest: int) -> str:
    """Ten cells, in eighths; anything above nothing shows."""
    if value <= 0 or largest <= 0:
        return " " * _BAR
    eighths = max(1, round(value * _BAR * 8 / largest))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(_BAR)


def history(details: Details, image: PlatformDetails | None, width: int, now: datetime) -> list[Text]:
    """The instructions, oldest first, those that made no layer dimmed."""
    if image is None or not image.history:
        return [Text("No history.", DIM)]
    made = iter(image.layers)
    known = sum(1 for entry in image.history if not entry.empty_layer) == len(image.layers)

    def drawn(entry: HistoryEntry) -> Iterator[Text]:
        layer = None if entry.empty_layer or not known else next(made)
        weight = size(layer.size) if layer is not None else ""
        first, *rest = wrapped(instruction(entry.created_by) or entry.comment or "(nothing recorded)", width - 26)
        style = DIM if entry.empty_layer else ""
        prefix = f"{age(entry.created, now):<15} {weight:>8}  "
        line = ItemLine(layer.digest, "") if layer is not None else Text(no_wrap=True)
        yield line.append(prefix, DIM).append(first.plain, style)
        for more in rest:
            yield Text(" " * len(prefix) + more.plain, style, no_wrap=True)

    return items_lines(image.history, len(image.history), drawn)


def config(details: Details, image: PlatformDetails | None, width: int, now: datetime) -> Sequence[Line]:
    if image is None or image.config_body is None:
        return [Text("No image config.", DIM)]
    return json_lines(image.config_body, width)


def manifest(details: Details, image: PlatformDetails | None, width: int, now: datetime) -> Sequence[Line]:
    return json_lines(details.body, width)


def _plain_layers(details: Details, image: PlatformDetails | None, width: int, now: datetime) -> Sequence[Line]:
    return layers(image, width, LayerView({}))


LAYERS: Final = 1
"""The place of the layers among the tabs: how they are shown is up to who looks at them."""

TABS: Final[tuple[tuple[str, Tab], ...]] = (
    ("Overview", overview),
    ("Layers", _plain_layers),
    ("History", history),
    ("Config", config),
    ("Manifest", manifest),
)

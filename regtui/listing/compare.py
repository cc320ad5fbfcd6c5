"""Two images beside each other: platforms, layers, and how they are run. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from regtui.listing.details import Details, LayerDetail, PlatformDetails
from regtui.listing.tags import TagList
from regtui.oci.config import ImageConfig


class Side(Enum):
    """Where something is found."""

    BOTH = "="
    LEFT = "-"
    RIGHT = "+"


@dataclass(frozen=True, slots=True)
class LayerLine:
    side: Side
    layer: LayerDetail


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that differs: `env PATH`, `label version`, `cmd`. None where a side doesn't have it."""

    name: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class PlatformComparison:
    """One platform; a side is None where it has none such. Layers as the left one has them, then what the right one
    has besides."""

    name: str
    left: PlatformDetails | None
    right: PlatformDetails | None
    layers: tuple[LayerLine, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def is_same(self) -> bool:
        """The same manifest, to the byte."""
        return self.left is not None and self.right is not None and self.left.digest == self.right.digest

    def size(self, side: Side) -> int:
        """Bytes of the layers on that side alone, or on both; each once, and those that the registry has."""
        layers = {line.layer.digest: line.layer.own_size for line in self.layers if line.side is side}
        return sum(layers.values())

    def count(self, side: Side) -> int:
        return sum(line.side is side for line in self.layers)


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Details
    right: Details
    platforms: tuple[PlatformComparison, ...]

    @property
    def is_same(self) -> bool:
        return self.left.digest == self.right.digest


def compare(left: Details, right: Details) -> Comparison:
    """Platforms are paired by name, those of the left one first. Two images of one platform each are a pair, whatever
    their platforms are."""
    ours, theirs = _by_name(left), _by_name(right)
    if len(ours) == len(theirs) == 1:
        (name, one), other = next(iter(ours.items())), next(iter(theirs.values()))
        return Comparison(left, right, (_platforms(name, one, other),))
    names = dict.fromkeys([*ours, *theirs])
    return Comparison(left, right, tuple(_platforms(name, ours.get(name), theirs.get(name)) for name in names))


def _by_name(details: Details) -> dict[str, PlatformDetails]:
    """An index may name a platform twice: the further ones are numbered."""
    named: dict[str, PlatformDetails] = {}
    for platform in details.platforms:
        name = base = str(platform.platform or "image")
        number = 1
        while name in named:
            number += 1
            name = f"{base} ({number})"
        named[name] = platform
    return named


def _platforms(name: str, left: PlatformDetails | None, right: PlatformDetails | None) -> PlatformComparison:
    if left is None or right is None:
        return PlatformComparison(name, left, right)
    return PlatformComparison(
        name, left, right, tuple(_layers(left, right)), tuple(_changes(_settings(left), _settings(right)))
    )


def _layers(left: PlatformDetails, right: PlatformDetails) -> Iterable[LayerLine]:
    ours, theirs = ({layer.digest for layer in side.layers} for side in (left, right))
    for layer in left.layers:
        yield LayerLine(Side.BOTH if layer.digest in theirs else Side.LEFT, layer)
    for layer in right.layers:
        if layer.digest not in ours:
            yield LayerLine(Side.RIGHT, layer)


def _changes(left: Mapping[str, str], right: Mapping[str, str]) -> Iterable[Change]:
    for name in dict.fromkeys([*left, *right]):
        if left.get(name) != right.get(name):
            yield Change(name, left.get(name), right.get(name))


def _settings(image: PlatformDetails) -> dict[str, str]:
    """How it is run, by name; only what is set."""
    config = image.config
    if config is None:
        return {}
    settings = {
        "platform": image.platform.details if image.platform else "",
        "entrypoint": _command(config.entrypoint),
        "cmd": _command(config.cmd),
        "user": config.user,
        "working dir": config.working_dir,
        "ports": " ".join(sorted(config.exposed_ports)),
        "volumes": " ".join(sorted(config.volumes)),
        "stop signal": config.stop_signal,
        "healthcheck": _command(config.healthcheck),
        "author": config.author,
        **_environment(config),
        **{f"label {name}": value for name, value in sorted(config.labels.items())},
    }
    return {name: value for name, value in settings.items() if value or name.startswith(("env ", "label "))}


def _environment(config: ImageConfig) -> dict[str, str]:
    """By variable, the last one counting, as it does when the image runs."""
    return {f"env {name}": value for name, _, value in (entry.partition("=") for entry in config.env)}


def _command(words: Iterable[str]) -> str:
    """As a Dockerfile writes it, so that one word with a space isn't taken for two."""
    import json

    words = list(words)
    return json.dumps(words, ensure_ascii=False) if words else ""


# Which two


def two_of(model: TagList) -> tuple[str, str] | None:
    """The two that are marked, or the marked one and the one under the cursor, older first; None where it isn't two."""
    tags = list(dict.fromkeys([*model.marked, *([model.cursor] if model.cursor and model.marked_count == 1 else [])]))
    if len(tags) != 2:
        return None
    first, second = sorted(tags, key=lambda tag: _age(model, tag))
    return first, second


def _age(model: TagList, tag: str) -> tuple[bool, float, str]:
    """By date; those without one last, by version."""
    row = model.find(tag)
    created = row.summary.created if row is not None and row.summary is not None else None
    return created is None, created.timestamp() if created else 0.0, row.key if row is not None else tag

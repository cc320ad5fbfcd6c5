"""What files name: compose files, manifests, Helm values, Kustomize files, and any other text with references in it.

What is YAML, JSON included, is understood by its keys: `repository` beside `tag`, `newName` beside `newTag`. Any other
text is searched for the registry's name. A tag that isn't written out (`${TAG}`, a chart's own version) may be any.
Where not even the repository is, the file says too little to be relied on.
"""

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from regtui import bounds
from regtui.aside import aside
from regtui.errors import reason_of
from regtui.retention.errors import SourceFailed
from regtui.retention.own_names import OwnImage, OwnNames
from regtui.retention.uses import ANY_TAG, Use
from regtui.retention.values import PlaceKind, UsePlace
from regtui.text import one_line

_NAMING: Final = ("newName", "repository", "image", "name")
"""Keys that hold an image's name, the first that is there."""
_TAGGING: Final = ("newTag", "tag")
_REPOSITORY: Final = re.compile(r"[a-z0-9][a-z0-9._/-]*")
_END: Final = "._-/"
_DEEPEST: Final = 200
_OPENS_NOTHING: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class NamedImage:
    """`line` counts from 1."""

    image: OwnImage
    line: int


class Files:
    """A `Source`: the files that one pattern names; `~` and `**` are understood."""

    def __init__(self, pattern: str) -> None:
        self.name = pattern

    async def uses(self, names: OwnNames) -> Iterable[Use]:
        return await aside(lambda: list(self._uses(names)))

    def _uses(self, names: OwnNames) -> Iterator[Use]:
        count = 0
        for number, path in enumerate(self._paths()):
            if number >= bounds.FILES:
                raise SourceFailed(f"{self.name} names more than {bounds.FILES:,} files.")
            for named in _images_of(path, names):
                count += 1
                if count > bounds.USES:
                    raise SourceFailed(f"{self.name} names images in more than {bounds.USES:,} places.")
                where = f"{one_line(_shown(path))}:{named.line}"
                yield Use(named.image, UsePlace(where, PlaceKind.FILE))

    def _paths(self) -> Iterator[Path]:
        """Raises SourceFailed where there is none: a tree that isn't mounted uses nothing, too."""
        pattern = os.path.expanduser(self.name)  # noqa: PTH111 (a pattern is no path)
        _check_readable(pattern)
        is_any = False
        for found in glob.iglob(pattern, recursive=True, include_hidden=True):  # noqa: PTH207 (absolute patterns)
            path = Path(found)
            if path.is_dir():
                continue
            is_any = True
            yield path
        if not is_any:
            raise SourceFailed(f"There is no file {self.name}.")


def _check_readable(pattern: str) -> None:
    """Raises SourceFailed for a directory that may not be looked into: it would seem to be empty."""

    def fail(error: OSError) -> None:
        raise SourceFailed(f"{_shown(Path(error.filename))} can't be read: {reason_of(error)}.")

    if "**" in pattern:
        base = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0] or ("/" if pattern[0] == "/" else ".")
        # What isn't there is told by name, and a file is no directory.
        for number, (_, _, files) in enumerate(os.walk(base, onerror=fail if Path(base).is_dir() else None)):
            if number + len(files) > bounds.FILES * 10:
                raise SourceFailed(f"{pattern} leads to too many files.")


def _text(path: Path) -> str:
    try:
        handle = os.open(path, _OPENS_NOTHING)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise SourceFailed(f"{_shown(path)} is no file.")
            content = file.read(bounds.USE_FILE + 1)
    except OSError as error:
        raise SourceFailed(f"{_shown(path)} can't be read: {reason_of(error)}.") from None
    if len(content) > bounds.USE_FILE:
        raise SourceFailed(f"{_shown(path)} is larger than {bounds.USE_FILE // bounds.MIB} MiB.")
    return content.decode("utf-8", "replace")


def _shown(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _images_of(path: Path, names: OwnNames) -> list[NamedImage]:
    text = _text(path)
    try:
        return images_in(text, names)
    except SourceFailed as error:
        raise SourceFailed(f"{_shown(path)}: {error.message}") from None


def images_in(text: str, names: OwnNames) -> list[NamedImage]:
    """What a text names of the registry, each once a line. Pure. Raises SourceFailed where it can't be told which
    repository is meant."""
    if not names.includes_docker_hub and not any(name.lower() in text.lower() for name in names.hosts):
        # Most files of a tree are of other registries.
        return []
    try:
        found: list[NamedImage] = _Understood(text, names).images()
    except _NotUnderstood:
        found = list(_searched(text, names, 1))
    return list(dict.fromkeys(found))


# Understood


class _NotUnderstood(Exception):
    """It is no YAML."""


@dataclass(slots=True)
class _Table:
    """A mapping that is being read: its texts by their keys, each with its line."""

    texts: dict[str, tuple[str, int]] = field(default_factory=dict)
    key: str | None = None
    is_list: bool = False


class _Understood:
    """YAML is followed event by event: neither its depth nor its aliases can grow."""

    def __init__(self, text: str, names: OwnNames) -> None:
        self._text = text
        self._names = names
        self._found: list[NamedImage] = []
        self._without_registry: list[tuple[str, str | None, str, int]] = []
        self._names_registry = False

    def images(self) -> list[NamedImage]:
        """Raises _NotUnderstood."""
        open_: list[_Table] = []
        for event, line in _events(self._text):
            match event:
                case str(text):
                    self._scalar(open_, text, line)
                case "begin", bool(is_list):
                    if len(open_) >= _DEEPEST:
                        raise _NotUnderstood
                    open_.append(_Table(is_list=is_list))
                case _:
                    self._table(open_.pop().texts)
                    if open_:
                        open_[-1].key = None
        if self._names_registry:
            # One place names the registry, and others what is in it: `imageRegistry` of a chart's values.
            for name, tag, digest, line in self._without_registry:
                self._add(f"{self._names.written[0]}/{name}", tag, digest, line)
        return self._found

    def _scalar(self, open_: list[_Table], text: str, line: int) -> None:
        table = open_[-1] if open_ else None
        if table is None or table.is_list:
            self._value(text, line, is_image=False)
        elif table.key is None:
            table.key = text
            self._found += _searched(text, self._names, line)
        else:
            table.texts[table.key] = (text, line)
            table.key = None

    def _table(self, texts: Mapping[str, tuple[str, int]]) -> None:
        used: set[str] = set()
        if self._is_chart(texts):
            return
        naming = next((key for key in _NAMING if key in texts), "")
        tagging = next((key for key in _TAGGING if key in texts), "")
        if naming and (tagging or naming in ("repository", "newName") or "digest" in texts):
            name, line = texts[naming]
            tag = texts[tagging][0] if tagging else None
            digest = texts["digest"][0] if "digest" in texts else ""
            registry = texts["registry"][0].rstrip("/") if "registry" in texts else ""
            if self._beside(registry, name, tag, digest, line):
                used = {naming, tagging, "digest", "registry"} | ({"name"} if naming == "newName" else set())
        for key, (text, line) in texts.items():
            if key not in used:
                self._value(text, line, is_image=key == "image")

    def _is_chart(self, texts: Mapping[str, tuple[str, int]]) -> bool:
        """Whether it is what a chart depends on, in an OCI registry: the name comes behind the repository."""
        wanted = ("repository", "name", "version")
        if not all(key in texts for key in wanted) or not texts["repository"][0].startswith("oci://"):
            return False
        (repository, line), (name, _), (version, _) = (texts[key] for key in wanted)
        return self._add(f"{repository.rstrip('/')}/{name}", version, "", line)

    def _beside(self, registry: str, name: str, tag: str | None, digest: str, line: int) -> bool:
        """Whether `name` is an image's, with its tag in another key."""
        if registry:
            return self._names.is_own(registry) and self._add(f"{registry}/{name}", tag, digest, line)
        if self._names.image(name) is not None:
            return self._add(name, tag, digest, line)
        if _REPOSITORY.fullmatch(name):
            self._without_registry.append((name, tag, digest, line))
        return False

    def _add(self, name: str, tag: str | None, digest: str, line: int) -> bool:
        """`tag`: None where no key is for it, so that it is another file's to say."""
        written = f"{name}@{digest}" if digest else name
        image = self._names.image(written, tag=ANY_TAG if tag is None else tag)
        if image is None:
            return False
        self._found.append(NamedImage(image, line))
        return True

    def _value(self, text: str, line: int, *, is_image: bool) -> None:
        if is_image and (image := self._names.image(text)) is not None:
            self._found.append(NamedImage(image, line))
        elif self._names.is_own(text.rstrip("/")):
            self._names_registry = True
        else:
            self._found += _searched(text, self._names, line)


def _events(text: str) -> Iterator[tuple[Any, int]]:
    """(a text, or ("begin", whether a list), or "end" as None; its line). Raises _NotUnderstood."""
    import yaml

    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            line = event.start_mark.line + 1 if event.start_mark else 1
            match event:
                case yaml.ScalarEvent():
                    yield event.value, line
                case yaml.AliasEvent():
                    yield "", line  # What it stands for is read where it is written.
                case yaml.SequenceStartEvent():
                    yield ("begin", True), line
                case yaml.MappingStartEvent():
                    yield ("begin", False), line
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    yield None, line
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _NotUnderstood from None


# Searched


def _searched(text: str, names: OwnNames, line: int) -> Iterator[NamedImage]:
    """Every name of the registry with something behind it. `line`: that of the text's first character."""
    position = 0
    for match in names.in_text.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        if match["rest"]:
            raise SourceFailed(f"line {line} names an image of {match['name']} by a variable: which one can't be told.")
        path, tag, digest = match["path"].rstrip(_END), match["tag"], match["digest"] or ""
        written = f"{match['name']}/{path}"
        if digest:
            image = names.image(f"{written}{digest}")
        elif tag is None:
            image = names.image(written)
        else:
            image = names.image(written, tag=tag.rstrip(".-"))
        if image is not None:
            yield NamedImage(image, line)

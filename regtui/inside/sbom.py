"""What an SBOM says: the packages that it names.

SPDX 2.2 and 2.3 and CycloneDX 1.2 to 1.6, both as JSON, bare or as the predicate of an in-toto statement, in a DSSE
envelope and in a bundle of sigstore's. Nothing is verified. Pure.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from regtui import bounds
from regtui.bounded_json import parse_json

# SPDX's words for nothing.
_NOTHING: Final = frozenset({"", "NOASSERTION", "NONE"})
# Envelopes in one another: a bundle, a DSSE envelope, a statement, its predicate as cosign writes a custom one.
_DEEPEST: Final = 5
# Of components in one another.
_NESTED: Final = 64


class NoSbom(ValueError):
    """Its text says what it is instead; it reads on after a colon."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """`type`: of its purl, as `deb`, else what the document calls it. `purl`: empty where none is named. `licenses`:
    names or expressions of SPDX, as they stand there."""

    name: str
    version: str = ""
    type: str = ""
    purl: str = ""
    licenses: tuple[str, ...] = ()


def packages_of(document: bytes) -> list[Package]:
    """Each once, by name. Raises NoSbom."""
    try:
        value = _unwrapped(parse_json(document, bounds.SBOM_VALUES))
    except ValueError as error:
        raise NoSbom(f"it can't be read as JSON, as {error}") from None
    if isinstance(value, Mapping) and "spdxVersion" in value:
        found = _spdx(value)
    elif isinstance(value, Mapping) and value.get("bomFormat") == "CycloneDX":
        found = _cyclonedx(value.get("components"), _NESTED)
    else:
        raise NoSbom("it is neither SPDX nor CycloneDX as JSON")
    return sorted({package for package in found if package.name})


def _unwrapped(value: Any) -> Any:
    """What is inside of envelopes. Raises ValueError."""
    for _ in range(_DEEPEST):
        if not isinstance(value, Mapping):
            break
        if isinstance(envelope := value.get("dsseEnvelope"), Mapping):
            value = envelope
        elif isinstance(payload := value.get("payload"), str):
            try:
                value = parse_json(base64.b64decode(payload, validate=True), bounds.SBOM_VALUES)
            except binascii.Error:
                raise ValueError("the payload of its envelope is no base64") from None
        elif "predicateType" in value:
            value = _predicate(value.get("predicate"))
        else:
            break
    return value


def _predicate(value: Any) -> Any:
    """cosign puts a document that it doesn't know as a text below `Data`."""
    if isinstance(value, Mapping) and isinstance(data := value.get("Data"), str):
        value = data
    return parse_json(value.encode(), bounds.SBOM_VALUES) if isinstance(value, str) else value


def _spdx(document: Mapping[str, Any]) -> Iterator[Package]:
    """Without the image itself, which SPDX has among its packages."""
    for each in _tables(document.get("packages")):
        purpose = _text(each.get("primaryPackagePurpose"))
        if purpose == "CONTAINER":
            continue
        references = _tables(each.get("externalRefs"))
        purls = [_text(one.get("referenceLocator")) for one in references if one.get("referenceType") == "purl"]
        purl = purls[0] if purls else ""
        said = (_text(each.get(name)) for name in ("licenseConcluded", "licenseDeclared"))
        licenses = tuple(one for one in said if one not in _NOTHING)[:1]
        version = _text(each.get("versionInfo"))
        yield Package(_text(each.get("name")), version, _type(purl) or purpose.lower(), purl, licenses)


def _cyclonedx(components: Any, levels: int) -> Iterator[Package]:
    """With those that are in others, and without files, which are no packages."""
    for each in _tables(components) if levels else ():
        kind, purl = _text(each.get("type")), _text(each.get("purl"))
        if kind != "file":
            name, version = _text(each.get("name")), _text(each.get("version"))
            yield Package(name, version, _type(purl) or kind, purl, tuple(_licenses(each.get("licenses"))))
        yield from _cyclonedx(each.get("components"), levels - 1)


def _licenses(value: Any) -> Iterator[str]:
    for each in _tables(value):
        own = each.get("license")
        named = _text(own.get("id")) or _text(own.get("name")) if isinstance(own, Mapping) else ""
        if found := named or _text(each.get("expression")):
            yield found


def _type(purl: str) -> str:
    """`deb` of `pkg:deb/debian/zlib1g@1.2.13`."""
    return purl[4:].lstrip("/").partition("/")[0].lower() if purl.startswith("pkg:") else ""


def _tables(value: Any) -> Iterator[Mapping[str, Any]]:
    return (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else iter(())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

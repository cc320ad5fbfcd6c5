"""`regtui inspect`: all that is known of one image."""

import argparse
import contextlib
from collections.abc import Sequence
from platform import machine as machine_name
from typing import Final

from regtui import text
from regtui.bounded_json import parse_writable_json
from regtui.cli.counting import counting
from regtui.cli.image import show_fields, show_text
from regtui.cli.invocation import Invocation
from regtui.cli.named_image import asked, looked_up, name_of
from regtui.cli.output import Form, Output, write_raw
from regtui.cli.platforms import platform_fields
from regtui.errors import DONE, FAILED, NOT_FOUND, RegtuiError, UsageError
from regtui.listing.details import Details, PlatformDetails
from regtui.oci.platform import InvalidPlatform, Platform
from regtui.oci.reference import Reference
from regtui.registry.errors import BadAnswer, RegistryError, Where
from regtui.session.session import Session

# What the kernel calls an architecture, and images do otherwise. Containers are Linux's, on other systems too.
MACHINES: Final = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "i386": "386",
}


class PlatformMissing(RegtuiError):
    """The image isn't made for the platform asked for."""

    exit_code = NOT_FOUND


def run(arguments: argparse.Namespace) -> int:
    """A broken image is shown as far as it can be read, with exit code 1. Raises RegtuiError, for no manifest too."""
    if arguments.raw and arguments.json:
        raise UsageError("--raw and --json exclude each other.")
    platform = _platform(arguments.platform)
    invocation = Invocation(arguments)
    reference = invocation.reference(arguments.reference)
    output = Output.chosen(arguments.json)

    async def work(session: Session) -> int:
        if arguments.raw and platform is None:
            found = await looked_up(session, reference, lambda: session.manifest(*asked(reference)))
            write_raw(found.body)
            return DONE
        details = await looked_up(session, reference, lambda: session.details(*asked(reference)))
        if details.is_no_manifest:
            raise _no_manifest(session.host, reference, details)
        with contextlib.suppress(RegistryError):
            async with counting(f"Checking {name_of(reference)}:", lambda: session.requests.total):
                details = await session.checked(details)
        shown = details.platforms if platform is None else (_chosen(details, platform, reference),)
        whole = shown if arguments.all_platforms else _of_here(shown)
        if arguments.raw:
            write_raw((await session.manifest(reference.repository, shown[0].digest)).body)
        elif output.form is Form.JSON:
            output.json_with_list(_record(details, reference), "platforms", map(_platform_record, shown))
        elif output.form is Form.FIELDS:
            show_fields(output, name_of(reference), details, shown)
        else:
            show_text(output, name_of(reference), details, shown, whole)
        return FAILED if details.error or any(each.error for each in shown) else DONE

    return invocation.run(reference.registry, work)


def _no_manifest(host: str, reference: Reference, details: Details) -> RegistryError:
    where = Where(host, "reading the manifest", *asked(reference))
    return BadAnswer(
        where,
        f"{name_of(reference)} can't be shown: {details.error}.",
        "Check what stands before the registry. What was sent is shown by --raw.",
    )


def _of_here(platforms: Sequence[PlatformDetails]) -> tuple[PlatformDetails, ...]:
    """The one that would run on this machine, else the first: what the others say is nearly the same."""
    machine = MACHINES.get(machine_name().lower(), machine_name().lower())
    fitting = [each for each in platforms if each.platform and each.platform.architecture == machine]
    here = [each for each in fitting if each.platform and each.platform.os == "linux"]
    return tuple((here or fitting or list(platforms))[:1])


def _platform(written: str | None) -> Platform | None:
    try:
        return Platform.parse(written) if written else None
    except InvalidPlatform as error:
        message = str(error)
        raise UsageError(f"{message[0].upper()}{message[1:]}.") from None


def _chosen(details: Details, wanted: Platform, reference: Reference) -> PlatformDetails:
    """The platform asked for. Without a variant, the first of that architecture does; so with the system's version."""
    for match_variant in (True, False):
        for each in details.platforms:
            if each.platform and _is(each.platform, wanted, match_variant=match_variant):
                return each
    known = ", ".join(each.platform.exact for each in details.platforms if each.platform)
    raise PlatformMissing(
        f"{name_of(reference)} is not made for {wanted.exact}.",
        f"It is for {known}." if known else "It names no platform.",
    )


def _is(platform: Platform, wanted: Platform, *, match_variant: bool) -> bool:
    same = (platform.os, platform.architecture) == (wanted.os, wanted.architecture)
    same = same and wanted.os_version in ("", platform.os_version)
    same = same and set(wanted.os_features) <= set(platform.os_features)
    return same and (platform.variant == wanted.variant if match_variant else not wanted.variant)


def _record(details: Details, reference: Reference) -> dict[str, object]:
    """The JSON record (docs/interface.md: "JSON records"), without its platforms."""
    record: dict[str, object] = {
        "reference": name_of(reference),
        "digest": details.digest,
        "media_type": details.media_type or None,
        "size": details.size,
        "pull_size": details.pull_size,
        "manifest": _parsed(details.body),
    }
    if details.error:
        record["error"] = details.error
    return record


def _platform_record(each: PlatformDetails) -> dict[str, object]:
    record: dict[str, object] = {
        **platform_fields(each.platform),
        "digest": each.digest,
        "media_type": each.media_type or None,
        "created": text.rfc3339(each.created) or None,
        "size": each.pull_size,
        "config": _parsed(each.config_body) if each.config_body is not None else None,
    }
    if each.foreign:
        record["foreign_layers"] = [
            {"digest": layer.digest, "size": layer.size, "urls": list(layer.urls)} for layer in each.foreign
        ]
    if each.error:
        record["error"] = each.error
    return record


def _parsed(body: bytes) -> object:
    """What JSON says; None for what is none, or has more values than are read: `error` says which."""
    try:
        return parse_writable_json(body)
    except ValueError:
        return None

"""`regtui inspect`: all that is known of one image."""

import argparse
import contextlib
from operator import attrgetter

from regtui import text
from regtui.bounded_json import parse_writable_json
from regtui.cli.counting import counting
from regtui.cli.image import show_fields, show_text
from regtui.cli.invocation import Invocation
from regtui.cli.named_image import asked, looked_up, name_of
from regtui.cli.output import Form, Output, write_raw
from regtui.cli.platforms import chosen, of_here, platform_fields, written_platform
from regtui.errors import DONE, FAILED, UsageError
from regtui.listing.details import Details, PlatformDetails
from regtui.oci.reference import Reference
from regtui.registry.errors import BadAnswer, RegistryError, Where
from regtui.session.session import Session


def run(arguments: argparse.Namespace) -> int:
    """A broken image is shown as far as it can be read, with exit code 1. Raises RegtuiError, for no manifest too."""
    if arguments.raw and arguments.json:
        raise UsageError("--raw and --json exclude each other.")
    platform = written_platform(arguments.platform)
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
        shown = details.platforms
        if platform is not None:
            shown = (chosen(shown, attrgetter("platform"), platform, name_of(reference)),)
        whole = shown if arguments.all_platforms or not shown else (of_here(shown, attrgetter("platform")),)
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

"""`regtui sbom`: the packages that an image's SBOM names."""

import argparse
from collections.abc import Sequence

from regtui.cli.console import say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.named_image import asked, looked_up, name_of
from regtui.cli.output import Form, Output
from regtui.cli.platforms import chosen, of_here, written_platform
from regtui.errors import DONE, FAILED, NOT_FOUND, RegtuiError
from regtui.inside.attached import Attached, Attachments
from regtui.inside.kinds import Claim
from regtui.inside.sbom import Package
from regtui.oci.digest import Digest
from regtui.oci.platform import Platform
from regtui.session.session import Session
from regtui.text import plural


class NothingNamed(RegtuiError):
    """No SBOM is attached."""

    exit_code = NOT_FOUND


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 where an SBOM, or what else is attached, can't be read. Raises RegtuiError."""
    wanted = written_platform(arguments.platform)
    invocation = Invocation(arguments)
    reference = invocation.reference(arguments.reference)
    output = Output.chosen(arguments.json)

    async def work(session: Session) -> int:
        told = await looked_up(session, reference, lambda: session.attached(*asked(reference)))
        name = name_of(reference)
        image = _image(told, wanted, name)
        sboms = [each for each in told.found if each.kind is Claim.SBOM and each.subject in (image, told.digest)]
        for gap in told.gaps:
            warn(gap)
        if not sboms and not told.gaps:
            raise NothingNamed(f"No SBOM is attached to {_called(told, image, name)}.", _elsewhere(told, image))
        found: set[Package] = set()
        unread = 0
        for each in sboms:
            packages, why = await session.packages(reference.repository, each)
            found |= set(packages)
            if why:
                warn(f"The SBOM {each.digest.short} can't be read: {why}.")
                unread += 1
        _show(sorted(found), output)
        if len(sboms) > unread and output.form is Form.TABLE:
            say(_summary(told, image, name, found, sboms))
        return FAILED if unread or told.gaps else DONE

    return invocation.run(reference.registry, work)


def _image(told: Attachments, wanted: Platform | None, name: str) -> Digest:
    """The platform that is meant, of an index; else the image itself. Raises PlatformMissing."""
    if wanted is not None:
        return chosen(list(told.platforms), told.platforms.get, wanted, name)
    return of_here(list(told.platforms), told.platforms.get) if told.platforms else told.digest


def _called(told: Attachments, image: Digest, name: str) -> str:
    platform = told.platforms.get(image)
    return f"{name} for {platform.exact}" if platform else name


def _elsewhere(told: Attachments, image: Digest) -> str:
    """The platforms that have one."""
    others = {each.subject for each in told.found if each.kind is Claim.SBOM} - {image}
    names = [platform.exact for digest, platform in told.platforms.items() if digest in others and platform]
    return f"There is one for {', '.join(names)}: --platform." if names else ""


def _summary(told: Attachments, image: Digest, name: str, found: set[Package], sboms: Sequence[Attached]) -> str:
    where = ", ".join(dict.fromkeys(each.digest.short for each in sboms))
    what = f"{plural(len(found), 'package')} of {_called(told, image, name)}"
    others = " Other platforms: --platform." if len(told.platforms) > 1 else ""
    return f"{what}, as {where} says; nothing was verified.{others}"


def _show(packages: Sequence[Package], output: Output) -> None:
    for each in packages if output.form is not Form.TABLE else ():
        if output.form is Form.JSON:
            output.json(
                {
                    "name": each.name,
                    "version": each.version or None,
                    "type": each.type or None,
                    "purl": each.purl or None,
                    "licenses": list(each.licenses),
                }
            )
        else:
            output.fields(each.name, each.version, each.type, each.purl, ", ".join(each.licenses))
    if packages and output.form is Form.TABLE:
        rows = [(each.name, each.version, each.type, ", ".join(each.licenses)) for each in packages]
        output.table(("PACKAGE", "VERSION", "TYPE", "LICENSES"), rows)
    output.flush()

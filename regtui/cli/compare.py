"""`regtui compare`: what two images differ in: platforms, layers, and how they are run."""

import argparse
from collections.abc import Iterator
from contextlib import AsyncExitStack

from regtui import text
from regtui.cli.invocation import Invocation, connected
from regtui.cli.named_image import asked, looked_up, name_of
from regtui.cli.output import Form, Output
from regtui.errors import DONE, UsageError
from regtui.listing.compare import Comparison, PlatformComparison, Side, compare
from regtui.listing.details import Details
from regtui.oci.reference import Reference
from regtui.session.session import Session


def run(arguments: argparse.Namespace) -> int:
    """That they differ is an answer: exit code 0. Raises RegtuiError."""
    invocation = Invocation(arguments)
    left, right = map(invocation.reference, arguments.references)
    registries = [invocation.registry(each.registry) for each in (left, right)]
    if registries[0] != registries[1] and invocation.gives_login:
        raise UsageError(
            "The images are of two registries, but -u, --password-stdin and REGTUI_PASSWORD are for one.",
            "Run regtui login for each.",
        )
    output = Output.chosen(arguments.json)

    async def work(session: Session) -> int:
        async with AsyncExitStack() as stack:
            other = session
            if registries[0] != registries[1]:
                other = await stack.enter_async_context(connected(invocation.target(registries[1])))
            _show(compare(await _details(session, left), await _details(other, right)), left, right, output)
        return DONE

    return invocation.run(left.registry, work)


async def _details(session: Session, reference: Reference) -> Details:
    return await looked_up(session, reference, lambda: session.details(*asked(reference)))


def _show(comparison: Comparison, left: Reference, right: Reference, output: Output) -> None:
    if output.form is Form.TABLE:
        _text(comparison, left, right, output)
        return
    for platform in comparison.platforms:
        for what, name, *sides in _differences(platform):
            if output.form is Form.JSON:
                output.json(
                    {"what": what, "platform": platform.name, "name": name, "left": sides[0], "right": sides[1]}
                )
            else:
                output.fields(what, platform.name, name, *("" if side is None else str(side) for side in sides))


def _differences(platform: PlatformComparison) -> Iterator[tuple[str, str, object, object]]:
    """(what, its name, left, right): of a platform its manifest's digest, of a layer its bytes, of a setting its
    value; None where a side doesn't have it."""
    left, right = platform.left, platform.right
    if platform.is_same:
        return
    yield "platform", platform.name, left and left.digest, right and right.digest
    for change in platform.changes:
        yield "config", change.name, change.left, change.right
    for line in platform.layers:
        if line.side is not Side.BOTH:
            sizes = (line.layer.size, None) if line.side is Side.LEFT else (None, line.layer.size)
            yield "layer", str(line.layer.digest), *sizes


def _text(comparison: Comparison, left: Reference, right: Reference, output: Output) -> None:
    sides = ((left, comparison.left), (right, comparison.right))
    rows = [
        ("reference", *(name_of(reference) for reference, _ in sides)),
        ("digest", *(details.digest.short for _, details in sides)),
        ("created", *(text.time_utc(details.created) or "–" for _, details in sides)),
        ("pull size", *(text.size_range(details.pull_size) for _, details in sides)),
    ]
    output.table(("", "LEFT -", "RIGHT +"), rows)
    if comparison.is_same:
        output.line("They are the same manifest, to the byte.")
        return
    for platform in comparison.platforms:
        output.line()
        output.line(platform.name, "bold")
        for line in _platform_text(platform):
            output.line(f"  {line}", keep_spaces=True)


def _platform_text(platform: PlatformComparison) -> Iterator[str]:
    """A line a difference; `-` is of the left one, `+` of the right one."""
    if platform.left is None or platform.right is None:
        yield "+ only there" if platform.left is None else "- only there"
        return
    if platform.is_same:
        yield "= the same manifest"
        return
    if platform.layers:
        count = platform.count(Side.BOTH)
        yield (
            f"= {text.plural(count, 'layer')} shared, {text.size(platform.size(Side.BOTH))}"
            if count
            else ("No layer is shared.")
        )
    for line in platform.layers:
        if line.side is not Side.BOTH:
            layer = line.layer
            yield f"{line.side.value} {layer.digest.short}  {text.size(layer.size):>7}  {layer.made_by}"
    for change in platform.changes:
        for side, value in ((Side.LEFT, change.left), (Side.RIGHT, change.right)):
            if value is not None:
                yield f"{side.value} {change.name}: {value}"
    if not platform.changes:
        yield "They are run in the same way."

"""`regtui rm`: deletes exactly what was named, or what a rule selects, after showing it and asking."""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from regtui.cli import sweep
from regtui.cli.by_rule import choose_tags, rule_of, tell_choice
from regtui.cli.console import say
from regtui.cli.invocation import Invocation, connected
from regtui.cli.output import Output
from regtui.cli.removal import Removal, RemovalOptions, Selection, execute, is_confirmed, prepare, show_plan
from regtui.cli.running import ShownOutcomes, check_askable
from regtui.deletion.rules import Rule
from regtui.errors import DONE, FAILED, INTERRUPTED, UsageError
from regtui.registry.identity import RegistryId
from regtui.session.session import Session
from regtui.session.target import Target


def run(arguments: argparse.Namespace) -> int:
    """Nothing is deleted before everything named was found, shown and confirmed. Raises RegtuiError."""
    invocation = Invocation(arguments)
    rule = rule_of(arguments)
    if rule is not None and arguments.manifest:
        raise UsageError("--manifest takes other tags along, a rule selects single ones: they don't go together.")
    if arguments.tags_only and arguments.manifest:
        raise UsageError("--manifest deletes manifests, and --tags-only leaves them: they don't go together.")
    if arguments.all_repositories:
        return sweep.run(invocation, arguments, rule)
    if not arguments.references:
        raise UsageError("Nothing is named.", "Name REPOSITORY:TAG, or a REPOSITORY with a rule. See: regtui rm --help")
    selections = _selections(invocation, arguments.references, by_rule=rule is not None)
    registries = list(dict.fromkeys(selection.registry for selection in selections))
    if len(registries) > 1 and invocation.gives_login:
        raise UsageError(
            "The references are of several registries, but -u, --password-stdin and REGTUI_PASSWORD are for one.",
            "Run regtui rm for each, or regtui login.",
        )
    check_askable(arguments)
    targets = {registry: invocation.target(registry) for registry in registries}
    output = Output.chosen(arguments.json)
    return asyncio.run(_remove(targets, selections, rule, output, arguments))


def _selections(invocation: Invocation, references: Sequence[str], *, by_rule: bool) -> list[Selection]:
    """By registry and repository, in the order of their first mention. Raises UsageError."""
    found: dict[tuple[str | None, str], Selection] = {}
    for written in references:
        reference = invocation.reference(written)
        if by_rule and reference.identifier:
            raise UsageError(
                f"{reference} is one image, and a rule looks at a repository.",
                "Name the repository alone, or leave the rule out.",
            )
        if not by_rule and not reference.identifier:
            raise UsageError(
                f"{reference} names no tag.",
                f"What is deleted is never guessed: {reference}:TAG, or a rule (see regtui rm --help).",
            )
        if reference.tag and reference.digest:
            raise UsageError(
                f"{reference} names a tag and a digest.",
                "Name the tag to remove it, or the digest to delete the image.",
            )
        key = (invocation.registry(reference.registry), reference.repository)
        selection = found.setdefault(key, Selection(*key))
        if reference.digest and reference.digest not in selection.digests:
            selection.digests.append(reference.digest)
        if reference.tag and reference.tag not in selection.tags:
            selection.tags.append(reference.tag)
    return list(found.values())


async def _remove(
    targets: Mapping[str | None, Target],
    selections: Sequence[Selection],
    rule: Rule | None,
    output: Output,
    arguments: argparse.Namespace,
) -> int:
    async with AsyncExitStack() as stack:
        sessions: dict[str | None, Session] = {}
        for registry, target in targets.items():
            sessions[registry] = await stack.enter_async_context(connected(target))
        _check_named_once(sessions, selections)
        code = DONE
        if rule is not None:
            selections, code = await _selected(sessions, selections, rule)
        removals = [
            await prepare(
                sessions[selection.registry], selection, RemovalOptions.of(arguments, by_rule=rule is not None)
            )
            for selection in selections
        ]
        if len(sessions) > 1:
            removals = [
                replace(removal, prefix=f"{selection.registry or removal.session.host}/")
                for removal, selection in zip(removals, selections, strict=True)
            ]
        for removal in removals:
            show_plan(removal, output, dry_run=arguments.dry_run)
        if arguments.dry_run or not removals:
            return max([code, *(removal.code for removal in removals)])
        if not arguments.yes and not all(is_confirmed(removal) for removal in removals):
            say("Nothing was deleted.")
            return FAILED
        return await _execute_all(removals, output) or code


def _check_named_once(sessions: Mapping[str | None, Session], selections: Sequence[Selection]) -> None:
    """Each plan is of all that goes from its repository: two of the same one would each say that what the other removes
    stays. Raises UsageError."""
    named: dict[tuple[RegistryId, str], Selection] = {}
    for selection in selections:
        registry = sessions[selection.registry].identity
        first = named.setdefault((registry, selection.repository), selection)
        if first is not selection:
            names = [each.registry or sessions[each.registry].host for each in (first, selection)]
            raise UsageError(
                f"{names[0]} and {names[1]} are the same registry ({registry}), and {selection.repository} is named at "
                "both.",
                "Name it one way. Nothing was deleted.",
            )


async def _selected(
    sessions: Mapping[str | None, Session], selections: Sequence[Selection], rule: Rule
) -> tuple[list[Selection], int]:
    """Those in which the rule selects anything, with their tags; and the exit code if all goes well from here on."""
    found, code = [], DONE
    for selection in selections:
        session = sessions[selection.registry]
        choice = await choose_tags(session, selection.repository, rule)
        tell_choice(session, selection.repository, choice)
        if choice.unread:
            code = FAILED
        if choice.selected:
            found.append(replace(selection, tags=list(choice.selected), seen=choice.seen))
    return found, code


async def _execute_all(removals: Sequence[Removal], output: Output) -> int:
    """What was confirmed is done to the end, also where nobody reads the output any more."""
    code = DONE
    for number, removal in enumerate(removals):
        result = await execute(removal, ShownOutcomes(output, removal.prefix))
        if result.stopped:
            for left in removals[number + 1 :]:
                ShownOutcomes(output, left.prefix).final(left.untouched("not deleted: stopped before"))
            return INTERRUPTED
        if not result.is_complete:
            code = FAILED
    return code

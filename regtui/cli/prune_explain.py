"""`regtui prune --explain` and `--check`: why a tag goes or stays, and what is wrong with the entries."""

import argparse
from datetime import UTC, datetime

from regtui.cli.console import say, warn
from regtui.cli.counting import counting
from regtui.cli.invocation import Invocation
from regtui.cli.missing import tag_missing
from regtui.cli.output import Form, Output
from regtui.errors import DONE, FAILED, UsageError
from regtui.retention.check import entry_problems
from regtui.retention.planning import RepositoryRetention, TagReason
from regtui.retention.words import entry_words, rule_words, unread_sentence, use_words, why
from regtui.session.session import Session
from regtui.session.target import Target


def check_entries(invocation: Invocation, target: Target, arguments: argparse.Namespace) -> int:
    """Tells entries that never count, overlap, or name nothing. FAILED where that is wrong."""
    return invocation.run_at(target, lambda session: _check(session, Output.chosen(arguments.json)))


async def _check(session: Session, output: Output) -> int:
    names = [name async for page in session.repositories() for name in page.repositories]
    entries = session.target.retention
    problems = entry_problems(entries, names)
    for entry in entries:
        rule = rule_words(entry.rule) or "everything stays"
        said = [problem for problem in problems if problem.entry is entry]
        match output.form:
            case Form.JSON:
                output.json(
                    {
                        "entry": entry.place,
                        "repositories": list(entry.repositories),
                        "rule": rule,
                        "problems": [problem.words for problem in said],
                    }
                )
            case Form.FIELDS:
                output.fields(entry.place, ",".join(entry.repositories), rule, "; ".join(each.words for each in said))
            case Form.TABLE:
                output.line(
                    f"{entry_words(entry)}: {rule}", "warning" if any(each.is_wrong for each in said) else "bold"
                )
                for problem in said:
                    output.line(f"  {problem.words}", "warning" if problem.is_wrong else "", keep_spaces=True)
    in_use = await session.in_use()
    for source in in_use.unread:
        warn(unread_sentence(source))
    return FAILED if in_use.unread or any(problem.is_wrong for problem in problems) else DONE


def explain(invocation: Invocation, target: Target, arguments: argparse.Namespace) -> int:
    """Says of one tag, or of all of a repository, why it goes or stays."""
    reference = invocation.reference(arguments.explain)
    if reference.digest is not None:
        raise UsageError("Rules select tags: --explain takes NAME:TAG, or NAME for all of its tags.")
    now = arguments.as_of or datetime.now(UTC)
    output = Output.chosen(arguments.json)

    async def work(session: Session) -> int:
        return await _explain(session, reference.repository, reference.tag or "", output, now)

    return invocation.run_at(target, work)


async def _explain(session: Session, repository: str, tag: str, output: Output, now: datetime) -> int:
    in_use = await session.in_use()
    for source in in_use.unread:
        warn(f"{unread_sentence(source)} Nothing goes as long as that is so.")
    pulls = await session.pulls()
    async with counting(f"Reading {repository}:", lambda: session.requests.total):
        plan = await session.retention(in_use, pulls, now=now).explained(repository)
    retention = plan.retention
    if plan.stop is not None:
        warn(f"{repository}: nothing goes, as not all of it could be read: {plan.detail}")
        return FAILED
    if tag and retention.of(tag) is None:
        if tag in plan.contents.tags:
            say(f"{tag} belongs to an image: it goes with that, or stays with it.")
            return DONE
        raise await tag_missing(session, repository, tag)
    if output.form is Form.TABLE:
        entry = retention.entry
        first = f"the first entry that names it: {entry_words(entry)}" if entry else "no entry names it"
        output.line(f"{repository}: {first}", "bold")
    for reason in retention.tags:
        if not tag or reason.tag == tag:
            _show(output, reason, retention, now)
    output.flush()
    return FAILED if in_use.unread else DONE


def _show(output: Output, reason: TagReason, retention: RepositoryRetention, now: datetime) -> None:
    words = why(reason, retention, now)
    fate = "goes" if reason.goes else "stays"
    entry = retention.entry
    match output.form:
        case Form.JSON:
            output.json(
                {
                    "reference": f"{retention.repository}:{reason.tag}",
                    "digest": reason.digest,
                    "fate": fate,
                    "why": words,
                    "rule": entry.place if entry is not None else None,
                    "in_use": [place.where for place in reason.used],
                }
            )
        case Form.FIELDS:
            output.fields(reason.tag, fate, words, entry.place if entry is not None else "")
        case Form.TABLE:
            output.line(f"  {reason.tag} {fate}: {words}", keep_spaces=True)
            if reason.used and words != use_words(reason.used):
                output.line(f"    {use_words(reason.used)}", keep_spaces=True)

"""`regtui rm` by rule: its options, and the tags that a rule selects in a repository."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from regtui.cli.console import Progress, say, warn
from regtui.deletion.judging import Choice, PullCheck, choose, in_question, no_pulls_known
from regtui.deletion.rules import Rule, parse_rule
from regtui.errors import UsageError
from regtui.names.order import in_order
from regtui.retention.errors import NO_RULE, SourceFailed
from regtui.session.session import Session
from regtui.text import plural, time_utc

if TYPE_CHECKING:
    from regtui.listing.summary import Summary

_NAMED: Final = 3


def rule_of(arguments: argparse.Namespace) -> Rule | None:
    """None where no option of a rule was given. Raises UsageError."""
    rule = parse_rule(
        match=arguments.match or "",
        older_than=arguments.older_than or "",
        not_pulled_for=arguments.not_pulled_for or "",
        keep=arguments.keep or "",
        keep_images=arguments.keep_images or "",
        keep_by=arguments.keep_by or "",
        keep_match=arguments.keep_match or "",
        prereleases=arguments.prereleases,
        duplicates=arguments.duplicates,
    )
    for option in ("match", "older_than", "not_pulled_for", "keep", "keep_images", "keep_match"):
        if getattr(arguments, option) == "":
            # A variable of a script that is not set must not widen what goes.
            raise UsageError(f"--{option.replace('_', '-')} is empty.", "See: regtui rm --help")
    if rule.selects:
        return rule
    if rule.keep_match is not None:
        raise UsageError(
            "--keep-match says what stays, and nothing says what goes.",
            "Add --match, --older-than, --not-pulled-for, --keep, --keep-images, --prereleases or --duplicates.",
        )
    return None


async def choose_tags(session: Session, repository: str, rule: Rule, now: datetime | None = None) -> Choice:
    """What the rule selects now. Reads of each tag only what the rule has to know, and whether it is in use.

    Raises NotFound where the repository isn't there, RegistryError, SourceFailed where what is in use can't be read.
    """
    # Within, since the command line is to be quick where no rule is given.
    from regtui.listing.candidates import candidates
    from regtui.retention.tags_in_use import tags_in_use

    in_use = await session.in_use()
    if in_use.unread:
        source = in_use.unread[0]
        raise SourceFailed(f"{source.where} could not be read: {source.error}", NO_RULE)
    names = [name async for page in session.tags(repository) for name in page]
    known: dict[str, Summary | None] = dict.fromkeys(names)
    # What runs is known by its digest.
    asked = names if in_use.digests else in_question(rule, candidates(known.items()))
    if asked:
        progress = Progress(f"Reading {repository}:")
        try:
            done = 0
            async for batch in session.fill(repository, asked).batches():
                known.update(batch)
                done += len(batch)
                progress.show(done, len(asked))
        finally:
            progress.clear()
    used = tags_in_use(in_use, repository, known.items()).keys()
    # Any of them may be what runs.
    unread = {tag for tag in asked if (summary := known[tag]) is None or summary.is_retryable}
    choice = choose(
        rule,
        candidates(known.items()),
        now=now or datetime.now(UTC),
        protect=session.target.protect,
        in_use=used | unread if in_use.digests else used,
        not_pulled=await _pull_check(session, repository, rule),
    )
    return replace(
        choice,
        in_use=tuple(tag for tag in choice.in_use if tag in used),
        unread=tuple(dict.fromkeys((*choice.unread, *(tag for tag in choice.in_use if tag not in used)))),
    )


async def _pull_check(session: Session, repository: str, rule: Rule) -> PullCheck:
    """What is known of pulls where the rule asks for that, once its log was read; and that this is said."""
    if rule.not_pulled_for is None:
        return no_pulls_known
    from regtui.retention.pulled import pull_check

    record = await session.pulls()
    if trouble := session.pulls_trouble:
        warn(f"When images were pulled could not be read: {trouble}")
    pulls = record.of(repository)
    if pulls.since is None:
        say(f"{repository}: when its images were pulled isn't known, so that none counts as not pulled.")
    else:
        say(f"{repository}: pulls are known since {time_utc(pulls.since)}.")
    return pull_check(pulls, datetime.now(UTC))


def tell_choice(session: Session, repository: str, choice: Choice) -> None:
    """What the rule passed over, and why; that it selects nothing."""
    if choice.protected:
        verb = "is" if len(choice.protected) == 1 else "are"
        say(f"{_names(choice.protected)} {verb} protected by the config file: not selected.")
    if choice.in_use:
        verb = "is" if len(choice.in_use) == 1 else "are"
        say(f"{_names(choice.in_use)} {verb} in use: not selected. Where: {session.target.command('in-use')}")
    if choice.undated:
        tell_undated(len(choice.undated), f"{_names(choice.undated)}: ")
    if choice.future:
        tell_future(len(choice.future), f"{_names(choice.future)}: ")
    if choice.unread:
        what = f"{plural(len(choice.unread), 'tag')} of {repository}"
        stay = "stays" if len(choice.unread) == 1 else "stay"
        warn(f"{what} could not be read, and {stay}: {_names(choice.unread)}.")
    if not choice.selected:
        say(f"{repository}: no tag matches.")


def tell_undated(count: int, names: str = "") -> None:
    say(f"{names}{plural(count, 'tag')} without a date of creation, never matched by age.")


def tell_future(count: int, names: str = "") -> None:
    say(f"{names}{plural(count, 'tag')} dated in the future: never matched by age, and none of the newest of --keep.")


def _names(tags: Sequence[str]) -> str:
    more = f" and {len(tags) - _NAMED:,} more" if len(tags) > _NAMED else ""
    return f"{', '.join(in_order(tags)[::-1][:_NAMED])}{more}"

"""Retention in words: why a tag goes or stays, what an entry says, why a repository is left alone. Tags, places and
what the registry said are text from elsewhere: whoever shows them cleans them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from regtui.deletion.judging import TagFate
from regtui.deletion.rules import KeepBy, Rule
from regtui.names.order import in_order
from regtui.retention.planning import RepositoryRetention, Stop, TagReason
from regtui.retention.policy import RetentionEntry
from regtui.retention.values import UnreadSource, UsePlace
from regtui.text import age, plural, time_utc

_ORDINALS: Final = ("", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ", "eighth ", "ninth ", "tenth ")
_NAMED: Final = 3
_WORDS: Final = {
    TagFate.UNDATED: "without a date of creation that could be believed: never matched by age",
    TagFate.ONLY_NAME: "no other tag of its image has a better name",
    TagFate.PROTECTED: "protected by the config file",
    TagFate.LOST: "undo could not put it back: regtui rm --without-undo deletes it",
    TagFate.ATTACHED: "what is attached to its image is protected, in use, or could not be put back",
    TagFate.NO_PRERELEASE: "no prerelease",
}


def period_words(period: timedelta) -> str:
    """`30 days`, `12 hours`."""
    days, seconds = period.days, period.seconds
    return plural(days, "day") if not seconds else plural(days * 24 + seconds // 3600, "hour")


def use_words(places: Sequence[UsePlace]) -> str:
    """The first places; empty where there is none."""
    more = f", and at {len(places) - _NAMED:,} more places" if len(places) > _NAMED else ""
    return ", ".join(place.words for place in places[:_NAMED]) + more


def why(reason: TagReason, retention: RepositoryRetention, now: datetime) -> str:
    """Why a tag goes or stays; reads on after `stays: ` or `goes: `."""
    entry = retention.entry
    if entry is None:
        return f"no entry of the config file names {retention.repository}"
    rule = entry.rule
    if not rule.selects:
        return f"{entry.place} keeps everything here"
    match reason.fate:
        case TagFate.GOES:
            return rule_words(rule)
        case TagFate.IN_USE:
            return use_words(reason.used)
        case TagFate.NEWEST:
            return _newest(reason.place, rule)
        case TagFate.UNPLACED:
            what = "no version" if rule.keep_by is KeepBy.VERSION else "no date"
            return f"{what} by which it could be placed among the newest"
        case TagFate.KEPT_BY_NAME:
            return f"its name matches keep_match {_expression(rule.keep_match)}"
        case TagFate.OTHER_NAME:
            return f"its name doesn't match {_expression(rule.match)}"
        case TagFate.YOUNG:
            return f"created less than {period_words(rule.older_than or timedelta())} ago"
        case TagFate.PULLED:
            return _pulled(reason, retention, rule.not_pulled_for or timedelta(), now)
    return _WORDS[reason.fate]


def _newest(place: int, rule: Rule) -> str:
    ordinal = _ORDINALS[place - 1] if place <= len(_ORDINALS) else f"{place:,}th "
    by = " version" if rule.keep_by is KeepBy.VERSION else ""
    if rule.keep_images is not None:
        return f"of the {ordinal}newest image of {rule.keep_images:,}"
    return f"{ordinal}newest{by} of {rule.keep:,}"


def _pulled(reason: TagReason, retention: RepositoryRetention, period: timedelta, now: datetime) -> str:
    if reason.pulled is not None and now - reason.pulled <= period:
        return f"pulled {age(reason.pulled, now)}"
    if retention.pulls_since is None:
        return "when it was pulled isn't known"
    return f"its pulls are known since {time_utc(retention.pulls_since)} only, less than {period_words(period)}"


def _expression(expression: object) -> str:
    return str(getattr(expression, "text", ""))


def rule_words(rule: Rule) -> str:
    """What a rule selects: `not among the newest 10, older than 30 days`."""
    parts = []
    if rule.match is not None:
        parts.append(f"matches {rule.match.text}")
    if rule.prereleases:
        parts.append("a prerelease")
    if rule.keep is not None:
        by = " versions" if rule.keep_by is KeepBy.VERSION else ""
        parts.append(f"not among the newest {rule.keep:,}{by}")
    if rule.keep_images is not None:
        parts.append(f"not of the newest {plural(rule.keep_images, 'image')}")
    if rule.older_than is not None:
        parts.append(f"older than {period_words(rule.older_than)}")
    if rule.not_pulled_for is not None:
        parts.append(f"not pulled for {period_words(rule.not_pulled_for)}")
    if rule.duplicates:
        parts.append("another tag of its image has the better name")
    return ", ".join(parts)


def entry_words(entry: RetentionEntry) -> str:
    """`line 12 (fullstack/*)`."""
    return f"{entry.place} ({', '.join(entry.repositories)})"


def stays_sentences(retention: RepositoryRetention) -> list[str]:
    """Tags that would go, and why they stay."""
    lines = []
    for reason in retention.tags:
        if reason.fate is TagFate.IN_USE:
            lines.append(f"{reason.tag} stays: {use_words(reason.used)}.")
    for fate in (TagFate.PROTECTED, TagFate.LOST, TagFate.ATTACHED):
        if tags := in_order(each.tag for each in retention.tags if each.fate is fate):
            verb = "stays" if len(tags) == 1 else "stay"
            lines.append(f"{_some(tags)} {verb}: {_WORDS[fate]}.")
    return lines


def stop_sentence(stop: Stop, retention: RepositoryRetention, detail: str = "", share: float = 1.0) -> str:
    """Why nothing is deleted in a repository. `share`: the most of its tags that may go, of 1."""
    nothing = f"{retention.repository}: nothing is deleted there, as"
    match stop:
        case Stop.UNREAD_TAGS:
            return f"{nothing} not all of it could be read: {detail}"
        case Stop.UNREAD_USE:
            return f"{nothing} an image that is in use can't be read: {detail}"
        case Stop.MOST:
            going, of = len(retention.going), plural(len(retention.tags), "tag")
            return f"{nothing} its rule would take {going:,} of {of}, more than {share:.0%}. --most allows more."


def unattended_sentence(retention: RepositoryRetention, share: float) -> str:
    """Who looks at a plan before a timer does it has to know that the timer won't."""
    going, of = len(retention.going), plural(len(retention.tags), "tag")
    return (
        f"{retention.repository}: unattended (--yes) nothing is deleted there, as that is {going:,} of {of}, more than "
        f"{share:.0%}; --most allows more."
    )


def unread_sentence(source: UnreadSource) -> str:
    return f"What is in use can't be read from {source.where}: {source.error}"


def _some(tags: Sequence[str]) -> str:
    more = f" and {len(tags) - _NAMED:,} more" if len(tags) > _NAMED else ""
    return f"{', '.join(tags[:_NAMED])}{more}"

"""Garbage collection in sentences, the same in the app and in the command. What comes from the host is server text:
whoever shows it cleans it."""

import json
from collections.abc import Sequence
from typing import Final

from regtui.deletion.cost import about
from regtui.garbage.values import (
    Choices,
    CollectionReport,
    EarlierRun,
    Forecast,
    HostQuestion,
    PendingUpload,
    Stage,
    Survey,
    TagsVerified,
)
from regtui.host.keep_out import KeepOut
from regtui.text import config_table, plural, size

# Seconds from which on it is said how long it takes.
_LONG: Final = 10.0
# Seconds up to which an upload may be one that is going on.
_BUSY: Final = 3600
TOP: Final = 20
"""Repositories that are named with what they free."""

STAGES: Final = {
    Stage.LOOK: "look at the host",
    Stage.DRY_RUN: "dry run",
    Stage.UNTAGGED: "delete untagged images",
    Stage.KEEP_OUT: "keep pushes out",
    Stage.COLLECT: "collect",
    Stage.BRING_BACK: "bring the registry back",
    Stage.VERIFY: "check the tags",
}

NOW: Final = {
    Stage.LOOK: "Looking at the host",
    Stage.DRY_RUN: "Dry run",
    Stage.UNTAGGED: "Deleting untagged images",
    Stage.KEEP_OUT: "Keeping pushes out",
    Stage.COLLECT: "Collecting",
    Stage.BRING_BACK: "Bringing the registry back",
    Stage.VERIFY: "Checking the tags",
}

KEEP_OUT: Final = {
    KeepOut.STOP: "stop",
    KeepOut.STAND_IN: "stop, serve pulls",
    KeepOut.READ_ONLY: "read-only",
    KeepOut.ONLINE: "don't",
}

ONLINE_WARNING: Final = (
    "Nothing keeps pushes out: an image that is pushed meanwhile can lose layers, and nobody is told. "
    "Only where nothing pushes now."
)

_RUNTIMES: Final = {
    "docker": "the docker container",
    "podman": "the podman container",
    "docker compose": "the compose service",
    "compose": "the compose service",
    "kubectl": "the deployment",
    "systemd": "the systemd unit",
    # Its commands are shown; the unit is called the registry.
    "command": "",
}


# As long as the script has for it (scripts.py).
_GIVES_UP: Final = {
    question: f"It waits for the regtui that began it to see {question.value}. Should that be gone, it gives up "
    f"within {limit}: then nothing is swept, and the registry is {back}."
    for question, limit, back in (
        (HostQuestion.IS_SILENT, "a minute", "started again"),
        (HostQuestion.REFUSES_PUSHES, "two minutes", "made writable again"),
    )
}


def survey_sentences(survey: Survey) -> list[str]:
    """Where the registry runs and what is there: two to four lines."""
    unit = f"{_RUNTIMES.get(survey.runtime, survey.runtime)} {survey.unit}".strip()
    version = f", version {survey.version}" if survey.version else ""
    lines = [f"On {survey.place}: {unit}{version}."]
    where = [f"config {survey.config}"] * bool(survey.config)
    where += [f"storage {survey.root}" + (f" ({survey.driver})" if survey.driver else "")] * bool(survey.root)
    where += [f"storage {survey.driver}"] * bool(survey.driver and not survey.root)
    where += [f"{size(survey.used)} in blobs"] * (survey.used is not None)
    where += [f"{size(survey.free)} free"] * (survey.free is not None)
    if where:
        lines.append(f"{_capital(', '.join(where))}.")
    if survey.pending:
        lines.append(_pending(survey.pending))
    elif survey.uploads:
        verb = "is" if survey.uploads == 1 else "are"
        lines.append(f"{plural(survey.uploads, 'upload')} {verb} in progress there: somebody may be pushing.")
    if survey.obstacle:
        lines.append(survey.obstacle)
    if survey.runtime == "kubectl":
        lines.append("No lock keeps away a collection that is begun on another machine: see that nobody does.")
    if survey.delete_enabled is False:
        lines.append(
            "Deletion is disabled there: untagged images can't be deleted, what is unused already can be freed."
        )
    return lines


def _pending(pending: tuple[PendingUpload, ...]) -> str:
    one = len(pending) == 1
    held = size(sum(upload.bytes for upload in pending))
    idle = duration(max(upload.idle for upload in pending))
    since = f"nothing came to it for {idle}" if one else f"to the oldest nothing came for {idle}"
    somebody = ": somebody may be pushing" if any(upload.idle < _BUSY for upload in pending) else ""
    return (
        f"{plural(len(pending), 'upload')} {'was' if one else 'were'} begun and not ended, {held}; {since}{somebody}."
    )


def forecast_sentences(forecast: Forecast, choices: Choices, survey: Survey, *, option: str = "") -> list[str]:
    """What a collection would free, by the dry run. `option`: what chooses untagged images, if it is to be told."""
    if forecast.nothing:
        return [forecast.nothing]
    lines = [_freeable(forecast, survey)]
    if not forecast.is_exact:
        unknown = sum(1 for freed in forecast.blobs.values() if freed is None)
        lines.append(_unknown(unknown, forecast))
    if forecast.in_use:
        what = plural(len(forecast.in_use), "image without a tag is", "images without a tag are")
        lines.append(f"{what} in use: not deleted.")
    if forecast.untagged:
        lines.append(_about_untagged(forecast, choices, option if survey.delete_enabled is not False else ""))
    if forecast.unsought:
        finds = f" {option} finds and frees them." if option and survey.delete_enabled is not False else ""
        lines.append(f"Among so many images, those without a tag weren't looked for: they may keep more.{finds}")
    if forecast.at_risk:
        lines.append("The collector's own --delete-untagged would break multi-arch images here: regtui doesn't use it.")
    return lines


def _unknown(count: int, forecast: Forecast) -> str:
    if not forecast.by_manifests:
        return f"The storage didn't tell the size of {plural(count, 'blob')}: it will be more."
    more = " It will be more." if forecast.bytes else ""
    return (
        f"The size of {plural(count, 'blob')} isn't known: the storage can't be asked, and no manifest that regtui "
        f"deleted here names {'it' if count == 1 else 'them'}.{more}"
    )


def _amount(forecast: Forecast) -> str:
    """Bytes, or blobs where no size is known."""
    return size(forecast.bytes) if forecast.bytes or forecast.is_exact else plural(len(forecast.blobs), "blob")


def _freeable(forecast: Forecast, survey: Survey) -> str:
    if not forecast.blobs:
        by = ", some by untagged images alone" if forecast.held else ""
        all_ = "the only blob is" if forecast.marked == 1 else f"all {plural(forecast.marked, 'blob')} are"
        return f"Nothing can be freed: {all_} in use{by}."
    of = f" of {size(survey.used)}" if survey.used else " by the manifests" if forecast.by_manifests else ""
    freed = f", {size(forecast.bytes)}{of}" if forecast.bytes or forecast.is_exact else ""
    return (
        f"{plural(len(forecast.blobs), 'blob')} can be freed{freed}; "
        f"{plural(forecast.marked, 'blob')} {'is' if forecast.marked == 1 else 'are'} in use."
    )


def _about_untagged(forecast: Forecast, choices: Choices, option: str) -> str:
    count = len(forecast.untagged)
    repositories = len({found.repository for found in forecast.untagged})
    what = f"{plural(count, 'untagged image')} in {plural(repositories, 'repository', 'repositories')}"
    it = "it" if count == 1 else "them"
    if choices.untagged:
        takes = f" That takes {about(forecast.deleting)}." if forecast.deleting > _LONG else ""
        return f"{what} {'is' if count == 1 else 'are'} deleted first; until the sweep, undo can put {it} back.{takes}"
    stay = "stays" if count == 1 else "stay"
    if not forecast.held:
        return f"{what} {stay}: nothing reaches {it} any more."
    frees = f": {option} deletes {it}, and frees that, too" if option else ""
    return f"{what} {stay}, with {size(forecast.held)} that nothing else needs{frees}."


def untagged_offer(forecast: Forecast) -> str:
    """What may be chosen besides; empty where there is nothing to choose."""
    if forecast.unsought:
        return "also untagged images, that nothing reaches: look for them"
    if not forecast.untagged:
        return ""
    held = f": {size(forecast.held)}" if forecast.held else ""
    return f"also {plural(len(forecast.untagged), 'untagged image')} that nothing reaches{held}"


def keep_out_sentence(choice: KeepOut, forecast: Forecast | None = None) -> str:
    """What happens to pushes, and to the registry, meanwhile."""
    if choice is KeepOut.ONLINE:
        return ONLINE_WARNING
    long = f", for about {duration(forecast.seconds)} or a bit more" if forecast and forecast.seconds >= 1 else ""
    if choice is KeepOut.READ_ONLY:
        return f"The registry goes on answering pulls and refuses pushes{long}."
    if choice is KeepOut.STAND_IN:
        return (
            f"The registry is stopped meanwhile{long}, and a read-only stand-in on its port answers pulls, but for a "
            "moment at begin and end; whatever happens, the registry is started again."
        )
    return f"The registry is stopped meanwhile{long}; whatever happens, it is started again."


def repository_rows(forecast: Forecast) -> list[tuple[str, int]]:
    """(repository, bytes), largest first, at most TOP; then what the others free together, and what none links, as the
    manifests that were deleted."""
    rows = list(forecast.by_repository[:TOP])
    rest = forecast.by_repository[TOP:]
    if rest:
        rows.append((f"{plural(len(rest), 'more repository', 'more repositories')}", sum(freed for _, freed in rest)))
    nowhere = forecast.bytes - sum(freed for _, freed in forecast.by_repository)
    # Without it the rows would be less than what is freed in all, and one would look for the rest.
    return [*rows, ("in no repository any more", nowhere)] if rows and nowhere > 0 else rows


def question(forecast: Forecast, choices: Choices, place: str) -> str:
    """What is asked before anything is done."""
    first = (
        f"Delete {plural(len(forecast.untagged), 'untagged image')}, then collect" if choices.untagged else "Collect"
    )
    return f"{first} {_amount(forecast)} on {place}? [y/N]"


def earlier_sentences(run: EarlierRun) -> list[str]:
    """A run that was begun before."""
    since = run.started.replace("T", " ").removesuffix("Z")
    by = f" by {run.who}" if run.who else ""
    if run.is_running and not run.is_ours:
        return [f"A collection begun at {since} UTC{by} is going on; its log belongs to that login."]
    if run.is_running:
        waits = [_GIVES_UP[run.waits_for]] if run.waits_for else []
        return [f"A collection begun at {since} UTC{by} is still going on, at: {STAGES[run.stage]}.", *waits]
    if run.was_killed and not run.is_ours:
        begun = f" begun at {since} UTC" if since else ""
        return [
            f"A collection{begun}{by} was killed on the host: its lock is left there. "
            "The registry may be down, and nothing there starts it again."
        ]
    if run.was_killed:
        return [
            f"A collection begun at {since} UTC{by} was killed on the host, and so was what watches over it, at: "
            f"{STAGES[run.stage]}. The registry may be down, and nothing there starts it again."
        ]
    if run.is_whole:
        return [
            f"A collection begun at {since} UTC came to its end: it collected, and the registry was up again. "
            "Unless the regtui that began it is checking them now, its tags were not checked."
        ]
    cut = ["Its log could not be written to its end: a disk there is full."] if run.is_cut else []
    return [f"A collection begun at {since} UTC ended without regtui hearing, at: {STAGES[run.stage]}.", *cut]


def report_sentences(report: CollectionReport) -> list[str]:
    """What came of it: what was freed, whether the registry answers, what was verified, what is left to do."""
    lines = [_freed(report)]
    if report.is_up is not None:
        lines.append("The registry answers again." if report.is_up else "THE REGISTRY DOESN'T ANSWER.")
    if report.verified is not None:
        lines += verified_sentences(report.verified)
    lines += report.trouble
    if report.removed_repositories:
        removed = plural(len(report.removed_repositories), "empty repository was", "empty repositories were")
        lines.append(f"{removed} removed.")
    if report.removed_uploads:
        lines.append(f"{plural(report.removed_uploads, 'abandoned upload was', 'abandoned uploads were')} removed.")
    if report.empty_repositories:
        count = len(report.empty_repositories)
        lines.append(
            f"{plural(count, 'repository is', 'repositories are')} empty and still listed: "
            f"{'its directory' if count == 1 else 'their directories'} can be removed."
        )
    return lines


def _freed(report: CollectionReport) -> str:
    if not report.freed and not report.blobs:
        return f"Nothing was freed on {report.place}."
    blobs = plural(report.blobs, "blob")
    if report.by_manifests:
        known = f", {size(report.freed)} by the manifests" if report.freed else ", of sizes that aren't known"
        return f"{blobs} freed on {report.place}{known}, in {duration(report.seconds)}."
    text = f"{size(report.freed)} freed in {blobs} on {report.place}, "
    text += f"in {duration(report.seconds)}."
    if report.was_pushed_to:
        text += " Something was pushed meanwhile: this is what the collector said."
    if report.predicted is not None and report.predicted != report.freed:
        text += f" The dry run had said {size(report.predicted)}."
    return text


def verified_sentences(verified: TagsVerified) -> list[str]:
    """What the check of the tags showed; what was broken before stands apart from what broke now."""
    if not verified.is_whole and not verified.broken:
        return [f"NONE of {plural(verified.total, 'tag')} could be checked."]
    if not verified.total and not verified.broken and not verified.broken_before:
        return ["There are no tags that could be checked."]
    sample = f" of {verified.total:,}" if verified.checked < verified.total else ""
    checked = f"{verified.checked:,}{sample} {'tag' if verified.checked == 1 and not sample else 'tags'} checked"
    before = len(verified.broken_before)
    if verified.broken:
        lines = [f"{checked}, and {len(verified.broken):,} MISS SOMETHING: {_some(verified.broken)}."]
    elif not before:
        return [f"{checked}: all of them have all their blobs."]
    else:
        lines = [f"{checked}: nothing of them was lost."]
    if before:
        was = "1 of them was broken before already" if before == 1 else f"{before:,} of them were broken before already"
        lines.append(f"{was}: {_some(verified.broken_before)}.")
    return lines


def _some(references: Sequence[str]) -> str:
    more = f" and {len(references) - 4:,} more" if len(references) > 4 else ""
    return f"{', '.join(references[:4])}{more}"


def removed_sentence(removed: int, asked: int) -> str:
    """What came of removing empty repositories while the registry takes pushes."""
    sentence = f"{removed:,} of {plural(asked, 'empty repository', 'empty repositories')} removed."
    if removed == asked:
        return sentence
    return f"{sentence} What changed within the last ten minutes, or isn't empty any more, stays."


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `1 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def not_configured(name: str, host: str, *, is_profile: bool) -> tuple[list[str], str]:
    """Sentences, and the lines to put into the config file, for a registry of which nobody said where it runs.

    `name`: how the user calls it; `host`: its address. `is_profile`: whether the config file has it already.
    """
    known = [] if is_profile else [config_table(name), f"address = {json.dumps(host)}", ""]
    example = [
        *known,
        config_table(name, "host"),
        'ssh = "USER@HOST"        # as ssh knows it; without this line: this machine',
        'runtime = "docker"       # podman likewise; compose, kubectl: see the README',
        'container = "registry"   # its name; without these two, it is looked for',
        "sudo = false             # true where docker needs it",
        "# Where it is a plain process, in place of the last three:",
        '# runtime = "systemd"',
        '# container = "docker-registry.service"',
        "# Or, where it is no service:",
        '# runtime = "command"',
        "# command = 'docker-registry {}'",
        "# config = '/etc/docker/registry/config.yml'",
        "# stop = 'COMMAND'",
        "# start = 'COMMAND'",
    ]
    sentences = [
        f"Garbage collection runs on the registry's host, and nobody said which that is for {host}.",
        "Put this into the config file, with what fits:",
    ]
    return sentences, "\n".join(example)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

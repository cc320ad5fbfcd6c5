"""A collection that was begun before, by what its host tells of it. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from regtui.garbage import scripts
from regtui.garbage.running import STAGES, asked_about, read_holder
from regtui.garbage.values import EarlierRun, Stage
from regtui.text import one_line

_LOG_LINES: Final = 200
_RUN: Final = re.compile("[0-9a-f]{16}")


def read_earlier(told: Sequence[str], mark: str) -> EarlierRun | None:
    """`told`: the lines of `scripts.status`, called with `mark`. None where there is none, or its end was heard."""
    for number, line in enumerate(told):
        match scripts.marked(line, mark):
            case ["locked", *holder]:
                since, who = read_holder(holder)
                return EarlierRun(started=since, stage=Stage.KEEP_OUT, is_running=True, who=who, is_ours=False)
            case ["left", _, *holder]:
                since, who = read_holder(holder)
                return EarlierRun(
                    started=since, stage=Stage.KEEP_OUT, is_running=False, was_killed=True, who=who, is_ours=False
                )
            case ["earlier", state, started, own, *holder]:
                return _read(told[number + 1 :], state, started, own, read_holder(holder)[1])
    return None


def _read(told: Sequence[str], state: str, started: str, own: str, who: str) -> EarlierRun:
    stage, waits_for = Stage.KEEP_OUT, None
    ours = [scripts.marked(line, own) for line in told]
    for mark in filter(None, ours):
        waits_for = asked_about(mark[1:]) if mark[0] == "asks" else None
        match mark:
            case ["stage", name, *_] if name in STAGES:
                stage = STAGES[name]
    log = [line for line, mark in zip(told, ours, strict=True) if mark is None and line.strip()]
    return EarlierRun(
        started="" if started == "-" else one_line(started, limit=40),
        stage=stage,
        is_running=state == "running",
        log=tuple(log[-_LOG_LINES:]),
        is_whole=all(mark in ours for mark in (["exit", "0"], ["up"], ["end"]))
        and not any(mark and mark[0] == "failed" for mark in ours),
        was_killed=state == "died",
        who=who,
        waits_for=waits_for if state == "running" else None,
        run=own if _RUN.fullmatch(own) else "",
        is_cut=state == "ended" and ["end"] not in ours,
    )

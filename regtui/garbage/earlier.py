"""A collection that was begun before, by what its host tells of it. Pure."""

from collections.abc import Sequence
from typing import Final

from regtui.garbage import scripts
from regtui.garbage.running import STAGES
from regtui.garbage.values import EarlierRun, Stage

_LOG_LINES: Final = 200


def read_earlier(told: Sequence[str]) -> EarlierRun | None:
    """`told`: the lines of `scripts.status`. None where there is none, or its end was heard."""
    match scripts.marked(told[0]) if told else None:
        case ["earlier", running, *started]:
            pass
        case _:
            return None
    stage, ours = Stage.KEEP_OUT, [scripts.marked(line) for line in told[1:]]
    for mark in ours:
        match mark:
            case ["stage", name, *_] if name in STAGES:
                stage = STAGES[name]
    log = [line for line, mark in zip(told[1:], ours, strict=True) if mark is None and line.strip()]
    return EarlierRun(
        started=" ".join(started),
        stage=stage,
        is_running=running == "yes",
        log=tuple(log[-_LOG_LINES:]),
        is_whole=all(mark in ours for mark in (["exit", "0"], ["up"], ["end"])),
    )

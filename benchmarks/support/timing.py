"""Times of several things that are to be compared, taken turn by turn."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence


def side_by_side(subjects: Mapping[str, Callable[[], object]], runs: int = 5) -> dict[str, float]:
    """The median seconds of each subject. Every round runs all of them: what disturbs one, disturbs all."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(runs):
        for name, subject in subjects.items():
            taken[name].append(seconds(subject))
    return {name: statistics.median(times) for name, times in taken.items()}


def seconds(subject: Callable[[], object]) -> float:
    """How long one call takes; a call that gives a number has measured itself, and that number counts."""
    start = time.perf_counter()
    result = subject()
    return result if isinstance(result, float) else time.perf_counter() - start


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def shown(value: float) -> str:
    """Seconds in words: `371 ms`, `2.41 s`."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def ratio(value: float, anchor: float) -> str:
    """`2.4 ×`: how often `anchor` goes into `value`."""
    return f"{value / anchor:.1f} ×" if anchor else "–"

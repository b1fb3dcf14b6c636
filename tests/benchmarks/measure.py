"""Time two ways of doing a thing in turn, and compare them pair by pair.

Machines are noisy and drift. A pair is measured within moments, so its ratio drifts less than
either time; the median of the ratios is quoted with an interval from order statistics, which
assumes nothing about their distribution.
"""

import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Our time over a peer's.

    Attributes:
        name: what was done.
        peer: what it is compared with.
        ratio: median of our time over the peer's.
        low: lower end of its 95 % interval.
        high: upper end of it.
        ours: our median, in seconds.
        theirs: the peer's median, in seconds.
        pairs: how many pairs.
        goal: the most the ratio may be.
        fidelity: Hellinger fidelity of what both drew last; see :mod:`agreement`.
    """

    name: str
    peer: str
    ratio: float
    low: float
    high: float
    ours: float
    theirs: float
    pairs: int
    goal: float
    fidelity: float | None = None

    @property
    def met(self) -> bool:
        """Whether the far end of the interval meets the goal."""
        return self.high <= self.goal


def compare(
    name: str,
    peer: str,
    ours: Callable[[int], float],
    theirs: Callable[[int], float],
    *,
    goal: float,
    pairs: int,
    warm: int = 3,
) -> Comparison:
    """Run both in turn; each takes the number of the pair and returns seconds."""
    for index in range(warm):
        ours(index)
        theirs(index)
    mine, yours = [], []
    for index in range(pairs):
        # who comes first alternates, because the first finds colder caches
        if index % 2:
            mine.append(ours(index))
            yours.append(theirs(index))
        else:
            yours.append(theirs(index))
            mine.append(ours(index))
    ratios = sorted(a / b for a, b in zip(mine, yours, strict=True))
    reach = math.ceil(0.98 * math.sqrt(pairs))
    return Comparison(
        name,
        peer,
        statistics.median(ratios),
        ratios[max(0, pairs // 2 - reach)],
        ratios[min(pairs - 1, pairs // 2 + reach)],
        statistics.median(mine),
        statistics.median(yours),
        pairs,
        goal,
    )


def wall(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def processor(command: Sequence[str], **environment: str) -> float:
    """Seconds of processor time that a command takes, as the operating system counts them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def python(code: str, **environment: str) -> float:
    """Seconds of processor time that a fresh interpreter takes for some code."""
    return processor([sys.executable, "-c", code], **environment)

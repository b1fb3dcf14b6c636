"""What follows from a failure: once more here, elsewhere, or an end; and when a node rests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from random import Random

from qcos_core.errors import (
    AuthenticationFailed,
    CircuitRejected,
    JobFailed,
    NodeOffline,
    ProviderLoadError,
    QCOSError,
    QuotaExceeded,
    Throttled,
)
from qcos_core.providers.running import LOST_ANSWERS
from qcos_core.worker.pool import WorkerLost

ATTEMPTS = 3
"""How often a task is tried, on whatever nodes."""

FIRST_PAUSE_S = 0.5
"""The pause before the second attempt; each further one is twice as long."""

LONGEST_PAUSE_S = 60.0

FAILURES = 3
"""So many failures in a row, and a node rests."""

RESTS = 3
"""So many rests with nothing but failures between them, and a node gets no more of a job."""

FIRST_REST_S = 1.0
LONGEST_REST_S = 300.0


class Then(Enum):
    """What to do with a task that failed on a node."""

    HERE = "here"
    """Once more, on this node if it can be."""

    AWAY = "away"
    """Once more, on another node if there is one that is alike."""

    NEVER_HERE = "never here"
    """On another node, or not at all."""

    STOP = "stop"
    """Not again: it would fail anywhere, or a person has ended it."""


def what_follows(error: QCOSError) -> Then:
    """What to do with a task that failed for this reason."""
    if isinstance(error, (Throttled, WorkerLost)):
        return Then.HERE
    if error.retryable:
        return Then.AWAY
    if isinstance(error, (AuthenticationFailed, CircuitRejected, ProviderLoadError, QuotaExceeded)):
        return Then.NEVER_HERE
    return Then.STOP


def nothing_ran(error: QCOSError) -> bool:
    """Whether the node never got to work, so that waiting for it is no attempt."""
    return isinstance(error, (NodeOffline, Throttled))


def may_have_run(raised: BaseException) -> bool:
    """Whether the work may have been done, or still be going on, although a call raised this.

    What is no error of QCOS may have come up at any point, after the work too.
    """
    return isinstance(raised, LOST_ANSWERS) or not isinstance(raised, QCOSError)


def error_of(raised: BaseException) -> QCOSError:
    """What a provider raised, as an error of QCOS."""
    if isinstance(raised, QCOSError):
        return raised
    error = JobFailed(f"{type(raised).__name__}: {raised}")
    error.__cause__ = raised
    return error


def pause_s(attempt: int, random: Random) -> float:
    """Seconds before an attempt, by its number from 2; drawn, so that many do not come at once."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 2, 32))
    return longest * random.uniform(0.5, 1.0)


@dataclass
class Breaker:
    """Keeps work from a node that fails: closed while it works, open while it rests.

    After a rest the node is asked how it is. Says it that all is well, one piece of work may try:
    if that works the breaker closes, else it opens for twice as long.

    Attributes:
        random: draws the length of a rest.
        opened: rests since anything worked.
        rests_until: when the node may be asked again; ``None`` while the breaker is closed.
        asking: the node is being asked how it is.
        trying: one piece of work may try the node, or is trying it.
        reason: why it rests.
    """

    random: Random
    opened: int = 0
    rests_until: float | None = None
    asking: bool = False
    trying: bool = False
    reason: str = ""
    _failures: int = 0

    @property
    def closed(self) -> bool:
        """Whether the node takes work as it comes."""
        return self.rests_until is None

    @property
    def asks_at(self) -> float | None:
        """When the node is to be asked how it is, if it is to be."""
        return None if self.asking or self.trying else self.rests_until

    def failed(self, error: QCOSError, now: float) -> None:
        """Note that the node failed; it rests at once where it is away or asks for a pause."""
        self.trying = False
        self._failures += 1
        at_once = nothing_ran(error) or not self.closed
        if at_once or self._failures >= FAILURES:
            self.rest(str(error), now)

    def rest(self, reason: str, now: float) -> None:
        """Open for a while."""
        longest = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(self.opened, 32))
        self.rests_until = now + longest * self.random.uniform(0.5, 1.0)
        self.opened += 1
        self.asking = self.trying = False
        self.reason = reason

    def worked(self) -> None:
        """Note that the node did its work."""
        self.opened = self._failures = 0
        self.asking = self.trying = False
        self.rests_until, self.reason = None, ""

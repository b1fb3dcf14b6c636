"""Calls to providers, which may take long, hang or raise anything; and the clock they go by.

The coordinator is one thread that decides; calls are what it waits for. A test puts another
:class:`Calls` in the place of :class:`ThreadCalls`, where time is a number and nothing waits.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(eq=False)
class Call:
    """Something to be called, and who wants to know what came of it.

    Attributes:
        work: called without arguments.
        then: told the call itself once it has ended.
        inline: it is short and harmless; call it right here.
        answer: what ``work`` returned.
        error: what it raised.
        left: nobody waits for it any more; ``then`` decides what a late answer is worth.
        lane: the lane that it is in.
    """

    work: Callable[[], Any]
    then: Callable[[Call], None]
    inline: bool = False
    answer: Any = None
    error: BaseException | None = None
    left: bool = False
    lane: Lane | None = None

    def leave(self) -> None:
        """Wait no longer for it; another call may begin in its place."""
        self.left = True
        if self.lane is not None:
            self.lane.leave(self)

    def run(self) -> None:
        """Call ``work`` and keep what comes of it, whatever that is."""
        try:
            self.answer = self.work()
        except BaseException as error:  # noqa: BLE001 - carried over to the coordinator's thread
            self.error = error


class Calls(Protocol):
    """Runs calls side by side and says when they have ended."""

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""

    def wall(self) -> float:
        """Seconds since the epoch."""

    def start(self, call: Call) -> None:
        """Begin a call."""

    def wait(self, until: float | None) -> list[Call]:
        """The calls that have ended, at least one unless ``until`` comes first."""


class ThreadCalls:
    """Calls in daemon threads; those that are inline in the coordinator's own.

    A daemon thread that hangs is left behind: Python cannot stop it, and it does not hold up the
    end of the process.
    """

    def __init__(self) -> None:
        self._ended: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._here: list[Call] = []

    def now(self) -> float:
        """The monotonic clock."""
        return time.monotonic()

    def wall(self) -> float:
        """The time of day."""
        return time.time()

    def start(self, call: Call) -> None:
        """Begin a call; an inline one has ended when this returns."""
        if call.inline:
            call.run()
            if isinstance(call.error, KeyboardInterrupt) and _in_main_thread():
                raise call.error
            self._here.append(call)
            return

        def work() -> None:
            call.run()
            self._ended.put(call)

        threading.Thread(target=work, name="qcos-call", daemon=True).start()

    def wait(self, until: float | None) -> list[Call]:
        """Wait for calls to end."""
        ended, self._here = self._here, []
        if not ended:
            try:
                ended = [self._ended.get(timeout=self._patience(until))]
            except queue.Empty:
                return []
        while not self._ended.empty():
            ended.append(self._ended.get())
        return ended

    def _patience(self, until: float | None) -> float | None:
        # at most a day at a time, because a lock cannot wait for longer than some 49 of them
        return None if until is None else min(max(0.0, until - self.now()), 86400.0)


@dataclass(eq=False)
class Lane:
    """Calls that must not all run at once.

    Attributes:
        calls: where they run.
        width: how many run at one time.
    """

    calls: Calls
    width: int
    _running: int = 0
    _waiting: deque[Call] = field(default_factory=deque)

    @property
    def idle(self) -> bool:
        """Whether a call would begin at once."""
        return self._running < self.width

    def start(self, call: Call) -> None:
        """Begin a call as soon as there is room."""
        call.lane = self
        if not self.idle:
            self._waiting.append(call)
            return
        self._running += 1
        after = call.then

        def then(ended: Call) -> None:
            if not ended.left:
                self._next()
            after(ended)

        call.then = then
        self.calls.start(call)

    def leave(self, call: Call) -> None:
        """Give the room of a call that hangs to another."""
        if call in self._waiting:
            self._waiting.remove(call)
        else:
            self._next()

    def _next(self) -> None:
        self._running -= 1
        if self._waiting:
            self.start(self._waiting.popleft())


def _in_main_thread() -> bool:
    """Signals reach the main thread alone; elsewhere a provider has raised this itself."""
    return threading.current_thread() is threading.main_thread()

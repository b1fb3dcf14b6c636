"""Calls that may hang, and are waited for only so long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")


def within(seconds: float, what: str, call: Callable[[], _T]) -> _T:
    """Make a call in a daemon thread, which is left behind if it hangs.

    Args:
        seconds: how long to wait for the answer.
        what: what is called, for the message.
        call: the call.

    Raises:
        TimeoutError: no answer in time.
        BaseException: what the call raised.
    """
    answers: list[_T] = side_by_side(seconds, what, [call])
    return answers[0]


def side_by_side(seconds: float, what: str, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make several calls at the same moment, as :func:`within` makes one.

    Returns:
        The answers, in the order of the calls.

    Raises:
        TimeoutError: one gave no answer in time.
        BaseException: what the first that failed raised.
    """
    start = threading.Barrier(len(calls))
    threads = [_Call(call, start) for call in calls]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    for thread in threads:
        if thread.error is not None:
            raise thread.error
    if any(thread.is_alive() for thread in threads):
        message = f"{what} gave no answer within {seconds:g} s."
        raise TimeoutError(message)
    return [thread.answer for thread in threads]


class _Call(threading.Thread):
    """One call, with what became of it."""

    def __init__(self, call: Callable[[], Any], start: threading.Barrier) -> None:
        super().__init__(name="qcos-conformance", daemon=True)
        self.answer: Any = None
        self.error: BaseException | None = None
        self._call = call
        self._start = start

    def run(self) -> None:
        self._start.wait()
        try:
            self.answer = self._call()
        # raised again in the thread that waits, whatever it is
        except BaseException as error:  # noqa: BLE001
            self.error = error

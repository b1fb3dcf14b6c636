"""No worker outlives its coordinator, not even in the middle of a long computation.

The closed pipe tells an idle worker to leave, but a simulator that holds the interpreter reads no
pipe. On Linux the kernel can be asked to kill a process when its parent is gone. It takes the
*thread* that started the process for the parent, so workers are started by a thread that lives as
long as the coordinator does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

_PR_SET_PDEATHSIG = 1

_T = TypeVar("_T")


def die_with_parent(parent: int) -> None:
    """In a worker: be killed when the thread that started this process ends.

    Args:
        parent: the coordinator's process id.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before the kernel knew
        os._exit(0)


class Spawner:
    """A thread that starts processes and lives as long as this one."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._serve, name="qcos-spawner", daemon=True).start()

    def call(self, function: Callable[[], _T]) -> _T:
        """Call a function in the thread and wait for what it returns or raises."""
        future: Future[_T] = Future()
        self._calls.put((function, future))
        return future.result()

    def _serve(self) -> None:
        while True:
            function, future = self._calls.get()
            try:
                future.set_result(function())
            # carried over to the caller's thread, whatever it is
            except BaseException as error:  # noqa: BLE001
                future.set_exception(error)

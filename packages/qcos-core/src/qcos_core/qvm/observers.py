"""Tell observers what happens, without ever holding up the work."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from qcos_core.cluster.registry import QPURegistry
from qcos_core.model.amounts import Amount
from qcos_core.model.events import Event, EventKind

if TYPE_CHECKING:
    from pluggy import HookImpl

_log = logging.getLogger(__name__)

Observer = Callable[[Event], None]

_CAPACITY = 10_000
_DRAIN_SECONDS = 2.0


def observers_of(registry: QPURegistry, given: Sequence[Observer]) -> tuple[Observer, ...]:
    """The observers that were given, and those among the cluster's plugins."""
    hooked = registry.plugins.hook.observe.get_hookimpls()
    return (*given, *(_observer(implementation) for implementation in hooked))


def _observer(implementation: HookImpl) -> Observer:
    names = implementation.argnames

    def observe(event: Event) -> None:
        implementation.function(*[event] * len(names))

    return observe


class Events:
    """Hands events of one job to observers, in a thread of its own.

    The queue is bounded: an observer that cannot keep up loses events. What an observer raises
    is logged and goes no further. Use it as a context manager; leaving it waits two seconds at
    most for the last events to be seen.
    """

    def __init__(self, observers: Sequence[Observer], job_id: str = "") -> None:
        self._observers = tuple(observers)
        self._job_id = job_id
        self._queue: queue.Queue[Event | None] | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._observers:
            self._queue = queue.Queue(_CAPACITY)
            self._thread = threading.Thread(
                target=self._pump, args=(self._queue,), name="qcos-events", daemon=True
            )
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._queue and self._thread:
            patience = _DRAIN_SECONDS
            while True:
                try:
                    self._queue.put(None, timeout=patience)
                    break
                except queue.Full:  # an observer hangs; it loses an event, so that it can end
                    patience = 0.0
                    with suppress(queue.Empty):
                        self._queue.get_nowait()
            self._thread.join(_DRAIN_SECONDS)

    @property
    def heard(self) -> bool:
        """Whether anybody is told of events."""
        return self._queue is not None

    def emit(
        self,
        kind: EventKind,
        *,
        node_id: str = "",
        task_id: str = "",
        shots: int = 0,
        attempt: int = 1,
        pid: int = 0,
        message: str = "",
        key: str = "",
        charges: tuple[Amount, ...] = (),
        started: float = 0.0,
        error: str = "",
        state: str = "",
    ) -> None:
        """Queue one event; without observers this does nothing."""
        if self._queue is None:
            return
        event = Event(
            kind,
            time.time(),
            node_id,
            task_id,
            shots,
            attempt,
            pid,
            message,
            self._job_id,
            key,
            charges,
            started,
            error,
            state,
        )
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            _log.debug("an observer is too slow; dropped %s", event)

    def _pump(self, events: queue.Queue[Event | None]) -> None:
        while (event := events.get()) is not None:
            for observer in self._observers:
                try:
                    observer(event)
                # other people's code: whatever it raises, the job must not notice
                except BaseException:  # noqa: BLE001
                    _log.exception("an observer failed on %s", event.kind)

"""How far a run is: shots, busy nodes, and the time that is left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qcos_core.model.text import countdown
from qcos_core.providers.hookspecs import hookimpl

if TYPE_CHECKING:
    from qcos_core.model.events import Event
    from qcos_core.model.plans import ShardPlan


class Tracker:
    """Follows the events of a run by its plan.

    Attributes:
        total: shots of the whole run.
        done: shots that came back so far.
    """

    def __init__(self, plan: ShardPlan) -> None:
        self.total = plan.node_shots
        self.done = 0
        self._nodes = len(plan.node_ids)
        self._expected = {
            shard.task.id: shard.estimate.typical_seconds if shard.estimate else None
            for shard in plan.shards
        }
        self._waiting = {shard.task.id: shard.node_id for shard in plan.shards}
        self._started: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._lock = threading.Lock()  # events come in a thread of their own

    @hookimpl
    def observe(self, event: Event) -> None:
        """Take note of one event."""
        with self._lock:
            if event.kind == "shard_started":
                self._started[event.task_id] = event.time
            elif event.kind in ("shard_done", "shard_failed"):
                started = self._started.pop(event.task_id, event.time)
                self._waiting.pop(event.task_id, None)
                if event.kind == "shard_done":
                    self.done += event.shots
                    self._took[event.task_id] = event.time - started

    def remaining(self, now: float) -> float | None:
        """Seconds until the last node is done, by the plan's estimates as they proved so far.

        ``None`` while nobody can tell.
        """
        with self._lock:
            pace, usual = self._pace()
            left: dict[str, float] = {}
            for task_id, node_id in self._waiting.items():
                expected = self._expected[task_id]
                seconds = usual if expected is None else expected * pace
                if seconds is None:
                    return None
                if task_id in self._started:
                    seconds = max(0.0, seconds - (now - self._started[task_id]))
                left[node_id] = left.get(node_id, 0.0) + seconds
            return max(left.values(), default=0.0)

    def line(self, now: float) -> str:
        """The state in one line."""
        with self._lock:
            busy = len({self._waiting.get(task_id) for task_id in self._started})
        return (
            f"{self.done:,}/{self.total:,} shots  {busy} of {self._nodes} "
            f"node{'' if self._nodes == 1 else 's'} busy  ETA {countdown(self.remaining(now))}"
        )

    def _pace(self) -> tuple[float, float | None]:
        """How much longer than expected shards took, and how long one takes on average."""
        if not self._took:
            return 1.0, None
        known = [(took, self._expected[task_id]) for task_id, took in self._took.items()]
        expected = sum(seconds for _, seconds in known if seconds is not None)
        actual = sum(took for took, seconds in known if seconds is not None)
        pace = actual / expected if expected > 0 else 1.0
        return pace, sum(self._took.values()) / len(self._took)


@contextmanager
def shown(tracker: Tracker) -> Iterator[None]:
    """Draw a tracker on standard error while the work goes on, if that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, Task
        from rich.text import Text
    except ModuleNotFoundError:  # click came with something else, without the rest of the extra
        yield
        return

    class Line(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(tracker.line(time.time()))

    class Bar(BarColumn):
        def render(self, task: Task) -> object:  # type: ignore[override]
            task.completed = tracker.done
            return super().render(task)

    console = Console(stderr=True)
    with Progress(Bar(bar_width=20), Line(), console=console, transient=True) as progress:
        progress.add_task("run", total=tracker.total)
        yield

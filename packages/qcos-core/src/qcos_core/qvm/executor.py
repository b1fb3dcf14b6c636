"""Run the shards of a plan: side by side on different nodes, again where a worker died."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.cluster.registry import Node, QPURegistry
from qcos_core.errors import JobFailed, QCOSError
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.events import EventKind
from qcos_core.model.plans import Shard, ShardPlan
from qcos_core.model.results import ShardRecord
from qcos_core.model.seam import TaskResult
from qcos_core.qvm.dispatch import Dispatcher, Fallback
from qcos_core.qvm.observers import Events
from qcos_core.worker.pool import WorkerLost

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

ATTEMPTS = 3
"""How often a shard is tried whose worker dies."""

INLINE_SECONDS = 0.05
"""Work expected to be shorter runs in the caller's process: a hop would cost too much of it."""

BATCH_SECONDS = 10.0
"""Points of a sweep go to a worker together, as many as are expected to take so long at most."""

_LANE_SECONDS = 1.0
_NEVER_INLINE = ("while_loop", "for_loop")


@dataclass(frozen=True)
class ShardOutcome:
    """What became of a shard: either a record with a result, or an error.

    Attributes:
        shard: the shard.
        record: provenance; ``None`` if it failed.
        result: the checked result; ``None`` if it failed.
        error: why it failed.
        warning: what a reader of the counts must know.
    """

    shard: Shard
    record: ShardRecord | None = None
    result: TaskResult | None = None
    error: QCOSError | None = None
    warning: str = ""


class NodeExecutor:
    """Runs the shards of plans.

    Args:
        registry: the cluster.
        fallback: whether a circuit may fall through to a fallback executor when its node's
            provider does not run it.
    """

    def __init__(self, registry: QPURegistry, *, fallback: Fallback = "always") -> None:
        self._registry = registry
        self._dispatcher = Dispatcher(registry, fallback)

    def run(
        self,
        plan: ShardPlan,
        circuits: Mapping[str, QuantumCircuit],
        events: Events,
        *,
        deadline_s: float | None = None,
    ) -> list[ShardOutcome]:
        """Run every shard of a plan; a shard that fails does not stop the others.

        Args:
            plan: the plan.
            circuits: the circuits by their ids in the plan.
            events: told what happens.
            deadline_s: how long one attempt at one shard may take.

        Returns:
            One outcome for each shard, in the plan's order.
        """
        return _Run(self._registry, self._dispatcher, plan, circuits, events, deadline_s).outcomes()


class _Run:
    """One run of one plan."""

    def __init__(
        self,
        registry: QPURegistry,
        dispatcher: Dispatcher,
        plan: ShardPlan,
        circuits: Mapping[str, QuantumCircuit],
        events: Events,
        deadline_s: float | None,
    ) -> None:
        self._registry = registry
        self._dispatcher = dispatcher
        self._plan = plan
        self._circuits = circuits
        self._profiles = {circuit.id: circuit.profile for circuit in plan.circuits}
        self._events = events
        self._deadline_s = deadline_s
        self._stopped = False
        self._workers: set[int] = set()
        self._outcomes: list[ShardOutcome | None] = [None] * len(plan.shards)

    def outcomes(self) -> list[ShardOutcome]:
        """Run everything and wait for it; an interrupt stops what is running."""
        lanes: dict[str, list[int]] = {}
        for place, shard in enumerate(self._plan.shards):
            lanes.setdefault(shard.node_id, []).append(place)
        busy = len(lanes) > 1
        try:
            _side_by_side([self._lane(places, busy=busy) for places in lanes.values()])
        except BaseException:
            self._stop()
            raise
        return [
            outcome or ShardOutcome(shard, error=JobFailed("it was not run.", node=shard.node_id))
            for shard, outcome in zip(self._plan.shards, self._outcomes, strict=True)
        ]

    def _lane(self, places: Sequence[int], *, busy: bool) -> Callable[[], None]:
        """The shards of one node, one after the other."""
        shards = [self._plan.shards[place] for place in places]
        spread = busy and sum(map(_seconds, shards)) > _LANE_SECONDS

        def work() -> None:
            for batch in self._batches(places, spread=spread):
                if self._stopped:
                    return
                outcomes = self._batch([self._plan.shards[place] for place in batch], spread=spread)
                for place, outcome in zip(batch, outcomes, strict=True):
                    self._outcomes[place] = outcome

        return work

    def _batches(self, places: Sequence[int], *, spread: bool) -> Iterator[list[int]]:
        """Shards that go to their provider in one call: points of one sweep that follow another."""
        batch: list[int] = []
        seconds = 0.0
        for place in places:
            shard = self._plan.shards[place]
            most = INLINE_SECONDS if self._is_inline(shard, spread=spread) else BATCH_SECONDS
            together = batch and self._belong_together(self._plan.shards[batch[-1]], shard)
            if batch and not (together and seconds + _seconds(shard) <= most):
                yield batch
                batch, seconds = [], 0.0
            batch.append(place)
            seconds += _seconds(shard)
        yield batch

    def _belong_together(self, one: Shard, other: Shard) -> bool:
        if self._deadline_s is not None or one.task.circuit_id != other.task.circuit_id:
            return False
        return one.task.point != other.task.point and one.estimate is not None

    def _is_inline(self, shard: Shard, *, spread: bool) -> bool:
        profile = self._profiles[shard.task.circuit_id]
        return self._deadline_s is None and not spread and _is_short(shard, profile)

    def _batch(self, shards: Sequence[Shard], *, spread: bool) -> list[ShardOutcome]:
        inline = self._is_inline(shards[0], spread=spread)
        attempt = 1
        while True:
            started = time.time()
            try:
                results, seconds = self._attempt(shards, attempt, inline=inline)
                break
            except WorkerLost as error:
                if attempt == ATTEMPTS or self._stopped:
                    return self._failed(shards, error, attempt, spread=spread)
                for shard in shards:
                    self._tell("shard_retried", shard, attempt=attempt, message=str(error))
                attempt += 1
            except QCOSError as error:
                return self._failed(shards, error, attempt, spread=spread)
            # a provider is other people's code; whatever it raises belongs to these shards alone
            except BaseException as error:
                if _is_ctrl_c(error):
                    raise
                failure = JobFailed(f"{type(error).__name__}: {error}")
                failure.__cause__ = error
                return self._failed(shards, failure, attempt, spread=spread)
        each = seconds / len(shards)
        return [
            self._done(shard, result, attempt, started + index * each, each)
            for index, (shard, result) in enumerate(zip(shards, results, strict=True))
        ]

    def _done(
        self, shard: Shard, result: TaskResult, attempt: int, started: float, seconds: float
    ) -> ShardOutcome:
        node = self._registry.node(shard.node_id)
        record, warning = _record(node, shard, result, attempt, started, seconds)
        self._tell("shard_done", shard, attempt=attempt)
        return ShardOutcome(shard, record, result, warning=warning)

    def _attempt(
        self, shards: Sequence[Shard], attempt: int, *, inline: bool
    ) -> tuple[list[TaskResult], float]:
        circuit_id = shards[0].task.circuit_id
        clock = time.perf_counter()
        worker = 0

        def begun(pid: int) -> None:
            nonlocal clock, worker
            clock, worker = time.perf_counter(), pid
            if pid:
                self._workers.add(pid)
            for shard in shards:
                self._tell("shard_started", shard, attempt=attempt, pid=pid)

        try:
            results = self._dispatcher.run(
                shards,
                self._circuits[circuit_id],
                self._profiles[circuit_id],
                inline=inline,
                deadline_s=self._deadline_s,
                started=begun,
            )
        finally:
            self._workers.discard(worker)
        return results, time.perf_counter() - clock

    def _failed(
        self, shards: Sequence[Shard], error: QCOSError, attempt: int, *, spread: bool
    ) -> list[ShardOutcome]:
        """The outcomes of shards that failed together; each of several gets a try of its own."""
        if len(shards) > 1 and not self._stopped:
            return self._one_by_one(shards, spread=spread)
        return self._given_up(shards, error, attempt)

    def _given_up(
        self, shards: Sequence[Shard], error: QCOSError, attempt: int
    ) -> list[ShardOutcome]:
        named = error
        if not error.node:
            named = copy(error)  # a provider may raise one instance for several nodes
            named.node, named.__cause__ = shards[0].node_id, error.__cause__
            named = named.with_traceback(error.__traceback__)
        for shard in shards:
            self._tell("shard_failed", shard, attempt=attempt, message=str(named))
        return [ShardOutcome(shard, error=named) for shard in shards]

    def _one_by_one(self, shards: Sequence[Shard], *, spread: bool) -> list[ShardOutcome]:
        """Run points of a sweep by themselves, so that a bad one takes no other with it.

        Where the workers of several in a row die, the rest are not tried: each death costs time.
        """
        outcomes: list[ShardOutcome] = []
        lost = 0
        for shard in shards:
            if lost == ATTEMPTS:
                message = f"it was not tried: the workers of the {lost} points before it died."
                outcomes += self._given_up([shard], JobFailed(message), attempt=1)
                continue
            outcomes += self._batch([shard], spread=spread)
            lost = lost + 1 if isinstance(outcomes[-1].error, WorkerLost) else 0
        return outcomes

    def _tell(self, kind: EventKind, shard: Shard, **facts: Any) -> None:
        task = shard.task
        self._events.emit(kind, node_id=shard.node_id, task_id=task.id, shots=task.shots, **facts)

    def _stop(self) -> None:
        """Start nothing more, and end the workers that this run keeps busy."""
        self._stopped = True
        for pid in list(self._workers):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _side_by_side(lanes: Sequence[Callable[[], None]]) -> None:
    """One lane runs in the caller's thread; several in daemon threads of their own."""
    if len(lanes) == 1:
        lanes[0]()
        return
    threads = [
        threading.Thread(target=lane, name=f"qcos-lane-{index}", daemon=True)
        for index, lane in enumerate(lanes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _is_ctrl_c(error: BaseException) -> bool:
    """Signals reach the main thread alone; elsewhere a provider has raised this itself."""
    main = threading.current_thread() is threading.main_thread()
    return main and isinstance(error, KeyboardInterrupt)


def _is_short(shard: Shard, profile: CircuitProfile) -> bool:
    """Whether a shard may run in the caller's process.

    Classical variables can make a simulator abort, and a loop may never end, so such circuits
    never do. What has no estimate runs where its provider says.
    """
    if shard.estimate is None or shard.estimate.typical_seconds is None:
        return False
    if profile.variables or any(name in profile.operations for name in _NEVER_INLINE):
        return False
    return shard.estimate.typical_seconds < INLINE_SECONDS


def _seconds(shard: Shard) -> float:
    typical = shard.estimate.typical_seconds if shard.estimate else None
    return typical or 0.0


def _record(
    node: Node, shard: Shard, result: TaskResult, attempts: int, started: float, seconds: float
) -> tuple[ShardRecord, str]:
    claimed = shard.simulated
    fallback = result.executor != node.key
    warning = ""
    if fallback and claimed is False:
        warning = (
            f"{shard.node_id} is hardware, but {result.executor} simulated task "
            f"{shard.task.id} in its place"
        )
    if claimed is True or (fallback and claimed is False):
        simulated: bool | None = True
    else:
        simulated = claimed if result.simulated is None else result.simulated
    record = ShardRecord(
        task_id=shard.task.id,
        node_id=shard.node_id,
        provider=node.key,
        executor=result.executor,
        fallback=fallback,
        shots=shard.task.shots,
        blocks=tuple((block.index, block.shots, block.seed) for block in shard.task.blocks),
        simulated=simulated,
        method=result.method,
        exact=result.exact,
        attempts=attempts,
        started=started,
        seconds=result.seconds if result.seconds is not None else seconds,
        charges=result.charges,
        metadata=dict(result.metadata),
    )
    return record, warning

"""Run one shard: on its own provider, inline, in a thread or in a worker, or on a fallback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from qcos_core.cluster.registry import Node, QPURegistry
from qcos_core.errors import CircuitRejected
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.plans import Shard
from qcos_core.model.seam import Task, TaskResult
from qcos_core.providers.running import Wanted, bound, or_error, run_blocks, run_own
from qcos_core.worker.calls import provider_ref, run_in_worker

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Fallback = Literal["always", "never"]
Started = Callable[[int], None]
"""Told the worker's process id when work begins, or 0 where it runs in this process."""


class Dispatcher:
    """Runs shards, those that go to one node together in one call.

    Args:
        registry: the cluster.
        fallback: whether a circuit may fall through to a fallback executor.
    """

    def __init__(self, registry: QPURegistry, fallback: Fallback) -> None:
        self._registry = registry
        self._fallback = fallback

    def run(
        self,
        shards: Sequence[Shard],
        circuits: Mapping[str, QuantumCircuit],
        profile: CircuitProfile,
        *,
        inline: bool,
        short: bool,
        deadline_s: float | None,
        started: Started,
    ) -> list[TaskResult]:
        """Run shards on one node once, and return their checked results.

        Those that failed have results that hold an error.

        Args:
            shards: the shards; several only if they are points of a sweep, or of circuits that
                are built alike.
            circuits: their circuits by id.
            profile: the profile of the first.
            inline: the work is quick and harmless; run it right here.
            short: fewer shots than asked for are an answer too.
            deadline_s: how long a worker may take; a call in this process cannot be stopped.
            started: told when and where it begins.

        Raises:
            QCOSError: why there is no result.
            Exception: whatever else the provider raised.
        """
        node = self._registry.node(shards[0].node_id)
        wanted = Wanted.of(profile, shards[0].task.options, short=short)
        tasks = [shard.task for shard in shards]

        def here() -> Sequence[TaskResult | None]:
            return run_own(node.provider, node.spec, tasks, circuits, wanted)

        ref = None
        if not inline and node.provider.RUNS_IN == "worker":
            ref = provider_ref(node.provider, node.kwargs)
        if inline or ref is None:
            started(0)
            results = here()
        else:
            results = run_in_worker(
                ref,
                node.spec,
                tasks,
                circuits,
                wanted,
                shards[0].estimate,
                deadline_s=deadline_s,
                started=started,
            )

        def executed(task: Task, result: TaskResult | None) -> TaskResult:
            if result is not None:
                return replace(result, executor=node.key)
            return self._fall_through(node, task, circuits[task.circuit_id], wanted)

        return [
            or_error(task, result, partial(executed, task, result))
            for task, result in zip(tasks, results, strict=True)
        ]

    def _fall_through(
        self, node: Node, task: Task, circuit: QuantumCircuit, wanted: Wanted
    ) -> TaskResult:
        result = None
        if self._fallback == "always":
            hook = self._registry.plugins.hook.execute
            whole = bound(circuit, task)
            result = run_blocks(
                task,
                wanted,
                lambda block: hook(
                    circuit=whole,
                    shots=block.shots,
                    node_spec=node.spec,
                    seed=block.seed,
                    options=task.options,
                ),
            )
        if result is None:
            raise self._nobody(circuit)
        return replace(result, executor=result.executor or "a fallback executor")

    def _nobody(self, circuit: QuantumCircuit) -> CircuitRejected:
        message = f"its provider does not run {circuit.name}, "
        if self._fallback == "never":
            message += "and fallback='never' forbids another executor."
            hint = "Use a node whose provider runs circuits, or fallback='always'."
        else:
            message += "nor does any fallback executor."
            hint = "qcos-aer brings one for wide circuits; `qcos doctor` lists those there are."
        return CircuitRejected(message, hint=hint)

"""Run one shard: on its own provider, inline, in a thread or in a worker, or on a fallback."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from qcos_core.cluster.registry import Node, QPURegistry
from qcos_core.errors import CircuitRejected, JobTimeout
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.plans import Shard
from qcos_core.model.seam import TaskResult
from qcos_core.providers.running import run_blocks, run_own
from qcos_core.worker.calls import provider_ref, run_in_worker

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Fallback = Literal["always", "never"]
Started = Callable[[int], None]
"""Told the worker's process id when work begins, or 0 where it runs in this process."""

_T = TypeVar("_T")


class Dispatcher:
    """Runs shards.

    Args:
        registry: the cluster.
        fallback: whether a circuit may fall through to a fallback executor.
    """

    def __init__(self, registry: QPURegistry, fallback: Fallback) -> None:
        self._registry = registry
        self._fallback = fallback

    def run(
        self,
        shard: Shard,
        circuit: QuantumCircuit,
        profile: CircuitProfile,
        *,
        inline: bool,
        deadline_s: float | None,
        started: Started,
    ) -> TaskResult:
        """Run a shard once and return its checked result.

        Args:
            shard: the shard.
            circuit: its circuit.
            profile: the circuit's profile.
            inline: the work is short and harmless; run it right here.
            deadline_s: how long it may take; ``None`` for as long as it likes.
            started: told when and where it begins.

        Raises:
            QCOSError: why there is no result.
            Exception: whatever else the provider raised.
        """
        node = self._registry.node(shard.node_id)
        if inline:
            started(0)
            result = self._here(node, shard, circuit, profile)
        else:
            result = self._elsewhere(node, shard, circuit, profile, deadline_s, started)
        if result is not None:
            return replace(result, executor=node.key)
        return _within(
            deadline_s, lambda: self._fall_through(node, shard, circuit, profile.num_clbits)
        )

    def _here(
        self, node: Node, shard: Shard, circuit: QuantumCircuit, profile: CircuitProfile
    ) -> TaskResult | None:
        return run_own(node.provider, node.spec, shard.task, circuit, profile.num_clbits)

    def _elsewhere(
        self,
        node: Node,
        shard: Shard,
        circuit: QuantumCircuit,
        profile: CircuitProfile,
        deadline_s: float | None,
        started: Started,
    ) -> TaskResult | None:
        worker = node.provider.RUNS_IN == "worker"
        ref = provider_ref(node.provider, node.kwargs) if worker else None
        if ref is None:
            started(0)
            return _within(deadline_s, lambda: self._here(node, shard, circuit, profile))
        return run_in_worker(
            ref,
            node.spec,
            shard.task,
            circuit,
            shard.estimate,
            deadline_s=deadline_s,
            started=started,
        )

    def _fall_through(
        self, node: Node, shard: Shard, circuit: QuantumCircuit, width: int
    ) -> TaskResult:
        result = None
        if self._fallback == "always":
            hook = self._registry.plugins.hook.execute
            result = run_blocks(
                shard.task,
                width,
                lambda block: hook(
                    circuit=circuit,
                    shots=block.shots,
                    node_spec=node.spec,
                    seed=block.seed,
                    options=shard.task.options,
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


def _within(deadline_s: float | None, work: Callable[[], _T]) -> _T:
    """Call ``work``; with a deadline in a daemon thread, which is left behind if it hangs."""
    if deadline_s is None:
        return work()
    outcome: list[Any] = []
    error: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(work())
        # carried over to the caller's thread, whatever it is
        except BaseException as problem:  # noqa: BLE001
            error.append(problem)

    thread = threading.Thread(target=target, name="qcos-deadline", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if thread.is_alive():
        message = f"no answer within {deadline_s:g} s."
        hint = "It may still be running; raise require={'deadline_s': ...} to wait longer."
        raise JobTimeout(message, hint=hint)
    if error:
        raise error[0]
    result: _T = outcome[0]
    return result

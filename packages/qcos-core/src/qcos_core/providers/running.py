"""Run a task on its own provider, wherever that happens: in the coordinator or in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qcos_core.errors import CountsInvalid, JobFailed
from qcos_core.model.counts import PackedCounts
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.model.seam import Block, Execution, Task, TaskResult
from qcos_core.providers.adapter import adapt
from qcos_core.providers.base import NodeProvider

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

RunBlock = Callable[[Block], Any]
"""Runs one block: counts as a mapping, an :class:`Execution`, or ``None`` to decline."""


def run_own(
    provider: NodeProvider, spec: QPUNodeSpec, task: Task, circuit: QuantumCircuit, width: int
) -> TaskResult | None:
    """The provider's own answer: ``run_task`` if it has one, else ``execute`` block by block.

    Args:
        provider: the provider.
        spec: the node.
        task: what to run.
        circuit: the task's circuit.
        width: classical bits of the circuit.

    Returns:
        The checked result; ``None`` if the provider does not run this circuit.

    Raises:
        CountsInvalid: what came back cannot be right.
        QCOSError: what the provider raised.
    """
    result = provider.run_task(task, circuit, spec)
    if result is not None:
        return checked(result, task, width)
    execute = adapt(provider.execute)
    return run_blocks(task, width, lambda b: execute(circuit, b.shots, spec, b.seed, task.options))


def run_blocks(task: Task, width: int, run_block: RunBlock) -> TaskResult | None:
    """Run a task block by block and add up what comes back.

    Returns:
        The checked result; ``None`` as soon as one block is declined.

    Raises:
        CountsInvalid: what came back cannot be right.
    """
    parts: list[PackedCounts] = []
    execution = Execution({})
    for block in task.blocks:
        answer = run_block(block)
        if answer is None:
            return None
        execution = answer if isinstance(answer, Execution) else Execution(answer)
        counts = PackedCounts.from_bitstrings(execution.counts, width)
        _check_shots(counts, block.shots)
        parts.append(counts)
    return TaskResult(
        task.id,
        PackedCounts.merge(parts),
        simulated=execution.simulated,
        method=execution.method,
        exact=execution.exact,
        executor=execution.executor,
        metadata=_plain(execution.metadata),
    )


def checked(result: Any, task: Task, width: int) -> TaskResult:
    """A provider's result, if it is an answer to this task and its counts can be right.

    Raises:
        JobFailed: not a ``TaskResult``.
        CountsInvalid: an answer to another task, no counts, or the wrong width or sum.
        QCOSError: the error that the result holds.
    """
    if not isinstance(result, TaskResult):
        message = f"run_task returned {type(result).__name__}, not a TaskResult."
        raise JobFailed(message)
    if result.task_id != task.id:
        message = f"answered for task {result.task_id!r} when asked for {task.id!r}."
        raise CountsInvalid(message)
    if result.error is not None:
        raise result.error
    if not isinstance(result.counts, PackedCounts):
        message = "no packed counts came back."
        raise CountsInvalid(message)
    if result.counts.width != width:
        message = f"counts of {result.counts.width} bits came back for {width} classical bits."
        raise CountsInvalid(message)
    _check_shots(result.counts, task.shots)
    return replace(result, metadata=_plain(result.metadata))


def _check_shots(counts: PackedCounts, wanted: int) -> None:
    if counts.shots != wanted:
        message = f"asked for {wanted:,} shots, {counts.shots:,} came back."
        raise CountsInvalid(message)


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return dict(metadata)

"""Run tasks on their own provider, wherever that happens: in the coordinator or in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from qcos_core.errors import CountsInvalid, JobFailed, JobTimeout, OutcomeUnknown, QCOSError
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.counts import PackedCounts
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.model.seam import Block, Execution, Task, TaskResult
from qcos_core.model.shots import PackedShots
from qcos_core.providers.adapter import adapt
from qcos_core.providers.base import JobNodeProvider, NodeProvider

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Answer = TypeVar("Answer", bound=TaskResult | None)

LOST_ANSWERS = (JobTimeout, OutcomeUnknown)
"""Errors after which the work may have been done, or still be going on."""

RunBlock = Callable[[Block], Any]
"""Runs one block: counts as a mapping, an :class:`Execution`, or ``None`` to decline."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer to a task must hold.

    Attributes:
        width: classical bits of the circuit.
        counts: whether it measures.
        memory: whether outcomes are wanted in shot order.
        data: labels of what it saves.
        short: fewer shots than asked for are an answer too, but not none; so on nodes without
            seeds, where others can be added.
    """

    width: int
    counts: bool = True
    memory: bool = False
    data: tuple[str, ...] = ()
    short: bool = False

    @classmethod
    def of(
        cls, profile: CircuitProfile, options: Mapping[str, Any], *, short: bool = False
    ) -> Wanted:
        """What a circuit with these facts and options asks for."""
        memory = bool(options.get("memory")) and profile.measured
        short = short and not profile.saves
        return cls(profile.num_clbits, profile.measured, memory, profile.saves, short)


def runs_itself(provider: NodeProvider) -> bool:
    """Whether a provider runs circuits; one that only describes nodes costs nothing."""
    return isinstance(provider, JobNodeProvider) or any(
        getattr(type(provider), name) is not getattr(NodeProvider, name)
        for name in ("execute", "run_task", "run_tasks", "run_batch")
    )


def runs_batches(provider: NodeProvider) -> bool:
    """Whether a provider may run several circuits in one call."""
    return type(provider).run_batch is not NodeProvider.run_batch


def run_own(
    provider: NodeProvider,
    spec: QPUNodeSpec,
    tasks: Sequence[Task],
    circuits: Mapping[str, QuantumCircuit],
    wanted: Wanted,
) -> list[TaskResult | None]:
    """The provider's own answers to tasks that go to it together.

    Circuits that are built alike go to ``run_batch``, points of a sweep to ``run_tasks``; other
    tasks, and those that it declines, with their values bound, to ``run_task``, and where that
    declines block by block to ``execute``.

    Args:
        provider: the provider.
        spec: the node.
        tasks: what to run: points of one circuit, or circuits that are built alike.
        circuits: their circuits by id, with their parameters.
        wanted: what each answer must hold.

    Returns:
        The checked results, in the order of the tasks; ``None`` for those that the provider does
        not run. Those that failed have results that hold an error, so that one takes no other
        with it, and what it cost is known.

    Raises:
        CountsInvalid: not as many results as tasks.
        JobTimeout, OutcomeUnknown: nobody knows what became of them.
        QCOSError: what the provider raised where it was asked for several at once.
    """
    results: Any = None
    method = "run_tasks"
    if any(task.circuit_id != tasks[0].circuit_id for task in tasks):
        method = "run_batch"
        results = provider.run_batch(tasks, circuits, spec)
    elif tasks[0].parameters or len(tasks) > 1:
        results = provider.run_tasks(tasks, circuits[tasks[0].circuit_id], spec)

    def answer(task: Task, result: Any) -> TaskResult | None:
        if results is not None:
            return checked(result, task, wanted)
        circuit = bound(circuits[task.circuit_id], task)
        return _run_one(provider, spec, task, circuit, wanted)

    found = _matched(method, results, tasks) if results is not None else [None] * len(tasks)
    return [
        or_error(task, result, partial(answer, task, result))
        for task, result in zip(tasks, found, strict=True)
    ]


def or_error(task: Task, result: Any, answer: Callable[[], Answer]) -> Answer | TaskResult:
    """The answer to a task, or a result that holds the error that it raised.

    Args:
        task: the task.
        result: what came back for it, which says what it cost; ``None`` if nothing did.
        answer: makes the answer.

    Raises:
        JobTimeout, OutcomeUnknown: nobody knows what became of it, nor of the others.
        Exception: any other that is no error of QCOS, for the same reason.
    """
    try:
        return answer()
    except LOST_ANSWERS:
        raise
    except QCOSError as error:
        charges = result.charges if isinstance(result, TaskResult) else ()
        return TaskResult(task.id, error=error, charges=charges)


def bound(circuit: QuantumCircuit, task: Task) -> QuantumCircuit:
    """The circuit with the task's values in the place of its parameters."""
    if not task.parameters:
        return circuit
    result: QuantumCircuit = circuit.assign_parameters(task.parameters)
    return result


def run_blocks(task: Task, wanted: Wanted, run_block: RunBlock) -> TaskResult | None:
    """Run a task block by block and add up what comes back.

    Returns:
        The checked result; ``None`` as soon as one block is declined.

    Raises:
        CountsInvalid: what came back cannot be right.
        JobFailed: something that the circuit saves did not come back.
    """
    counts: list[PackedCounts] = []
    memory: list[PackedShots] = []
    execution = Execution({})
    for block in task.blocks:
        answer = run_block(block)
        if answer is None:
            return None
        execution = answer if isinstance(answer, Execution) else Execution(answer)
        if wanted.counts and execution.memory is not None:
            memory.append(PackedShots.from_bitstrings(execution.memory, wanted.width))
            counts.append(memory[-1].counts())
        elif wanted.counts:
            counts.append(PackedCounts.from_bitstrings(execution.counts, wanted.width))
        if wanted.counts:
            _check_shots(counts[-1], block.shots, wanted)
    result = TaskResult(
        task.id,
        PackedCounts.merge(counts) if counts else None,
        memory=PackedShots.join(memory) if memory else None,
        data=execution.data,
        simulated=execution.simulated,
        method=execution.method,
        exact=execution.exact,
        executor=execution.executor,
        metadata=execution.metadata,
    )
    return checked(result, task, wanted)


def checked(result: Any, task: Task, wanted: Wanted) -> TaskResult:
    """A provider's result, if it is an answer to this task and can be right.

    Raises:
        JobFailed: not a ``TaskResult``, or something that the circuit saves is missing.
        CountsInvalid: an answer to another task, no counts, the wrong width or sum, or no shots
            in order where they are wanted.
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
    if wanted.counts:
        _check_counts(result.counts, task, wanted)
    if wanted.counts and (wanted.memory or result.memory is not None):
        _check_memory(result.memory, result.counts)
    missing = [label for label in wanted.data if label not in (result.data or {})]
    if missing:
        message = f"nothing came back for {', '.join(missing)}, which the circuit saves."
        hint = "The nodes of qcos-aer return what circuits save."
        raise JobFailed(message, hint=hint)
    if not isinstance(result.metadata, Mapping):
        message = f"the metadata of a result must be a mapping, not {result.metadata!r}."
        raise JobFailed(message)
    if wanted.counts and not wanted.data and not result.data:
        return result
    counts = result.counts if wanted.counts else None
    memory = result.memory if wanted.counts else None
    data = {label: (result.data or {})[label] for label in wanted.data}
    return replace(result, counts=counts, memory=memory, data=data)


def _run_one(
    provider: NodeProvider, spec: QPUNodeSpec, task: Task, circuit: QuantumCircuit, wanted: Wanted
) -> TaskResult | None:
    result = provider.run_task(task, circuit, spec)
    if result is not None:
        return or_error(task, result, partial(checked, result, task, wanted))
    execute = adapt(provider.execute)
    return run_blocks(task, wanted, lambda b: execute(circuit, b.shots, spec, b.seed, task.options))


def _matched(method: str, results: Any, tasks: Sequence[Task]) -> list[Any]:
    """Each task's result, found by its id."""
    if not isinstance(results, (list, tuple)):
        message = f"{method} returned {type(results).__name__}, not a list of TaskResult."
        raise JobFailed(message)
    by_id = {getattr(result, "task_id", None): result for result in results}
    missing = [task.id for task in tasks if task.id not in by_id]
    if missing or len(results) != len(tasks):
        message = f"{method} answered {len(results)} times when asked for {len(tasks)} tasks."
        raise CountsInvalid(message)
    return [by_id[task.id] for task in tasks]


def _check_counts(counts: Any, task: Task, wanted: Wanted) -> None:
    if not isinstance(counts, PackedCounts):
        message = "no packed counts came back."
        raise CountsInvalid(message)
    if counts.width != wanted.width:
        message = f"counts of {counts.width} bits came back for {wanted.width} classical bits."
        raise CountsInvalid(message)
    _check_shots(counts, task.shots, wanted)


def _check_shots(counts: PackedCounts, shots: int, wanted: Wanted) -> None:
    if counts.shots != shots and not (wanted.short and 0 < counts.shots < shots):
        message = f"asked for {shots:,} shots, {counts.shots:,} came back."
        raise CountsInvalid(message)


def _check_memory(memory: Any, counts: Any) -> None:
    if not isinstance(memory, PackedShots):
        message = "no shots in order came back, which the option memory asks for."
        raise CountsInvalid(message)
    if memory.counts() != counts:
        message = "the shots in order are not those that were counted."
        raise CountsInvalid(message)

"""Run circuits on Aer, block by block, into packed counts and saved data."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol

from qcos_aer import evolve, patterns, saves, tree
from qcos_aer.cost import FEW_QUBITS
from qcos_aer.estimates import threads_for
from qcos_aer.evolve import Probabilities, batched
from qcos_aer.patterns import Patterns
from qcos_aer.prepare import Prepared, prepared
from qcos_aer.tree import TooManyBranches, Tree
from qcos_aer.unroll import basis_of
from qcos_aer.vectors.alike import of_circuits, of_points
from qcos_core import (
    CircuitRejected,
    JobFailed,
    PackedCounts,
    PackedShots,
    Task,
    TaskResult,
)
from qcos_core.providers import host

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

_SHARING = 64
"""So many shots must go together where they were not expected to, or Aer makes each by itself.

To find out then takes a twentieth of what Aer takes.
"""

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of one block.

    Attributes:
        counts: the counts; ``None`` if the circuit measures nothing.
        memory: the outcomes in shot order, where they are asked for.
        data: what the circuit saved, by label.
        method: the method that ran.
        metadata: device and versions.
    """

    counts: PackedCounts | None
    memory: PackedShots | None
    data: Mapping[str, Any]
    method: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Experiment:
    """What Aer returned for one circuit.

    Attributes:
        data: counts, memory, and what was saved.
        method: the method that ran.
        device: the device that it ran on.
    """

    data: Any
    method: str
    device: str


_NUMPY = Experiment(None, "statevector", "CPU")
"""Stands for an experiment of Aer where numpy evolves."""

_MADE_BY = {
    "tree": Experiment(None, "statevector (branch tree)", "CPU"),
    "patterns": Experiment(None, "statevector (error patterns)", "CPU"),
}


class Drawer(Protocol):
    """Makes the shots of one circuit: :class:`Probabilities`, a :class:`Tree`, or `Patterns`."""

    def draw(self, shots: int, seed: int) -> PackedCounts:
        """Counts of independent shots, which depend on the circuit, the shots and the seed alone.

        Raises:
            TooManyBranches: the shots have so little in common that Aer had better make them.
        """


def run_tasks(
    tasks: Sequence[Task], circuit: QuantumCircuit, *, method: str, device: str
) -> list[TaskResult]:
    """Run every block of every task with its own seed, and add up the counts of each task.

    Args:
        tasks: tasks of one circuit and one number of shots, which differ in the values of its
            parameters; their method, if the plan chose one, overrides ``method``.
        circuit: their circuit, with its parameters.
        method: the provider's method.
        device: an Aer device.

    Raises:
        CircuitRejected: an operation that Aer does not have.
        JobFailed: Aer reported a failure.
    """
    method = _method(tasks[0], method)
    began = time.perf_counter()
    sampler = _sampler(tasks[0], circuit, method, device)
    return _results(tasks, sampler.run_tasks(tasks), began)


def run_batch(
    tasks: Sequence[Task], circuits: Mapping[str, QuantumCircuit], *, method: str, device: str
) -> list[TaskResult]:
    """The same for circuits that are built alike; narrow ones are evolved side by side.

    Args:
        tasks: tasks with the same options and method.
        circuits: their circuits by id.
        method: the provider's method.
        device: an Aer device.

    Raises:
        CircuitRejected: an operation that Aer does not have.
        JobFailed: Aer reported a failure.
    """
    method = _method(tasks[0], method)
    began = time.perf_counter()
    sampler = _sampler(tasks[0], circuits[tasks[0].circuit_id], method, device)
    if sampler.takes_alike:
        return _results(tasks, sampler.run_alike(tasks, circuits), began)
    of_one: dict[int, list[Task]] = {}
    for task in tasks:
        of_one.setdefault(id(circuits[task.circuit_id]), []).append(task)
    return [
        result
        for mine in of_one.values()
        for result in run_tasks(mine, circuits[mine[0].circuit_id], method=method, device=device)
    ]


def _method(task: Task, method: str) -> str:
    """The method of a task: the plan's, or else the provider's."""
    if task.method != "automatic":
        method = task.method
    basis_of(method)  # made once in a process, with all that it imports; no part of what runs take
    return method


def _sampler(task: Task, circuit: QuantumCircuit, method: str, device: str) -> Sampler:
    ready = prepared(circuit, task.shots, method=method, device=device, options=task.options)
    return Sampler(ready, device=device, options=task.options)


def _results(
    tasks: Sequence[Task], outcomes: Iterable[Sequence[Outcome]], began: float
) -> list[TaskResult]:
    found = list(outcomes)
    seconds = (time.perf_counter() - began) / len(tasks)
    return [_result(task, mine, seconds) for task, mine in zip(tasks, found, strict=True)]


def _result(task: Task, outcomes: Sequence[Outcome], seconds: float) -> TaskResult:
    counts = [outcome.counts for outcome in outcomes if outcome.counts is not None]
    memory = [outcome.memory for outcome in outcomes if outcome.memory is not None]
    return TaskResult(
        task.id,
        PackedCounts.merge(counts) if counts else None,
        memory=PackedShots.join(memory) if memory else None,
        data=outcomes[0].data,
        simulated=True,
        method=outcomes[0].method,
        exact=True,
        seconds=seconds,
        metadata=outcomes[0].metadata,
    )


class Sampler:
    """Draws shots from one circuit, in the way that was chosen for it.

    Args:
        ready: the circuit.
        device: an Aer device.
        options: as :func:`qcos_aer.options.checked` returns them.
    """

    def __init__(self, ready: Prepared, *, device: str, options: Mapping[str, Any]) -> None:
        facts, choice = ready.facts, ready.choice
        self._circuit, self._noise = ready.circuit, ready.noise
        self._parameters, self._as_given = ready.parameters, ready.as_given
        self._provenance = ready.provenance
        self._metadata: dict[str, Mapping[str, Any]] = {}
        self._active, self._saves, self._measures = facts.active, facts.saves, facts.measured
        self._method, self._device = choice.method, device
        self._threads = threads_for(facts.width) or host.cores()
        in_order = options.get("memory") or (facts.saves and saves.each_shot(ready.circuit))
        self._memory = bool(in_order) and facts.measured
        pure = ready.noise is None and choice.likely == "statevector" and device == "CPU"
        self._evolves = pure and evolve.applies(facts)
        self._narrow = (
            self._evolves and choice.way == "state" and evolve.is_narrow(ready.circuit, facts)
        )
        self._way = choice.way
        self._sharing = 1 if choice.sampling == "once" else _SHARING
        self._branches = ready.noise is not None and choice.sampling != "once"
        self._branches &= facts.width > FEW_QUBITS and not facts.saves
        self._settings: dict[str, Any] = {
            "max_parallel_threads": threads_for(facts.width),
            "enable_truncation": ready.truncates,
        }
        if ready.noise is not None:
            self._settings["noise_model"] = ready.noise
            self._settings["shot_branching_enable"] = self._branches
            self._settings["shot_branching_sampling_enable"] = self._branches
        if "precision" in options:
            self._settings["precision"] = options["precision"]

    @property
    def takes_alike(self) -> bool:
        """Whether :meth:`run_alike` does what a sampler for each circuit would do."""
        return self._narrow and self._as_given

    def run_alike(
        self, tasks: Sequence[Task], circuits: Mapping[str, QuantumCircuit]
    ) -> Iterator[list[Outcome]]:
        """Draw the blocks of tasks of circuits that are built like this one.

        Yields:
            One outcome for each block of a task, task by task.
        """
        of: dict[str, list[Task]] = {}
        for task in tasks:
            of.setdefault(task.circuit_id, []).append(task)
        made: dict[str, list[Outcome]] = {}
        for names in batched(of, evolve.together(self._circuit)):
            program = of_circuits([circuits[name] for name in names], self._active)
            evolved = evolve.evolved(program, self._circuit, self._active, self._threads)
            for name, found in zip(names, evolved, strict=True):
                for task in of[name]:
                    made[task.id] = self._drawn(found, _NUMPY, task, self._circuit)
        yield from (made[task.id] for task in tasks)

    def run_tasks(self, tasks: Sequence[Task]) -> Iterator[list[Outcome]]:
        """Draw the blocks of several tasks, at the values that each has for the parameters.

        Yields:
            One outcome for each block of a task, task by task.

        Raises:
            CircuitRejected: an expression that Aer does not know.
            JobFailed: Aer reported a failure.
        """
        if self._evolves:
            at: dict[tuple[float, ...], list[Task]] = {}
            for task in tasks:
                at.setdefault(task.parameters, []).append(task)
            made: dict[str, list[Outcome]] = {}
            # no more distributions are kept at one time than are made at one time
            for point, (experiment, found) in zip(at, self._evolved(list(at)), strict=True):
                for task in at[point]:
                    made[task.id] = self._drawn(found, experiment, task, self._circuit)
            yield from (made[task.id] for task in tasks)
            return
        for task in tasks:
            circuit = self._bound(self._circuit, task.parameters)
            drawer = self._drawer(circuit)
            if drawer is None:
                yield [self._sampled(circuit, block.shots, block.seed) for block in task.blocks]
            else:
                yield self._drawn(drawer, _MADE_BY[self._way], task, circuit)

    def _drawer(self, circuit: QuantumCircuit) -> Drawer | None:
        """What makes the shots, where Aer does not."""
        if self._way == "tree" and tree.applies(circuit):
            return Tree(circuit, self._threads, sharing=self._sharing)
        if self._way == "patterns" and patterns.applies(circuit, self._noise):
            return Patterns(circuit, self._noise, self._threads)
        return None

    def _evolved(
        self, points: Sequence[tuple[float, ...]]
    ) -> Iterator[tuple[Experiment, Probabilities]]:
        """The distribution at each point, of many points at once."""
        together = evolve.together(self._circuit)
        if self._narrow:
            for some in batched(points, together):
                program = of_points(self._circuit, self._active, self._parameters, some)
                found = evolve.evolved(program, self._circuit, self._active, self._threads)
                yield from zip(repeat(_NUMPY), found)
            return
        from qiskit_aer.library import SaveProbabilities

        qubits, places = evolve.measured_places(self._circuit)
        bare = evolve.without_measurements(self._circuit)
        bare.append(SaveProbabilities(len(qubits)), qubits)
        bare.global_phase = 0  # of no matter, and Aer binds none
        for some in batched(points, together):
            for experiment in self._aer_at(bare, some):
                values = experiment.data.probabilities
                yield experiment, Probabilities(values, places, self._circuit.num_clbits)

    def _aer_at(
        self, circuit: QuantumCircuit, points: Sequence[tuple[float, ...]]
    ) -> list[Experiment]:
        """Run a circuit that draws nothing at each of some points."""
        there = {parameter.name: parameter for parameter in circuit.parameters}
        if there and evolve.aer_binds(circuit):
            columns = zip(self._parameters, zip(*points, strict=True), strict=True)
            binds = {there[name]: list(values) for name, values in columns if name in there}
            return self._aer(circuit, 1, None, "statevector", parameter_binds=[binds])
        bound = [self._bound(circuit, values) for values in points]
        return self._aer(bound, 1, None, "statevector")

    def _bound(self, circuit: QuantumCircuit, values: tuple[float, ...]) -> QuantumCircuit:
        if not circuit.num_parameters:  # none, or none that is left after translation
            return circuit
        by_name = dict(zip(self._parameters, values, strict=True))
        bound: QuantumCircuit = circuit.assign_parameters(by_name, strict=False)
        return bound

    def _drawn(
        self, drawer: Drawer, experiment: Experiment, task: Task, circuit: QuantumCircuit
    ) -> list[Outcome]:
        """One outcome for each block of a task; which way a block goes depends on it alone."""
        outcomes = []
        for block in task.blocks:
            try:
                counts = drawer.draw(block.shots, block.seed)
            except TooManyBranches:
                outcomes.append(self._sampled(circuit, block.shots, block.seed))
                continue
            memory = PackedShots.shuffled(counts, block.seed) if self._memory else None
            outcomes.append(self._outcome(counts, memory, {}, experiment))
        return outcomes

    def _sampled(self, circuit: QuantumCircuit, shots: int, seed: int) -> Outcome:
        experiment = self._aer(circuit, shots, seed, self._method, memory=self._memory)[0]
        data = saves.read(experiment, self._saves)
        if not self._measures:
            return self._outcome(None, None, data, experiment)
        width = circuit.num_clbits
        counts = {int(key, 16): number for key, number in experiment.data.counts.items()}
        packed = PackedCounts.from_ints(counts, width)
        memory = None
        if self._branches and self._memory:  # Aer returns shots of one branch side by side
            memory = PackedShots.shuffled(packed, seed)
        elif self._memory:
            shots_in_order = [int(key, 16) for key in experiment.data.memory]
            memory = PackedShots.from_ints(shots_in_order, width)
        return self._outcome(packed, memory, data, experiment)

    def _aer(
        self,
        circuit: QuantumCircuit | list[QuantumCircuit],
        shots: int,
        seed: int | None,
        method: str,
        **more: Any,
    ) -> list[Experiment]:
        from qiskit_aer import AerError

        simulator = _simulator(method, self._device)
        try:
            result = simulator.run(
                circuit,
                shots=shots,
                seed_simulator=seed,
                **self._settings,
                **more,
            ).result()
        except AerError as error:  # what it finds before it runs: an expression it does not know
            message = f"Aer cannot run {self._circuit.name}: {error.message.rstrip('.')}."
            raise CircuitRejected(message) from None
        if not result.success or not result.results:
            failed = [one for one in result.results if not one.success]
            status = getattr(failed[0] if failed else None, "status", "") or result.status
            message = f"Aer failed: {status.strip().rstrip('.')}."
            raise JobFailed(message)
        return [self._experiment(one) for one in result.results]

    def _experiment(self, result: Any) -> Experiment:
        facts = result.metadata or {}
        method = str(facts.get("method", self._method))
        return Experiment(result.data, method, str(facts.get("device", self._device)))

    def _outcome(
        self,
        counts: PackedCounts | None,
        memory: PackedShots | None,
        data: Mapping[str, Any],
        experiment: Experiment,
    ) -> Outcome:
        if experiment.device not in self._metadata:  # one for all outcomes
            said = {"device": experiment.device, "versions": _versions(), **self._provenance}
            self._metadata[experiment.device] = said
        metadata = self._metadata[experiment.device]
        return Outcome(counts, memory, data, experiment.method, metadata)


def _simulator(method: str, device: str) -> AerSimulator:
    """One simulator for each thread, method and device; making one takes milliseconds."""
    from qiskit_aer import AerSimulator

    cache: dict[tuple[str, str], AerSimulator] = _local.__dict__.setdefault("simulators", {})
    if (method, device) not in cache:
        cache[method, device] = AerSimulator(method=method, device=device)
    return cache[method, device]


@cache
def _versions() -> dict[str, str]:
    import numpy as np
    import qiskit
    import qiskit_aer

    from qcos_aer import __version__

    return {
        "qcos-aer": __version__,
        "qiskit-aer": qiskit_aer.__version__,
        "qiskit": qiskit.__version__,
        "numpy": np.__version__,
    }

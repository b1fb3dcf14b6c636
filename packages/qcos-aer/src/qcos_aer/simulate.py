"""Run circuits on Aer, block by block, into packed counts and saved data."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

from qcos_aer import evolve, saves
from qcos_aer.cost import FEW_QUBITS
from qcos_aer.estimates import choose, threads_for
from qcos_aer.evolve import Probabilities
from qcos_aer.likeness import as_on
from qcos_aer.noise import reduced
from qcos_aer.unroll import basis_of, noisy_basis, unrolled
from qcos_aer.vectors.alike import of_circuits, of_points
from qcos_core import CircuitRejected, JobFailed, PackedCounts, PackedShots, Task, TaskResult
from qcos_core.circuits.compact import compact
from qcos_core.circuits.profile import profile
from qcos_core.providers import host

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

_JUMPING = frozenset({"for_loop", "if_else", "switch_case", "while_loop"})
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
    return Sampler(circuit, task.shots, method=method, device=device, options=task.options)


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
    """Draws shots from one circuit, in the way that is fastest for it.

    Args:
        circuit: any circuit that measures or saves something; it may have parameters.
        shots: shots of the whole circuit, on which the choice of a method may depend.
        method: an Aer method.
        device: an Aer device.
        options: as :func:`qcos_aer.options.checked` returns them.

    Raises:
        CircuitRejected: an operation that Aer does not have.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        shots: int,
        *,
        method: str,
        device: str,
        options: Mapping[str, Any],
    ) -> None:
        facts = profile(circuit)
        self._parameters = facts.unbound
        noise = options.get("noise_model")
        self._provenance: dict[str, Any] = {}
        if facts.layout is not None:
            self._provenance = _laid_out(facts.active, facts.layout)
        if "like" in options:
            likeness = as_on(circuit, options["like"], options)
            circuit, noise = likeness.circuit, likeness.noise_model
            options = {**options, "optimization_level": 0}
            self._provenance = {"like": likeness.device}
            self._provenance |= _laid_out(likeness.physical_qubits, likeness.layout)
            facts = profile(circuit)
        choice = choose(facts, shots, method, noisy=noise is not None)
        self._method = choice.method
        if noise is None:
            native = unrolled(circuit, basis_of(self._method))
        else:
            level = options.get("optimization_level", 0)
            seed = options.get("seed_transpiler", 0)
            native = unrolled(circuit, noisy_basis(self._method, noise, level, seed))
            native, noise, _ = reduced(native, noise)
        if native is not circuit:
            facts = profile(native)
        # Aer leaves out what no measurement depends on. In doing so it may lose where a jump ends,
        # and takes other qubits for those of which an expectation value is saved.
        truncates = _JUMPING.isdisjoint(facts.operations) and not facts.saves
        evolves = noise is None and evolve.applies(facts, self._method, device)
        self._narrow = (
            evolves and options.get("precision") != "single" and evolve.is_narrow(native, facts)
        )
        self._active = facts.active
        self._as_given = native is circuit
        if noise is None and self._method == "matrix_product_state" and not facts.saves:
            native = compact(native, facts.order or facts.active)
        elif noise is None and not truncates:
            native = compact(native, facts.active)
        self._circuit = native
        self._saves = facts.saves
        self._measures = facts.measured
        self._device = device
        in_order = options.get("memory") or (facts.saves and saves.each_shot(native))
        self._memory = bool(in_order) and facts.measured
        self._branches = noise is not None and choice.sampling != "once"
        self._branches &= facts.width > FEW_QUBITS and not facts.saves
        self._threads = threads_for(facts.width) or host.cores()
        self._settings: dict[str, Any] = {
            "max_parallel_threads": threads_for(facts.width),
            "enable_truncation": truncates,
        }
        if noise is not None:
            self._settings["noise_model"] = noise
            self._settings["shot_branching_enable"] = self._branches
            self._settings["shot_branching_sampling_enable"] = self._branches
        if "precision" in options:
            self._settings["precision"] = options["precision"]
        self._evolves = evolves

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
        ids = list(dict.fromkeys(task.circuit_id for task in tasks))
        program = of_circuits([circuits[name] for name in ids], self._active)
        found = evolve.evolved(program, self._circuit, self._active, self._threads)
        of = dict(zip(ids, found, strict=True))
        for task in tasks:
            yield self._drawn(of[task.circuit_id], _NUMPY, task)

    def run_tasks(self, tasks: Sequence[Task]) -> Iterator[list[Outcome]]:
        """Draw the blocks of several tasks, at the values that each has for the parameters.

        Yields:
            One outcome for each block of a task, task by task.

        Raises:
            CircuitRejected: an expression that Aer does not know.
            JobFailed: Aer reported a failure.
        """
        if self._evolves:
            points = list(dict.fromkeys(task.parameters for task in tasks))
            evolved = dict(zip(points, self._evolved(points), strict=True))
            for task in tasks:
                experiment, probabilities = evolved[task.parameters]
                yield self._drawn(probabilities, experiment, task)
            return
        for task in tasks:
            circuit = self._bound(self._circuit, task.parameters)
            yield [self._sampled(circuit, block.shots, block.seed) for block in task.blocks]

    def _evolved(
        self, points: Sequence[tuple[float, ...]]
    ) -> Iterator[tuple[Experiment, Probabilities]]:
        """The distribution at each point, of many points at once."""
        if self._narrow:
            program = of_points(self._circuit, self._active, self._parameters, points)
            found = evolve.evolved(program, self._circuit, self._active, self._threads)
            yield from zip(repeat(_NUMPY), found)
            return
        from qiskit_aer.library import SaveProbabilities

        qubits, places = evolve.measured_places(self._circuit)
        bare = evolve.without_measurements(self._circuit)
        bare.append(SaveProbabilities(len(qubits)), qubits)
        bare.global_phase = 0  # of no matter, and Aer binds none
        together = max(1, 1 << evolve.MOST_MEASURED >> len(qubits))
        for start in range(0, len(points), together):
            for experiment in self._aer_at(bare, points[start : start + together]):
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
        self, probabilities: Probabilities, experiment: Experiment, task: Task
    ) -> list[Outcome]:
        """One outcome for each block of a task."""
        outcomes = []
        for block in task.blocks:
            counts = probabilities.draw(block.shots, block.seed)
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
        metadata = {"device": experiment.device, "versions": _versions(), **self._provenance}
        return Outcome(counts, memory, data, experiment.method, metadata)


def _laid_out(active: Sequence[int], layout: Sequence[int] | None) -> dict[str, Any]:
    """Which physical qubits a transpiled circuit uses, and where each of its qubits went."""
    found: dict[str, Any] = {"physical_qubits": list(active)}
    if layout is not None:
        found["layout"] = list(layout)
    return found


def _simulator(method: str, device: str) -> AerSimulator:
    """One simulator for each thread, method and device; making one takes milliseconds."""
    from qiskit_aer import AerSimulator

    cache: dict[tuple[str, str], AerSimulator] = _local.__dict__.setdefault("simulators", {})
    if (method, device) not in cache:
        cache[method, device] = AerSimulator(method=method, device=device)
    return cache[method, device]


@cache
def _versions() -> dict[str, str]:
    import qiskit
    import qiskit_aer

    from qcos_aer import __version__

    return {
        "qcos-aer": __version__,
        "qiskit-aer": qiskit_aer.__version__,
        "qiskit": qiskit.__version__,
    }

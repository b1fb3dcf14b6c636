"""Run circuits on Aer, block by block, into packed counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_aer import evolve
from qcos_aer.estimates import FEW_QUBITS, choose, threads_for
from qcos_aer.likeness import as_on
from qcos_aer.unroll import basis_of, noisy_basis, unrolled
from qcos_core import CircuitRejected, JobFailed, PackedCounts, Task, TaskResult
from qcos_core.circuits.compact import compact
from qcos_core.circuits.profile import profile

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

_JUMPING = frozenset({"for_loop", "if_else", "switch_case", "while_loop"})
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of one block.

    Attributes:
        counts: the counts.
        method: the method that ran.
        metadata: device and versions.
    """

    counts: PackedCounts
    method: str
    metadata: Mapping[str, Any]


def run_task(task: Task, circuit: QuantumCircuit, *, method: str, device: str) -> TaskResult:
    """Run every block of a task with its own seed and add up the counts.

    Args:
        task: the task; its method, if the plan chose one, overrides ``method``.
        circuit: the task's circuit.
        method: the provider's method.
        device: an Aer device.

    Raises:
        CircuitRejected: an operation that Aer does not have.
        JobFailed: Aer reported a failure.
    """
    began = time.perf_counter()
    if task.method != "automatic":
        method = task.method
    sampler = Sampler(circuit, task.shots, method=method, device=device, options=task.options)
    outcomes = [sampler.run(block.shots, block.seed) for block in task.blocks]
    return TaskResult(
        task.id,
        PackedCounts.merge([outcome.counts for outcome in outcomes]),
        simulated=True,
        method=outcomes[0].method,
        exact=True,
        seconds=time.perf_counter() - began,
        metadata=outcomes[0].metadata,
    )


class Sampler:
    """Draws shots from one circuit, in the way that is fastest for it.

    Args:
        circuit: any circuit with measurements.
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
        noise = options.get("noise_model")
        self._likeness: Mapping[str, Any] = {}
        if "like" in options:
            likeness = as_on(circuit, options["like"], options)
            circuit, noise = likeness.circuit, likeness.noise_model
            options = {**options, "optimization_level": 0}
            qubits = list(likeness.physical_qubits)
            self._likeness = {"like": likeness.device, "physical_qubits": qubits}
        choice = choose(profile(circuit), shots, method, noisy=noise is not None)
        self._method = choice.method
        if noise is None:
            basis = basis_of(self._method)
        else:
            level = options.get("optimization_level", 0)
            basis = noisy_basis(self._method, noise, level, options.get("seed_transpiler", 0))
        native = unrolled(circuit, basis)
        facts = profile(native)
        # Aer leaves out what no measurement depends on, and in doing so may lose where a jump
        # ends. A noise model names qubits by their numbers, so its circuits keep all of them.
        self._truncates = noise is not None or _JUMPING.isdisjoint(facts.operations)
        self._circuit = native if self._truncates else compact(native, facts.active)
        self._device = device
        self._settings: dict[str, Any] = {
            "max_parallel_threads": threads_for(facts.width),
            "enable_truncation": self._truncates,
        }
        if noise is not None:
            self._settings["noise_model"] = noise
            branches = choice.sampling != "once" and facts.width > FEW_QUBITS
            self._settings["shot_branching_enable"] = branches
            self._settings["shot_branching_sampling_enable"] = branches
        if "precision" in options:
            self._settings["precision"] = options["precision"]
        self._evolves = noise is None and evolve.applies(self._circuit, facts, self._method, device)

    def run(self, shots: int, seed: int | None) -> Outcome:
        """Draw shots.

        Raises:
            CircuitRejected: an expression that Aer does not know.
            JobFailed: Aer reported a failure.
        """
        return self._evolve(shots, seed) if self._evolves else self._sample(shots, seed)

    def _evolve(self, shots: int, seed: int | None) -> Outcome:
        from qiskit_aer.library import SaveProbabilities

        qubits, places = evolve.measured_places(self._circuit)
        bare = evolve.without_measurements(self._circuit)
        bare.append(SaveProbabilities(len(qubits)), qubits)
        experiment = self._aer(bare, 1, None, "statevector")
        probabilities = experiment.data.probabilities
        width = self._circuit.num_clbits
        counts = evolve.draw(probabilities, places, width, shots, seed)
        return self._outcome(counts, experiment)

    def _sample(self, shots: int, seed: int | None) -> Outcome:
        experiment = self._aer(self._circuit, shots, seed, self._method)
        counts = {int(key, 16): number for key, number in experiment.data.counts.items()}
        packed = PackedCounts.from_ints(counts, self._circuit.num_clbits)
        return self._outcome(packed, experiment)

    def _aer(self, circuit: QuantumCircuit, shots: int, seed: int | None, method: str) -> Any:
        from qiskit_aer import AerError

        simulator = _simulator(method, self._device)
        try:
            result = simulator.run(
                circuit,
                shots=shots,
                seed_simulator=seed,
                **self._settings,
            ).result()
        except AerError as error:  # what it finds before it runs: an expression it does not know
            message = f"Aer cannot run {circuit.name}: {error.message.rstrip('.')}."
            raise CircuitRejected(message) from None
        experiment = result.results[0] if result.results else None
        if not result.success or experiment is None:
            status = getattr(experiment, "status", "") or result.status
            message = f"Aer failed: {status.strip().rstrip('.')}."
            raise JobFailed(message)
        return experiment

    def _outcome(self, counts: PackedCounts, experiment: Any) -> Outcome:
        facts = experiment.metadata or {}
        metadata = {
            "device": facts.get("device", self._device),
            "versions": _versions(),
            **self._likeness,
        }
        return Outcome(counts, str(facts.get("method", self._method)), metadata)


def _simulator(method: str, device: str) -> AerSimulator:
    """One simulator for each thread, method and device; making one takes milliseconds."""
    from qiskit_aer import AerSimulator

    cache: dict[tuple[str, str], AerSimulator] = _local.__dict__.setdefault("simulators", {})
    if (method, device) not in cache:
        cache[method, device] = AerSimulator(method=method, device=device)
    return cache[method, device]


def _versions() -> dict[str, str]:
    import qiskit
    import qiskit_aer

    from qcos_aer import __version__

    return {
        "qcos-aer": __version__,
        "qiskit-aer": qiskit_aer.__version__,
        "qiskit": qiskit.__version__,
    }

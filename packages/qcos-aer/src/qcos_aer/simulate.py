"""Run circuits on Aer, block by block, into packed counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_aer import evolve
from qcos_aer.estimates import threads_for
from qcos_aer.unroll import unrolled
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

    Raises:
        CircuitRejected: an operation that Aer does not have.
        JobFailed: Aer reported a failure.
    """
    began = time.perf_counter()
    sampler = Sampler(circuit, method=method, device=device)
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
        method: an Aer method.
        device: an Aer device.

    Raises:
        CircuitRejected: an operation that Aer does not have.
    """

    def __init__(self, circuit: QuantumCircuit, *, method: str, device: str) -> None:
        native = unrolled(circuit, method)
        facts = profile(native)
        # Aer leaves out what no measurement depends on, and in doing so may lose where a jump ends
        self._truncates = _JUMPING.isdisjoint(facts.operations)
        self._circuit = native if self._truncates else compact(native, facts.active)
        self._method = method
        self._device = device
        self._threads = threads_for(facts.width)
        self._evolves = evolve.applies(self._circuit, facts, method, device)

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
                max_parallel_threads=self._threads,
                enable_truncation=self._truncates,
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
        metadata = {"device": facts.get("device", self._device), "versions": _versions()}
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

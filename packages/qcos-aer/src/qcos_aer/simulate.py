"""Run circuits on Aer, block by block, into packed counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_aer.estimates import threads_for
from qcos_aer.unroll import unrolled
from qcos_core import JobFailed, PackedCounts, Task, TaskResult

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Aer returned for one block.

    Attributes:
        counts: outcome, as an integer whose bit *i* is classical bit *i*, to shots.
        method: the method that ran.
        metadata: device and versions.
    """

    counts: Mapping[int, int]
    method: str
    metadata: Mapping[str, Any]


def run_blocks(task: Task, circuit: QuantumCircuit, *, method: str, device: str) -> TaskResult:
    """Run every block of a task with its own seed and add up the counts.

    Raises:
        CircuitRejected: an operation that Aer does not have.
        JobFailed: Aer reported a failure.
    """
    began = time.perf_counter()
    native = unrolled(circuit)
    outcomes = [
        run_block(native, block.shots, block.seed, method=method, device=device)
        for block in task.blocks
    ]
    width = native.num_clbits
    counts = PackedCounts.merge([PackedCounts.from_ints(o.counts, width) for o in outcomes])
    return TaskResult(
        task.id,
        counts,
        simulated=True,
        method=outcomes[0].method,
        exact=True,
        seconds=time.perf_counter() - began,
        metadata=outcomes[0].metadata,
    )


def run_block(
    circuit: QuantumCircuit, shots: int, seed: int | None, *, method: str, device: str
) -> Outcome:
    """Run a circuit that has only Aer's own operations.

    Raises:
        JobFailed: Aer reported a failure.
    """
    simulator = _simulator(method, device)
    job = simulator.run(
        circuit,
        shots=shots,
        seed_simulator=seed,
        max_parallel_threads=threads_for(circuit.num_qubits),
    )
    result = job.result()
    experiment = result.results[0] if result.results else None
    if not result.success or experiment is None:
        status = getattr(experiment, "status", "") or result.status
        message = f"Aer failed: {status}."
        raise JobFailed(message)
    counts = {int(key, 16): number for key, number in experiment.data.counts.items()}
    facts = experiment.metadata or {}
    metadata = {"device": facts.get("device", device), "versions": _versions()}
    return Outcome(counts, str(facts.get("method", method)), metadata)


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

"""Runs on local_cpu beside Aer used directly, set as well as a person would set it."""

import numpy as np
from measure import Comparison, compare, wall
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit_aer import AerSimulator

from qcos_core import ClusterBuilder, DistributedQVM


def ansatz(qubits: int, number: int) -> list[QuantumCircuit]:
    """Circuits of one structure, each with new parameter values."""
    circuit = QuantumCircuit(qubits)
    circuit.compose(efficient_su2(qubits, reps=2, entanglement="linear"), inplace=True)
    circuit.measure_all()
    rng = np.random.default_rng(0)
    return [
        circuit.assign_parameters(rng.uniform(0, 2 * np.pi, circuit.num_parameters))
        for _ in range(number)
    ]


def runs(name: str, qubits: int, shots: int, *, goal: float, pairs: int) -> Comparison:
    """One circuit, counts as a dictionary, warm, planning included."""
    simulator = AerSimulator(max_parallel_threads=1 if qubits <= 10 else 0)
    circuits = ansatz(qubits, pairs)
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
        return compare(
            name,
            "AerSimulator, threads set by hand, no transpile",
            lambda i: wall(lambda: qvm.run(circuits[i], shots, seed=i).counts),
            lambda i: wall(
                lambda: (
                    simulator.run(circuits[i], shots=shots, seed_simulator=i).result().get_counts()
                )
            ),
            goal=goal,
            pairs=pairs,
        )


def sweep(name: str, qubits: int, *, points: int, pairs: int) -> Comparison:
    """One circuit at many points, counts as dictionaries, warm, planning included.

    The peer binds the parameters itself and runs two points at a time, its best setting here.
    """
    circuit = QuantumCircuit(qubits)
    circuit.compose(efficient_su2(qubits, reps=2, entanglement="linear"), inplace=True)
    circuit.measure_all()
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 2 * np.pi, (pairs, points, circuit.num_parameters))
    simulator = AerSimulator(max_parallel_experiments=2)

    def directly(index: int) -> list[dict[str, int]]:
        binds = dict(zip(circuit.parameters, values[index].T.tolist(), strict=True))
        job = simulator.run(circuit, shots=1024, parameter_binds=[binds], seed_simulator=index)
        counts: list[dict[str, int]] = job.result().get_counts()
        return counts

    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
        return compare(
            name,
            "AerSimulator, parameter_binds, two experiments at a time",
            lambda i: wall(lambda: qvm.run((circuit, values[i]), 1024, seed=i).counts),
            lambda i: wall(lambda: directly(i)),
            goal=1.10,
            pairs=pairs,
        )


def benchmarks() -> list[Comparison]:
    """All comparisons of this module."""
    return [
        runs("5 qubits, 1,024 shots", 5, 1024, goal=1.10, pairs=200),
        runs("5 qubits, 1,000,000 shots", 5, 10**6, goal=1.10, pairs=10),
        runs("12 qubits, 1,000 shots", 12, 1000, goal=1.10, pairs=40),
        runs("20 qubits, 1,000 shots", 20, 1000, goal=1.10, pairs=10),
        sweep("5 qubits, sweep of 50 points", 5, points=50, pairs=20),
        sweep("12 qubits, sweep of 50 points", 12, points=50, pairs=10),
    ]

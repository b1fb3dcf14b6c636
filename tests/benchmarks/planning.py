"""What planning wins, and what it costs."""

from collections.abc import Sequence

import numpy as np
from measure import Comparison, compare, wall
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit_aer import AerSimulator

from qcos_core import ClusterBuilder, DistributedQVM

SHOTS = 1024
PLAN_S = 1e-3
WIDE_PLAN_S = 0.1


def su2(qubits: int, seed: int) -> QuantumCircuit:
    """An ansatz of three layers, with values."""
    circuit = efficient_su2(qubits, reps=3, entanglement="linear")
    values = np.random.default_rng(seed).uniform(0, 2 * np.pi, circuit.num_parameters)
    return circuit.assign_parameters(values)


def disjoint(blocks: Sequence[QuantumCircuit]) -> QuantumCircuit:
    """Circuits side by side in one, all of it measured."""
    width = sum(block.num_qubits for block in blocks)
    circuit, start = QuantumCircuit(width, width), 0
    for block in blocks:
        circuit.compose(block, range(start, start + block.num_qubits), inplace=True)
        start += block.num_qubits
    circuit.measure(range(width), range(width))
    return circuit


def measured(block: QuantumCircuit) -> QuantumCircuit:
    """The same circuit, measured."""
    circuit = block.copy()
    circuit.measure_all()
    return circuit


def apart(name: str, qubits: Sequence[int], *, goal: float, pairs: int) -> Comparison:
    """Disjoint blocks in one circuit, beside the blocks as circuits by hand."""
    blocks = [su2(width, seed) for seed, width in enumerate(qubits)]
    whole, singles = disjoint(blocks), [measured(block) for block in blocks]
    simulator = AerSimulator()

    def by_hand(seed: int) -> list[dict[str, int]]:
        return [
            simulator.run(one, shots=SHOTS, seed_simulator=seed).result().get_counts()
            for one in singles
        ]

    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
        return compare(
            name,
            "AerSimulator on each block by hand, no transpile, their shots not joined",
            lambda i: wall(lambda: qvm.run(whole, SHOTS, seed=i).counts),
            lambda i: wall(lambda: by_hand(i)),
            goal=goal,
            pairs=pairs,
        )


def against_automatic(name: str, qubits: Sequence[int], *, goal: float, pairs: int) -> Comparison:
    """Disjoint blocks in one circuit, beside Aer's own choice for the whole."""
    whole = disjoint([su2(width, seed) for seed, width in enumerate(qubits)])
    simulator = AerSimulator()
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
        return compare(
            name,
            "AerSimulator(method='automatic') on the whole, no transpile",
            lambda i: wall(lambda: qvm.run(whole, SHOTS, seed=i).counts),
            lambda i: wall(
                lambda: simulator.run(whole, shots=SHOTS, seed_simulator=i).result().get_counts()
            ),
            goal=goal,
            pairs=pairs,
        )


def plans(
    name: str, provider: str, qubits: int, gates: int, *, most: float, pairs: int
) -> Comparison:
    """A plan, warm, beside the time that it may take."""
    rng = np.random.default_rng(0)
    circuit = QuantumCircuit(qubits, qubits)
    for angle in rng.uniform(0, 6, gates // 2):
        one, other = rng.choice(qubits, 2, replace=False)
        circuit.rz(angle, one)
        circuit.cx(one, other)
    circuit.measure(range(qubits), range(qubits))
    with DistributedQVM(ClusterBuilder().add(provider).build()) as qvm:
        return compare(
            name,
            f"{most * 1e3:g} ms",
            lambda i: wall(lambda: qvm.plan(circuit, SHOTS, seed=i)),
            lambda _: most,
            goal=1.0,
            pairs=pairs,
        )


def benchmarks() -> list[Comparison]:
    """All of them."""
    return [
        plans("plan, 20 qubits, 200 gates", "local_cpu", 20, 200, most=PLAN_S, pairs=100),
        plans(
            "plan, 1,000 qubits, 20,000 gates",
            "local_gpu_mps",
            1000,
            20_000,
            most=WIDE_PLAN_S,
            pairs=10,
        ),
        apart("2 x 13 qubits, by hand", [13, 13], goal=1.10, pairs=30),
        apart("4 x 20 qubits, by hand", [20] * 4, goal=1.10, pairs=7),
        against_automatic("2 x 13 qubits, automatic", [13, 13], goal=1 / 300, pairs=3),
    ]

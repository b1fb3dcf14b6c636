"""How shots are made: beside Aer's automatic choice, and beside the best that is set by hand."""

from collections.abc import Callable, Sequence

import numpy as np
from agreement import Drawn, compare_drawing
from measure import Comparison
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import efficient_su2
from qiskit.circuit.random import random_circuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qcos_core import ClusterBuilder, DistributedQVM

AUTOMATIC = "AerSimulator(method='automatic'), no transpile"
BRANCHING = "AerSimulator, shot branching set by hand, no transpile"
_BRANCHING = {"shot_branching_enable": True, "shot_branching_sampling_enable": True}


def ansatz(qubits: int, number: int, *, measured: bool = True) -> list[QuantumCircuit]:
    """Circuits of one structure, each with other angles."""
    template = efficient_su2(qubits, reps=2, entanglement="linear")
    rng = np.random.default_rng(0)
    found = []
    for _ in range(number):
        circuit = template.assign_parameters(rng.uniform(0, 2 * np.pi, template.num_parameters))
        if measured:
            circuit.measure_all()
        found.append(circuit)
    return found


def brick(qubits: int, depth: int, seed: int) -> QuantumCircuit:
    """Layers of rotations and of gates between neighbours."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(qubits)
    for layer in range(depth):
        for qubit in range(qubits):
            circuit.ry(rng.uniform(0, 3), qubit)
            circuit.rz(rng.uniform(0, 3), qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def dynamic(qubits: int, seed: int) -> QuantumCircuit:
    """Four layers, each with a measurement whose outcome decides about a gate."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(qubits, qubits)
    for layer in range(4):
        for qubit in range(qubits):
            circuit.ry(rng.uniform(0, 3), qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
        circuit.measure(layer, layer)
        with circuit.if_test((circuit.clbits[layer], 1)):
            circuit.x(layer)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def depolarizing() -> NoiseModel:
    """An error in a thousand after a rotation, and in a hundred after a cx."""
    model = NoiseModel()
    rotations = ["rz", "ry", "rx", "sx", "h", "x"]
    model.add_all_qubit_quantum_error(depolarizing_error(0.001, 1), rotations)
    model.add_all_qubit_quantum_error(depolarizing_error(0.01, 2), ["cx", "cz", "rzz"])
    return model


def drawn_by_hand(simulator: AerSimulator, circuit: QuantumCircuit, shots: int) -> np.ndarray:
    """Shots of each outcome, by a multinomial over the probabilities that Aer saves."""
    bare = circuit.remove_final_measurements(inplace=False)
    bare.save_probabilities()
    values = simulator.run(bare, shots=1).result().data(0)["probabilities"]
    return np.random.default_rng().multinomial(shots, values / values.sum())


def as_dictionary(drawn: np.ndarray, qubits: int) -> dict[str, int]:
    """The same with bitstrings for keys."""
    seen = np.flatnonzero(drawn)
    keys = [format(outcome, f"0{qubits}b") for outcome in seen.tolist()]
    return dict(zip(keys, drawn[seen].tolist(), strict=True))


def evolved_once(qvm: DistributedQVM) -> list[Comparison]:
    """Ten million shots of 20 qubits, as a dictionary and packed."""
    qubits, shots, simulator = 20, 10**7, AerSimulator()
    circuits = ansatz(qubits, 7)
    ours = {
        "dict": lambda i: qvm.run(circuits[i], shots, seed=i).counts,
        "packed": lambda i: qvm.run(circuits[i], shots, seed=i).packed,
    }
    by_hand = {
        "dict": lambda i: as_dictionary(drawn_by_hand(simulator, circuits[i], shots), qubits),
        "packed": lambda i: drawn_by_hand(simulator, circuits[i], shots),
    }
    found = []
    for kind, times in (("dict", 20), ("packed", 40)):
        name = f"20 qubits, 1e7 shots, {kind}"
        peer = "AerSimulator, save_probabilities and a multinomial"
        found += [
            compare_drawing(
                name,
                AUTOMATIC,
                ours[kind],
                _aer(circuits, shots),
                qubits=qubits,
                goal=1 / times,
                pairs=3,
                warm=1,
            ),
            compare_drawing(
                name, peer, ours[kind], by_hand[kind], qubits=qubits, goal=1 / 0.9, pairs=7, warm=1
            ),
        ]
    return found


def small(qvm: DistributedQVM) -> list[Comparison]:
    """A small circuit, warm, whose angles change from run to run."""
    shots, pairs = 1024, 200
    circuits = ansatz(5, pairs)
    alone = AerSimulator(max_parallel_threads=1)
    simulator = AerSimulator()

    def transpiled(index: int) -> Drawn:
        ready = transpile(circuits[index], simulator)
        return simulator.run(ready, shots=shots).result().get_counts()

    ours = _ours(qvm, circuits, shots)
    name = "5 qubits, 1,024 shots, warm"
    return [
        compare_drawing(
            name, "transpile, AerSimulator", ours, transpiled, qubits=5, goal=1 / 40, pairs=30
        ),
        compare_drawing(
            name,
            "AerSimulator, one thread, no transpile",
            ours,
            _aer(circuits, shots, alone),
            qubits=5,
            goal=1 / 0.9,
            pairs=pairs,
        ),
    ]


def batch(qvm: DistributedQVM) -> list[Comparison]:
    """A thousand circuits of one structure in a list."""
    shots, number, pairs = 1024, 1000, 5
    template = efficient_su2(5, reps=2, entanglement="linear")
    template.measure_all()
    values = np.random.default_rng(1).uniform(0, 2 * np.pi, (11, template.num_parameters, number))
    lists = [[template.assign_parameters(row) for row in of.T] for of in values[:pairs]]
    simulator = AerSimulator()
    two = AerSimulator(max_parallel_experiments=2)

    def bound(index: int) -> Drawn:
        binds = [dict(zip(template.parameters, values[index].tolist(), strict=True))]
        return two.run(template, shots=shots, parameter_binds=binds).result().get_counts()

    def ours(index: int) -> Drawn:
        return [one.counts for one in qvm.run(lists[index], shots, seed=index)]

    def swept(index: int) -> Drawn:
        return list(qvm.run((template, values[index].T), shots, seed=index).counts)

    name = "1,000 circuits of one structure"
    binds = "AerSimulator, parameter_binds, two at a time"
    return [
        compare_drawing(
            name,
            "AerSimulator, one run([...])",
            ours,
            _aer(lists, shots, simulator),
            qubits=5,
            goal=1 / 12,
            pairs=pairs,
            warm=1,
        ),
        compare_drawing(name, binds, ours, bound, qubits=5, goal=1 / 8, pairs=pairs, warm=1),
        compare_drawing(
            "the same as a sweep", binds, swept, bound, qubits=5, goal=1 / 8, pairs=11, warm=1
        ),
    ]


def branched(qvm: DistributedQVM) -> list[Comparison]:
    """Measurements whose outcomes decide what comes next."""
    shots = 4000
    circuits = [dynamic(10, seed) for seed in range(20)]
    branching = AerSimulator(**_BRANCHING)
    ours = _ours(qvm, circuits, shots)
    name = "10 qubits, 4 measured midway"
    return [
        compare_drawing(
            name, AUTOMATIC, ours, _aer(circuits, shots), qubits=10, goal=1 / 100, pairs=5, warm=1
        ),
        compare_drawing(
            name, BRANCHING, ours, _aer(circuits, shots, branching), qubits=10, goal=1 / 8, pairs=20
        ),
    ]


def noisy(qvm: DistributedQVM) -> list[Comparison]:
    """Depolarizing noise after every gate."""
    shots, model = 1000, depolarizing()
    circuits = ansatz(14, 10)
    automatic = AerSimulator(noise_model=model)
    branching = AerSimulator(noise_model=model, **_BRANCHING)
    ours = _ours(qvm, circuits, shots, options={"noise_model": model})
    name = "14 qubits with noise, 1,000 shots"
    return [
        compare_drawing(
            name,
            AUTOMATIC,
            ours,
            _aer(circuits, shots, automatic),
            qubits=14,
            goal=1 / 12,
            pairs=3,
            warm=1,
        ),
        compare_drawing(
            name,
            BRANCHING,
            ours,
            _aer(circuits, shots, branching),
            qubits=14,
            goal=1 / 1.8,
            pairs=10,
            warm=1,
        ),
    ]


def without_structure(qvm: DistributedQVM) -> list[Comparison]:
    """Circuits that nothing helps with must not suffer."""
    goal, shots = 1 / 0.9, 1000
    wide = [brick(22, 12, seed) for seed in range(5)]
    rows = [("brick, 22 qubits, 12 layers", wide, 5)]
    for seed, qubits in enumerate((4, 8, 12, 16, 18)):
        one = random_circuit(qubits, 20, max_operands=2, measure=True, seed=seed)
        ready = transpile(one, AerSimulator(), optimization_level=0)
        rows.append((f"random circuit, {qubits} qubits", [ready] * 15, 15))
    found = []
    for name, circuits, pairs in rows:
        narrow = circuits[0].num_qubits <= 10
        by_hand = AerSimulator(max_parallel_threads=1 if narrow else 0)
        peer = "AerSimulator, threads set by hand, no transpile"
        ours, theirs = _ours(qvm, circuits, shots), _aer(circuits, shots, by_hand)
        qubits = circuits[0].num_qubits
        found.append(
            compare_drawing(name, peer, ours, theirs, qubits=qubits, goal=goal, pairs=pairs, warm=2)
        )
    return found


def _ours(
    qvm: DistributedQVM, circuits: Sequence[QuantumCircuit], shots: int, **arguments: object
) -> Callable[[int], Drawn]:
    return lambda i: qvm.run(circuits[i], shots, seed=i, **arguments).counts


def _aer(
    circuits: Sequence[object], shots: int, simulator: AerSimulator | None = None
) -> Callable[[int], Drawn]:
    runs = (simulator or AerSimulator()).run
    return lambda i: runs(circuits[i], shots=shots).result().get_counts()


PARTS = (small, batch, branched, noisy, evolved_once, without_structure)


def benchmarks() -> list[Comparison]:
    """All comparisons of this module."""
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
        return [row for part in PARTS for row in part(qvm)]

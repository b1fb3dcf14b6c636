"""Outcomes shot by shot, as Aer made them, on any number of nodes."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error

from qcos_core import ClusterBuilder, DistributedQVM, NoCapableNode

MEMORY = {"memory": True}


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as machine:
        yield machine


def registers():
    circuit = QuantumCircuit(
        QuantumRegister(3, "q"), ClassicalRegister(2, "a"), ClassicalRegister(2, "b")
    )
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.ry(0.8, 2)
    circuit.measure([0, 1, 2], [3, 0, 1])
    return circuit


def dynamic():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.ry(1.0, 1)
    circuit.measure(1, 1)
    return circuit


def ghz(width):
    circuit = QuantumCircuit(width)
    circuit.h(0)
    for qubit in range(width - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize(
    "circuit", [registers(), dynamic(), ghz(12), ghz(70)], ids=["registers", "dynamic", "12", "70"]
)
def test_memory_adds_up_to_the_counts(circuit):
    options = MEMORY if circuit.num_qubits < 30 else {**MEMORY, "method": "stabilizer"}
    builder = ClusterBuilder().add("local_gpu_mps" if circuit.num_qubits > 30 else "local_cpu")
    with DistributedQVM(builder.build()) as machine:
        result = machine.run(circuit, 3000, seed=1, options=options)
        without = machine.run(circuit, 3000, seed=1, options={**options, "memory": False})
    assert {key: result.memory.count(key) for key in set(result.memory)} == result.counts
    assert without.counts == result.counts
    assert without.packed_shots is None


def test_keys_are_those_of_qiskit_s_get_memory(qvm):
    memory = qvm.run(registers(), 200, seed=1, options=MEMORY).memory
    aer = AerSimulator().run(registers(), shots=200, memory=True).result().get_memory()
    assert set(memory) == set(aer)


@pytest.mark.parametrize("nodes", [2, 7])
def test_same_memory_on_any_number_of_nodes(qvm, nodes):
    """Blocks are put in order, whichever node they ran on."""
    by_aer = MEMORY | {"method": "density_matrix"}  # which makes each shot by itself
    options = {"seed": 3, "options": by_aer, "strategy": "shots"}
    one = qvm.run(dynamic(), 40_000, **options)
    with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=nodes).build()) as fleet:
        other = fleet.run(dynamic(), 40_000, **options)
    assert len(other.shards) == nodes
    assert other.memory == one.memory
    assert other.counts == one.counts


def neighbours_alike(memory):
    """Correlation of neighbouring shots, by whether both ends of the register agree."""
    agree = np.array([len(set(key)) == 1 for key in memory], dtype=float)
    return np.corrcoef(agree[:-1], agree[1:])[0, 1]


damping = amplitude_damping_error(0.02)


@pytest.mark.parametrize(
    "error, method",
    [
        (depolarizing_error(0.05, 2), "statevector (error patterns)"),
        (damping.tensor(damping), "statevector"),
    ],
    ids=["drawn by QCOS", "by Aer"],
)
def test_shots_that_share_a_branch_are_not_side_by_side(qvm, error, method):
    """Aer returns them so: its neighbours are alike with a correlation of 0.5 and more here."""
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(error, ["cx"])
    result = qvm.run(ghz(12), 4000, seed=1, options={**MEMORY, "noise_model": noise})
    assert result.shards[0].method == method
    assert abs(neighbours_alike(result.memory)) < 6 / 4000**0.5
    branching = {"shot_branching_enable": True, "shot_branching_sampling_enable": True}
    simulator = AerSimulator(method="statevector", noise_model=noise, **branching)
    aer = simulator.run(ghz(12), shots=4000, memory=True, seed_simulator=1).result().get_memory()
    assert neighbours_alike(aer) > 0.5


def test_more_shots_than_can_be_kept(qvm):
    with pytest.raises(NoCapableNode, match="memory keeps 10,000,000 shots at most"):
        qvm.run(registers(), 10**7 + 1, options=MEMORY)


def test_memory_is_true_or_false(qvm):
    with pytest.raises(NoCapableNode, match="memory must be True or False, not 1"):
        qvm.run(registers(), options={"memory": 1})

"""Matrix product states run on the order of the circuit's profile, and counts are the same."""

import itertools
import random

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, Statevector
from qiskit_aer import AerSimulator

from qcos_core import ClusterBuilder, DistributedQVM
from qcos_core.circuits.profile import profile
from qcos_core.qvm.agreement import disagreements


def scrambled(qubits=22, seed=1):
    """Entangled neighbours on a line that the numbers of the qubits hide; bits are hidden too."""
    chance = random.Random(seed)
    line, bits = list(range(qubits)), list(range(qubits))
    chance.shuffle(line)
    chance.shuffle(bits)
    circuit = QuantumCircuit(qubits, qubits)
    for layer in range(2):
        for place, qubit in enumerate(line):
            circuit.ry(0.1 + 0.13 * place + layer, qubit)
        for one, other in itertools.pairwise(line):
            circuit.cx(one, other)
    circuit.measure(line, bits)
    return circuit


@pytest.fixture
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_gpu_mps").build()) as made:
        yield made


def test_counts_are_those_of_a_state_vector(qvm):
    circuit = scrambled()
    assert profile(circuit).order != tuple(range(22))
    ours = qvm.run(circuit, 4000, seed=1)
    assert ours.shards[0].method == "matrix_product_state"
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as other:
        theirs = other.run(circuit, 4000, seed=2)
    assert not disagreements({"ours": ours.packed, "theirs": theirs.packed})


def test_control_flow_on_another_order(qvm):
    circuit = scrambled()
    with circuit.if_test((circuit.clbits[5], True)):
        circuit.x(7)
    circuit.measure(7, 0)
    ours = qvm.run(circuit, 300, seed=1)
    simulator = AerSimulator(method="matrix_product_state")
    theirs = simulator.run(circuit, shots=300, seed_simulator=2).result().get_counts()
    for bit in (0, 5, 21):
        one, two = (
            sum(number for key, number in counts.items() if key[::-1][bit] == "1")
            for counts in (ours.counts, theirs)
        )
        assert abs(one - two) < 100


def test_what_is_saved_keeps_the_order_of_the_circuit(qvm):
    circuit = scrambled()
    circuit.remove_final_measurements()
    zero, one = Statevector(circuit).probabilities([3])
    circuit.save_expectation_value(Pauli("Z"), [3])
    assert qvm.run(circuit, 1).data["expectation_value"] == pytest.approx(zero - one)

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import GlobalPhaseGate, QFTGate
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Statevector

from qcos_core import CircuitRejected, ClusterBuilder, DistributedQVM, InvalidArguments
from qcos_core.circuits.numpy_simulator import sample
from qcos_core.providers import host
from qcos_core.providers.local_numpy import MAX_QUBITS


def run(circuit, shots=1000, seed=5):
    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as qvm:
        return qvm.run(circuit, shots, seed=seed).counts


def far(counts, probabilities):
    """The largest distance of a count from its expectation, in standard deviations."""
    shots = sum(counts.values())
    keys = {*counts, *(key for key, p in probabilities.items() if p > 1e-12)}
    return max(
        abs(counts.get(key, 0) - shots * probabilities.get(key, 0))
        / max(1e-9, shots * (p := probabilities.get(key, 0)) * (1 - p)) ** 0.5
        for key in keys
    )


def test_samples_the_distribution_that_qiskit_computes():
    @settings(max_examples=25)
    @given(st.integers(1, 5), st.integers(0, 10**6))
    def check(width, seed):
        circuit = random_circuit(width, 4, seed=seed)
        expected = Statevector(circuit).probabilities_dict(decimals=13)
        circuit.measure_all()
        assert far(sample(circuit, 10**6, seed), expected) < 6

    check()


def test_bit_order_is_qiskit_s():
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.measure([0, 1, 2], [2, 0, 1])
    assert run(circuit) == {"100": 1000}


def test_registers_unmeasured_bits_and_idle_wires():
    circuit = QuantumCircuit(
        QuantumRegister(15, "q"), ClassicalRegister(2, "a"), ClassicalRegister(3, "b")
    )
    circuit.x(14)
    circuit.measure(14, 1)
    circuit.measure(3, 2)
    assert run(circuit) == {"000 10": 1000}


def test_last_measurement_of_a_bit_counts():
    circuit = QuantumCircuit(2, 1)
    circuit.x(0)
    circuit.measure([0, 1], [0, 0])
    assert run(circuit) == {"0": 1000}


def test_teleportation():
    circuit = QuantumCircuit(3, 3)
    circuit.ry(1.2, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((1, True)):
        circuit.x(2)
    with circuit.if_test((0, True)):
        circuit.z(2)
    circuit.ry(-1.2, 2)
    circuit.measure(2, 2)
    counts = run(circuit)
    assert sum(counts.values()) == 1000
    assert {key[0] for key in counts} == {"0"}


def test_condition_on_a_register_and_else():
    a, b = ClassicalRegister(2, "a"), ClassicalRegister(1, "b")
    circuit = QuantumCircuit(QuantumRegister(3, "q"), a, b)
    circuit.h(0)
    circuit.x(1)
    circuit.measure([0, 1], a)
    with circuit.if_test((a, 3)) as otherwise:
        circuit.x(2)
    with otherwise, circuit.if_test((a[1], True)):
        circuit.id(2)
    circuit.measure(2, b)
    assert set(run(circuit)) == {"0 10", "1 11"}


def test_reset():
    circuit = QuantumCircuit(1, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.reset(0)
    circuit.measure(0, 1)
    assert set(run(circuit)) == {"00", "01"}


def test_instruction_that_measures_inside():
    inner = QuantumCircuit(1, 1, name="inner")
    inner.measure(0, 0)
    circuit = QuantumCircuit(2, 2)
    circuit.x(1)
    circuit.append(inner.to_instruction(), [1], [1])
    circuit.x(1)
    circuit.measure(1, 0)
    assert run(circuit) == {"10": 1000}


def test_gates_of_the_library_and_phases():
    circuit = QuantumCircuit(3, global_phase=0.3)
    circuit.append(QFTGate(3), [0, 1, 2])
    circuit.append(GlobalPhaseGate(0.7), [])
    circuit.append(QFTGate(3).inverse(), [0, 1, 2])
    circuit.measure_all()
    assert run(circuit) == {"000": 1000}


def test_gate_that_took_the_name_of_the_identity():
    flip = QuantumCircuit(1, name="id")
    flip.x(0)
    circuit = QuantumCircuit(1, 1)
    circuit.append(flip.to_gate(), [0])
    circuit.measure(0, 0)
    assert run(circuit) == {"1": 1000}


def test_initialize():
    circuit = QuantumCircuit(3)
    circuit.initialize([0, 0.6, 0, 0.8], [0, 2])
    circuit.measure_all()
    counts = run(circuit, 10**5)
    assert far(counts, {"001": 0.36, "101": 0.64}) < 6


@pytest.mark.parametrize("shots", [1, 7, 10**12])
def test_exactly_the_shots_asked_for(shots):
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure(0, 0)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    counts = sample(circuit, shots, 1)
    assert sum(counts.values()) == shots
    assert all(type(number) is int for number in counts.values())


def test_same_seed_same_counts(bell):
    assert run(bell, seed=1) == run(bell, seed=1)
    assert len({tuple(run(bell, seed=seed).values()) for seed in range(5)}) > 1


def test_seeds_that_are_not_given_differ(bell):
    assert len({tuple(sample(bell, 10**6).values()) for _ in range(5)}) > 1


def loop(circuit):
    with circuit.for_loop(range(2)):
        circuit.x(0)


def switch(circuit):
    with circuit.switch(0) as case, case(0):
        circuit.x(0)


def loop_in_a_branch(circuit):
    with circuit.if_test((0, True)), circuit.while_loop((0, True)):
        circuit.measure(0, 0)


@pytest.mark.parametrize(
    "add, name", [(loop, "for_loop"), (switch, "switch_case"), (loop_in_a_branch, "while_loop")]
)
def test_what_it_does_not_do_is_refused_by_name(add, name):
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    add(circuit)
    with pytest.raises(CircuitRejected, match=name):
        sample(circuit, 10)


def test_initialize_forgets_what_a_qubit_was():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.initialize([0, 1], 0)
    circuit.measure([0, 1], [0, 1])
    assert sample(circuit, 100).keys() == {"01", "11"}


def test_box_is_opened():
    circuit = QuantumCircuit(1, 1)
    with circuit.box():
        circuit.x(0)
    circuit.measure(0, 0)
    assert sample(circuit, 10) == {"1": 10}


def test_width_is_what_fits_the_memory(monkeypatch):
    monkeypatch.setattr(host, "memory_bytes", lambda: 2 * 16 << 10)
    (spec,) = ClusterBuilder().add("local_numpy").build()
    assert spec.max_qubits == 10
    assert f"lowered from {MAX_QUBITS} to 10" in spec.metadata["note"]
    (spec,) = ClusterBuilder().add("local_numpy", max_qubits=9).build()
    assert spec.max_qubits == 9
    assert "note" not in spec.metadata


@pytest.mark.parametrize(
    "kwargs",
    [{"n_nodes": 0}, {"n_nodes": -1}, {"n_nodes": "2"}, {"n_nodes": True}, {"max_qubits": 1.5}],
)
def test_wrong_arguments_are_named(kwargs):
    with pytest.raises(InvalidArguments, match=f"{next(iter(kwargs))} must be"):
        ClusterBuilder().add("local_numpy", **kwargs).build()


def test_far_finds_a_wrong_distribution():
    rng = np.random.default_rng(1)
    ones = int(rng.binomial(10**6, 0.51))
    assert far({"0": 10**6 - ones, "1": ones}, {"0": 0.5, "1": 0.5}) > 6
    assert far({"0": 10**6 - 1, "1": 1}, {"0": 1.0}) > 6

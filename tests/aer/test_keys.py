"""The keys of counts are those of ``AerSimulator.run(...).result().get_counts()``."""

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit, Qubit


def several_registers():
    circuit = QuantumCircuit(
        QuantumRegister(4), ClassicalRegister(1, "a"), ClassicalRegister(3, "b")
    )
    circuit.h(0)
    circuit.cx(0, 3)
    circuit.measure(range(4), range(4))
    return circuit


def zero_size_register():
    circuit = QuantumCircuit(
        QuantumRegister(2), ClassicalRegister(0, "none"), ClassicalRegister(2, "c")
    )
    circuit.h(1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def zero_size_register_last():
    circuit = QuantumCircuit(
        QuantumRegister(1), ClassicalRegister(1, "c"), ClassicalRegister(0, "none")
    )
    circuit.x(0)
    circuit.measure(0, 0)
    return circuit


def aliased_registers():
    whole = ClassicalRegister(3, "whole")
    circuit = QuantumCircuit(QuantumRegister(3), whole)
    circuit.add_register(ClassicalRegister(name="ends", bits=[whole[0], whole[2]]))
    circuit.x(2)
    circuit.h(0)
    circuit.measure(range(3), range(3))
    return circuit


def partial_measurement():
    circuit = QuantumCircuit(4, 2)
    circuit.h(range(4))
    circuit.x(3)
    circuit.measure(2, 1)
    return circuit


def out_of_order_measurement():
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.h(1)
    circuit.measure([0, 1, 2], [2, 0, 1])
    return circuit


def unmeasured_bits():
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(3, "a"), ClassicalRegister(2))
    circuit.h(0)
    circuit.measure(0, 1)
    return circuit


def idle_wires():
    circuit = QuantumCircuit(60, 60)
    circuit.h(17)
    circuit.t(17)
    circuit.h(17)
    circuit.cx(17, 42)
    circuit.barrier()
    circuit.measure([17, 42], [59, 3])
    return circuit


def idle_wire_measured():
    circuit = QuantumCircuit(40, 2)
    circuit.h(30)
    circuit.t(30)
    circuit.measure([30, 5], [0, 1])
    return circuit


def loose_bits():
    circuit = QuantumCircuit([Qubit(), Qubit()], [Clbit(), Clbit(), Clbit()])
    circuit.h(1)
    circuit.measure([0, 1], [1, 2])
    return circuit


def measurement_on_the_way():
    circuit = QuantumCircuit(1, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.h(0)
    circuit.measure(0, 1)
    return circuit


def one_qubit_measured_twice():
    circuit = QuantumCircuit(2, 3)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.measure(0, 2)
    circuit.measure(1, 1)
    return circuit


def bit_written_twice():
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure(0, 0)
    circuit.measure(1, 0)
    return circuit


def reset():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.reset(0)
    circuit.measure([0, 1], [0, 1])
    return circuit


def seventy_bits():
    circuit = QuantumCircuit(2, 70)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [69, 3])
    return circuit


def seventy_bits_on_the_way():
    circuit = seventy_bits()
    circuit.h(0)
    circuit.measure(0, 64)
    return circuit


CIRCUITS = (
    several_registers,
    zero_size_register,
    zero_size_register_last,
    aliased_registers,
    partial_measurement,
    out_of_order_measurement,
    unmeasured_bits,
    idle_wires,
    idle_wire_measured,
    loose_bits,
    measurement_on_the_way,
    one_qubit_measured_twice,
    bit_written_twice,
    reset,
    seventy_bits,
    seventy_bits_on_the_way,
)


each_circuit = pytest.mark.parametrize("make", CIRCUITS, ids=lambda make: make.__name__)


@each_circuit
def test_keys_and_counts_are_those_of_aer(make, counts, aer, same_source):
    circuit = make()
    ours, theirs = counts(circuit), aer(circuit)
    assert ours.keys() == theirs.keys()
    assert same_source(ours, theirs)


@each_circuit
def test_a_worker_says_the_same(make, counts, local_cpu):
    result = local_cpu.run(make(), 1000, seed=1, require={"deadline_s": 60})
    assert result.counts == counts(make())


def test_loose_bits_beside_registers_lose_no_outcome(counts, aer):
    """Here Qiskit's own keys cut a bit off, and shots with it; ours are one group of all bits."""
    circuit = QuantumCircuit([Qubit(), Qubit()], [Clbit()], ClassicalRegister(1, "c"))
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    assert sum(aer(circuit).values()) < 1000
    assert counts(circuit).keys() == {"00", "01", "10", "11"}
    assert sum(counts(circuit).values()) == 1000

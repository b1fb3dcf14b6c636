"""Circuits that measure on the way, decide, repeat and reset, as their users would write them."""

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.classical import expr


def teleported():
    """Teleportation of a state that is not symmetric."""
    circuit = QuantumCircuit(3, 3)
    circuit.ry(0.8, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((1, 1)):
        circuit.x(2)
    with circuit.if_test((0, 1)):
        circuit.z(2)
    circuit.measure(2, 2)
    return circuit


def bit_flip_code():
    """Three qubits, an error with a chance of its own on each, the syndrome as a register."""
    data, helpers = QuantumRegister(3, "data"), QuantumRegister(2, "helpers")
    syndrome, out = ClassicalRegister(2, "syndrome"), ClassicalRegister(3, "out")
    circuit = QuantumCircuit(data, helpers, syndrome, out)
    for qubit, angle in zip(data, (0.3, 0.9, 1.4), strict=True):
        circuit.rx(angle, qubit)
    circuit.cx(data[0], helpers[0])
    circuit.cx(data[1], helpers)
    circuit.cx(data[2], helpers[1])
    circuit.measure(helpers, syndrome)
    for value, qubit in ((1, 0), (3, 1), (2, 2)):
        with circuit.if_test((syndrome, value)):
            circuit.x(data[qubit])
    circuit.measure(data, out)
    return circuit


def repeated_until_success():
    circuit = QuantumCircuit(2, 2)
    circuit.ry(1.1, 0)
    circuit.cx(0, 1)
    circuit.measure(0, 0)
    with circuit.while_loop((0, 1)):
        circuit.reset(0)
        circuit.ry(1.1, 0)
        circuit.rx(0.7, 1)
        circuit.measure(0, 0)
    circuit.measure(1, 1)
    return circuit


def nested_choice():
    first, second = ClassicalRegister(2, "first"), ClassicalRegister(2, "second")
    circuit = QuantumCircuit(QuantumRegister(3, "q"), first, second)
    circuit.ry(0.7, 0)
    circuit.ry(1.3, 1)
    circuit.measure([0, 1], first)
    with circuit.if_test((first[0], 1)) as otherwise, circuit.if_test((first[1], 1)):
        circuit.ry(0.4, 2)
    with otherwise:
        circuit.ry(1.9, 2)
        circuit.measure(2, second[1])
        with circuit.if_test((second[1], 0)):
            circuit.x(2)
    circuit.measure(2, second[0])
    return circuit


def switched():
    choice = ClassicalRegister(2, "choice")
    circuit = QuantumCircuit(QuantumRegister(3, "q"), choice, ClassicalRegister(1, "out"))
    circuit.ry(0.9, 0)
    circuit.ry(1.5, 1)
    circuit.measure([0, 1], choice)
    with circuit.switch(choice) as case:
        with case(0, 3):
            circuit.ry(0.5, 2)
        with case(1):
            circuit.ry(1.0, 2)
        with case(case.DEFAULT):
            circuit.x(2)
    circuit.measure(2, 2)
    return circuit


def walked():
    """A loop that uses its index and may end early."""
    circuit = QuantumCircuit(2, 2)
    with circuit.for_loop(range(4)) as step:
        circuit.ry(0.2 * step, 0)
        circuit.measure(0, 0)
        with circuit.if_test((0, 1)):
            circuit.x(1)
            circuit.break_loop()
        circuit.ry(0.3, 1)
    circuit.measure(1, 1)
    return circuit


def decided_by_expression():
    left, right = ClassicalRegister(2, "left"), ClassicalRegister(2, "right")
    circuit = QuantumCircuit(QuantumRegister(5, "q"), left, right, ClassicalRegister(1, "out"))
    for qubit, angle in enumerate((0.5, 0.9, 1.3, 1.7)):
        circuit.ry(angle, qubit)
    circuit.measure(range(4), range(4))
    with circuit.if_test(expr.logic_or(expr.less(left, right), left[1])):
        circuit.ry(1.0, 4)
    circuit.measure(4, 4)
    return circuit


def qubits_reused():
    circuit = QuantumCircuit(1, 3)
    for bit, angle in enumerate((0.4, 1.0, 2.0)):
        circuit.ry(angle, 0)
        circuit.measure(0, bit)
        circuit.reset(0)
    return circuit


BUILT = (
    teleported,
    bit_flip_code,
    repeated_until_success,
    nested_choice,
    switched,
    walked,
    decided_by_expression,
    qubits_reused,
)

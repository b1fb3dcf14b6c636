"""States in one array against Qiskit's own state vectors."""

import multiprocessing

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, Statevector, random_unitary

from qcos_aer.evolve import drawn
from qcos_aer.vectors.alike import of_circuits, of_points
from qcos_aer.vectors.blas import spread, times
from qcos_aer.vectors.fusion import Gate, fused, grouped, product
from qcos_aer.vectors.gates import gates_of
from qcos_aer.vectors.states import Move, Steps, natural, probabilities, zeros


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 8),
    depth=st.integers(0, 8),
    most=st.integers(1, 6),
    seed=st.integers(0, 2**31),
)
def test_states_and_probabilities_are_those_of_qiskit(
    width: int, depth: int, most: int, seed: int
) -> None:
    circuit = random_circuit(width, depth, max_operands=min(width, 4), seed=seed)
    rng = np.random.default_rng(seed)
    steps = Steps.of(fused(gates_of(circuit), most), natural(width))
    states = steps(zeros(width, 3))
    expected = Statevector(circuit)
    qubits = rng.permutation(width)[: rng.integers(1, width + 1)].tolist()
    found = probabilities(states, steps.after, qubits)
    assert found == pytest.approx(np.tile(expected.probabilities(qubits), (3, 1)), abs=1e-12)
    back = Move.between(steps.after, natural(width))
    ordered = states if back is None else back(states)
    assert ordered == pytest.approx(np.tile(expected.data, (3, 1)), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(width=st.integers(2, 6), most=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_each_state_may_have_matrices_of_its_own(width: int, most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuits = [QuantumCircuit(width) for _ in range(4)]
    gates = []
    for _ in range(12):
        count = int(rng.integers(1, min(width, 3) + 1))
        qubits = tuple(rng.permutation(width)[:count].tolist())
        own = bool(rng.integers(2))
        matrices = [
            random_unitary(1 << count, seed=int(rng.integers(2**31))).data
            for _ in range(4 if own else 1)
        ]
        gates.append(Gate(qubits, np.array(matrices) if own else matrices[0]))
        for index, circuit in enumerate(circuits):
            circuit.unitary(matrices[index if own else 0], qubits)
    steps = Steps.of(fused(gates, most), natural(width))
    found = probabilities(steps(zeros(width, 4)), steps.after, range(width))
    expected = [Statevector(circuit).probabilities() for circuit in circuits]
    assert found == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_no_digit(threads: int) -> None:
    circuit = random_circuit(18, 4, max_operands=2, seed=3)
    steps = Steps.of(fused(gates_of(circuit), 5), natural(18))
    alone = steps(zeros(18))
    assert np.array_equal(steps(zeros(18), threads), alone)
    assert np.array_equal(steps(zeros(18, 2), threads)[1], alone[0])


def test_gates_join_only_where_nothing_in_between_touches_their_qubits() -> None:
    assert grouped([(0,), (0, 1), (2, 3), (1, 2), (0,), (0, 1)], 2) == [
        ((0, 1), (0, 1)),
        ((2, 3), (2,)),
        ((1, 2), (3,)),
        ((0, 1), (4, 5)),
    ]


def test_a_gate_that_is_wider_than_a_block_is_a_block() -> None:
    assert grouped([(0, 1, 2)], 2) == [((0, 1, 2), (0,))]


def test_a_product_is_that_of_the_matrices() -> None:
    circuit = QuantumCircuit(3)
    circuit.ry(0.3, 0)
    circuit.cx(2, 0)
    circuit.ccx(1, 2, 0)
    circuit.cu(0.1, 0.2, 0.3, 0.4, 0, 2)
    found = product(gates_of(circuit), (0, 1, 2))
    assert found.matrix == pytest.approx(Operator(circuit).data)


def test_what_can_only_be_rounding_is_no_probability() -> None:
    circuit = QuantumCircuit(2)
    for _ in range(3):
        circuit.h(0)
        circuit.rx(0.7, 1)
        circuit.rx(-0.7, 1)
        circuit.h(0)
    steps = Steps.of(gates_of(circuit), natural(2))
    assert np.count_nonzero(probabilities(steps(zeros(2)), steps.after, (0, 1))) == 1


def test_products_with_rows_left_over_are_right() -> None:
    rng = np.random.default_rng(0)
    states = rng.normal(size=(67, 32)) + 1j * rng.normal(size=(67, 32))
    matrix = random_unitary(32, seed=1).data
    assert times(states, matrix, 3) == pytest.approx(states @ matrix)


def _in_the_child(result: "multiprocessing.Queue[float]") -> None:
    done: list[slice] = []
    spread(done.append, 4, 1 << 20, 2)
    result.put(sum(part.stop - part.start for part in done))


def test_a_forked_process_has_threads_of_its_own() -> None:
    spread(lambda part: None, 4, 1 << 20, 2)
    context = multiprocessing.get_context("fork")
    result = context.Queue()
    child = context.Process(target=_in_the_child, args=(result,))
    child.start()
    assert result.get(timeout=30) == 4
    child.join(30)


def test_what_a_thread_raises_is_raised() -> None:
    def work(part: slice) -> None:
        if part.start:
            raise ValueError(part)

    with pytest.raises(ValueError, match="slice"):
        spread(work, 4, 1 << 20, 2)


def _with_every_parameterized_gate() -> QuantumCircuit:
    """Each standard gate with angles, at parameters, expressions of them, and numbers."""
    circuit = QuantumCircuit(4)
    circuit.h(range(4))
    theta, phi = Parameter("theta"), Parameter("phi")
    angles = [theta, 2 * phi - theta, 0.3, phi * theta, phi]
    number = 0
    for gate in get_standard_gate_name_mapping().values():
        if gate.params and gate.name not in ("delay", "global_phase") and gate.num_qubits <= 4:
            own = [angles[(number + index) % len(angles)] for index in range(len(gate.params))]
            number += 1
            qubits = [(number + index) % 4 for index in range(gate.num_qubits)]
            circuit.append(type(gate)(*own), qubits)
    circuit.h(range(4))
    return circuit


def test_points_of_every_gate_are_those_of_bound_circuits() -> None:
    circuit = _with_every_parameterized_gate()
    names = [parameter.name for parameter in circuit.parameters]
    points = np.random.default_rng(5).uniform(-4, 4, (7, 2)).tolist()
    program = of_points(circuit, range(4), names, points)
    found = program.distributions([0, 1, 2, 3], 1)
    bound = [circuit.assign_parameters(values) for values in points]
    expected = [Statevector(one).probabilities() for one in bound]
    assert np.array(found) == pytest.approx(np.array(expected), abs=1e-12)
    alike = of_circuits(bound, range(4)).distributions([0, 1, 2, 3], 1)
    assert np.array(alike) == pytest.approx(np.array(expected), abs=1e-12)
    assert len(circuit.data) > 25


def test_states_that_are_equal_are_evolved_once() -> None:
    circuits = []
    for angle in (0.1, 0.2, 0.1, 0.1, 0.2):
        circuits.append(QuantumCircuit(2))
        circuits[-1].ry(angle, 0)
        circuits[-1].cx(0, 1)
    found = of_circuits(circuits, range(2)).distributions([0, 1], 1)
    assert [next(i for i in range(5) if found[i] is one) for one in found] == [0, 1, 0, 0, 1]


def test_idle_wires_are_no_qubits_of_a_state() -> None:
    circuit = QuantumCircuit(40)
    circuit.x(7)
    circuit.cx(7, 30)
    program = of_circuits([circuit], [7, 30])
    assert program.width == 2
    assert program.distributions([1, 0], 1)[0] == pytest.approx([0, 0, 0, 1])


class Highest:
    """Draws the largest number that a generator draws."""

    def random(self, size):
        return np.full(size, np.nextafter(1.0, 0.0))


def test_no_shot_falls_beyond_what_is_possible():
    """However the probabilities are added up, and whatever they come to."""
    rng = np.random.default_rng(0)
    for _ in range(500):
        values = rng.random(1 << 7) ** 8 * rng.choice([1.0, 2.0**-40, 3.0])
        values[-5:] = 0
        indices, numbers = drawn(values, 5, Highest())
        assert values[indices].all()
        assert numbers.tolist() == [5]

"""Which parts of a circuit are joined, and what they are as circuits of their own."""

import itertools
import math
from collections import defaultdict
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, event, given, settings, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, IfElseOp, Instruction, Parameter, Store
from qiskit.circuit.classical import expr, types
from qiskit.quantum_info import Operator

from qcos_core.circuits.components import components
from qcos_core.circuits.parts import PACKED_QUBITS, parts_of
from qcos_core.circuits.profile import profile
from qcos_core.model.circuits import Component

GATES = ("h", "x", "s", "t")


def qubits_of(circuit):
    return [one.qubits for one in components(circuit)]


def lone(qubits=4, clbits=4):
    """Qubits that each have a gate and nothing in common."""
    circuit = QuantumCircuit(qubits, clbits)
    circuit.h(range(qubits))
    return circuit


def test_gates_join_qubits_and_measurements_join_bits():
    circuit = QuantumCircuit(5, 3)
    circuit.cx(4, 1)
    circuit.h(3)
    circuit.measure(1, 2)
    circuit.measure(3, 0)
    assert components(circuit) == (Component((1, 4), (2,)), Component((3,), (0,)))


def test_one_bit_written_by_two_qubits_joins_them():
    circuit = lone()
    circuit.measure(0, 1)
    circuit.measure(2, 1)
    assert qubits_of(circuit) == [(0, 2), (1,), (3,)]


def test_barriers_and_delays_join_nothing():
    circuit = lone()
    circuit.barrier()
    circuit.delay(10, range(4))
    assert qubits_of(circuit) == [(0,), (1,), (2,), (3,)]


def test_what_is_joined_wholly_has_all_bits():
    circuit = lone(2, 3)
    circuit.cx(0, 1)
    circuit.measure(0, 1)
    assert components(circuit) == (Component((0, 1), (0, 1, 2)),)


def test_a_condition_on_a_register_joins_all_its_bits():
    circuit = QuantumCircuit(QuantumRegister(4), ClassicalRegister(2, "a"), ClassicalRegister(2))
    circuit.measure([0, 1], [0, 1])
    circuit.measure(3, 3)
    with circuit.if_test((circuit.cregs[0], 2)):
        circuit.x(2)
    assert qubits_of(circuit) == [(0, 1, 2), (3,)]


def test_a_condition_that_the_instruction_does_not_list_joins_too():
    circuit = lone()
    circuit.measure(0, 0)
    body = QuantumCircuit(1)
    body.x(0)
    operation = IfElseOp((circuit.clbits[0], True), body)
    circuit.append(CircuitInstruction(operation, [circuit.qubits[3]], []))
    assert circuit.data[-1].clbits == ()
    assert qubits_of(circuit) == [(0, 3), (1,), (2,)]


@pytest.mark.parametrize("kind", ["if", "switch", "while"])
def test_expressions_join_what_they_read(kind):
    circuit = QuantumCircuit(4, 4)
    circuit.h(range(4))
    circuit.measure([0, 1], [0, 1])
    either = expr.logic_or(circuit.clbits[0], circuit.clbits[1])
    if kind == "if":
        with circuit.if_test(either):
            circuit.x(3)
    elif kind == "while":
        with circuit.while_loop(either):
            circuit.x(3)
    else:
        with circuit.switch(either) as case, case(True):
            circuit.x(3)
    assert qubits_of(circuit) == [(0, 1, 3), (2,)]


def test_variables_join_who_writes_and_who_reads_them():
    circuit = lone()
    circuit.measure(0, 0)
    seen = circuit.add_var("seen", expr.lift(circuit.clbits[0]))
    other = circuit.add_var("other", expr.lift(False))
    with circuit.if_test(seen):
        circuit.x(2)
    with circuit.if_test(other):
        circuit.x(3)
    assert qubits_of(circuit) == [(0, 2), (1,), (3,)]
    circuit.append(Store(other, seen), [], [])
    assert qubits_of(circuit) == [(0, 2, 3), (1,)]


def test_variables_read_within_blocks_join_too():
    circuit = lone()
    circuit.measure([0, 1], [0, 1])
    seen = circuit.add_var("seen", expr.lift(circuit.clbits[0]))
    with circuit.if_test((1, True)), circuit.if_test(seen):
        circuit.x(3)
    assert qubits_of(circuit) == [(0, 1, 3), (2,)]


def test_stretches_join_everything():
    circuit = lone()
    circuit.delay(circuit.add_stretch("s"), 0)
    assert qubits_of(circuit) == [(0, 1, 2, 3)]


@pytest.mark.parametrize(
    "gate, angles, clifford",
    [
        ("rz", [math.pi / 2], True),
        ("rz", [-1.5 * math.pi], True),
        ("rz", [math.pi / 4], False),
        ("rz", [math.pi / 2 + 1e-6], False),
        ("p", [math.pi], True),
        ("cp", [math.pi], True),
        ("cp", [math.pi / 2], False),
        ("crx", [math.pi], True),
        ("cry", [3 * math.pi], True),
        ("crz", [math.pi / 2], False),
        ("rzz", [math.pi / 2], True),
        ("rzx", [math.pi / 2], True),
        ("rxx", [0.1], False),
        ("u", [math.pi / 2, math.pi, -math.pi / 2], True),
        ("u", [math.pi / 2, math.pi, 0.3], False),
        ("r", [math.pi / 2, math.pi / 2], True),
        ("r", [math.pi, math.pi / 4], None),
        ("rz", [Parameter("a")], False),
        ("t", [], False),
        ("ccx", [], False),
        ("sxdg", [], True),
        ("ecr", [], True),
    ],
)
def test_angles_are_looked_at(gate, angles, clifford):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    kind = getattr(circuit, gate)
    kind(
        *angles,
        *range({"ccx": 3}.get(gate, 1 if gate in ("rz", "p", "u", "r", "t", "sxdg") else 2)),
    )
    assert profile(circuit).clifford is bool(clifford)
    if clifford:
        assert is_clifford(Operator(circuit).data)


def is_clifford(unitary):
    """Whether a unitary maps each Pauli to a Pauli, by definition."""
    n = int(math.log2(len(unitary)))
    single = [np.eye(2), [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]
    paulis = [kron(which) for which in itertools.product(map(np.array, single), repeat=n)]
    for pauli in paulis:
        image = unitary @ pauli @ unitary.conj().T
        sizes = [abs(np.trace(other @ image)) / 2**n for other in paulis]
        if not math.isclose(max(sizes), 1, abs_tol=1e-9):
            return False
    return True


def kron(matrices):
    found = np.eye(1)
    for matrix in matrices:
        found = np.kron(found, matrix)
    return found


def test_operations_inside_blocks_count_as_well():
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, True)):
        circuit.h(1)
    assert profile(circuit).clifford
    with circuit.if_test((0, True)):
        circuit.rz(0.3, 1)
    assert not profile(circuit).clifford


def test_branchings_are_measurements_after_which_a_shot_goes_on():
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    assert profile(circuit).branchings == 0
    circuit.reset(0)
    circuit.h(0)
    circuit.measure(0, 0)
    assert profile(circuit).branchings == 3


# --- parts


def distribution(circuit):
    """The exact joint distribution of the classical bits, history by history."""
    wires = {bit: place for place, bit in enumerate(circuit.qubits)}
    bits = {bit: place for place, bit in enumerate(circuit.clbits)}
    start = np.zeros((2,) * circuit.num_qubits, dtype=complex)
    start[(0,) * circuit.num_qubits] = 1
    found = defaultdict(float)
    for outcome, state in run(circuit, wires, bits, [(0, start)]):
        found[outcome] += np.linalg.norm(state) ** 2
    return {outcome: p for outcome, p in found.items() if p > 1e-12}


def run(circuit, wires, bits, branches):
    for item in circuit.data:
        branches = [
            after
            for outcome, state in branches
            for after in step(item, wires, bits, outcome, state)
        ]
    return branches


def step(item, wires, bits, outcome, state):
    axes = [wires[bit] for bit in item.qubits]
    if item.name == "barrier":
        yield outcome, state
    elif item.name in ("measure", "reset"):
        for value in (0, 1):
            kept = np.zeros_like(state)
            place = [slice(None)] * state.ndim
            place[axes[0]] = value
            target = place.copy()
            if item.name == "reset":
                target[axes[0]] = 0
                yield_outcome = outcome
            else:
                bit = 1 << bits[item.clbits[0]]
                yield_outcome = outcome | bit if value else outcome & ~bit
            kept[tuple(target)] = state[tuple(place)]
            if np.linalg.norm(kept) > 1e-9:
                yield yield_outcome, kept
    elif item.name == "if_else":
        what, value = item.operation.condition
        read = [what] if not isinstance(what, ClassicalRegister) else list(what)
        seen = sum((outcome >> bits[bit] & 1) << place for place, bit in enumerate(read))
        body = item.operation.blocks[0] if seen == int(value) else None
        if body is None:
            yield outcome, state
        else:
            inner = {bit: wires[item.qubits[i]] for i, bit in enumerate(body.qubits)}
            outer = {bit: bits[item.clbits[i]] for i, bit in enumerate(body.clbits)}
            yield from run(body, inner, outer, [(outcome, state)])
    else:
        matrix = item.operation.to_matrix().reshape((2,) * (2 * len(axes)))
        axes.reverse()  # Qiskit's first qubit is the least significant
        after = np.tensordot(matrix, state, (range(len(axes), 2 * len(axes)), axes))
        yield outcome, np.moveaxis(after, range(len(axes)), axes)


def product_of(parts):
    """The joint distribution of independent parts, on the bits of the whole."""
    joint = {0: 1.0}
    for part in parts:
        joint = {
            outcome | spread(mine, part.clbits): p * q
            for outcome, p in joint.items()
            for mine, q in distribution(part.circuit).items()
        }
    return joint


def spread(outcome, places):
    return sum((outcome >> bit & 1) << place for bit, place in enumerate(places))


@st.composite
def circuits(draw):
    """Blocks of a few qubits and a register each, which meet now and then."""
    blocks = draw(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2)), min_size=2, max_size=4))
    qubits = [QuantumRegister(wires, f"q{place}") for place, (wires, _) in enumerate(blocks)]
    registers = [ClassicalRegister(bits, f"c{place}") for place, (_, bits) in enumerate(blocks)]
    circuit = QuantumCircuit(*qubits, *registers)
    for _ in range(draw(st.integers(1, 14))):
        add(draw, circuit, draw(st.integers(0, len(blocks) - 1)))
    for place in draw(st.sets(st.integers(0, len(blocks) - 1), min_size=1)):
        circuit.measure(qubits[place][0], registers[place][0])
    return circuit


def add(draw, circuit, place, depth=0):
    if draw(st.integers(0, 19)) == 7:
        place = draw(st.integers(0, len(circuit.cregs) - 1))
    wires, register = circuit.qregs[place], circuit.cregs[place]
    wire, bit = draw(st.sampled_from(list(wires))), draw(st.sampled_from(list(register)))
    kind = draw(st.sampled_from(["gate", "gate", "pair", "measure", "reset", "barrier", "if"]))
    if kind == "gate":
        getattr(circuit, draw(st.sampled_from(GATES)))(wire)
    elif kind == "pair":
        other = draw(st.sampled_from([one for one in wires if one != wire] or circuit.qubits))
        if other != wire:
            circuit.cx(wire, other)
    elif kind == "measure":
        circuit.measure(wire, bit)
    elif kind == "reset":
        circuit.reset(wire)
    elif kind == "barrier":
        circuit.barrier()
    elif depth < 2:
        condition = (register, draw(st.integers(0, 2**register.size - 1)))
        if draw(st.booleans()):
            condition = (bit, draw(st.booleans()))
        with circuit.if_test(condition):
            add(draw, circuit, place, depth + 1)
            circuit.h(wire)


@settings(max_examples=300, deadline=None)
@given(circuit=circuits(), packed=st.sampled_from([1, 3, PACKED_QUBITS]))
def test_parts_have_the_distribution_of_the_whole(circuit, packed):
    facts = profile(circuit)
    with mock.patch("qcos_core.circuits.parts.PACKED_QUBITS", packed):
        parts = parts_of(circuit, facts)
    event(f"{len(parts)} parts")
    assume(parts)
    joint, exact = product_of(parts), distribution(circuit)
    assert sum(exact.values()) == pytest.approx(1)
    assert joint.keys() == exact.keys()
    assert [joint[outcome] for outcome in exact] == pytest.approx(list(exact.values()))
    assert all(part.circuit.num_qubits == len(part.qubits) for part in parts)
    wires = [qubit for part in parts for qubit in part.qubits]
    assert len(set(wires)) == len(wires)
    assert set(wires) <= set(facts.active)


@settings(max_examples=100, deadline=None)
@given(circuit=circuits(), random=st.randoms(use_true_random=False))
def test_profiles_do_not_depend_on_the_numbers_of_qubits(circuit, random):
    order = list(range(circuit.num_qubits))
    random.shuffle(order)
    other = QuantumCircuit(*circuit.qregs, *circuit.cregs)
    other.compose(circuit, order, range(circuit.num_clbits), inplace=True)
    one, two = profile(circuit), profile(other)
    moved = {(frozenset(order[q] for q in c.qubits), c.clbits) for c in one.components}
    assert {(frozenset(c.qubits), c.clbits) for c in two.components} == moved
    assert two.active == tuple(sorted(order[qubit] for qubit in one.active))
    for name in ("operations", "dynamic", "measured", "clifford", "branchings", "registers"):
        assert getattr(one, name) == getattr(two, name)


def test_small_components_go_together():
    circuit = lone(3 * PACKED_QUBITS + 1, 3 * PACKED_QUBITS + 1)
    circuit.measure(range(circuit.num_qubits), range(circuit.num_clbits))
    widths = [len(part.qubits) for part in parts_of(circuit, profile(circuit))]
    assert widths == [PACKED_QUBITS] * 3 + [1]


def test_what_measures_nothing_is_left_out():
    circuit = QuantumCircuit(6, 2)
    circuit.h(range(6))
    circuit.cx(0, 1)
    circuit.measure([0, 1], [1, 0])
    with circuit.if_test((circuit.clbits[0], True)):
        circuit.x(1)
    (part,) = parts_of(circuit, profile(circuit))
    assert part.qubits == (0, 1)
    assert part.clbits == (0, 1)


def test_registers_go_with_a_part_that_has_all_their_bits():
    a, b = ClassicalRegister(2, "a"), ClassicalRegister(9, "part")
    circuit = QuantumCircuit(QuantumRegister(9, "q"), b, a)
    circuit.h(0)
    circuit.cx(0, range(1, 7))
    circuit.cx(7, 8)
    circuit.measure(range(7), b[:7])
    circuit.measure([7, 8], a)
    first, second = parts_of(circuit, profile(circuit))
    assert [(one.name, one.size) for one in first.circuit.cregs] == [("part", 7)]
    assert second.circuit.cregs == [a]
    assert second.clbits == (9, 10)


@pytest.mark.parametrize("kind", ["joined", "saves", "variables", "silent"])
def test_what_has_no_parts(kind):
    circuit = lone(8, 8)
    if kind == "joined":
        circuit.cx(0, range(1, 8))
    if kind == "saves":
        circuit.append(Instruction("save_probabilities", 1, 0, []), [0])
    if kind == "variables":
        circuit.add_var("v", expr.lift(3, types.Uint(4)))
    if kind != "silent":
        circuit.measure(range(8), range(8))
    assert parts_of(circuit, profile(circuit)) == []


def test_barriers_are_kept_within_parts():
    circuit = lone(8, 8)
    circuit.cx(0, range(1, 4))
    circuit.cx(4, range(5, 8))
    circuit.barrier(label="here")
    circuit.measure(range(8), range(8))
    for part in parts_of(circuit, profile(circuit)):
        (barrier,) = [item for item in part.circuit.data if item.name == "barrier"]
        assert len(barrier.qubits) == 4
        assert barrier.label == "here"

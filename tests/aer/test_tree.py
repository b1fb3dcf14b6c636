"""Shots of dynamic circuits against an exact distribution of another kind, and against Aer.

The reference keeps, for each value of the classical bits, one density matrix that is not
normalised: nothing is drawn, and histories with the same bits are one.
"""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CASE_DEFAULT, Clbit, Parameter
from qiskit.circuit.classical import expr, types
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Kraus, Operator, random_unitary
from qiskit_aer.library import SaveStatevector

from qcos_aer.tree import TooManyBranches, Tree, applies
from qcos_aer.tree.branches import Drawing
from qcos_aer.tree.draws import parted
from qcos_aer.tree.expressions import reader, understood
from qcos_core.testing.statistics import (
    total_variation,
    total_variation_bound,
    two_sample_bound,
)


def distribution(circuit):
    """Probability of each key that is not impossible."""
    width = circuit.num_qubits
    start = np.zeros((1 << width, 1 << width), dtype=complex)
    start[0, 0] = 1
    places = {bit: place for place, bit in enumerate(circuit.clbits)}
    wires = {bit: place for place, bit in enumerate(circuit.qubits)}
    through, _, _ = followed(circuit, wires, places, {0: start})
    found = {key_of(circuit, bits): state.trace().real for bits, state in through.items()}
    return {key: share for key, share in found.items() if share > 1e-14}


def key_of(circuit, bits):
    return format(bits, f"0{circuit.num_clbits}b")


def together(*many):
    total = defaultdict(int)
    for states in many:
        for bits, state in states.items():
            total[bits] = total[bits] + state
    return dict(total)


def followed(circuit, wires, places, states):
    """States after a circuit: of those that went through, left the loop, and left its round."""
    left, skipped = {}, {}
    width = int(np.log2(len(next(iter(states.values()))))) if states else 0
    for inner in circuit.data:
        if not states:
            break
        qubits = [wires[bit] for bit in inner.qubits]
        clbits = [places[bit] for bit in inner.clbits]
        operation = inner.operation
        if inner.name == "break_loop":
            left, states = together(left, states), {}
        elif inner.name == "continue_loop":
            skipped, states = together(skipped, states), {}
        elif inner.name == "measure":
            parts = [
                {with_bit(bits, clbits[0], value): projected(state, qubits[0], value)}
                for bits, state in states.items()
                for value in (0, 1)
            ]
            states = likely(together(*parts))
        elif inner.name in ("initialize", "reset"):
            for qubit in qubits:
                flip = full(Operator.from_label("X"), [qubit], width)
                for bits, state in list(states.items()):
                    one = projected(state, qubit, 1)
                    states[bits] = projected(state, qubit, 0) + flip @ one @ flip
            if inner.name == "initialize":
                made = full(Operator(operation.gates_to_uncompute().inverse()), qubits, width)
                states = {bits: made @ state @ made.conj().T for bits, state in states.items()}
        elif inner.is_control_flow():

            def body(block, some, qubits=qubits, clbits=clbits):
                inside = dict(zip(block.qubits, qubits, strict=True))
                return followed(block, inside, dict(zip(block.clbits, clbits, strict=True)), some)

            states, out, on = controlled(operation, places, states, body)
            left, skipped = together(left, out), together(skipped, on)
        elif inner.name != "barrier":
            unitary = full(Operator(operation), qubits, width)
            states = {bits: unitary @ state @ unitary.conj().T for bits, state in states.items()}
    return states, left, skipped


def controlled(operation, places, states, body):
    if operation.name == "if_else":
        yes, no = sorted_by(states, lambda bits: holds(operation.condition, places, bits))
        then = body(operation.blocks[0], yes)
        other = body(operation.blocks[1], no) if len(operation.blocks) > 1 else (no, {}, {})
        return tuple(map(together, then, other))
    if operation.name == "switch_case":
        results = []
        for labels, block in operation.cases_specifier():
            values = [label if label is CASE_DEFAULT else int(label) for label in labels]
            mine, states = sorted_by(
                states,
                lambda bits, values=values: (
                    CASE_DEFAULT in values or value_of(operation.target, places, bits) in values
                ),
            )
            results.append(body(block, mine))
        return tuple(together(*parts) for parts in zip((states, {}, {}), *results, strict=True))
    if operation.name == "while_loop":
        out = {}
        while states:
            states, ended = sorted_by(states, lambda bits: holds(operation.condition, places, bits))
            through, left, skipped = body(operation.blocks[0], states)
            out, states = together(out, ended, left), likely(together(through, skipped), 1e-11)
        return out, {}, {}
    indices, parameter, block = operation.params
    out = {}
    for index in indices:
        used = parameter is not None and parameter in block.parameters
        mine = block.assign_parameters({parameter: index}) if used else block
        through, left, skipped = body(mine, states)
        out, states = together(out, left), together(through, skipped)
    return together(out, states), {}, {}


def sorted_by(states, decide):
    groups = {}, {}
    for bits, state in states.items():
        groups[not decide(bits)][bits] = state
    return groups


def likely(states, least=1e-15):
    return {bits: state for bits, state in states.items() if state.trace().real > least}


def holds(condition, places, bits):
    if isinstance(condition, tuple):
        return value_of(condition[0], places, bits) == int(condition[1])
    return bool(value_of(condition, places, bits))


def value_of(target, places, bits):
    """By what Qiskit says of each node: registers and bits first, then operations as in Python."""
    if isinstance(target, Clbit):
        return bits >> places[target] & 1
    if isinstance(target, ClassicalRegister):
        return sum(value_of(bit, places, bits) << index for index, bit in enumerate(target))
    if isinstance(target, expr.Var):
        return value_of(target.var, places, bits)
    if isinstance(target, expr.Value):
        return int(target.value)
    size = 2 ** (1 if target.type == types.Bool() else target.type.width)
    if isinstance(target, expr.Cast):
        value = value_of(target.operand, places, bits)
        return int(bool(value)) if target.type == types.Bool() else value % size
    if isinstance(target, expr.Unary):
        value = value_of(target.operand, places, bits)
        return {"BIT_NOT": size - 1 - value, "LOGIC_NOT": int(not value)}[target.op.name]
    if isinstance(target, expr.Index):
        return (
            value_of(target.target, places, bits) // 2 ** value_of(target.index, places, bits) % 2
        )
    a, b = (value_of(side, places, bits) for side in (target.left, target.right))
    return {
        "BIT_AND": lambda: a & b,
        "BIT_OR": lambda: a | b,
        "BIT_XOR": lambda: a ^ b,
        "LOGIC_AND": lambda: a and b,
        "LOGIC_OR": lambda: a or b,
        "EQUAL": lambda: a == b,
        "NOT_EQUAL": lambda: a != b,
        "LESS": lambda: a < b,
        "LESS_EQUAL": lambda: a <= b,
        "GREATER": lambda: a > b,
        "GREATER_EQUAL": lambda: a >= b,
        "SHIFT_LEFT": lambda: a * 2**b,
        "SHIFT_RIGHT": lambda: a // 2**b,
        "ADD": lambda: a + b,
        "SUB": lambda: a - b,
        "MUL": lambda: a * b,
        "DIV": lambda: a // b,
    }[target.op.name]() % size


def with_bit(bits, place, value):
    return bits & ~(1 << place) | value << place


def projected(state, qubit, value):
    keep = (np.arange(len(state)) >> qubit & 1) == value
    return state * np.outer(keep, keep)


def full(operator, qubits, width):
    return Operator(np.eye(1 << width)).compose(operator, qubits).data


# Circuits at random. Conditions name bits of two registers that share one, and loose bits.


class Writer:
    """Writes a circuit of at most three qubits at random."""

    def __init__(self, seed, for_aer=False):
        self.rng = np.random.default_rng(seed)
        self.for_aer = for_aer
        self.qubits = QuantumRegister(int(self.rng.integers(1, 4)))
        if for_aer:  # it does not know which bit of a register is which of the circuit's
            self.a, self.b = ClassicalRegister(3, "a"), ClassicalRegister(2, "b")
            self.circuit = QuantumCircuit(self.qubits, self.a, self.b)
        else:
            bits = [Clbit() for _ in range(5)]
            self.a = ClassicalRegister(bits=bits[:3], name="a")
            self.b = ClassicalRegister(bits=[bits[3], bits[1]], name="b")
            self.circuit = QuantumCircuit(self.qubits, bits, self.a, self.b)
        for _ in range(self.rng.integers(4, 14)):
            self.add(2, None)
        for clbit in self.rng.permutation(5)[: self.rng.integers(0, 4)]:
            self.circuit.measure(self.one_of(self.qubits), self.circuit.clbits[clbit])
        if not self.circuit.count_ops().get("measure"):
            self.circuit.measure(0, 0)

    def one_of(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def add(self, depth, index, *, in_loop=False):
        kinds = ["gate"] * 4 + ["measure"] * 3 + ["reset"]
        if depth:
            kinds += ["branch"] * 3 + ["switch", "loop", "while"]
        if in_loop:
            kinds += ["leave"]
        getattr(self, self.one_of(kinds))(depth, index, in_loop)

    def some(self, depth, index, in_loop):
        for _ in range(self.rng.integers(0, 3)):
            self.add(depth - 1, index, in_loop=in_loop)

    def gate(self, depth, index, in_loop):
        width, angle = len(self.qubits), float(self.rng.uniform(0, 3))
        qubits = [self.qubits[int(q)] for q in self.rng.permutation(width)]
        kind = self.one_of(["ry", "h", "x", "two", "own", "initialize"])
        if kind == "ry":
            turn = angle if index is None or self.rng.integers(2) else index * 0.7
            self.circuit.ry(turn, qubits[0])
        elif kind == "two" and width > 1:
            self.one_of([self.circuit.cx, self.circuit.cz, self.circuit.swap])(*qubits[:2])
        elif kind == "own" and width > 1:
            own = random_unitary(4, seed=int(self.rng.integers(2**31)))
            self.circuit.unitary(own, qubits[:2])
        elif kind == "initialize":
            count = int(self.rng.integers(1, width + 1))
            parts = self.rng.normal(size=(2, 1 << count)) * self.rng.integers(2, size=1 << count)
            parts[0, int(self.rng.integers(1 << count))] += 1
            amplitudes = parts[0] + 1j * parts[1]
            self.circuit.initialize(amplitudes / np.linalg.norm(amplitudes), qubits[:count])
        elif kind == "x":
            self.circuit.x(qubits[0])
        else:
            self.circuit.h(qubits[0])

    def measure(self, depth, index, in_loop):
        self.circuit.measure(self.one_of(self.qubits), self.one_of(self.circuit.clbits))

    def reset(self, depth, index, in_loop):
        self.circuit.reset(self.one_of(self.qubits))

    def condition(self):
        kind = self.one_of(["bit", "register", "expression"])
        if kind == "bit":
            return self.one_of(self.circuit.clbits), int(self.rng.integers(2))
        if kind == "register":
            register = self.one_of([self.a, self.b])
            return register, int(self.rng.integers(2**register.size))
        return self.truth(2)

    def truth(self, depth):
        if not depth:
            return expr.lift(self.one_of(self.circuit.clbits))
        kind = self.one_of(["and", "or", "not", "compare", "xor"])
        if kind == "compare":
            compare = self.one_of(
                [expr.less, expr.less_equal, expr.greater, expr.equal, expr.not_equal]
            )
            return compare(self.number(depth - 1), self.number(depth - 1))
        if kind == "not":
            return expr.logic_not(self.truth(depth - 1))
        combine = {"and": expr.logic_and, "or": expr.logic_or, "xor": expr.bit_xor}[kind]
        return combine(self.truth(depth - 1), self.truth(depth - 1))

    def number(self, depth):
        if not depth:
            one = self.one_of([self.a, self.b, 1])
            return expr.lift(one, types.Uint(3)) if one == 1 else expr.cast(one, types.Uint(3))
        known = [expr.bit_and, expr.bit_or, expr.bit_xor]
        if not self.for_aer:
            known += [expr.add, expr.sub, expr.mul, expr.shift_left, expr.shift_right]
        return self.one_of(known)(self.number(depth - 1), self.number(depth - 1))

    def branch(self, depth, index, in_loop):
        with self.circuit.if_test(self.condition()) as otherwise:
            self.some(depth, index, in_loop)
        if self.rng.integers(2):
            with otherwise:
                self.some(depth, index, in_loop)

    def switch(self, depth, index, in_loop):
        mixed = expr.bit_and(self.a, expr.lift(3, types.Uint(3)))
        targets = [(self.a, 8), (self.b, 4), (self.circuit.clbits[4], 2), (mixed, 4)]
        target, most = self.one_of(targets[:3] if self.for_aer else targets)
        values = self.rng.permutation(most).tolist()
        with self.circuit.switch(target) as case:
            for some in (values[:1], values[1:3])[: int(self.rng.integers(1, 3))]:
                with case(*some):
                    self.some(depth, index, in_loop)
            if most > 3 and self.rng.integers(2):
                with case(case.DEFAULT):
                    self.some(depth, index, in_loop)

    def loop(self, depth, index, in_loop):
        indices = self.one_of([range(2), range(3, 0, -1), (4, 1), ()])
        with self.circuit.for_loop(indices) as mine:
            self.gate(depth, mine, in_loop=True)
            self.some(depth, mine, in_loop=True)
            self.gate(depth, mine, in_loop=True)

    def leave(self, depth, index, in_loop):
        with self.circuit.if_test((self.one_of(self.circuit.clbits), 1)):
            self.one_of([self.circuit.break_loop, self.circuit.continue_loop])()

    def while_(self, depth, index, in_loop):
        qubit, clbit = self.one_of(self.qubits), self.one_of(self.circuit.clbits)
        with self.circuit.while_loop((clbit, int(self.rng.integers(2)))):
            self.gate(depth, index, in_loop)
            self.circuit.reset(qubit)
            self.circuit.ry(1.9, qubit)
            self.circuit.measure(qubit, clbit)


setattr(Writer, "while", Writer.while_)


def counts_of(circuit, shots, seed=1, threads=1):
    drawn = Tree(circuit, threads, most=1 << 20).draw(shots, seed)
    assert drawn.width == circuit.num_clbits
    assert drawn.shots == shots
    return {key_of(circuit, outcome): number for outcome, number in drawn.items()}


@settings(max_examples=250, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_counts_are_of_the_exact_distribution(seed):
    circuit = Writer(seed).circuit
    assert applies(circuit)
    exact = distribution(circuit)
    assert sum(exact.values()) == pytest.approx(1, abs=1e-9)
    counts = counts_of(circuit, 20_000, seed)
    assert counts.keys() <= exact.keys()
    assert total_variation(counts, exact) <= total_variation_bound(exact, 20_000)


@pytest.mark.parametrize("seed", range(20))
def test_counts_are_those_of_aer(seed, aer):
    circuit = Writer(seed, for_aer=True).circuit
    counts = counts_of(circuit, 2000)
    theirs = {key.replace(" ", ""): number for key, number in aer(circuit, 2000).items()}
    assert total_variation(counts, theirs) <= two_sample_bound(counts, theirs)


def tossed(*angles):
    """Coins tossed with one qubit, each in a way that depends on the one before."""
    circuit = QuantumCircuit(1, len(angles))
    for clbit, angle in enumerate(angles):
        circuit.ry(angle, 0)
        circuit.measure(0, clbit)
        with circuit.if_test((clbit, 1)):
            circuit.ry(0.4, 0)
    return circuit


def one_pair_of_two():
    """Two qubits observed at once, then the others, in one of two ways."""
    circuit = QuantumCircuit(4, 4)
    circuit.ry(1.0, 0)
    circuit.cx(0, 1)
    circuit.ry(0.9, 1)
    circuit.measure([0, 1], [2, 0])
    with circuit.if_test((0, 1)):
        circuit.ry(1.3, [2, 3])
    circuit.measure([2, 3], [3, 1])
    return circuit


@pytest.mark.parametrize("shots", [1, 3, 60])
@pytest.mark.parametrize("circuit", [tossed(1.0, 2.0, 0.7), one_pair_of_two()], ids=len)
def test_shots_are_independent_of_each_other(circuit, shots):
    """Counts have the covariances of a multinomial distribution, and none from seed to seed."""
    seeds, tree = 2000, Tree(circuit, 1)
    exact = {key: share for key, share in distribution(circuit).items() if share > 0.04}
    keys, share = list(exact), np.array(list(exact.values()))
    table = np.zeros((seeds, len(keys)))
    for seed in range(seeds):
        counts = {key_of(circuit, bits): number for bits, number in tree.draw(shots, seed).items()}
        table[seed] = [counts.get(key, 0) for key in keys]
    off = table - shots * share
    covariance = shots * (np.diag(share) - np.outer(share, share))
    deviation = np.sqrt(np.diag(covariance) / seeds)
    assert np.abs(off.mean(axis=0) / deviation).max() < 6
    products = off[:, :, np.newaxis] * off[:, np.newaxis, :]
    error = products.std(axis=0) / np.sqrt(seeds)
    assert np.abs((products.mean(axis=0) - covariance) / error).max() < 6
    to_next = off[:-1].T @ off[1:] / seeds
    assert np.abs(to_next / np.outer(deviation, deviation) / np.sqrt(seeds)).max() < 6


@pytest.mark.parametrize("seed", range(25))
def test_counts_depend_on_circuit_shots_and_seed_alone(seed):
    circuit = Writer(seed).circuit
    tree, narrow = Tree(circuit, 1), Tree(circuit, 2)
    narrow.together = narrow.waiting = 1
    deep = Tree(circuit, 1)
    deep.together, deep.waiting = 64, 32
    counts = tree.draw(1000, seed)
    assert tree.draw(1000, seed) == counts
    assert narrow.draw(1000, seed) == counts
    assert deep.draw(1000, seed) == counts
    assert len(counts) < 5 or tree.draw(1000, seed + 1) != counts


def test_threads_change_nothing_where_they_are_used():
    circuit = QuantumCircuit(18, 3)
    circuit.compose(random_circuit(18, 4, max_operands=2, seed=3), inplace=True)
    circuit.measure(4, 0)
    with circuit.if_test((0, 1)):
        circuit.ry(0.3, [4, 9])
    circuit.h(4)
    circuit.measure([4, 9], [1, 2])
    assert Tree(circuit, 2).draw(1000, 1) == Tree(circuit, 1).draw(1000, 1)


def test_outcome_that_only_rounding_makes_possible_is_not_drawn():
    """What rounding leaves of a qubit that is 0 shows in no other count."""

    def counts(angles):
        circuit = QuantumCircuit(2, 3)
        for angle in angles:
            circuit.ry(angle, 0)
        circuit.ry(1.0, 1)
        circuit.measure([0, 1], [0, 1])
        with circuit.if_test((0, 1)):
            circuit.x(1)
        circuit.ry(2.0, 1)
        circuit.measure(1, 2)
        return counts_of(circuit, 1000)

    untouched = counts([])
    for turn in (0.1, 0.2, 0.3):
        assert counts([turn] * 3 + [-3 * turn]) == untouched
        assert counts([np.pi - turn, np.pi + turn]) == untouched


class Highest:
    """Draws the largest number that a generator draws."""

    def at(self, stream):
        return self

    def random(self):
        return np.nextafter(1.0, 0.0)

    def more(self, number):
        return [0] * number


def test_no_shot_falls_beyond_the_last_outcome_that_is_possible():
    """However probabilities are added up: numpy adds pairwise, a ladder one after the other."""
    rng = np.random.default_rng(0)
    values = rng.random((50, 1 << 12)) ** 8
    values[:, -5:] = 0
    assert (values.sum(axis=1) > np.cumsum(values, axis=1)[:, -1]).any()
    found = parted(values, [1] * 50, [0] * 50, Highest(), last=False)
    assert (values[found.rows, found.outcomes] > 0).all()


def test_state_of_hundreds_of_amplitudes_is_not_kept_for_each_branch():
    """All bits are drawn at once, and the states of branches made when their turn comes."""
    circuit = QuantumCircuit(6, 12)
    circuit.h(range(6))
    circuit.measure(range(6), range(6))
    circuit.ry(0.3, range(6))
    circuit.measure(range(6), range(6))
    circuit.ry(0.3, range(6))
    circuit.measure(range(6), range(6, 12))
    tree = Tree(circuit, 1)
    tree.together = tree.waiting = 1
    drawing = Drawing(tree, 1)
    drawing.of(3000)
    assert drawing.evolved > 300
    assert drawing.most_held <= 3


def test_states_that_wait_follow_depth():
    circuit = tossed(*[1.5] * 11)
    wide, deep = Tree(circuit, 1), Tree(circuit, 1)
    deep.together, deep.waiting = 2, 2
    at_once, one_by_one = Drawing(wide, 1), Drawing(deep, 1)
    assert at_once.of(4000) == one_by_one.of(4000)
    assert at_once.evolved == one_by_one.evolved > 1000
    assert at_once.most_held > 200
    assert one_by_one.most_held <= 2 * 11 + 1


def endless(circuit):
    with circuit.while_loop((0, 0)):
        circuit.x(1)


def endless_and_empty(circuit):
    with circuit.while_loop((0, 0)):
        pass


def endless_and_random(circuit):
    with circuit.while_loop((0, 0)):
        circuit.h(1)
        circuit.measure(1, 1)


def endless_without_a_round_that_ends(circuit):
    with circuit.while_loop((0, 0)):
        circuit.continue_loop()


def often_parted(circuit):
    for _ in range(20):
        circuit.h(1)
        circuit.measure(1, 1)


@pytest.mark.parametrize(
    "spoil",
    [
        endless,
        endless_and_empty,
        endless_and_random,
        endless_without_a_round_that_ends,
        often_parted,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_work_is_bounded(spoil):
    circuit = QuantumCircuit(2, 2)
    spoil(circuit)
    circuit.measure(1, 0)
    assert applies(circuit)
    with pytest.raises(TooManyBranches, match="more than 500 branches"):
        Tree(circuit, 1, most=500).draw(10_000, 1)


def test_bound_that_is_just_wide_enough():
    circuit = tossed(1.0, 2.0)
    drawing = Drawing(Tree(circuit, 1), 1)
    drawing.of(1000)
    Tree(circuit, 1, most=drawing.evolved).draw(1000, 1)
    with pytest.raises(TooManyBranches):
        Tree(circuit, 1, most=drawing.evolved - 1).draw(1000, 1)


def test_bound_follows_the_number_of_shots():
    circuit = QuantumCircuit(1, 1)
    for _ in range(3):
        circuit.h(0)
        circuit.measure(0, 0)
    tree = Tree(circuit, 1, sharing=64)
    assert tree.most(100) == 64
    assert tree.most(1_000_000) == 1_000_000 * len(tree.blocks) // 64


def test_no_shots():
    assert dict(Tree(tossed(1.0), 1).draw(0, 1).items()) == {}


def test_more_shots_than_memory_has_bytes():
    assert Tree(tossed(1.0, 1.0), 1).draw(10**15, 1).shots == 10**15


@pytest.mark.parametrize("last", [0, 69])
def test_more_bits_than_a_word_has(last):
    circuit = QuantumCircuit(2, 70)
    circuit.x(0)
    circuit.measure(0, 67)
    circuit.measure(1, 67)
    circuit.measure(0, 66)
    with circuit.if_test((circuit.cregs[0], 1 << 66)):
        circuit.x(1)
    circuit.measure(1, last)
    assert dict(Tree(circuit, 1).draw(10, 1).items()) == {1 << 66 | 1 << last: 10}


# What is left to Aer.


def open_parameter(circuit):
    circuit.rx(Parameter("x"), 0)


def variable(circuit):
    circuit.add_var("v", expr.lift(3, types.Uint(8)))


def variable_of_a_block(circuit):
    with circuit.if_test((0, 1)):
        circuit.add_var("v", expr.lift(True))


def stored(circuit):
    circuit.store(circuit.clbits[0], True)


def saved(circuit):
    circuit.append(SaveStatevector(7), range(7))


def saved_in_a_block(circuit):
    with circuit.if_test((0, 1)):
        circuit.append(SaveStatevector(7), range(7))


def wide_state(circuit):
    circuit.initialize(np.eye(128)[3], range(7))


def state_by_its_label(circuit):
    circuit.initialize("+-", [0, 1])


def wide_gate(circuit):
    circuit.unitary(np.eye(128), range(7))


def channel(circuit):
    circuit.append(Kraus([[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]]).to_instruction(), [0])


def custom(circuit):
    circuit.append(QuantumCircuit(1, name="mine").to_gate(), [0])


def long_loop(circuit):
    with circuit.for_loop(range(1000)), circuit.for_loop(range(1000)):
        circuit.x(0)


def floating(circuit):
    with circuit.if_test(expr.less(expr.lift(0.5), 0.7)):
        circuit.x(0)


def divided_by_a_register(circuit):
    with circuit.if_test(expr.equal(expr.div(circuit.cregs[0], circuit.cregs[0]), 1)):
        circuit.x(0)


@pytest.mark.parametrize(
    "spoil",
    [
        open_parameter,
        variable,
        variable_of_a_block,
        stored,
        saved,
        saved_in_a_block,
        wide_state,
        state_by_its_label,
        wide_gate,
        channel,
        custom,
        long_loop,
        floating,
        divided_by_a_register,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_circuits_that_are_left_to_aer(spoil):
    circuit = QuantumCircuit(7, 2)
    circuit.measure(0, 0)
    circuit.x(0)
    assert applies(circuit)
    spoil(circuit)
    assert not applies(circuit)


# Expressions, over all values of two registers.

OPERATIONS = {
    "bit_and": (expr.bit_and, lambda a, b: a & b),
    "bit_or": (expr.bit_or, lambda a, b: a | b),
    "bit_xor": (expr.bit_xor, lambda a, b: a ^ b),
    "logic_and": (expr.logic_and, lambda a, b: bool(a and b)),
    "logic_or": (expr.logic_or, lambda a, b: bool(a or b)),
    "equal": (expr.equal, lambda a, b: a == b),
    "not_equal": (expr.not_equal, lambda a, b: a != b),
    "less": (expr.less, lambda a, b: a < b),
    "less_equal": (expr.less_equal, lambda a, b: a <= b),
    "greater": (expr.greater, lambda a, b: a > b),
    "greater_equal": (expr.greater_equal, lambda a, b: a >= b),
    "shift_left": (expr.shift_left, lambda a, b: a * 2**b % 8),
    "shift_right": (expr.shift_right, lambda a, b: a // 2**b),
    "add": (expr.add, lambda a, b: (a + b) % 8),
    "sub": (expr.sub, lambda a, b: (a - b) % 8),
    "mul": (expr.mul, lambda a, b: a * b % 8),
    "index": (expr.index, lambda a, b: a // 2**b % 2),
    "div": (lambda a, b: expr.div(a, 3), lambda a, b: a // 3),
    "bit_not": (lambda a, b: expr.bit_not(a), lambda a, b: 7 - a),
    "logic_not": (lambda a, b: expr.logic_not(a), lambda a, b: not a),
    "not_a_bit": (lambda a, b: expr.bit_not(a[1]), lambda a, b: not a // 2 % 2),
    "narrowed": (
        lambda a, b: expr.cast(expr.bit_xor(a, b), types.Uint(2)),
        lambda a, b: (a ^ b) % 4,
    ),
    "widened": (
        lambda a, b: expr.add(expr.cast(a, types.Uint(4)), expr.cast(b, types.Uint(4))),
        lambda a, b: a + b,
    ),
    "truth": (lambda a, b: expr.cast(a, types.Bool()), lambda a, b: a != 0),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_expressions_are_those_of_qiskit(operation):
    make, expected = OPERATIONS[operation]
    bits = [Clbit() for _ in range(6)]
    a = ClassicalRegister(bits=bits[:3], name="a")
    b = ClassicalRegister(bits=[bits[5], bits[3], bits[4]], name="b")
    node = make(a, b)
    assert understood(node)
    read = reader(node, {bit: place for place, bit in enumerate(bits)})
    for x in range(8):
        for y in range(8):
            held = x | y >> 1 << 3 | (y & 1) << 5
            assert read(held) == expected(x, y) + 0, (x, y)


def test_boxes_are_opened():
    circuit = QuantumCircuit(2, 2)
    with circuit.box():
        circuit.x(0)
        circuit.measure(0, 1)
    with circuit.if_test((1, 1)), circuit.box():
        circuit.x(1)
    circuit.measure(1, 0)
    assert counts_of(circuit, 100) == {"11": 100}


def test_parameter_of_a_loop_is_known_in_blocks_within_it():
    circuit = QuantumCircuit(1, 2)
    with circuit.for_loop((1, 0, 2)) as index, circuit.if_test((1, 0)):
        circuit.rx(index * np.pi / 3, 0)
    circuit.measure(0, 0)
    assert counts_of(circuit, 100) == {"01": 100}


def test_gates_act_before_the_shots_part():
    circuit = QuantumCircuit(3, 3)
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((0, 1)):
        circuit.x(0)
    circuit.h([0, 2])
    circuit.measure([0, 1, 2], [0, 1, 2])
    first, then, last = Tree(circuit, 1).blocks
    assert first.observation.qubits == (0, 1)
    assert first.steps.each
    assert [len(block.steps.each) for block in (then, last)] == [1, 1]


def test_qubits_that_are_0_already_are_not_reset():
    circuit = QuantumCircuit(2, 2)
    circuit.reset([0, 1])
    circuit.initialize([0, 0.6, 0, 0.8j], [1, 0])
    circuit.measure([0, 1], [0, 1])
    assert len(Tree(circuit, 1).blocks) == 1
    assert distribution(circuit) == {"10": pytest.approx(0.36), "11": pytest.approx(0.64)}
    assert counts_of(circuit, 10_000).keys() == {"10", "11"}


def test_what_shows_in_no_bit_is_left_out():
    circuit = QuantumCircuit(2, 1)
    circuit.h([0, 1])
    circuit.measure(0, 0)
    circuit.reset([0, 1])
    circuit.h(0)
    assert [len(block.steps.each) for block in Tree(circuit, 1).blocks] == [1]

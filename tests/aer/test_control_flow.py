"""Conditions, loops and blocks, against Aer used directly, or against what must come out."""

from io import BytesIO

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qpy
from qiskit.circuit import Clbit, Qubit
from qiskit.circuit.classical import expr, types

from qcos_core import CircuitRejected, ClusterBuilder, DistributedQVM, JobFailed

AERS_OWN = {"precision": "single"}
"""Shots are left to Aer."""


@pytest.fixture(params=[None, AERS_OWN], ids=["tree", "Aer"])
def counts(local_cpu, request):
    """Counts of a circuit by the branch tree, and by Aer."""

    def run(circuit, shots=1000, seed=1):
        return local_cpu.run(circuit, shots, seed=seed, options=request.param).counts

    return run


# One coin is measured into `a[0]`, another into `a[1]`; each function says what the third
# qubit does then.


def condition_on_a_bit(circuit, a):
    with circuit.if_test((a[0], 1)):
        circuit.x(2)


def condition_on_a_register(circuit, a):
    with circuit.if_test((a, 2)):
        circuit.x(2)


def otherwise(circuit, a):
    with circuit.if_test((a, 2)) as otherwise:
        circuit.x(3)
    with otherwise:
        circuit.x(2)


def nested(circuit, a):
    with circuit.if_test((a[0], 1)):
        with circuit.if_test((a, 3)) as otherwise:
            circuit.x(2)
        with otherwise:
            circuit.x(3)


def counted_loop(circuit, a):
    with circuit.for_loop(range(3)), circuit.if_test((a[1], 1)):
        circuit.x(2)


def loop_with_parameter(circuit, a):
    with circuit.for_loop(range(3)) as step:
        circuit.ry(step * 0.5, 2)


def left_early(circuit, a):
    with circuit.for_loop(range(4)):
        circuit.x(2)
        with circuit.if_test((a[0], 1)):
            circuit.break_loop()


def skipped(circuit, a):
    with circuit.for_loop(range(3)):
        with circuit.if_test((a[0], 1)):
            circuit.continue_loop()
        circuit.x(2)


def while_a_bit_is_set(circuit, a):
    with circuit.while_loop((a[0], 1)):
        circuit.h(0)
        circuit.x(3)
        circuit.measure(0, a[0])


def switch_on_a_register(circuit, a):
    with circuit.switch(a) as case:
        with case(0, 3):
            circuit.x(2)
        with case(1):
            circuit.x(3)
        with case(case.DEFAULT):
            circuit.x([2, 3])


def switch_on_a_bit(circuit, a):
    with circuit.switch(a[1]) as case:
        with case(0):
            circuit.x(2)
        with case(1):
            circuit.x(3)


def expression_of_bits(circuit, a):
    with circuit.if_test(expr.logic_and(a[0], expr.logic_not(a[1]))):
        circuit.x(2)


def expression_of_a_register(circuit, a):
    with circuit.if_test(expr.less(expr.bit_xor(a, 1), 2)):
        circuit.x(2)


def cast_in_an_expression(circuit, a):
    with circuit.if_test(expr.equal(expr.cast(a, types.Uint(8)), 3)):
        circuit.x(2)


def expression_in_a_while_loop(circuit, a):
    with circuit.while_loop(expr.logic_or(a[0], a[1])):
        circuit.h([0, 1])
        circuit.measure([0, 1], a)


def stored_bit(circuit, a):
    circuit.store(circuit.clbits[3], expr.bit_xor(a[0], a[1]))


PROGRAMS = (
    condition_on_a_bit,
    condition_on_a_register,
    otherwise,
    nested,
    counted_loop,
    loop_with_parameter,
    left_early,
    skipped,
    while_a_bit_is_set,
    switch_on_a_register,
    switch_on_a_bit,
    expression_of_bits,
    expression_of_a_register,
    cast_in_an_expression,
    expression_in_a_while_loop,
    stored_bit,
)


def with_two_coins(program):
    a, out = ClassicalRegister(2, "a"), ClassicalRegister(2, "out")
    circuit = QuantumCircuit(QuantumRegister(4), a, out)
    circuit.h(0)
    circuit.ry(1.0, 1)
    circuit.measure([0, 1], a)
    program(circuit, a)
    circuit.measure(2, out[0])
    if program is not stored_bit:
        circuit.measure(3, out[1])
    return circuit


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_counts_are_those_of_aer(program, counts, aer, same_source):
    circuit = with_two_coins(program)
    ours, theirs = counts(circuit, 2000), aer(circuit, 2000)
    assert ours.keys() == theirs.keys()
    assert same_source(ours, theirs)


def test_boxes_are_opened_wherever_they_are(counts):
    """Aer itself knows no boxes."""
    circuit = QuantumCircuit(3, 3)
    with circuit.box():
        circuit.x(0)
        with circuit.box():
            circuit.measure(0, 2)
    with circuit.if_test((2, 1)), circuit.box():
        circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    assert counts(circuit, 100) == {"111": 100}


# Blocks with bits of their own: only the place of a bit in a block says which bit it is.


def body_that_tests_its_second_bit():
    inner = QuantumCircuit(1, 1)
    inner.x(0)
    body = QuantumCircuit(1, 2)
    body.if_test((body.clbits[1], 1), inner, [0], [1])
    return body


@pytest.mark.parametrize("bits, expected", [([0, 1], "01"), ([1, 0], "11")])
def test_block_with_bits_that_are_named_as_the_circuit_s(bits, expected, counts):
    """Aer goes by the names and says 01 to both."""
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.if_test((0, 1), body_that_tests_its_second_bit(), [1], bits)
    circuit.measure(1, 1)
    assert counts(circuit, 100) == {expected: 100}


@pytest.mark.parametrize("bits, expected", [([2, 1], "001"), ([2, 0], "101")])
def test_block_with_bits_that_are_named_differently(bits, expected, counts):
    """Aer fails with a KeyError."""
    circuit = QuantumCircuit(2, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.if_test((0, 1), body_that_tests_its_second_bit(), [1], bits)
    circuit.measure(1, 2)
    assert counts(circuit, 100) == {expected: 100}


@pytest.mark.parametrize("bits, expected", [([0, 1], "101"), ([1, 0], "001")])
def test_block_that_tests_a_register_of_its_own(bits, expected, counts):
    """To Aer a register that it does not know has every value at once."""
    inner = QuantumCircuit(1, 2)
    inner.x(0)
    body = QuantumCircuit(1, 2)
    body.if_test((body.cregs[0], 1), inner, [0], [0, 1])
    circuit = QuantumCircuit(2, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.if_test((0, 1), body, [1], bits)
    circuit.measure(1, 2)
    assert counts(circuit, 100) == {expected: 100}


@pytest.mark.parametrize("condition", ["switch", "expression", "while", "store"])
def test_everything_that_reads_bits_inside_a_block(condition, counts):
    body = QuantumCircuit(1, 2)
    first, second = body.clbits
    if condition == "switch":
        with body.switch(second) as case, case(1):
            body.x(0)
    elif condition == "expression":
        with body.if_test(expr.logic_and(second, expr.logic_not(first))):
            body.x(0)
    elif condition == "while":
        with body.while_loop((second, 1)):
            body.x(0)
            body.measure(0, first)
            body.store(second, False)
    else:
        body.x(0)
        body.store(first, second)
    circuit = QuantumCircuit(2, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.if_test((0, 1), body, [1], [1, 0])
    circuit.measure(1, 2)
    expected = {"while": "110", "store": "111"}.get(condition, "101")
    assert counts(circuit, 100) == {expected: 100}


def test_three_blocks_deep(counts):
    deepest = QuantumCircuit(1, 1)
    deepest.x(0)
    deeper = QuantumCircuit(1, 2)
    deeper.if_test((deeper.clbits[1], 1), deepest, [0], [0])
    body = QuantumCircuit(1, 2)
    body.if_test((body.clbits[0], 1), deeper, [0], [1, 0])
    circuit = QuantumCircuit(2, 3)
    circuit.x(0)
    circuit.measure(0, 2)
    circuit.if_test((2, 1), body, [1], [2, 0])
    circuit.measure(1, 1)
    assert counts(circuit, 100) == {"110": 100}


def one_and_then_zero(*bits):
    """A flip if the first bit is 1 and the second is 0, which they are."""
    circuit = QuantumCircuit(*bits)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.measure(1, 1)
    with circuit.if_test((0, 1)), circuit.if_test((1, 0)):
        circuit.x(2)
    circuit.measure(2, 2)
    return circuit


@pytest.mark.parametrize(
    "places, expected", [([4, 1, 3], "11000"), ([1, 0, 2], "110"), ([1, 2, 0], "011")]
)
@pytest.mark.parametrize("key", ["local_cpu", "local_numpy"])
@pytest.mark.parametrize("require", [None, {"deadline_s": 60}], ids=["inline", "worker"])
def test_circuit_composed_onto_other_bits(places, expected, key, require):
    """Qiskit's compose renames the bits of conditions, and not those of the blocks around them."""
    circuit = QuantumCircuit(4, len(expected))
    circuit.compose(one_and_then_zero(3, 3), [3, 0, 2], places, inplace=True)
    with DistributedQVM(ClusterBuilder().add(key).build()) as qvm:
        assert qvm.run(circuit, 100, require=require).counts == {expected: 100}


def test_loose_bits_read_from_qpy(counts):
    """QPY gives blocks loose bits of their own."""
    file = BytesIO()
    qpy.dump(one_and_then_zero([Qubit() for _ in range(3)], [Clbit() for _ in range(3)]), file)
    file.seek(0)
    assert counts(qpy.load(file)[0], 100) == {"101": 100}


def test_branch_on_wires_that_no_measurement_depends_on(counts):
    """Aer leaves such wires out, and with them the places that its jumps lead to."""
    circuit = QuantumCircuit(60, 1)
    circuit.ccx(10, 12, 13)
    with circuit.if_test((0, 0)):
        circuit.sdg(11)
    circuit.reset(10)
    circuit.measure(10, 0)
    assert counts(circuit, 100) == {"0": 100}


@pytest.mark.parametrize(
    "operation, expected",
    [(expr.shift_left, "01"), (expr.add, "01"), (expr.mul, "11"), (expr.index, "11")],
)
def test_expression_that_aer_does_not_know(operation, expected, provider, node):
    circuit = QuantumCircuit(1, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    value = operation(circuit.cregs[0], 1)
    with circuit.if_test(value if value.type == types.Bool() else expr.equal(value, 2)):
        circuit.x(0)
    circuit.measure(0, 1)
    assert provider.execute(circuit, 10, node).counts == {expected: 10}
    with pytest.raises(CircuitRejected, match=r"Aer cannot run circuit-\d+: un"):
        provider.execute(circuit, 10, node, options=AERS_OWN)


def test_loop_that_aer_fails_on(provider, node):
    """Aer makes a label of each index, and trips over two that are alike."""
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop([1, 1]):
        circuit.x(0)
    circuit.measure(0, 0)
    assert provider.execute(circuit, 10, node).counts == {"0": 10}
    with pytest.raises(JobFailed, match='Duplicated mark destination:"loop_0_1"'):
        provider.execute(circuit, 10, node, options=AERS_OWN)

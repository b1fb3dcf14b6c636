import pytest
from hypothesis import given, settings, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit
from qiskit.circuit.classical import expr, types
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Statevector

from qcos_core.circuits.compact import compact
from qcos_core.circuits.profile import profile, registers


def small(circuit):
    return compact(circuit, profile(circuit).active)


def wiring(circuit, wires):
    """Each instruction with its bits as indices, those of qubits as ``wires`` calls them."""
    return [
        (
            item.name,
            tuple(item.params),
            [wires[circuit.find_bit(bit).index] for bit in item.qubits],
            [circuit.find_bit(bit).index for bit in item.clbits],
        )
        for item in circuit.data
        if item.name not in ("barrier", "if_else")
    ]


def distribution(circuit):
    """Exact probabilities of the classical bits; measurements come last, each bit once."""
    unitary = circuit.copy_empty_like()
    wires = {}
    for item in circuit.data:
        if item.name == "measure":
            wires[circuit.find_bit(item.clbits[0]).index] = circuit.find_bit(item.qubits[0]).index
        else:
            unitary.append(item)
    clbits = sorted(wires)
    found = Statevector(unitary).probabilities_dict([wires[bit] for bit in clbits], decimals=12)
    return clbits, found


def test_circuit_without_idle_wires_is_returned_as_it_is(bell):
    assert small(bell) is bell


def test_same_exact_distribution():
    @settings(max_examples=25)
    @given(
        st.sets(st.integers(0, 7), min_size=2, max_size=4),
        st.integers(0, 10**6),
        st.randoms(use_true_random=False),
    )
    def check(wires, seed, random):
        wires = random.sample(sorted(wires), len(wires))
        circuit = QuantumCircuit(8, 8)
        circuit.compose(random_circuit(len(wires), 4, seed=seed), wires, inplace=True)
        circuit.measure(wires, random.sample(range(8), len(wires)))
        compacted = small(circuit)
        assert compacted.num_qubits == len(wires)
        assert distribution(compacted) == distribution(circuit)

    check()


def test_qubit_i_is_the_ith_active_one():
    circuit = QuantumCircuit(6, 2)
    circuit.rx(0.5, 4)
    circuit.cx(4, 1)
    circuit.measure([1, 4], [1, 0])
    assert wiring(small(circuit), [1, 4]) == wiring(circuit, range(6))


def test_classical_side_is_untouched():
    circuit = QuantumCircuit(
        QuantumRegister(4, "q"), [Clbit()], ClassicalRegister(2, "b"), ClassicalRegister(3, "a")
    )
    circuit.x(3)
    circuit.measure(3, 2)
    compacted = small(circuit)
    assert compacted.clbits == circuit.clbits
    assert compacted.cregs == circuit.cregs
    assert registers(compacted) == registers(circuit)


def test_name_phase_and_metadata_are_kept():
    circuit = QuantumCircuit(2, 1, name="mine", global_phase=0.25, metadata={"run": 7})
    circuit.measure(1, 0)
    compacted = small(circuit)
    assert (compacted.name, compacted.global_phase, compacted.metadata) == (
        "mine",
        0.25,
        {"run": 7},
    )


def test_barriers_shrink_and_keep_their_place():
    circuit = QuantumCircuit(4, 1)
    circuit.x(1)
    circuit.barrier(label="all")
    circuit.x(3)
    circuit.barrier(0, 2)
    circuit.barrier(1, 3)
    circuit.measure(1, 0)
    compacted = small(circuit)
    shown = [(item.name, item.label, len(item.qubits)) for item in compacted.data]
    assert shown == [
        ("x", None, 1),
        ("barrier", "all", 2),
        ("x", None, 1),
        ("barrier", None, 2),
        ("measure", None, 1),
    ]


def test_delays_stay_on_active_wires_alone():
    circuit = QuantumCircuit(3, 1)
    circuit.x(1)
    circuit.delay(100, [0, 1, 2])
    circuit.measure(1, 0)
    compacted = small(circuit)
    assert wiring(compacted, [1]) == [
        ("x", (), [1], []),
        ("delay", (100,), [1], []),
        ("measure", (), [1], [0]),
    ]


def test_blocks_keep_their_wires():
    circuit = QuantumCircuit(5, 1)
    circuit.h(2)
    circuit.measure(2, 0)
    with circuit.if_test((0, True)):
        circuit.x(4)
        circuit.cz(4, 2)
    compacted = small(circuit)
    assert compacted.num_qubits == 2
    branch = compacted.data[-1]
    places = [[2, 4][compacted.find_bit(bit).index] for bit in branch.qubits]
    (block,) = branch.operation.blocks
    inside = [(i.name, [places[block.find_bit(b).index] for b in i.qubits]) for i in block.data]
    assert inside == [("x", [4]), ("cz", [4, 2])]
    assert branch.operation.condition == (circuit.clbits[0], True)


def test_variables_go_with_the_circuit():
    given_var = expr.Var.new("given", types.Bool())
    circuit = QuantumCircuit(3, 1, inputs=[given_var])
    flag = circuit.add_var("flag", expr.lift(False))
    counter = circuit.add_var("counter", expr.lift(3, types.Uint(4)))
    circuit.measure(1, 0)
    circuit.store(flag, expr.bit_and(circuit.clbits[0], given_var))
    compacted = small(circuit)
    assert list(compacted.iter_input_vars()) == [given_var]
    assert list(compacted.iter_declared_vars()) == [flag, counter]
    assert [item.name for item in compacted.data] == [item.name for item in circuit.data]


def test_stretches_go_with_the_circuit():
    circuit = QuantumCircuit(3, 1)
    stretch = circuit.add_stretch("s")
    circuit.delay(stretch, 0)
    circuit.delay(stretch, 1)
    circuit.measure(1, 0)
    compacted = small(circuit)
    assert list(compacted.iter_declared_stretches()) == [stretch]
    assert [item.name for item in compacted.data] == ["delay", "measure"]


@pytest.mark.parametrize("wires", [2, 5])
def test_compacting_changes_nothing(wires):
    circuit = QuantumCircuit(wires, 1)
    circuit.x(1)
    circuit.barrier()
    circuit.measure(1, 0)
    before = circuit.copy()
    small(circuit)
    assert circuit == before

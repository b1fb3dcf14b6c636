"""Aer through QCOS, the reference simulator, and exact distributions agree on random circuits."""

import tracemalloc

import pytest
from hypothesis import given, settings, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import library
from qiskit.quantum_info import SparsePauliOp, random_unitary

from qcos_core.circuits.numpy_simulator import sample
from qcos_core.testing.statistics import exact_distribution, total_variation, total_variation_bound

GATES = (
    library.CCXGate,
    library.CHGate,
    library.CPhaseGate,
    library.CRXGate,
    library.CSwapGate,
    library.CXGate,
    library.ECRGate,
    library.HGate,
    library.RXGate,
    library.RYGate,
    library.RZGate,
    library.RZXGate,
    library.SdgGate,
    library.SXGate,
    library.TGate,
    library.U2Gate,
    library.UGate,
    library.XXMinusYYGate,
    library.iSwapGate,
)
PARAMETERS = {
    library.CPhaseGate: 1,
    library.CRXGate: 1,
    library.RXGate: 1,
    library.RYGate: 1,
    library.RZGate: 1,
    library.RZXGate: 1,
    library.U2Gate: 2,
    library.UGate: 3,
    library.XXMinusYYGate: 2,
}
few = settings(max_examples=100, deadline=None, derandomize=True, database=None)


@st.composite
def wires_and_bits(draw):
    """An empty circuit with up to four wires in two registers, and bits in up to three."""
    qubits = [QuantumRegister(draw(st.integers(1, 2)), name) for name in ("q", "r")]
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3).filter(any))
    return QuantumCircuit(*qubits, *(ClassicalRegister(n, f"c{i}") for i, n in enumerate(sizes)))


def add_gate(draw, circuit):
    kind = draw(st.sampled_from(GATES))
    angles = st.floats(-3.2, 3.2, allow_nan=False)
    gate = kind(*(draw(angles) for _ in range(PARAMETERS.get(kind, 0))))
    if gate.num_qubits <= circuit.num_qubits:
        wires = draw(st.permutations(range(circuit.num_qubits)))
        circuit.append(gate, wires[: gate.num_qubits])


def add_measurement(draw, circuit):
    wire = draw(st.integers(0, circuit.num_qubits - 1))
    circuit.measure(wire, draw(st.integers(0, circuit.num_clbits - 1)))


def add_reset(draw, circuit):
    circuit.reset(draw(st.integers(0, circuit.num_qubits - 1)))


def add_branch(draw, circuit):
    register = draw(st.sampled_from([register for register in circuit.cregs if register.size]))
    condition = (register, draw(st.integers(0, 2**register.size - 1)))
    if draw(st.booleans()):
        condition = (draw(st.sampled_from(circuit.clbits)), draw(st.booleans()))
    with circuit.if_test(condition) as otherwise:
        add_something(draw, circuit)
    if draw(st.booleans()):
        with otherwise:
            add_something(draw, circuit)


def add_something(draw, circuit):
    draw(st.sampled_from([add_gate, add_gate, add_measurement, add_reset, add_branch]))(
        draw, circuit
    )


@st.composite
def dynamic_circuits(draw):
    circuit = draw(wires_and_bits())
    for _ in range(draw(st.integers(3, 12))):
        add_something(draw, circuit)
    add_measurement(draw, circuit)
    return circuit


@st.composite
def terminal_circuits(draw):
    """Gates, then some of the wires measured, in any order."""
    circuit = draw(wires_and_bits())
    for _ in range(draw(st.integers(3, 12))):
        add_gate(draw, circuit)
    wires = draw(st.permutations(range(circuit.num_qubits)))
    bits = draw(st.permutations(range(circuit.num_clbits)))
    for wire, bit in list(zip(wires, bits, strict=False))[: draw(st.integers(1, 4))]:
        circuit.measure(wire, bit)
    return circuit


@few
@given(circuit=terminal_circuits())
def test_measured_at_the_end(circuit, counts):
    exact = exact_distribution(circuit)
    bound = total_variation_bound(exact, 5000)
    assert total_variation(counts(circuit, 5000), exact) <= bound
    bits = {key.replace(" ", ""): p for key, p in exact.items()}
    assert total_variation(sample(circuit, 5000, 1), bits) <= bound


@few
@given(circuit=dynamic_circuits())
def test_measured_on_the_way(circuit, provider, node, same_source):
    ours = provider.execute(circuit, 2000, node, seed=1).counts
    assert same_source(ours, sample(circuit, 2000, 1))


@pytest.mark.parametrize(
    "operation",
    [
        library.PauliEvolutionGate(SparsePauliOp(["XY", "ZX", "YI"], [0.9, 0.8, 1.1]), time=1.0),
        library.QFTGate(2),
        library.StatePreparation([0.1, 0.7, 0.5, 0.5]),
        library.Initialize([0.1, 0.7, 0.5, 0.5]),
        library.UnitaryGate(random_unitary(4, seed=2)),
        library.DiagonalGate([1, 1j, -1, 1]),
    ],
    ids=lambda operation: operation.name,
)
def test_reference_and_aer_build_library_objects_alike(operation, provider, node, same_source):
    """A Pauli evolution is the product formula that it is built of, not the exact exponential."""
    circuit = QuantumCircuit(2)
    circuit.ry(0.4, 0)
    circuit.ry(1.3, 1)
    circuit.append(operation, [1, 0])
    circuit.rx(0.7, [0, 1])
    circuit.measure_all()
    ours = provider.execute(circuit, 100_000, node, seed=1).counts
    assert same_source(ours, sample(circuit, 100_000, 1))


def test_reference_needs_no_more_memory_than_its_state():
    """A gate on all wires is not made into a matrix, which would take 64 MiB here."""
    circuit = QuantumCircuit(11)
    circuit.append(library.QFTGate(11), range(11))
    circuit.measure_all()
    tracemalloc.start()
    sample(circuit, 10, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20

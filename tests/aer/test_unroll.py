"""Circuits are brought to Aer's operations, and left alone where they have no others."""

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm2
from qiskit.circuit import AnnotatedOperation, ControlModifier, Gate, InverseModifier, PowerModifier
from qiskit.circuit.library import (
    DiagonalGate,
    Initialize,
    Isometry,
    MCPhaseGate,
    MCXGate,
    PauliEvolutionGate,
    PermutationGate,
    QFTGate,
    RXGate,
    RYGate,
    StatePreparation,
    UCGate,
    UnitaryGate,
    XGate,
    efficient_su2,
)
from qiskit.quantum_info import Kraus, SparsePauliOp, SuperOp, random_unitary

from qcos_aer.providers import LocalCPUProvider, LocalGPUMPSProvider
from qcos_aer.unroll import unrolled
from qcos_core import CircuitRejected
from qcos_core.testing.statistics import exact_distribution, total_variation, total_variation_bound

SHOTS = 20_000


def test_native_circuit_is_passed_untouched():
    circuit = QuantumCircuit(4, 4)
    circuit.h(0)
    circuit.mcx([0, 1, 2], 3)
    circuit.unitary(random_unitary(4, seed=1), [0, 1])
    circuit.append(DiagonalGate([1, -1, 1j, 1]), [0, 1])
    circuit.initialize([0, 1], 2)
    circuit.delay(10, 1)
    circuit.barrier()
    circuit.reset(3)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)), circuit.for_loop(range(2)):
        circuit.rzz(0.3, 1, 2)
    with circuit.switch(circuit.cregs[0]) as case, case(1):
        circuit.cp(0.2, 0, 1)
    circuit.measure_all()
    assert unrolled(circuit) is circuit


def test_circuit_itself_is_never_changed():
    circuit = QuantumCircuit(2, 2)
    circuit.append(QFTGate(2), [0, 1])
    with circuit.box():
        circuit.measure([0, 1], [0, 1])
    before = circuit.copy()
    assert unrolled(circuit) is not circuit
    assert circuit == before


def turned(angle):
    """A gate of one qubit that bears any name you give it."""
    body = QuantumCircuit(1)
    body.ry(angle, 0)
    return body


AMPLITUDES = np.arange(1, 17) / math.sqrt(1496)
OPERATIONS = {
    "QFT": QFTGate(4),
    "inverse QFT": QFTGate(4).inverse(),
    "Pauli evolution": PauliEvolutionGate(
        SparsePauliOp(["XYZX", "ZZIX", "IYXZ"], [0.4, 1.1, 0.7]), time=0.8
    ),
    "unitary": UnitaryGate(random_unitary(16, seed=3)),
    "controlled unitary": UnitaryGate(random_unitary(8, seed=4)).control(1, annotated=False),
    "state preparation": StatePreparation(AMPLITUDES),
    "state preparation, inverse": StatePreparation([0.6, 0.8]).inverse(),
    "MCX": MCXGate(3),
    "open controls": XGate().control(3, ctrl_state=2, annotated=False),
    "one open control": XGate().control(1, ctrl_state=0, annotated=False),
    "controlled RX": RXGate(0.7).control(2, annotated=False),
    "controlled RX, open": RXGate(0.7).control(2, ctrl_state=1, annotated=True),
    "MCPhase": MCPhaseGate(0.9, 3),
    "annotated": AnnotatedOperation(RYGate(0.9), [ControlModifier(2), InverseModifier()]),
    "power": AnnotatedOperation(QFTGate(3), [PowerModifier(3)]),
    "permutation": PermutationGate([2, 0, 3, 1]),
    "diagonal": DiagonalGate([1, -1, 1j, -1j]),
    "multiplexer": UCGate([random_unitary(2, seed=n).data for n in range(4)]),
    "isometry": Isometry(random_unitary(8, seed=5).data[:, :4], 0, 0),
    "ansatz": efficient_su2(4, reps=1).assign_parameters(np.linspace(0.1, 2, 16)).to_gate(),
    "custom": turned(0.8).to_gate(label="mine"),
    "custom, controlled": turned(0.8).to_gate().control(2, annotated=False),
    "custom inside custom": turned(0.8).repeat(3).to_gate().repeat(2).to_mutable(),
}


def among_others(operation, *, branch=False):
    """The operation on shuffled wires of a state that is nowhere symmetric."""
    circuit = QuantumCircuit(5, 5)
    for qubit in range(4):
        circuit.ry(0.4 + 0.5 * qubit, qubit)
        circuit.rz(0.3 * qubit, qubit)
    wires = [2, 0, 3, 1][: operation.num_qubits]
    if branch:
        circuit.measure(4, 4)
        with circuit.if_test((4, 0)):
            circuit.append(operation, wires)
    else:
        circuit.append(operation, wires)
    circuit.rx(0.6, range(4))
    circuit.measure(range(4), [3, 1, 0, 2])
    return circuit


@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize("name", OPERATIONS)
def test_library_object_has_its_exact_distribution(name, branch, counts):
    exact = exact_distribution(among_others(OPERATIONS[name]))
    shots = 4000 if branch else SHOTS
    found = counts(among_others(OPERATIONS[name], branch=branch), shots)
    assert total_variation(found, exact) <= total_variation_bound(exact, shots)


@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize(
    "state", [(AMPLITUDES,), ("+-r1",), (11, 4)], ids=["amplitudes", "label", "number"]
)
def test_initialize_forgets_what_was(state, branch, counts):
    """In a branch Aer takes labels and numbers for amplitudes."""
    forgetful, fresh = QuantumCircuit(5, 5), QuantumCircuit(4, 5)
    forgetful.x([0, 2])
    if branch:
        forgetful.measure(4, 4)
        with forgetful.if_test((4, 0)):
            forgetful.append(Initialize(*state), [2, 0, 3, 1])
    else:
        forgetful.append(Initialize(*state), [2, 0, 3, 1])
    fresh.append(StatePreparation(*state), [2, 0, 3, 1])
    for circuit in (forgetful, fresh):
        circuit.measure(range(4), range(4))
    exact = exact_distribution(fresh)
    found = counts(forgetful, 4000)
    assert total_variation(found, exact) <= total_variation_bound(exact, 4000)


# Names that Aer knows, for gates that are not what Aer means by them.


def test_gate_of_a_file_that_is_called_ryy(counts):
    circuit = qasm2.loads(
        """
        OPENQASM 2.0;
        include "qelib1.inc";
        gate ryy(angle) a, b { x a; rx(angle) b; }
        qreg q[2]; creg c[2];
        ryy(pi) q[0], q[1];
        measure q -> c;
        """
    )
    assert counts(circuit, 100) == {"11": 100}


@pytest.mark.parametrize("kind", ["gate", "instruction", "own class"])
@pytest.mark.parametrize("where", ["flat", "branch", "box", "custom"])
def test_name_of_aer_s_does_not_make_it_aer_s(kind, where, counts):
    body = QuantumCircuit(2, name="swap")
    body.x([0, 1])
    operation = {"gate": body.to_gate, "instruction": body.to_instruction, "own class": FlipBoth}[
        kind
    ]()
    circuit = QuantumCircuit(3, 3)
    circuit.measure(2, 2)
    if where == "box":
        with circuit.box():
            circuit.append(operation, [0, 1])
    elif where == "branch":
        with circuit.if_test((2, 0)):
            circuit.append(operation, [0, 1])
    elif where == "custom":
        outer = QuantumCircuit(2, name="ecr")
        outer.append(operation, [0, 1])
        circuit.append(outer.to_instruction(), [0, 1])
    else:
        circuit.append(operation, [0, 1])
    circuit.measure([0, 1], [0, 1])
    assert counts(circuit, 100) == {"011": 100}


def test_controlled_gate_under_a_name_of_aer_s(counts):
    operation = turned(math.pi).to_gate().control(1, annotated=False)
    operation.name = "cz"
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.append(operation, [0, 1])
    circuit.measure([0, 1], [0, 1])
    assert counts(circuit, 100) == {"11": 100}


class FlipBoth(Gate):
    """A person's own gate class, under a name of Aer's."""

    def __init__(self):
        super().__init__("cx", 2, [])

    def _define(self):
        self.definition = QuantumCircuit(2)
        self.definition.x([0, 1])


def test_composite_instruction_that_measures_and_resets(counts):
    inside = QuantumCircuit(2, 2, name="swap")
    inside.x(0)
    inside.measure(0, 1)
    inside.reset(0)
    inside.measure(0, 0)
    circuit = QuantumCircuit(3, 4)
    circuit.append(inside.to_instruction(), [2, 0], [1, 3])
    circuit.measure(2, 0)
    assert counts(circuit, 100) == {"1000": 100}


@pytest.mark.parametrize("name", ["oracle", "h", "ryy"])
@pytest.mark.parametrize("inside", [False, True])
def test_opaque_gate_is_named_in_the_error(name, inside, provider, node):
    operation = Gate(name, 2, [])
    if inside:
        body = QuantumCircuit(2)
        body.append(operation, [0, 1])
        operation = body.to_gate(label="outer")
    circuit = QuantumCircuit(2, 2)
    circuit.append(operation, [0, 1])
    circuit.measure([0, 1], [0, 1])
    with pytest.raises(CircuitRejected, match=f"does not have {name}, and it has no definition"):
        provider.execute(circuit, 10, node)


def test_opaque_gate_of_a_file(provider, node):
    circuit = qasm2.loads(
        "OPENQASM 2.0; opaque rzz(t) a, b; qreg q[2]; creg c[2];rzz(1) q[0], q[1]; measure q -> c;"
    )
    with pytest.raises(CircuitRejected, match="does not have rzz, and it has no definition"):
        provider.execute(circuit, 10, node)


@pytest.mark.parametrize("channel", [Kraus, SuperOp])
def test_channel_is_not_taken_for_an_opaque_gate(channel, counts, aer, same_source):
    damping = [[[1, 0], [0, math.sqrt(0.6)]], [[0, math.sqrt(0.4)], [0, 0]]]
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.append(channel(Kraus(damping)).to_instruction(), [0])
    circuit.measure(0, 0)
    assert same_source(counts(circuit, 4000), aer(circuit, 4000))


@pytest.mark.parametrize("provider_class", [LocalCPUProvider, LocalGPUMPSProvider])
@pytest.mark.parametrize("name", ["MCX", "MCPhase", "multiplexer", "controlled RX", "diagonal"])
def test_operation_that_one_method_has_and_another_has_not(name, provider_class):
    """Aer's matrix product states have no ``mcx``."""
    provider = provider_class()
    circuit = among_others(OPERATIONS[name])
    found = provider.execute(circuit, SHOTS, provider.build_nodes()[0], seed=1).counts
    exact = exact_distribution(circuit)
    assert total_variation(found, exact) <= total_variation_bound(exact, SHOTS)


def test_wide_circuit_with_a_custom_gate(counts):
    """transpile refuses more wires than fit the memory; Aer needs it for the active ones alone."""
    circuit = QuantumCircuit(500, 2)
    circuit.append(turned(math.pi).to_gate(), [321])
    circuit.append(QFTGate(2), [5, 6])
    circuit.append(QFTGate(2).inverse(), [5, 6])
    circuit.measure([321, 5], [1, 0])
    assert counts(circuit, 100) == {"10": 100}


def test_delays_of_any_unit(counts):
    circuit = QuantumCircuit(2, 2)
    circuit.delay(10, 0, unit="ns")
    circuit.delay(3, 0, unit="dt")
    circuit.append(turned(math.pi).to_gate(), [0])
    circuit.delay(1.5, 0, unit="us")
    circuit.measure([0, 1], [0, 1])
    assert counts(circuit, 100) == {"01": 100}

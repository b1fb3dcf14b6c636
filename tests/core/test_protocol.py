"""Circuits on their way to a worker and back."""

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import CASE_DEFAULT, Instruction, Parameter

from qcos_core.worker.protocol import pack_circuit, unpack_circuit


def switching():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    with circuit.switch(circuit.cregs[0]) as choice:
        with choice(0):
            circuit.x(1)
        with choice(choice.DEFAULT):
            circuit.y(1)
    return circuit


def saving():
    circuit = QuantumCircuit(2)
    circuit.rx(Parameter("a"), 0)
    circuit.append(Instruction("save_state", 2, 0, [], label="here"), [0, 1])
    return circuit


@pytest.mark.parametrize(
    "make, kind", [(switching, "qpy"), (saving, "pickle")], ids=["control flow", "save"]
)
def test_circuits_arrive_as_they_were(make, kind):
    packed = pack_circuit(make())
    assert packed[0] == kind
    back = unpack_circuit(packed)
    assert [instruction.name for instruction in back.data] == [i.name for i in make().data]
    assert [parameter.name for parameter in back.parameters] == [
        parameter.name for parameter in make().parameters
    ]


def test_default_case_stays_one_where_a_circuit_is_pickled():
    """It is known by its identity, which pickle alone does not keep."""
    circuit = switching()
    circuit.append(Instruction("save_state", 2, 0, [], label="here"), [0, 1])
    packed = pack_circuit(circuit)
    assert packed[0] == "pickle"
    (switch,) = unpack_circuit(packed).get_instructions("switch_case")
    assert list(switch.operation.cases_specifier())[1][0] == (CASE_DEFAULT,)


def test_label_of_what_is_saved_arrives():
    (save,) = unpack_circuit(pack_circuit(saving())).get_instructions("save_state")
    assert save.operation.label == "here"

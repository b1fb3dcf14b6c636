import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Clbit, Instruction, Parameter, ParameterVector
from qiskit.circuit.classical import expr, types

from qcos_core import Registers
from qcos_core.circuits.profile import profile


def test_facts_of_a_plain_circuit(bell):
    facts = profile(bell)
    assert facts.name == "bell"
    assert facts.num_qubits == 2
    assert facts.active == (0, 1)
    assert facts.width == 2
    assert facts.registers == Registers(2, (("meas", 2),))
    assert facts.num_clbits == 2
    assert facts.operations == {"h": 1, "cx": 1, "barrier": 1, "measure": 2}
    assert facts.size == 4
    assert facts.measured
    assert not facts.dynamic
    assert not facts.variables
    assert facts.unbound == ()


def test_idle_wires_are_not_active():
    circuit = QuantumCircuit(QuantumRegister(3, "a"), QuantumRegister(4, "b"), ClassicalRegister(1))
    circuit.x(5)
    circuit.cz(5, 1)
    circuit.measure(5, 0)
    assert profile(circuit).active == (1, 5)
    assert profile(circuit).width == 2


def test_barriers_and_delays_keep_no_wire_active():
    circuit = QuantumCircuit(3, 1)
    circuit.barrier()
    circuit.delay(100, 2)
    circuit.measure(0, 0)
    facts = profile(circuit)
    assert facts.active == (0,)
    assert facts.operations == {"barrier": 1, "delay": 1, "measure": 1}
    assert facts.size == 2


def test_measuring_alone_is_activity():
    circuit = QuantumCircuit(3, 1)
    circuit.measure(1, 0)
    assert profile(circuit).active == (1,)


def test_blocks_make_the_wires_of_their_instruction_active():
    circuit = QuantumCircuit(4, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, True)):
        circuit.x(2)
    assert profile(circuit).active == (0, 2)


def test_registers_in_order_with_loose_bits():
    circuit = QuantumCircuit([Clbit()], ClassicalRegister(2, "b"), ClassicalRegister(1, "a"))
    assert profile(circuit).registers == Registers(4, (("b", 2), ("a", 1)), ((1, 2), (3,)))


def test_registers_that_share_bits():
    first = ClassicalRegister(2, "first")
    circuit = QuantumCircuit(first, ClassicalRegister(1, "last"))
    circuit.add_register(ClassicalRegister(name="both", bits=[circuit.clbits[2], first[0]]))
    assert profile(circuit).registers.bits() == {"first": (0, 1), "last": (2,), "both": (2, 0)}


def test_layout_of_a_transpiled_circuit():
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    circuit.measure_all()
    assert profile(circuit).layout is None
    line = transpile(circuit, coupling_map=[[0, 1], [1, 2], [2, 3]], initial_layout=[3, 2])
    assert profile(line).layout == (3, 2)


class Save(Instruction):
    """As simulators name them: the label is the key under which the data come back."""

    def __init__(self, qubits, label):
        super().__init__("save_state", qubits, 0, [], label=label)


def test_what_is_saved_and_under_which_labels():
    circuit = QuantumCircuit(3, 1)
    circuit.append(Save(3, "before"), range(3))
    with circuit.if_test((0, 1)):
        circuit.append(Save(2, "inside"), [0, 1])
    facts = profile(circuit)
    assert facts.saves == ("before", "inside")
    assert facts.active == (0, 1, 2)
    assert not facts.measured


def test_circuit_without_bits():
    facts = profile(QuantumCircuit(2))
    assert facts.registers == Registers(0)
    assert facts.active == ()
    assert not facts.measured


def measured_twice():
    circuit = QuantumCircuit(1, 2)
    circuit.measure(0, 0)
    circuit.measure(0, 1)
    return circuit


def bit_written_twice():
    circuit = QuantumCircuit(2, 1)
    circuit.measure([0, 1], [0, 0])
    return circuit


def gate_after_measurement():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    circuit.x(0)
    return circuit


def gate_reaching_a_measured_qubit():
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    circuit.cx(1, 0)
    return circuit


def with_reset():
    circuit = QuantumCircuit(1, 1)
    circuit.reset(0)
    circuit.measure(0, 0)
    return circuit


def with_if():
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, True)):
        circuit.x(1)
    return circuit


def with_for():
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(3)):
        circuit.x(0)
    circuit.measure(0, 0)
    return circuit


def with_hidden_measurement():
    inner = QuantumCircuit(1, 1, name="inner")
    inner.measure(0, 0)
    circuit = QuantumCircuit(1, 2)
    circuit.append(inner.to_instruction(), [0], [0])
    circuit.x(0)
    circuit.measure(0, 1)
    return circuit


@pytest.mark.parametrize(
    "make",
    [
        measured_twice,
        bit_written_twice,
        gate_after_measurement,
        gate_reaching_a_measured_qubit,
        with_reset,
        with_if,
        with_for,
        with_hidden_measurement,
    ],
)
def test_dynamic(make):
    assert profile(make()).dynamic


def measured_then_others_go_on():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    circuit.x(1)
    circuit.measure(1, 1)
    return circuit


def measured_then_barrier_and_delay():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    circuit.barrier()
    circuit.delay(100, 0)
    return circuit


@pytest.mark.parametrize("make", [measured_then_others_go_on, measured_then_barrier_and_delay])
def test_not_dynamic(make):
    assert not profile(make()).dynamic


def test_operations_inside_control_flow_are_counted():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    with circuit.if_test((0, True)) as otherwise:
        circuit.x(1)
        with circuit.for_loop(range(2)):
            circuit.h(1)
    with otherwise:
        circuit.x(0)
    assert profile(circuit).operations == {
        "measure": 1,
        "if_else": 1,
        "x": 2,
        "for_loop": 1,
        "h": 1,
    }


def test_measurement_inside_control_flow_counts():
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(2)):
        circuit.measure(0, 0)
    assert profile(circuit).measured


def test_measurement_inside_an_instruction_counts():
    inner = QuantumCircuit(1, 1, name="inner")
    inner.measure(0, 0)
    middle = QuantumCircuit(1, 1, name="middle")
    middle.append(inner.to_instruction(), [0], [0])
    circuit = QuantumCircuit(1, 1)
    circuit.append(middle.to_instruction(), [0], [0])
    facts = profile(circuit)
    assert facts.measured
    assert facts.operations == {"middle": 1, "inner": 1, "measure": 1}


def test_variables_are_seen():
    circuit = QuantumCircuit(1, 1)
    circuit.add_var("flag", expr.lift(False))
    assert profile(circuit).variables


def test_inputs_are_variables():
    assert profile(QuantumCircuit(1, 1, inputs=[expr.Var.new("x", types.Bool())])).variables


def test_unbound_parameters_are_named():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("theta") + 1, 0)
    circuit.ry(ParameterVector("v", 2)[1], 0)
    assert sorted(profile(circuit).unbound) == ["theta", "v[1]"]


def test_the_parameter_of_a_loop_is_bound():
    circuit = QuantumCircuit(1)
    with circuit.for_loop(range(3)) as step:
        circuit.rx(step, 0)
    assert profile(circuit).unbound == ()


def test_profiling_changes_nothing(bell):
    before = bell.copy()
    profile(bell)
    assert bell == before

"""Classical variables, which Aer does not support, are refused before Aer sees them."""

import signal
import subprocess
import sys
from textwrap import dedent

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.classical import expr, types

from qcos_core import Block, CircuitRejected, NoCapableNode, Task

REASON = "it uses classical variables, which Aer does not support"


def uint_condition():
    circuit = QuantumCircuit(2, 2)
    variable = circuit.add_var("v", expr.lift(3, types.Uint(8)))
    with circuit.if_test(expr.equal(variable, 3)):
        circuit.x(1)
    circuit.measure(1, 1)
    return circuit


def bool_condition():
    circuit = QuantumCircuit(2, 2)
    variable = circuit.add_var("v", expr.lift(True))
    with circuit.if_test(variable):
        circuit.x(1)
    circuit.measure(1, 1)
    return circuit


def stored_measurement():
    circuit = QuantumCircuit(2, 2)
    variable = circuit.add_uninitialized_var(expr.Var.new("v", types.Bool()))
    circuit.measure(0, 0)
    circuit.store(circuit.add_var("w", expr.lift(False)), circuit.clbits[0])
    assert variable is None
    return circuit


def input_variable():
    variable = expr.Var.new("v", types.Bool())
    circuit = QuantumCircuit(2, 2, inputs=[variable])
    with circuit.if_test(variable):
        circuit.x(1)
    circuit.measure(1, 1)
    return circuit


def stretched_delay():
    circuit = QuantumCircuit(1, 1)
    circuit.delay(circuit.add_stretch("s"), 0)
    circuit.measure(0, 0)
    return circuit


def variable_of_a_block():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    with circuit.if_test((0, 0)):
        variable = circuit.add_var("v", expr.lift(3, types.Uint(8)))
        with circuit.if_test(expr.equal(variable, 3)):
            circuit.x(1)
    circuit.measure(1, 1)
    return circuit


CIRCUITS = (
    uint_condition,
    bool_condition,
    stored_measurement,
    input_variable,
    stretched_delay,
    variable_of_a_block,
)
each_circuit = pytest.mark.parametrize("make", CIRCUITS, ids=lambda make: make.__name__)


@each_circuit
def test_machine_refuses(make, local_cpu):
    with pytest.raises((NoCapableNode, CircuitRejected), match=REASON):
        local_cpu.run(make(), 10)


@each_circuit
def test_provider_refuses(make, provider, node):
    """Also where nothing is planned: in a worker, in a fallback, in a person's own call."""
    with pytest.raises(CircuitRejected, match=REASON):
        provider.execute(make(), 10, node)
    with pytest.raises(CircuitRejected, match=REASON):
        provider.run_task(Task("t", "c", (Block(0, 10, 1),)), make(), node)


@pytest.mark.parametrize(
    "variable, code",
    [("expr.lift(3, types.Uint(8))", -signal.SIGABRT), ("expr.lift(True)", 1)],
    ids=["Uint", "Bool"],
)
def test_what_aer_itself_does(variable, code):
    """A condition on a Uint aborts the whole process, one on a Bool raises an AttributeError.

    Seen with Aer 0.18.2. Should this fail one day, variables may have come to Aer.
    """
    program = f"""
        import resource
        from qiskit import QuantumCircuit
        from qiskit.circuit.classical import expr, types
        from qiskit_aer import AerSimulator

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        circuit = QuantumCircuit(2, 2)
        variable = circuit.add_var("v", {variable})
        value = variable if variable.type == types.Bool() else expr.equal(variable, 3)
        with circuit.if_test(value):
            circuit.x(1)
        circuit.measure(1, 1)
        AerSimulator().run(circuit, shots=10).result()
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert ("AttributeError" in done.stderr) == (code == 1)

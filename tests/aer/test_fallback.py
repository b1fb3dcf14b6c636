"""Circuits that a node's own provider does not run are run by qcos-aer, which says so."""

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit_aer.noise import NoiseModel, ReadoutError

from qcos_core import (
    CircuitRejected,
    Execution,
    InvalidArguments,
    Limits,
    NodeProvider,
    QPUNodeSpec,
    hookimpl,
)


class TenLines(NodeProvider):
    DISPLAY_NAME = "A provider in ten lines"

    def build_nodes(self, **kwargs):
        return [QPUNodeSpec(node_id="mine-0", node_type="gpu_aer", max_qubits=30)]


class Simulator(TenLines):
    def limits(self, node):
        return Limits(simulated=True)


class Hardware(TenLines):
    def limits(self, node):
        return Limits(simulated=False)


class Declines(TenLines):
    def execute(self, circuit, shots, node_spec):
        raise NotImplementedError


class Answers(TenLines):
    def execute(self, circuit, shots, node_spec):
        return {"11": shots}


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2, name="pair")
    circuit.ry(0.9, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("provider", [TenLines, Declines, Simulator])
def test_aer_runs_it_and_the_record_says_so(provider, circuit, machine):
    result = machine(provider()).run(circuit, 1000, seed=1)
    assert result.counts.keys() == {"00", "11"}
    (record,) = result.shards
    assert (record.provider, record.executor, record.fallback) == (
        provider.__name__,
        "qcos-aer",
        True,
    )
    assert record.simulated
    assert record.metadata["versions"]["qiskit-aer"]
    assert result.warnings == ()


def test_counts_are_those_of_a_node_of_aer_s_own(circuit, machine, counts):
    assert machine(TenLines()).run(circuit, 1000, seed=1).counts == counts(circuit, 1000, 1)


def test_provider_that_answers_is_not_overruled(circuit, machine):
    result = machine(Answers()).run(circuit, 100)
    assert result.counts == {"11": 100}
    assert not result.shards[0].fallback


def test_simulation_in_the_place_of_hardware_is_said_to_be_one(circuit, machine):
    result = machine(Hardware()).run(circuit, 100)
    assert result.simulated
    assert result.shards[0].simulated
    assert result.shards[0].fallback
    (warning,) = result.warnings
    assert "mine-0 is hardware" in warning
    assert "qcos-aer simulated" in warning


def test_falling_through_can_be_forbidden(circuit, machine):
    with pytest.raises(CircuitRejected, match="fallback='never'"):
        machine(TenLines(), fallback="never").run(circuit, 100)
    assert machine(Answers(), fallback="never").run(circuit, 100).counts == {"11": 100}


def test_executor_that_would_go_first_is_refused(machine):
    class Pushy:
        @hookimpl(tryfirst=True)
        def execute(self, circuit, shots):
            return {}

    with pytest.raises(InvalidArguments, match="tryfirst"):
        machine(TenLines()).registry.plugins.register(Pushy())


def test_executor_of_the_user_s_own_comes_before_aer(circuit, machine):
    class Zeros:
        @hookimpl
        def execute(self, circuit, shots):
            return Execution({"0" * circuit.num_clbits: shots}, executor="zeros")

    qvm = machine(TenLines())
    qvm.registry.plugins.register(Zeros())
    result = qvm.run(circuit, 100)
    assert result.counts == {"00": 100}
    assert result.shards[0].executor == "zeros"


def test_what_aer_refuses_goes_to_the_next_in_line(machine):
    """Here nobody is left: the reference simulator does not know the gate either."""
    circuit = QuantumCircuit(1, 1)
    circuit.append(Gate("oracle", 1, []), [0])
    circuit.measure(0, 0)
    with pytest.raises(CircuitRejected, match="oracle"):
        machine(TenLines()).run(circuit, 100)


class AnyOption(TenLines):
    def check_options(self, options):
        return dict(options)


def test_options_reach_the_fallback(machine):
    """Every bit is read wrong, so that noise which was dropped would show."""
    noise = NoiseModel()
    noise.add_all_qubit_readout_error(ReadoutError([[0, 1], [1, 0]]))
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.measure_all()
    result = machine(AnyOption()).run(circuit, 100, options={"noise_model": noise})
    assert result.counts == {"10": 100}
    assert result.shards[0].executor == "qcos-aer"


def test_options_that_nobody_knows_are_not_dropped(circuit, machine):
    with pytest.raises(CircuitRejected, match="nor does any fallback executor"):
        machine(AnyOption()).run(circuit, 100, options={"magic": 1})

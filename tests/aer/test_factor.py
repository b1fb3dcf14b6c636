"""Parts of circuits on Aer: the noise of a part is that of its qubits within the whole."""

import math

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    ReadoutError,
    RelaxationNoisePass,
    depolarizing_error,
    pauli_error,
)

from qcos_aer.providers import LocalCPUProvider
from qcos_core import ClusterBuilder, DistributedQVM, NoCapableNode
from qcos_core.circuits.profile import profile


@pytest.fixture
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as made:
        yield made


def two_halves(each=4):
    circuit = QuantumCircuit(2 * each, 2 * each)
    for start in (0, each):
        circuit.ry(0.7 + start, start)
        for wire in range(start, start + each - 1):
            circuit.cx(wire, wire + 1)
            circuit.sx(wire)
    # the halves are interleaved, so that no part has the numbers that it would have by itself
    mixed = QuantumCircuit(2 * each, 2 * each)
    wires = [*range(0, 2 * each, 2), *range(1, 2 * each, 2)]
    mixed.compose(circuit, wires, inplace=True)
    mixed.measure(range(2 * each), wires)
    return mixed


def noise_by_number(wires):
    """Errors that differ from qubit to qubit and from pair to pair."""
    noise = NoiseModel(basis_gates=["cx", "ry", "sx", "rz", "x"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.01, 1), ["ry"])
    for wire in range(wires):
        flip = pauli_error([("X", 0.02 * wire), ("I", 1 - 0.02 * wire)])
        noise.add_quantum_error(flip, ["sx"], [wire])
        noise.add_readout_error(ReadoutError([[1 - 0.01 * wire, 0.01 * wire], [0.1, 0.9]]), [wire])
        for other in range(wires):
            if other != wire:
                strength = 0.01 + 0.004 * wire + 0.002 * other
                noise.add_quantum_error(depolarizing_error(strength, 2), ["cx"], [wire, other])
    return noise


def exact(circuit, noise):
    """The distribution from Aer's density matrix of the whole circuit, readout included."""
    bare = circuit.copy()
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    shots = 400_000
    found = simulator.run(bare, shots=shots, seed_simulator=3).result().get_counts()
    return {key: number / shots for key, number in found.items()}


def test_noise_of_parts_is_that_of_the_whole(qvm):
    circuit, noise, shots = two_halves(), noise_by_number(8), 100_000
    result = qvm.run(circuit, shots, seed=1, strategy="factor", options={"noise_model": noise})
    expected = exact(circuit, noise)
    keys = result.counts.keys() | expected.keys()
    distance = sum(abs(result.counts.get(k, 0) / shots - expected.get(k, 0)) for k in keys) / 2
    ideal = qvm.run(circuit, shots, seed=1, strategy="factor").counts
    other = sum(abs(ideal.get(k, 0) / shots - expected.get(k, 0)) for k in keys) / 2
    assert distance < math.sqrt(len(keys) / shots)
    assert other > 4 * distance
    assert result.exact
    assert all(shard.method.startswith(("density", "state")) for shard in result.shards)


def test_ideal_parts_against_aer(qvm):
    circuit, shots = two_halves(7), 50_000
    result = qvm.run(circuit, shots, seed=1, strategy="factor")
    other = AerSimulator().run(circuit, shots=shots, seed_simulator=1).result().get_counts()
    keys = result.counts.keys() | other.keys()
    distance = sum(abs(result.counts.get(k, 0) - other.get(k, 0)) for k in keys) / 2 / shots
    assert distance < math.sqrt(2 * len(keys) / shots)


@pytest.mark.parametrize(
    "option",
    [pytest.param("like", marks=pytest.mark.optional_part("qiskit_ibm_runtime")), "passes"],
)
def test_what_bars_parts(qvm, option):
    circuit = two_halves()
    circuit.delay(100, 0)
    noise = NoiseModel()
    noise._custom_noise_passes.append(RelaxationNoisePass([1e-4] * 8, [1e-4] * 8, 1e-9))
    options = {"like": {"like": "fake_guadalupe"}, "passes": {"noise_model": noise}}[option]
    name = next(iter(options))
    with pytest.raises(NoCapableNode, match=rf"the options \({name}\) are for whole circuits"):
        qvm.plan(circuit, strategy="factor", options=options)
    assert qvm.plan(circuit, options=options).strategy == "whole"


def test_passes_that_wait_for_delays_bar_nothing_without_any():
    noise = NoiseModel()
    noise._custom_noise_passes.append(RelaxationNoisePass([1e-4] * 8, [1e-4] * 8, 1e-9))
    circuit = two_halves()
    facts = profile(circuit)
    options = LocalCPUProvider().restrict_options({"noise_model": noise}, facts, (0, 2, 4, 6))
    assert options is not None


def test_other_options_go_with_every_part(qvm):
    options = {"method": "statevector", "precision": "single", "memory": True}
    plan = qvm.plan(two_halves(7), strategy="factor", options=options)
    assert [dict(shard.task.options) for shard in plan.shards] == [options] * 2


def test_an_isa_circuit_in_parts(qvm):
    circuit = transpile(two_halves(7), basis_gates=["rz", "sx", "cx"], optimization_level=1)
    result = qvm.run(circuit, 1000, seed=1, strategy="factor")
    assert result.shots == 1000

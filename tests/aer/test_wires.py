"""Wide circuits of which few wires are used: ideal, noisy, and laid out for a device."""

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import CouplingMap
from qiskit_aer import AerSimulator
from qiskit_aer.noise import LocalNoisePass, NoiseModel, ReadoutError, depolarizing_error
from qiskit_aer.noise.passes import RelaxationNoisePass

from qcos_aer.noise import reduced
from qcos_core import ClusterBuilder, DistributedQVM, NoCapableNode
from qcos_core.testing.statistics import (
    exact_distribution,
    total_variation,
    total_variation_bound,
    two_sample_bound,
)

SHOTS = 20_000
WIRES = (37, 38, 39, 40)


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=2).build()) as machine:
        yield machine


def lopsided():
    circuit = QuantumCircuit(4, name="lopsided")
    circuit.ry(0.4, 0)
    circuit.ry(1.1, 1)
    circuit.cx(0, 2)
    circuit.cx(1, 3)
    circuit.ry(0.7, 3)
    circuit.measure_all()
    return circuit


@pytest.fixture(scope="module")
def wide():
    """Laid out for a line of 127 qubits, in the gates of a device."""
    line = CouplingMap.from_line(127)
    return transpile(
        lopsided(),
        coupling_map=line,
        basis_gates=["rz", "sx", "x", "ecr"],
        initial_layout=[40, 37, 39, 38],
        optimization_level=1,
        seed_transpiler=1,
    )


def test_127_wires_of_which_four_are_used(qvm, wide):
    assert wide.num_qubits == 127
    result = qvm.run(wide, SHOTS, seed=1)
    exact = exact_distribution(lopsided())
    assert total_variation(result.counts, exact) < total_variation_bound(exact, SHOTS)
    metadata = result.shards[0].metadata
    assert set(WIRES) <= set(metadata["physical_qubits"])
    assert len(metadata["physical_qubits"]) < 10
    assert metadata["layout"] == [40, 37, 39, 38]
    assert result.plan.to_dict()["circuits"][0]["layout"] == [40, 37, 39, 38]


def noise_by_number():
    """Errors that tell the qubits apart, by gate, by pair and at readout."""
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.01, 1), ["sx"])
    model.add_quantum_error(depolarizing_error(0.2, 2), ["ecr"], [38, 39])
    model.add_quantum_error(depolarizing_error(0.1, 2), ["ecr"], [39, 38])
    model.add_quantum_error(depolarizing_error(0.3, 2), ["ecr"], [3, 4])
    model.add_all_qubit_readout_error(ReadoutError([[0.98, 0.02], [0.05, 0.95]]))
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.3, 0.7]]), [37])
    model.add_readout_error(ReadoutError([[0.5, 0.5], [0.5, 0.5]]), [5])
    return model


@pytest.mark.parametrize("method", ["automatic", "statevector"])
def test_noise_of_the_qubits_in_use(qvm, wide, method):
    """As in Aer with the whole model, which finds the qubits in use by itself."""
    noise = noise_by_number()
    options = {"noise_model": noise, "method": method}
    counts = qvm.run(wide, SHOTS, seed=1, options=options).counts
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    direct = simulator.run(wide, shots=SHOTS, seed_simulator=1).result().get_counts()
    assert total_variation(counts, direct) < two_sample_bound(counts, direct)
    exact = exact_distribution(lopsided())
    assert total_variation(counts, exact) > total_variation_bound(exact, SHOTS)


def test_reduced_noise(wide):
    small, noise, kept = reduced(wide, noise_by_number())
    assert small.num_qubits == len(kept) < 10
    assert set(WIRES) <= set(kept)
    assert set(noise.noise_qubits) == {kept.index(37), kept.index(38), kept.index(39)}
    assert noise.basis_gates == noise_by_number().basis_gates


def passes(*more):
    model = noise_by_number()
    for one in more:
        model._custom_noise_passes.append(one)
    return model


def test_noise_that_follows_the_qubits_numbers_keeps_them_all(wide):
    def add(instruction, qubits):
        return None

    _, _, kept = reduced(wide, passes(LocalNoisePass(add)))
    assert len(kept) == 127
    relaxation = RelaxationNoisePass([1e-4] * 127, [1e-4] * 127, dt=1e-9)
    assert len(reduced(wide, passes(relaxation))[2]) < 10
    waiting = wide.copy()
    waiting.delay(100, 3)
    assert len(reduced(waiting, passes(relaxation))[2]) == 127


@pytest.mark.parametrize("layout", [[4, 1, 3], (0, 2, 4)], ids=["list", "tuple"])
def test_layout_of_the_user_s_choice(qvm, layout):
    device = GenericBackendV2(5, seed=1)
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(0, 2)
    circuit.measure_all()
    result = qvm.run(circuit, 100, options={"like": device, "initial_layout": layout})
    assert result.shards[0].metadata["layout"] == list(layout)
    assert set(result.shards[0].metadata["physical_qubits"]) == set(layout)


@pytest.mark.parametrize("layout", [[0, 0], [-1, 0], 3, [True, 2], "01"])
def test_what_are_no_layouts(qvm, layout):
    options = {"like": GenericBackendV2(5, seed=1), "initial_layout": layout}
    with pytest.raises(NoCapableNode, match="must be a list of different qubits"):
        qvm.run(lopsided(), 100, options=options)


@pytest.mark.parametrize("layout", [[0, 1, 9, 2], [0, 1], [0, 1, 2, 3, 4]])
def test_layouts_that_do_not_fit(qvm, layout):
    options = {"like": GenericBackendV2(5, seed=1), "initial_layout": layout}
    with pytest.raises(NoCapableNode, match="generic_backend_5q cannot run lopsided: "):
        qvm.run(lopsided(), 100, options=options)


def test_layout_without_a_device(qvm):
    with pytest.raises(NoCapableNode, match="initial_layout needs a device"):
        qvm.run(lopsided(), 100, options={"initial_layout": [0, 1, 2, 3]})

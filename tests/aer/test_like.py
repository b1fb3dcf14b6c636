"""Runs as on a device: its gates, wiring and noise."""

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from qcos_aer.likeness import in_gates_of
from qcos_core import ClusterBuilder, DistributedQVM, NoCapableNode
from qcos_core.testing.statistics import total_variation, two_sample_bound

SHOTS = 20_000
LINE = [[a, a + 1] for a in range(6)] + [[a + 1, a] for a in range(6)]


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as machine:
        yield machine


@pytest.fixture(scope="module")
def device():
    """Seven qubits in a line, each with errors of its own."""
    return GenericBackendV2(7, coupling_map=LINE, seed=3)


def star():
    """Couples qubit 0 with all others, which a line cannot do without swaps."""
    circuit = QuantumCircuit(4, 4, name="star")
    circuit.h(0)
    for qubit in range(1, 4):
        circuit.cx(0, qubit)
    circuit.ry(0.7, 2)
    circuit.measure([2, 0, 1, 3], [0, 1, 2, 3])
    return circuit


def directly(device, circuit, shots=SHOTS, seed=9):
    simulator = AerSimulator(noise_model=NoiseModel.from_backend(device), method="density_matrix")
    return simulator.run(circuit, shots=shots, seed_simulator=seed).result().get_counts()


def test_counts_are_those_of_aer_with_the_device_s_noise(qvm, device):
    options = {"like": device, "seed_transpiler": 11}
    counts = qvm.run(star(), SHOTS, seed=1, options=options).counts
    native = transpile(star(), device, optimization_level=2, seed_transpiler=11)
    direct = directly(device, native)
    assert total_variation(counts, direct) < two_sample_bound(counts, direct)


def test_a_circuit_that_fits_stays_where_it_is(qvm, device):
    circuit = QuantumCircuit(7, 2)
    circuit.x(4)
    circuit.cx(4, 5)
    circuit.measure([4, 5], [0, 1])
    result = qvm.run(circuit, SHOTS, seed=1, options={"like": device})
    assert result.shards[0].metadata["physical_qubits"] == [4, 5]
    assert result.shards[0].metadata["like"] == device.name
    direct = directly(device, circuit)
    assert total_variation(result.counts, direct) < two_sample_bound(result.counts, direct)


def test_every_qubit_s_own_noise_is_used(qvm):
    """Readout errors that differ from qubit to qubit, on the qubits they belong to."""
    device = GenericBackendV2(7, coupling_map=LINE, seed=3)
    for qubit in range(7):
        device.target["measure"][(qubit,)].error = 0.05 * (qubit + 1)
    for qubit in range(7):
        circuit = QuantumCircuit(7, 1)
        circuit.x(qubit)
        circuit.measure(qubit, 0)
        counts = qvm.run(circuit, SHOTS, seed=1, options={"like": device}).counts
        assert abs(counts.get("0", 0) / SHOTS - 0.05 * (qubit + 1)) < 0.02


def test_delays_keep_the_device_s_numbers(qvm, device):
    circuit = QuantumCircuit(7, 1)
    circuit.x(3)
    circuit.delay(300_000, 3, unit="dt")
    circuit.measure(3, 0)
    counts = qvm.run(circuit, SHOTS, seed=1, options={"like": device}).counts
    direct = directly(device, circuit)
    assert total_variation(counts, direct) < two_sample_bound(counts, direct)


@pytest.mark.parametrize(
    "options, text",
    [
        ({"like": 5}, "like must be a BackendV2, or the name of a snapshot"),
        ({"like": "fake_x", "noise_model": NoiseModel()}, "fake|exclude"),
    ],
)
def test_wrong_devices_are_named(qvm, options, text):
    with pytest.raises(NoCapableNode, match=text):
        qvm.run(star(), options=options)


def test_too_wide_for_the_device(qvm, device):
    circuit = QuantumCircuit(8)
    circuit.x(range(8))
    circuit.measure_all()
    with pytest.raises(NoCapableNode, match=r"needs 8 qubits, the device .* has 7"):
        qvm.run(circuit, options={"like": device})


@pytest.mark.optional_part("qiskit_ibm_runtime")
def test_a_snapshot_by_name(qvm):
    result = qvm.run(star(), 2000, seed=1, options={"like": "fake_manila"})
    assert result.shards[0].metadata["like"] == "fake_manila"
    with pytest.raises(NoCapableNode, match="no snapshot of a device 'fake_nowhere'"):
        qvm.run(star(), options={"like": "fake_nowhere"})


def test_a_plan_knows_what_the_device_would_run(qvm, device):
    (decision,) = qvm.plan(star(), options={"like": device}).decisions
    native = transpile(star(), device, optimization_level=2, seed_transpiler=0)
    active = {bit for item in native.data if item.name != "barrier" for bit in item.qubits}
    assert decision.estimate.runs_as == f"as {len(active)} qubits and {native.size()} operations"
    assert decision.estimate.memory_bytes == 16 << 2 * len(active)
    (decision,) = qvm.plan(native, options={"like": device}).decisions
    assert decision.estimate.runs_as == ""


@pytest.mark.optional_part("qiskit_ibm_runtime")
def test_what_a_snapshot_would_run_is_kept_for_equal_circuits_alone():
    def native(circuit, **options):
        return in_gates_of(circuit, "fake_manila", options)

    first = native(star())
    assert native(star()) is first
    assert native(star(), initial_layout=[3, 2, 1, 0]) is not first
    assert native(star(), seed_transpiler=4) is not first
    other = star()
    other.data[-5] = other.data[-5].replace(params=[0.8])
    assert native(other) != first
    assert native(star()) is first

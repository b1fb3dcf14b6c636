"""Options of a run: methods, precision and noise."""

import json

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from qcos_core import ClusterBuilder, DistributedQVM, InvalidArguments, NoCapableNode
from qcos_core.testing.statistics import total_variation, total_variation_bound, two_sample_bound

SHOTS = 20_000


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=2).build()) as machine:
        yield machine


@pytest.fixture(scope="module")
def noise():
    """Errors on gates of its basis, different ones on one pair of qubits, and at readout."""
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.02, 2), ["cx"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.005, 1), ["sx", "x"])
    return model


@pytest.fixture(scope="module")
def local_noise():
    """Errors that depend on the qubit, so that relabelled qubits would show."""
    model = NoiseModel()
    model.add_quantum_error(depolarizing_error(0.3, 2), ["cx"], [1, 2])
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.3, 0.7]]), [0])
    return model


def swap_chain():
    """A one that travels along five qubits and back; every swap is three noisy gates."""
    circuit = QuantumCircuit(5, name="swaps")
    circuit.x(0)
    for _ in range(3):
        for qubit in range(4):
            circuit.swap(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def lopsided():
    circuit = QuantumCircuit(4, 3)
    circuit.ry(0.4, 0)
    circuit.ry(1.1, 1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.measure([2, 0, 1], [0, 1, 2])
    return circuit


def by_density_matrix(circuit, noise):
    """The exact noisy distribution: Aer's density matrix of the circuit in the noise's basis."""
    native = transpile(circuit, basis_gates=noise.basis_gates, optimization_level=0)
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    counts = simulator.run(native, shots=10**6, seed_simulator=5).result().get_counts()
    return {key: number / 10**6 for key, number in counts.items()}


def test_noise_acts_on_its_own_basis(qvm, noise):
    """On the swaps as they stand there would be none: 0.998 instead of 0.587."""
    result = qvm.run(swap_chain(), SHOTS, seed=1, options={"noise_model": noise})
    reference = by_density_matrix(swap_chain(), noise)
    assert 0.55 < result.counts["00100"] / SHOTS < 0.62
    assert total_variation(result.counts, reference) < total_variation_bound(reference, SHOTS)
    assert result.shards[0].method == "density_matrix"


@pytest.mark.parametrize("method", ["automatic", "density_matrix", "statevector"])
def test_noise_of_single_qubits_stays_on_them(qvm, local_noise, method):
    options = {"noise_model": local_noise, "method": method}
    counts = qvm.run(lopsided(), SHOTS, seed=1, options=options).counts
    reference = by_density_matrix(lopsided(), local_noise)
    assert total_variation(counts, reference) < total_variation_bound(reference, SHOTS)
    ideal = qvm.run(lopsided(), SHOTS, seed=1).counts
    assert total_variation(ideal, reference) > total_variation_bound(reference, SHOTS)


def test_wires_without_work_do_not_shift_the_noise(qvm, local_noise):
    """The same circuit with an idle wire between: its noise is that of the wires it is on."""
    circuit = QuantumCircuit(5, 2)
    circuit.ry(1.1, 1)
    circuit.cx(1, 2)
    circuit.measure([1, 2], [0, 1])
    counts = qvm.run(circuit, SHOTS, seed=1, options={"noise_model": local_noise}).counts
    reference = by_density_matrix(circuit, local_noise)
    assert total_variation(counts, reference) < total_variation_bound(reference, SHOTS)


def test_trajectories_of_a_wider_circuit(qvm, noise):
    """Too wide for a density matrix; in a worker, with the noise model sent along."""
    circuit = QuantumCircuit(12)
    circuit.h(0)
    for qubit in range(11):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    result = qvm.run(circuit, 3000, seed=1, options={"noise_model": noise})
    native = transpile(circuit, basis_gates=noise.basis_gates, optimization_level=0)
    simulator = AerSimulator(method="statevector", noise_model=noise)
    direct = simulator.run(native, shots=3000, seed_simulator=9).result().get_counts()
    weights = [weight_distribution(counts) for counts in (result.counts, direct)]
    assert total_variation(*weights) < two_sample_bound(*weights)
    assert result.shards[0].method == "statevector (error patterns)"


def weight_distribution(counts):
    """Counts by the number of ones, which are few enough to compare."""
    weights = {}
    for key, number in counts.items():
        weight = str(key.count("1"))
        weights[weight] = weights.get(weight, 0) + number
    return weights


def test_noisy_dynamic_circuits(qvm, noise):
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    counts = qvm.run(circuit, SHOTS, seed=1, options={"noise_model": noise}).counts
    native = transpile(circuit, AerSimulator(noise_model=noise), optimization_level=0)
    direct = AerSimulator(noise_model=noise).run(native, shots=SHOTS).result().get_counts()
    assert total_variation(counts, direct) < two_sample_bound(counts, direct)
    assert counts["11"] < SHOTS


def test_same_seed_same_noise_on_any_number_of_nodes(noise):
    circuit = lopsided()
    options = {"noise_model": noise, "method": "statevector"}
    counts = []
    for nodes in (1, 2):
        with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=nodes).build()) as machine:
            result = machine.run(circuit, 140_000, seed=3, strategy="shots", options=options)
        counts.append(result.counts)
        assert len(result.shards) == nodes
    assert counts[0] == counts[1]


def test_a_parts_method_is_the_whole_circuit_s(noise):
    """20,000 shots take a density matrix, and no shard of them chooses otherwise."""
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as machine:
        plan = machine.plan(lopsided(), SHOTS, options={"noise_model": noise})
    assert plan.shards[0].task.method == "density_matrix"


@pytest.mark.parametrize("method", ["statevector", "density_matrix", "matrix_product_state"])
def test_methods_by_name(qvm, method):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.t(1)
    circuit.cx(1, 2)
    circuit.measure_all()
    result = qvm.run(circuit, SHOTS, seed=1, options={"method": method})
    exact = {"000": 0.5, "111": 0.5}
    assert total_variation(result.counts, exact) < total_variation_bound(exact, SHOTS)
    assert result.shards[0].method == method


def test_single_precision(qvm):
    circuit = lopsided()
    counts = qvm.run(circuit, SHOTS, seed=1, options={"precision": "single"}).counts
    bare = circuit.remove_final_measurements(inplace=False)
    probabilities = Statevector(bare).probabilities([2, 0, 1])
    exact = {format(i, "03b"): p for i, p in enumerate(probabilities)}
    assert total_variation(counts, exact) < total_variation_bound(exact, SHOTS)


@pytest.mark.parametrize(
    "options, text",
    [
        ({"noise": 1}, "does not know the option noise. It knows method, precision, noise_model"),
        ({"method": "magic"}, "method must be one of automatic, statevector"),
        ({"method": ["statevector"]}, "method must be one of"),
        ({"precision": 64}, "precision must be one of double, single"),
        ({"noise_model": "fake_manila"}, "noise_model must be a qiskit_aer.noise.NoiseModel"),
        ({"optimization_level": True}, "optimization_level must be a whole number from 0 to 3"),
        ({"optimization_level": 4}, "from 0 to 3"),
    ],
)
def test_wrong_options_are_named_before_anything_runs(qvm, options, text):
    with pytest.raises(NoCapableNode, match=text):
        qvm.run(lopsided(), options=options)
    with pytest.raises(InvalidArguments, match=text):
        ClusterBuilder().add("local_cpu", options=options).build()


def test_a_node_has_options_that_a_run_overrides():
    cluster = ClusterBuilder().add("local_cpu", options={"method": "density_matrix"}).build()
    with DistributedQVM(cluster) as machine:
        assert machine.run(lopsided()).shards[0].method == "density_matrix"
        result = machine.run(lopsided(), options={"method": "statevector"})
        assert result.shards[0].method == "statevector"


def test_plans_and_results_show_options_as_json(qvm, noise):
    options = {"noise_model": noise, "precision": "double"}
    result = qvm.run(lopsided(), options=options)
    shown = json.loads(result.to_json())["plan"]["circuits"][0]["options"]
    assert shown["precision"] == "double"
    assert shown["noise_model"]["type"] == "qiskit_aer.noise.noise_model.NoiseModel"


def test_optimizing_is_the_user_s_choice(qvm, noise):
    """At level 2 Qiskit takes the swaps for a relabelling, and leaves hardly any noise."""
    options = {"noise_model": noise, "optimization_level": 2, "seed_transpiler": 1}
    counts = qvm.run(swap_chain(), SHOTS, seed=1, options=options).counts
    assert counts["00100"] / SHOTS > 0.98


def test_by_hand_is_what_a_person_would_type(qvm, noise):
    """The line is run, and gives the same distribution."""
    options = {"noise_model": noise}
    plan = qvm.plan(swap_chain(), SHOTS, options=options)
    names = {"AerSimulator": AerSimulator, "transpile": transpile}
    names |= {"circuit": swap_chain(), "noise_model": noise}
    line = plan.shards[0].estimate.by_hand
    by_hand = eval(line, names).result().get_counts()  # the line is our own
    counts = qvm.run(swap_chain(), SHOTS, seed=1, options=options).counts
    assert total_variation(counts, by_hand) < two_sample_bound(counts, by_hand)

"""What circuits save comes back as from Aer used directly, wherever it ran."""

import io

import numpy as np
import pytest
from qiskit import QuantumCircuit, qpy, transpile
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import DensityMatrix, Pauli, SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qcos_core import (
    CircuitRejected,
    ClusterBuilder,
    DistributedQVM,
    NoCapableNode,
    NodeProvider,
    QPUNodeSpec,
    QVMResult,
)
from qcos_core.model.data import to_json

SHOTS = 200

CLIFFORD = {
    "amplitudes": lambda c: c.save_amplitudes([0, 3, 5]),
    "amplitudes_squared": lambda c: c.save_amplitudes_squared([1, 6]),
    "clifford": lambda c: c.save_clifford(),
    "density_matrix": lambda c: c.save_density_matrix([2, 0]),
    "expectation_value": lambda c: c.save_expectation_value(SparsePauliOp("XZ"), [2, 1]),
    "expectation_value_variance": lambda c: c.save_expectation_value_variance(Pauli("ZY"), [0, 2]),
    "matrix_product_state": lambda c: c.save_matrix_product_state(),
    "probabilities": lambda c: c.save_probabilities([2, 0]),
    "probabilities_dict": lambda c: c.save_probabilities_dict([1, 2]),
    "stabilizer": lambda c: c.save_stabilizer(),
    "state": lambda c: c.save_state(label="whatever the method has"),
    "statevector": lambda c: c.save_statevector(),
    "statevector_dict": lambda c: c.save_statevector_dict(),
    "superop": lambda c: c.save_superop(),
    "unitary": lambda c: c.save_unitary(),
}
OTHERS = {name: save for name, save in CLIFFORD.items() if name not in ("clifford", "stabilizer")}
MEASURED = {
    "in the middle": lambda c: c.save_statevector(label="sv 1"),
    "two of them": lambda c: (c.save_statevector(), c.save_expectation_value(Pauli("Z"), [1])),
    "each shot": lambda c: c.save_expectation_value(Pauli("Z"), [0], pershot=True),
    "by outcome": lambda c: c.save_density_matrix([1], conditional=True),
}
each = pytest.mark.parametrize("where", ["inline", "worker"])


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=2).build()) as machine:
        yield machine


def test_every_save_that_aer_has_is_tried():
    there = {name for name in dir(QuantumCircuit) if name.startswith("save_")}
    assert {f"save_{name}" for name in CLIFFORD} == there


def clifford():
    circuit = QuantumCircuit(3, name="clifford")
    circuit.h(0)
    circuit.s(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.x(2)
    return circuit


def lopsided():
    circuit = QuantumCircuit(3, name="lopsided")
    circuit.ry(0.4, 0)
    circuit.ry(1.1, 1)
    circuit.cx(0, 2)
    circuit.rz(0.8, 2)
    circuit.crx(0.9, 2, 1)
    return circuit


def directly(circuit, **options):
    result = AerSimulator(**options).run(circuit, shots=SHOTS, seed_simulator=1).result()
    assert result.success
    data = result.data(0)
    data.pop("counts", None)
    return data


def run(qvm, circuit, where, **options):
    """A deadline sends even short work to a worker."""
    require = {"deadline_s": 60} if where == "worker" else None
    return qvm.run(circuit, SHOTS, seed=1, require=require, options=options)


def assert_same(found, expected):
    """Both as the plain arrays and numbers in them, to rounding."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif type(expected).__name__ in ("Clifford", "StabilizerState"):
        assert to_json(found) == to_json(expected)
    else:
        assert np.allclose(np.asarray(found), np.asarray(expected), atol=1e-12)


@each
@pytest.mark.parametrize("name", CLIFFORD)
def test_saves_of_a_clifford_circuit(qvm, name, where):
    circuit = clifford()
    CLIFFORD[name](circuit)
    result = run(qvm, circuit, where)
    assert_same(dict(result.data), directly(circuit))
    assert result.packed is None
    assert len(result.data) == 1


@each
@pytest.mark.parametrize("name", OTHERS)
def test_saves_of_another_circuit(qvm, name, where):
    circuit = lopsided()
    OTHERS[name](circuit)
    method = name if name in ("matrix_product_state", "superop", "unitary") else "automatic"
    native = transpile(circuit, AerSimulator(method=method), optimization_level=0)
    assert_same(dict(run(qvm, circuit, where).data), directly(native))


@each
@pytest.mark.parametrize("name", MEASURED)
def test_saves_beside_measurements(qvm, name, where):
    circuit = lopsided()
    MEASURED[name](circuit)
    circuit.measure_all()
    result = run(qvm, circuit, where)
    data = dict(result.data)
    assert data.pop("meas").num_shots == SHOTS
    assert sum(result.counts.values()) == SHOTS
    expected = directly(circuit)
    assert data.keys() == expected.keys()
    if name != "by outcome":  # whose keys are the outcomes seen
        assert_same(data, expected)


def test_states_come_in_qiskit_s_own_classes(qvm):
    circuit = lopsided()
    circuit.save_statevector()
    circuit.save_density_matrix()
    data = qvm.run(circuit).data
    assert type(data.statevector) is Statevector
    assert type(data.density_matrix) is DensityMatrix
    assert data.statevector.equiv(Statevector(lopsided()))


@pytest.mark.parametrize("name", CLIFFORD)
def test_saved_data_survive_json(qvm, name):
    circuit = clifford()
    CLIFFORD[name](circuit)
    result = qvm.run(circuit)
    back = QVMResult.from_json(result.to_json())
    assert_same(dict(back.data), dict(result.data))


def test_each_shot_s_state_belongs_to_its_outcome(qvm):
    """Measured first and saved then: the state is the one that the outcome says."""
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    circuit.save_statevector(pershot=True)
    result = qvm.run(circuit, 100, seed=1, options={"memory": True})
    states = [state.data.round(9).nonzero()[0].item() for state in result.data.statevector]
    assert states == [int(key, 2) for key in result.memory]
    assert len(set(states)) == 4


def test_each_shot_s_data_belong_to_the_shots_of_a_register(qvm):
    """Without being asked for: both stand in one mapping."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.save_statevector(pershot=True, label="after")
    circuit.measure(1, 1)
    data = qvm.run(circuit, 100, seed=3).data
    states = [state.data.round(9).nonzero()[0].item() for state in data["after"]]
    assert states == [3 * int(key[1]) for key in data["c"].get_bitstrings()]
    assert len(set(states)) == 2


@pytest.mark.parametrize("seed", range(12))
def test_expectation_values_among_idle_wires(qvm, seed):
    """Where Aer leaves wires out, it takes other qubits for the ones named."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(7)
    busy = rng.choice(7, 4, replace=False).tolist()
    for _ in range(8):
        one, other = rng.choice(busy, 2, replace=False).tolist()
        circuit.ry(rng.uniform(0.3, 2), one)
        circuit.crx(rng.uniform(0.3, 2), one, other)
    state = Statevector(circuit)
    wanted = {}
    for number in range(6):
        qubits = rng.choice(7, 3, replace=False).tolist()
        pauli = Pauli("".join(rng.choice(list("IXYZ"), 3)))
        wanted[f"value {number}"] = state.expectation_value(pauli, qubits).real
        wanted[f"spread {number}"] = 1 - wanted[f"value {number}"] ** 2
        circuit.save_expectation_value(pauli, qubits, label=f"value {number}")
        circuit.save_expectation_value_variance(pauli, qubits, label=f"spread {number}")
        qubits = rng.choice(7, 2, replace=False).tolist()
        wanted[f"odds {number}"] = state.probabilities(qubits)
        circuit.save_probabilities(qubits, label=f"odds {number}")
    if seed % 2:
        circuit.measure_all()
    data = qvm.run(circuit, 10).data
    for label, value in wanted.items():
        found = data[label][1] if label.startswith("spread") else data[label]
        assert found == pytest.approx(value, abs=1e-9), label


def test_state_without_a_label_goes_by_the_instruction_s_name(qvm):
    circuit = lopsided()
    circuit.save_state()
    data = qvm.run(circuit).data
    assert list(data) == ["save_state"]
    assert data["save_state"].equiv(Statevector(lopsided()))


def test_circuit_without_measurement_has_no_counts(qvm):
    circuit = lopsided()
    circuit.save_statevector()
    result = qvm.run(circuit, name="quiet")
    with pytest.raises(CircuitRejected, match=r"quiet measures nothing.*data: statevector"):
        result.counts  # noqa: B018 - a property that raises
    with pytest.raises(CircuitRejected, match="measures nothing"):
        result.plot()
    assert "statevector" in repr(result)
    assert "statevector" in result._repr_html_()


def test_shots_of_a_circuit_that_saves_stay_together(qvm):
    """What is saved cannot be added up, so such a circuit is one block on one node."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.save_expectation_value(Pauli("Z"), [0])
    circuit.h(0)
    circuit.measure(0, 1)
    result = qvm.run(circuit, 10_000, seed=1, strategy="shots")
    assert [len(record.blocks) for record in result.shards] == [1]
    zeros = sum(n for key, n in result.counts.items() if key[1] == "0")
    assert result.data.expectation_value == pytest.approx((2 * zeros - 10_000) / 10_000)


@pytest.fixture(scope="module")
def noise():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx"])
    return model


@pytest.mark.parametrize("name", ["density_matrix", "expectation_value", "probabilities"])
def test_noise_is_exact_where_a_density_matrix_fits(qvm, noise, name):
    circuit = lopsided()
    OTHERS[name](circuit)
    native = transpile(circuit, AerSimulator(noise_model=noise), optimization_level=0)
    expected = directly(native, method="density_matrix", noise_model=noise)
    result = qvm.run(circuit, 10, options={"noise_model": noise})
    assert_same(dict(result.data), expected)
    assert result.shards[0].method == "density_matrix"


def test_noisy_channel(qvm, noise):
    circuit = lopsided()
    circuit.save_superop()
    native = transpile(circuit, AerSimulator(noise_model=noise), optimization_level=0)
    result = qvm.run(circuit, options={"noise_model": noise})
    expected = directly(native, method="superop", noise_model=noise)
    assert_same(dict(result.data), expected)


def test_noise_is_a_mean_over_trajectories(qvm, noise):
    """Too wide for a density matrix: twelve in a row."""
    circuit = QuantumCircuit(12)
    for qubit in range(11):
        circuit.cx(qubit, qubit + 1)
    circuit.save_expectation_value(Pauli("Z"), [11])
    result = qvm.run(circuit, 2000, seed=1, options={"noise_model": noise})
    assert result.shards[0].method == "statevector"
    # each error of 5 % leaves a Pauli on the last qubit that flips it with 2 * 0.05 / 4
    exact = (1 - 0.05) ** 11
    assert result.data.expectation_value == pytest.approx(exact, abs=6 / 2000**0.5)
    assert result.data.expectation_value < 1


def test_optimizing_must_not_reorder_a_state(qvm, noise):
    circuit = lopsided()
    circuit.save_statevector()
    options = {"noise_model": noise, "optimization_level": 2}
    with pytest.raises(NoCapableNode, match="optimization_level 2 and above reorders them"):
        qvm.run(circuit, options=options)


def test_level_of_a_transpiler_that_does_not_run_is_no_matter(qvm):
    circuit = lopsided()
    circuit.save_statevector()
    data = qvm.run(circuit, options={"optimization_level": 3}).data
    assert data.statevector.equiv(Statevector(lopsided()))


@pytest.fixture(scope="module")
def device():
    return GenericBackendV2(6, coupling_map=[[i, i + 1] for i in range(5)], seed=2)


def test_expectation_value_on_a_device_is_that_of_the_counts(qvm, device):
    """Moved to other qubits of the device, and still of the qubits that the user named."""
    circuit = lopsided()
    for label in ("IIZ", "IZI", "ZII", "ZIZ"):
        circuit.save_expectation_value(Pauli(label), range(3), label=label)
    options = {"like": device, "initial_layout": [4, 1, 3]}
    result = qvm.run(circuit, options=options)
    bare = lopsided()
    bare.measure_all()
    unread = NoiseModel.from_backend(device, readout_error=False)
    native = transpile(bare, device, initial_layout=[4, 1, 3], seed_transpiler=0)
    simulator = AerSimulator(noise_model=unread, method="density_matrix")
    counts = simulator.run(native, shots=40_000, seed_simulator=3).result().get_counts()
    for label, value in result.data.items():
        signs = {
            key: (-1) ** sum(bit == "1" for bit, p in zip(key, label, strict=True) if p == "Z")
            for key in counts
        }
        mean = sum(signs[key] * n for key, n in counts.items()) / 40_000
        assert value == pytest.approx(mean, abs=6 / 40_000**0.5), label
    assert set(result.shards[0].metadata["physical_qubits"]) >= {1, 3, 4}
    assert result.shards[0].metadata["layout"] == [4, 1, 3]


@pytest.mark.parametrize("name", ["statevector", "unitary", "amplitudes", "stabilizer"])
def test_state_of_all_wires_is_refused_on_a_device(qvm, device, name):
    circuit = clifford()
    CLIFFORD[name](circuit)
    with pytest.raises(NoCapableNode, match=f"save_{name} of all its wires, and running it as"):
        qvm.run(circuit, options={"like": device})


class TenLines(NodeProvider):
    DISPLAY_NAME = "Ten lines"

    def build_nodes(self):
        return [QPUNodeSpec("ten", "other", 30)]


@pytest.mark.parametrize("width", [3, 18])
def test_node_without_execute_falls_back_with_data(machine, width):
    """Inline, and wide enough to take a worker."""
    circuit = QuantumCircuit(width)
    circuit.h(0)
    for _ in range(10):
        for qubit in range(width - 1):
            circuit.crx(0.3, qubit, qubit + 1)
    circuit.save_probabilities([1, 0])
    circuit.measure_all()
    result = machine(TenLines()).run(circuit, 100, seed=1)
    assert result.shards[0].executor == "qcos-aer"
    assert sum(result.counts.values()) == 100
    assert_same(result.data.probabilities, directly(circuit)["probabilities"])


def test_method_that_is_asked_for_and_cannot(qvm):
    circuit = lopsided()
    circuit.save_statevector()
    with pytest.raises(CircuitRejected, match="save_statevector"):
        qvm.run(circuit, options={"method": "stabilizer"})


def test_save_from_a_file_is_told_apart(qvm):
    circuit = lopsided()
    circuit.save_statevector()
    file = io.BytesIO()
    qpy.dump(circuit, file)
    file.seek(0)
    with pytest.raises(CircuitRejected, match="save_statevector came from a file"):
        qvm.run(qpy.load(file)[0])


def test_more_memory_than_there_is(qvm):
    circuit = QuantumCircuit(20)
    circuit.h(range(20))
    circuit.save_unitary()
    with pytest.raises(NoCapableNode, match="needs 16 TiB for unitary"):
        qvm.run(circuit)

"""Sweeps on Aer: a circuit is prepared once, and no point is a different circuit for that."""

import os
import signal
from weakref import ref

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import efficient_su2, get_standard_gate_name_mapping
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Pauli, Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qcos_aer import simulate
from qcos_aer.evolve import MOST_MEASURED, Probabilities
from qcos_core import ClusterBuilder, DistributedQVM
from qcos_core.testing.statistics import total_variation, total_variation_bound, two_sample_bound

SHOTS = 4000
ALPHA, BETA = Parameter("alpha"), Parameter("beta")


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as machine:
        yield machine


def plain():
    circuit = QuantumCircuit(3, name="plain")
    circuit.ry(ALPHA, 0)
    circuit.cx(0, 2)
    circuit.rx(2 * BETA - ALPHA / 3, 1)
    circuit.global_phase = BETA
    circuit.rzz(BETA, 1, 2)
    circuit.h([1, 2])
    circuit.measure_all()
    return circuit


def controlled():
    """Aer's own binding of parameters passes over controlled gates."""
    circuit = QuantumCircuit(3, name="controlled")
    circuit.h([0, 1, 2])
    circuit.cp(BETA, 0, 1)
    circuit.crx(ALPHA, 1, 2)
    circuit.mcp(BETA / 2, [0, 1], 2)
    circuit.ry(ALPHA, 0)
    circuit.h(1)
    circuit.measure_all()
    return circuit


def one_unused():
    """A parameter that a basis change drops again: the angles add up to nothing."""
    circuit = QuantumCircuit(2, name="one unused")
    circuit.ry(ALPHA, 0)
    circuit.rz(BETA - BETA, 1)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def dynamic():
    circuit = QuantumCircuit(2, 2, name="dynamic")
    circuit.ry(ALPHA, 0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.ry(BETA, 1)
    circuit.measure(1, 1)
    return circuit


def wide():
    circuit = QuantumCircuit(14, name="wide")
    for qubit in range(14):
        circuit.ry(ALPHA * (qubit + 1) / 14, qubit)
    for qubit in range(13):
        circuit.crx(BETA, qubit, qubit + 1)
    circuit.measure_all()
    return circuit


POINTS = np.random.default_rng(7).uniform(0, 3, (6, 2))
CIRCUITS = {make.__name__: make() for make in (plain, controlled, one_unused, dynamic, wide)}
each = pytest.mark.parametrize("name", CIRCUITS)


@each
@pytest.mark.parametrize("where", ["inline", "worker"])
def test_sweep_is_the_list_of_its_points(qvm, name, where):
    """Shot for shot, so a seed means the same in both."""
    circuit = CIRCUITS[name]
    points = POINTS[:, : circuit.num_parameters]
    require = {"deadline_s": 60} if where == "worker" else None
    sweep = qvm.run((circuit, points), SHOTS, seed=3, require=require)
    bound = qvm.run([circuit.assign_parameters(point) for point in points], SHOTS, seed=3)
    assert sweep.counts == [result.counts for result in bound]


@pytest.mark.parametrize("name", ["plain", "controlled", "wide"])
def test_points_have_the_exact_distribution(qvm, name):
    circuit = CIRCUITS[name]
    bare = circuit.remove_final_measurements(inplace=False)
    sweep = qvm.run((circuit, POINTS), SHOTS, seed=3)
    for point, counts in zip(POINTS, sweep.counts, strict=True):
        exact = Statevector(bare.assign_parameters(point)).probabilities_dict()
        assert total_variation(counts, exact) < total_variation_bound(exact, SHOTS)


GATES = [
    name
    for name, gate in get_standard_gate_name_mapping().items()
    if gate.params and gate.num_qubits and name != "delay"
]


@pytest.mark.parametrize("name", GATES)
def test_every_gate_gets_its_angles(qvm, name):
    """In two runs whose angles differ the gate does different things, and the right ones."""
    kind = type(get_standard_gate_name_mapping()[name])
    angles = ParameterVector("angle", len(get_standard_gate_name_mapping()[name].params))
    gate = kind(*angles)
    circuit = QuantumCircuit(gate.num_qubits)
    for qubit in range(gate.num_qubits):
        circuit.ry(0.5 + qubit / 3, qubit)
        circuit.rz(0.9 - qubit / 5, qubit)
    circuit.append(gate, circuit.qubits)
    circuit.u(0.7, 0.3, 1.1, circuit.qubits)
    points = [[0.4 + place / 9 for place in range(len(angles))], [2.2] * len(angles)]
    exact = [Statevector(circuit.assign_parameters(p)).probabilities_dict() for p in points]
    assert total_variation(*exact) > total_variation_bound(exact[1], 10**6)
    circuit.measure_all()
    for counts, truth in zip(qvm.run((circuit, points), 10**6).counts, exact, strict=True):
        assert total_variation(counts, truth) < total_variation_bound(truth, 10**6)


def test_points_are_evolved_in_few_runs_of_aer(qvm, monkeypatch):
    """A point for itself would cost a run of Aer; counted where Aer is called."""
    calls = []
    run = AerSimulator.run

    def counted(self, *args, **kwargs):
        calls.append(kwargs.get("parameter_binds"))
        return run(self, *args, **kwargs)

    monkeypatch.setattr(AerSimulator, "run", counted)
    monkeypatch.setattr(simulate.evolve, "NARROW", 0)
    values = np.linspace(0, 1, 40)
    qvm.run((CIRCUITS["plain"], {ALPHA: values, BETA: 0.5}), 100)
    assert len(calls) <= 4
    assert sum(len(binds[0][ALPHA]) for binds in calls) == 40


def test_probabilities_are_not_all_held_at_once(qvm, monkeypatch):
    """So few bits may be measured that two points do not fit together."""
    monkeypatch.setattr(simulate.evolve, "NARROW", 0)
    expected = qvm.run((CIRCUITS["plain"], POINTS), SHOTS, seed=3).counts
    monkeypatch.setattr(simulate.evolve, "MOST_MEASURED", 3)
    seen, most = [], []
    draw = Probabilities.draw

    def counted(self, shots, seed):
        seen.append(ref(self))
        most.append(sum(one() is not None for one in seen))
        return draw(self, shots, seed)

    monkeypatch.setattr(Probabilities, "draw", counted)
    assert qvm.run((CIRCUITS["plain"], POINTS), SHOTS, seed=3).counts == expected
    assert len(most) == len(POINTS)
    assert max(most) <= 2
    assert MOST_MEASURED == 24


def test_noise_at_each_point(qvm):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
    options = {"noise_model": noise}
    circuit = CIRCUITS["plain"]
    sweep = qvm.run((circuit, POINTS[:3]), SHOTS, seed=3, options=options)
    bound = [circuit.assign_parameters(point) for point in POINTS[:3]]
    for one, two in zip(sweep, qvm.run(bound, SHOTS, seed=8, options=options), strict=True):
        assert total_variation(one.counts, two.counts) < two_sample_bound(one.counts, two.counts)
        assert one.shards[0].method == "density_matrix"
    ideal = qvm.run((circuit, POINTS[:3]), SHOTS, seed=3)
    assert sum(map(total_variation, sweep.counts, ideal.counts)) > 0.1


def test_device_at_each_point(qvm):
    """Transpiled once, with its parameters, and so on the same qubits at each point."""
    device = GenericBackendV2(5, coupling_map=[[0, 1], [1, 2], [2, 3], [3, 4]], seed=3)
    options = {"like": device}
    circuit = CIRCUITS["plain"]
    sweep = qvm.run((circuit, POINTS[:3]), SHOTS, seed=3, options=options)
    qubits = {tuple(record.metadata["physical_qubits"]) for record in sweep.shards}
    assert len(qubits) == 1
    bound = [circuit.assign_parameters(point) for point in POINTS[:3]]
    for one, two in zip(sweep, qvm.run(bound, SHOTS, seed=8, options=options), strict=True):
        # qubits may differ between the two, and with them the noise
        assert total_variation(one.counts, two.counts) < 0.1


def test_saved_data_over_a_sweep(qvm):
    circuit = efficient_su2(4, reps=1)
    circuit.save_expectation_value(Pauli("ZZXI"), range(4), label="energy")
    circuit.save_statevector()
    points = np.random.default_rng(1).uniform(0, 6, (3, 2, circuit.num_parameters))
    sweep = qvm.run((circuit, points))
    energies = sweep.data["energy"]
    assert energies.shape == (3, 2)
    for index in np.ndindex(3, 2):
        state = Statevector(efficient_su2(4, reps=1).assign_parameters(points[index]))
        assert energies[index] == pytest.approx(state.expectation_value(Pauli("ZZXI")).real)
        assert sweep.data["statevector"][index].equiv(state)


def test_sweep_on_a_matrix_product_state():
    circuit = QuantumCircuit(40)
    circuit.rx(ALPHA, 0)
    for qubit in range(39):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    with DistributedQVM(ClusterBuilder().add("local_gpu_mps").build()) as machine:
        sweep = machine.run((circuit, [[0.0], [np.pi]]), 50)
    assert sweep.counts == [{"0" * 40: 50}, {"1" * 40: 50}]


def test_worker_killed_in_the_middle_of_a_sweep_changes_nothing(qvm):
    """The points that it had go to another one, with the same counts."""
    circuit, points, shots = CIRCUITS["dynamic"], POINTS[:3], 100_000
    slow = {"precision": "single"}  # then Aer runs shot by shot
    expected = qvm.run((circuit, points), shots, seed=3, options=slow)
    killed = []

    def kill_first(event):
        if event.kind == "shard_started" and event.pid and not killed:
            killed.append(event.pid)
            os.kill(event.pid, signal.SIGKILL)

    cluster = ClusterBuilder().add("local_cpu").build()
    with DistributedQVM(cluster, observers=[kill_first]) as fleet:
        sweep = fleet.run((circuit, points), shots, seed=3, options=slow)
    assert killed
    assert sweep.counts == expected.counts
    assert [record.attempts for record in sweep.shards] == [2, 2, 2]
    assert [record.attempts for record in expected.shards] == [1, 1, 1]

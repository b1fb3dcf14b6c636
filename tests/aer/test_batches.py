"""Lists of circuits that are built alike: side by side on numpy, and the same as alone."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2, get_standard_gate_name_mapping
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator

from qcos_aer import evolve
from qcos_core import ClusterBuilder, DistributedQVM, Task, VirtualCircuitSpec
from qcos_core.circuits.profile import profile
from qcos_core.providers.running import Wanted
from qcos_core.qvm.blocks import make_blocks
from qcos_core.testing.statistics import total_variation, total_variation_bound
from qcos_core.worker.calls import provider_ref, run_in_worker


def ansatz(number, qubits=4, seed=0):
    template = efficient_su2(qubits, reps=1, entanglement="linear")
    rng = np.random.default_rng(seed)
    circuits = []
    for _ in range(number):
        values = rng.uniform(0, 2 * np.pi, template.num_parameters)
        circuits.append(template.assign_parameters(values))
        circuits[-1].measure_all()
    return circuits


def every_gate(number, *, known=True):
    """Circuits of one structure with each standard gate in them, or each that Aer has."""
    names = set(AerSimulator().operation_names) if known else None
    rng = np.random.default_rng(3)
    circuits = [QuantumCircuit(5, 5) for _ in range(number)]
    gates = [
        gate
        for gate in get_standard_gate_name_mapping().values()
        if hasattr(gate, "to_matrix")
        and 1 <= gate.num_qubits <= 5
        and gate.name != "delay"
        and (names is None or gate.name in names)
    ]
    for gate in gates:
        qubits = rng.permutation(5)[: gate.num_qubits].tolist()
        for circuit in circuits:
            values = rng.uniform(-3, 3, len(gate.params)).tolist()
            circuit.append(type(gate)(*values), qubits)
    order = rng.permutation(5).tolist()
    for circuit in circuits:
        circuit.measure(range(5), order)
    return circuits


@pytest.mark.parametrize(
    "circuits",
    [
        ansatz(25),
        every_gate(6),
        every_gate(3, known=False),
        ansatz(9, qubits=9),
        ansatz(3) * 4,
    ],
    ids=["ansatz", "every gate", "gates that Aer lacks", "wider", "repeated"],
)
def test_a_list_gives_what_each_gives_alone(local_cpu, circuits):
    together = local_cpu.run(circuits, 500, seed=7)
    for place, (circuit, result) in enumerate(zip(circuits, together, strict=True)):
        alone = local_cpu.run(VirtualCircuitSpec(circuit, position=place), 500, seed=7)
        assert result.counts == alone.counts


def test_mixed_lists_are_sorted_out(local_cpu):
    mixed = [one for pair in zip(ansatz(8), every_gate(8), strict=True) for one in pair]
    results = local_cpu.run(mixed, 500, seed=3)
    for place, (circuit, result) in enumerate(zip(mixed, results, strict=True)):
        alone = local_cpu.run(VirtualCircuitSpec(circuit, position=place), 500, seed=3)
        assert result.counts == alone.counts


def test_distributions_are_those_of_qiskit(local_cpu):
    """Another program's probabilities, bit order included."""
    circuits = every_gate(6)
    for circuit, result in zip(circuits, local_cpu.run(circuits, 40_000, seed=1), strict=True):
        bare = circuit.remove_final_measurements(inplace=False)
        order = [circuit.find_bit(one.clbits[0]).index for one in circuit.data[-5:]]
        values = Statevector(bare).probabilities([order.index(bit) for bit in range(5)])
        exact = {format(index, "05b"): value for index, value in enumerate(values) if value > 1e-15}
        assert total_variation(result.counts, exact) <= total_variation_bound(exact, 40_000)


def test_circuits_that_must_be_translated_first(local_cpu):
    """Custom gates may differ inside, so nothing is concluded from one to the other."""
    circuits = []
    for angle in (0.1, 3.0, 0.1):
        inner = QuantumCircuit(1, name="inner")
        inner.ry(angle, 0)
        circuit = QuantumCircuit(1)
        circuit.append(inner.to_gate(), [0])
        circuit.measure_all()
        circuits.append(circuit)
    ones = [result.counts.get("1", 0) for result in local_cpu.run(circuits, 1000, seed=1)]
    assert ones[0] < 30
    assert ones[1] > 970
    assert ones[2] < 30


@pytest.mark.parametrize("options", [{"precision": "single"}, {"memory": True}, {}])
def test_options_hold_for_each(local_cpu, options):
    circuits = ansatz(5)
    together = local_cpu.run(circuits, 200, seed=5, options=options)
    for place, (circuit, result) in enumerate(zip(circuits, together, strict=True)):
        spec = VirtualCircuitSpec(circuit, position=place)
        alone = local_cpu.run(spec, 200, seed=5, options=options)
        assert result.counts == alone.counts
        if "memory" in options:
            assert result.memory == alone.memory


def test_in_a_worker_they_are_the_same(provider, node):
    circuits = {f"c{place}": circuit for place, circuit in enumerate(ansatz(6))}
    tasks = [
        Task(f"{name}.0", name, make_blocks(300, 4, place, "once"))
        for place, name in enumerate(circuits)
    ]
    ref = provider_ref(provider, {})
    wanted = Wanted.of(profile(circuits["c0"]), {})
    there = run_in_worker(ref, node, tasks, circuits, wanted, None)
    here = provider.run_batch(tasks, circuits, node)
    assert [one.counts for one in there] == [one.counts for one in here]


def test_two_nodes_share_a_list():
    circuits = ansatz(40)
    with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=2).build()) as two:
        results = two.run(circuits, 300, seed=9)
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as one:
        assert [r.counts for r in results] == [r.counts for r in one.run(circuits, 300, seed=9)]
    assert {record.node_id for r in results for record in r.shards} == {
        "local-cpu-0",
        "local-cpu-1",
    }


def test_circuits_that_are_equal_are_evolved_once(provider, node, monkeypatch):
    """Equal ones share one distribution, whether or not they are one object."""
    drawn = []
    evolved = evolve.evolved

    def kept(*arguments):
        drawn.extend(evolved(*arguments))
        return drawn

    monkeypatch.setattr(evolve, "evolved", kept)
    (circuit,) = ansatz(1)
    circuits = {"c0": circuit, "c1": circuit.copy(), "c2": circuit, "c3": ansatz(1, seed=8)[0]}
    tasks = [Task(name, name, make_blocks(100, 1, 0, "once")) for name in circuits]
    results = provider.run_batch(tasks, circuits, node)
    assert len({id(one.values) for one in drawn}) == 2
    assert results[0].counts == results[1].counts == results[2].counts


@pytest.mark.parametrize("width", [13, 16, 18])
@pytest.mark.parametrize("narrow", [12, 22], ids=["by Aer", "by numpy"])
def test_narrow_and_wide_states_agree(local_cpu, monkeypatch, narrow, width):
    """On either side of where numpy leaves off and Aer begins."""
    monkeypatch.setattr(evolve, "NARROW", narrow)
    circuit = QuantumCircuit(width, 3)
    for qubit in range(width):
        circuit.ry(0.2 + 0.1 * qubit, qubit)
    for qubit in range(width - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure([0, width // 2, width - 1], [2, 0, 1])
    bare = circuit.remove_final_measurements(inplace=False)
    bare.save_probabilities([width // 2, width - 1, 0])
    values = AerSimulator(method="statevector").run(bare).result().data(0)["probabilities"]
    exact = {format(index, "03b"): value for index, value in enumerate(values) if value > 1e-15}
    counts = local_cpu.run(circuit, 40_000, seed=2).counts
    assert total_variation(counts, exact) <= total_variation_bound(exact, 40_000)

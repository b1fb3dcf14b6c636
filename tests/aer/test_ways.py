"""Which way shots are made, and that each way makes the shots that Aer makes."""

import tracemalloc

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error

from qcos_aer.estimates import choose, estimate, patterns_of
from qcos_aer.prepare import prepared
from qcos_aer.providers import LocalCPUProvider
from qcos_aer.simulate import Sampler
from qcos_core import Block, ClusterBuilder, DistributedQVM, Task
from qcos_core.circuits.profile import profile
from qcos_core.testing.statistics import total_variation, two_sample_bound


def midway(qubits, measured, *, clifford=False):
    """Layers of gates, with a measurement after each whose outcome decides about a gate."""
    circuit = QuantumCircuit(qubits, qubits)
    for layer in range(measured):
        for qubit in range(qubits):
            if clifford:
                circuit.h(qubit)
            else:
                circuit.ry(0.3 + 0.1 * qubit + 0.07 * layer, qubit)
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(qubit, qubit + 1)
        bit = layer % qubits
        circuit.measure(bit, bit)
        with circuit.if_test((bit, 1)):
            circuit.x(bit)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def until_zero():
    circuit = QuantumCircuit(2, 2)
    circuit.ry(1.2, 0)
    circuit.measure(0, 0)
    with circuit.while_loop((0, 1)):
        circuit.cx(0, 1)
        circuit.ry(1.2, 0)
        circuit.measure(0, 0)
    circuit.measure(1, 1)
    return circuit


def at_end(qubits):
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        circuit.ry(0.3 + 0.2 * qubit, qubit)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def noise(error=None):
    model = NoiseModel()
    model.add_all_qubit_quantum_error(error or depolarizing_error(0.03, 2), ["cx"])
    return model


DAMPING = amplitude_damping_error(0.05)
KRAUS = DAMPING.tensor(DAMPING)

WAYS = {
    "from one state": (at_end(5), 1000, None, "automatic", "state", "once"),
    "few branches": (midway(6, 3), 1000, None, "automatic", "tree", "once"),
    "more branches than shots": (midway(6, 30), 1000, None, "automatic", "tree", "per_shot"),
    "a loop": (until_zero(), 1000, None, "automatic", "tree", "per_shot"),
    "few Clifford qubits": (midway(6, 3, clifford=True), 1000, None, "automatic", "tree", "once"),
    "many": (midway(20, 3, clifford=True), 1000, None, "automatic", "aer", "per_shot"),
    "states that fill the memory": (midway(27, 30), 1000, None, "automatic", "aer", "per_shot"),
    "another method": (midway(4, 2), 1000, None, "density_matrix", "aer", "per_shot"),
    "errors to be drawn": (at_end(12), 1000, noise(), "automatic", "patterns", "branching"),
    "errors in few shots": (at_end(8), 1000, noise(), "automatic", "patterns", "branching"),
    "errors in most shots": (at_end(4), 10**5, noise(), "automatic", "aer", "once"),
    "errors that a state alters": (at_end(12), 1000, noise(KRAUS), "automatic", "aer", "per_shot"),
    "noise in between": (midway(6, 3), 1000, noise(), "automatic", "aer", "per_shot"),
}


@pytest.mark.parametrize("case", WAYS.values(), ids=WAYS)
def test_the_way_follows_from_the_job(case):
    circuit, shots, model, method, way, sampling = case
    facts = profile(circuit)
    known = patterns_of(facts, shots, {} if model is None else {"noise_model": model})
    choice = choose(facts, shots, method, noisy=model is not None, **known)
    assert (choice.way, choice.sampling) == (way, sampling)
    others = choose(facts, shots, method, noisy=model is not None, own=False, **known)
    assert others.way == "aer"


@pytest.mark.parametrize("case", WAYS.values(), ids=WAYS)
def test_a_part_of_the_shots_goes_the_same_way(case):
    """By the method that the plan hands to each task."""
    circuit, shots, model, method, way, _ = case
    facts = profile(circuit)
    options = {} if model is None else {"noise_model": model}
    task_method = estimate(facts, shots, method, "CPU", options).task_method
    for part in (1, shots // 3):
        known = patterns_of(facts, part, options)
        assert choose(facts, part, task_method, noisy=model is not None, **known).way == way


def test_plans_say_the_way(local_cpu):
    def said(circuit, **options):
        return local_cpu.plan(circuit, options=options).shards[0].estimate.method

    assert said(at_end(5)) == "statevector (numpy, CPU)"
    assert said(at_end(23)) == "statevector (Aer, CPU)"
    assert said(at_end(5), precision="single") == "statevector (Aer, CPU)"
    assert said(midway(5, 2)) == "branch tree (statevector, numpy, CPU)"
    model = noise()
    assert said(at_end(12), noise_model=model) == "error patterns (statevector, numpy, CPU)"
    branching = "noisy statevector, shot branching (Aer, CPU)"
    assert said(at_end(12), noise_model=noise(KRAUS)) == branching


def test_a_gpu_makes_its_own_shots():
    facts = profile(midway(5, 2))
    assert estimate(facts, 1000, "statevector", "GPU").method == "statevector (Aer, GPU)"


RUNS = {
    "tree": (midway(5, 3), {}, "statevector (branch tree)"),
    "loop": (until_zero(), {}, "statevector (branch tree)"),
    "given up": (midway(3, 30), {}, "statevector"),
    "patterns": (at_end(11), {"noise_model": noise()}, "statevector (error patterns)"),
    "branching": (at_end(11), {"noise_model": noise(KRAUS)}, "statevector"),
}


@pytest.mark.parametrize("case", RUNS.values(), ids=RUNS)
def test_each_way_makes_the_shots_that_aer_makes(local_cpu, case):
    circuit, options, method = case
    result = local_cpu.run(circuit, 2000, seed=5, options=options)
    assert {record.method for record in result.shards} == {method}
    aer = AerSimulator(**options).run(circuit, shots=2000, seed_simulator=8).result()
    ours, theirs = result.counts, aer.get_counts()
    if circuit.num_clbits > 5:  # outcomes by their number of ones, which are few enough to compare
        ours, theirs = by_ones(ours), by_ones(theirs)
    assert total_variation(ours, theirs) <= two_sample_bound(ours, theirs)


def by_ones(counts):
    found = {}
    for key, number in counts.items():
        ones = str(key.count("1"))
        found[ones] = found.get(ones, 0) + number
    return found


@pytest.mark.parametrize(
    "circuit, options",
    [(until_zero(), {}), (midway(3, 30), {}), (at_end(11), {"noise_model": noise()})],
    ids=["loop", "given up", "patterns"],
)
def test_counts_do_not_depend_on_the_number_of_nodes(circuit, options):
    shots = 140_000 if options else 9000
    found = []
    for nodes in (1, 2, 7):
        with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=nodes).build()) as fleet:
            result = fleet.run(circuit, shots, seed=3, strategy="shots", options=options)
        found.append(result.counts)
        assert len(result.shards) == min(nodes, 3)
    assert found[0] == found[1] == found[2]


def test_syndromes_without_noise_need_one_branch(local_cpu):
    """So many measurements would part the shots without end, if their outcomes were random."""
    circuit = QuantumCircuit(5, 80)
    for place in range(0, 80, 2):
        for ancilla in (3, 4):
            circuit.cx(ancilla - 3, ancilla)
            circuit.cx(ancilla - 2, ancilla)
            circuit.measure(ancilla, place + ancilla - 3)
            circuit.reset(ancilla)
        circuit.t(0)
    result = local_cpu.run(circuit, 5000, seed=1)
    assert result.counts == {"0" * 80: 5000}
    assert {record.method for record in result.shards} == {"statevector (branch tree)"}


def test_memory_is_that_of_the_branches_kept():
    facts = profile(midway(20, 3))
    provider = LocalCPUProvider()
    (node,) = provider.build_nodes()
    kept = provider.estimate_run(facts, 1000, node, {}).memory_bytes
    assert kept == (facts.branchings + 4) * 16 * 2**20


@pytest.mark.parametrize(
    "circuit, model",
    [(at_end(20), None), (midway(18, 3), None), (at_end(16), noise()), (at_end(20), noise())],
    ids=["state", "tree", "narrow patterns", "patterns"],
)
def test_no_more_memory_is_taken_than_the_estimate_says(circuit, model):
    shots, options = 300, {} if model is None else {"noise_model": model}
    expected = estimate(profile(circuit), shots, "automatic", "CPU", options).memory_bytes
    ready = prepared(circuit, shots, method="automatic", device="CPU", options=options)
    sampler = Sampler(ready, device="CPU", options=options)
    tracemalloc.start()
    try:
        list(sampler.run_tasks([Task("t", "c", (Block(0, shots, 1),))]))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 1.1 * expected


def test_shots_of_a_tree_vary_as_independent_ones(local_cpu):
    """Over many seeds the count of an outcome has the variance of a binomial."""
    circuit = midway(3, 3)
    shots, seeds = 200, 300
    counts = [local_cpu.run(circuit, shots, seed=seed).counts for seed in range(seeds)]
    key = max(counts[0], key=counts[0].get)
    column = np.array([one.get(key, 0) for one in counts])
    share = column.mean() / shots
    expected = shots * share * (1 - share)
    assert abs(column.var(ddof=1) / expected - 1) < 6 * (2 / seeds) ** 0.5

"""One circuit over several nodes: the same counts, whatever happens to the workers."""

import os
import signal
from collections import Counter
from hashlib import sha256

import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from qcos_core import ClusterBuilder, DistributedQVM

SHOTS = 32768


METHOD = "density_matrix"
"""Where Aer makes each shot of a dynamic circuit by itself."""


def per_shot_circuit(qubits=4):
    """Neither Clifford nor drawn from one state."""
    circuit = QuantumCircuit(qubits, qubits)
    for qubit in range(qubits):
        circuit.ry(0.3 + qubit, qubit)
    circuit.t(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.rx(0.7, 1)
    circuit.h(0)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def run(nodes, seed, **arguments):
    observers = arguments.pop("observers", ())
    cluster = ClusterBuilder().add("local_cpu", n_nodes=nodes).build()
    with DistributedQVM(cluster, observers=observers) as qvm:
        options = {"method": METHOD}
        circuit = per_shot_circuit()
        return qvm.run(circuit, SHOTS, seed=seed, strategy="shots", options=options, **arguments)


@pytest.fixture(scope="module")
def expected():
    """A plain loop over Aer with the documented seeds, 8 blocks of 4,096 shots."""
    counts, simulator = Counter(), AerSimulator(method=METHOD)
    for block in range(8):
        digest = sha256(f"qcos-block-1:11:0:{block}".encode()).digest()
        seed = int.from_bytes(digest[:8], "big") >> 1
        job = simulator.run(per_shot_circuit(), shots=4096, seed_simulator=seed)
        counts.update(job.result().get_counts())
    return dict(counts)


@pytest.mark.parametrize("nodes", [1, 2, 7])
def test_counts_do_not_depend_on_the_number_of_nodes(nodes, expected):
    result = run(nodes, seed=11)
    assert result.counts == expected
    assert {record.node_id for record in result.shards} == {f"local-cpu-{i}" for i in range(nodes)}
    assert all(record.blocks for record in result.shards)
    assert sorted(block[0] for record in result.shards for block in record.blocks) == list(range(8))


def test_another_seed_gives_other_counts(expected):
    assert run(2, seed=12).counts != expected


def test_a_worker_killed_with_9_costs_one_attempt(expected):
    killed = []

    def kill_first(event):
        if event.kind == "shard_started" and event.pid and not killed:
            killed.append(event.task_id)
            os.kill(event.pid, signal.SIGKILL)

    result = run(2, seed=11, observers=[kill_first])
    assert result.counts == expected
    attempts = {record.task_id: record.attempts for record in result.shards}
    assert attempts.pop(killed[0]) == 2
    assert list(attempts.values()) == [1]


def test_one_block_stays_whole():
    """All shots come from one evolution, which a second node would only repeat."""
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.t(range(3))
    circuit.measure_all()
    with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=3).build()) as qvm:
        result = qvm.run(circuit, 10**6, seed=1, strategy="shots")
    assert len(result.shards) == 1
    assert result.shots == 10**6

"""Circuits that no one here wrote, on a fleet, against Aer used directly."""

import pytest
from qiskit import transpile
from qiskit_aer import AerSimulator

from qcos_core import ClusterBuilder, DistributedQVM
from qcos_core.testing.statistics import total_variation, two_sample_bound


@pytest.fixture(scope="session")
def fleet():
    """Two Aer nodes and the reference simulator."""
    cluster = ClusterBuilder().add("local_cpu", n_nodes=2).add("local_numpy").build()
    with DistributedQVM(cluster) as qvm:
        yield qvm


@pytest.fixture(scope="session")
def aer():
    """What a person gets from Aer without QCOS."""
    simulator = AerSimulator()

    def run(circuit, shots, seed=1):
        native = transpile(circuit, simulator, optimization_level=0, seed_transpiler=1)
        job = simulator.run(native, shots=shots, seed_simulator=seed, max_parallel_threads=1)
        return job.result().get_counts()

    return run


@pytest.fixture(scope="session")
def same_source():
    """Whether one distribution may have made two sets of counts; wrong once in 10**9 times."""

    def decide(counts, others):
        return total_variation(counts, others) <= two_sample_bound(counts, others)

    return decide

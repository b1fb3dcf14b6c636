"""qcos-aer against AerSimulator used directly. Needs nothing but qcos-aer, pytest, hypothesis."""

import pytest
from qiskit_aer import AerSimulator

from qcos_aer.providers import LocalCPUProvider
from qcos_core import ClusterBuilder, DistributedQVM, QPURegistry
from qcos_core.testing.statistics import total_variation, two_sample_bound


@pytest.fixture(scope="session")
def local_cpu():
    """A machine with one node, which is Aer's."""
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
        yield qvm


@pytest.fixture(scope="session")
def counts(local_cpu):
    """Counts of a circuit on that machine."""

    def run(circuit, shots=1000, seed=1):
        return local_cpu.run(circuit, shots, seed=seed).counts

    return run


@pytest.fixture(scope="session")
def aer():
    """What a person gets from Aer without QCOS."""
    simulator = AerSimulator()

    def run(circuit, shots=1000):
        return simulator.run(circuit, shots=shots, seed_simulator=1).result().get_counts()

    return run


@pytest.fixture(scope="session")
def same_source():
    """Whether one distribution may have made two sets of counts; wrong once in 10**9 times."""

    def decide(counts, others):
        return total_variation(counts, others) <= two_sample_bound(counts, others)

    return decide


@pytest.fixture(scope="session")
def provider():
    return LocalCPUProvider()


@pytest.fixture(scope="session")
def node(provider):
    return provider.build_nodes()[0]


@pytest.fixture
def machine():
    """Make a machine of one provider's nodes."""
    made = []

    def make(provider, **arguments):
        registry = QPURegistry()
        for spec in provider.build_nodes():
            registry.register(spec, provider)
        made.append(DistributedQVM(registry, **arguments))
        return made[-1]

    yield make
    for qvm in made:
        qvm.close()

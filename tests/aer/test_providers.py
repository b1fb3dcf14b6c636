"""The nodes of qcos-aer: what they are, how wide, on what, and with which seeds."""

import subprocess
import sys

import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from qcos_aer.devices import why_no_gpu
from qcos_aer.providers import LocalCPUProvider, LocalGPUAerProvider, LocalGPUMPSProvider
from qcos_core import (
    Block,
    ClusterBuilder,
    DistributedQVM,
    InvalidArguments,
    NodeType,
    PackedCounts,
    Task,
)
from qcos_core.circuits.profile import profile
from qcos_core.providers import host

PROVIDERS = {
    "local_cpu": (LocalCPUProvider, NodeType.CPU_AER, 30, "CPU fallback"),
    "local_gpu_aer": (LocalGPUAerProvider, NodeType.GPU_AER, 32, "SV"),
    "local_gpu_mps": (LocalGPUMPSProvider, NodeType.GPU_TENSOR, 4096, "MPS"),
}
each_provider = pytest.mark.parametrize("key", PROVIDERS)


def sampled(qubits=3):
    """Drawn from one final state."""
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        circuit.ry(0.4 + qubit, qubit)
    circuit.measure_all()
    return circuit


def noisy_choice():
    """Each shot is made by itself: there is measurement on the way."""
    circuit = QuantumCircuit(2, 2)
    circuit.ry(0.8, 0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.ry(1.1, 1)
    circuit.measure(1, 1)
    return circuit


@each_provider
def test_nodes_by_default(key, monkeypatch):
    monkeypatch.setattr(host, "memory_bytes", lambda: 2**40)
    provider, kind, width, label = PROVIDERS[key]
    (node,) = provider().build_nodes()
    assert (node.node_type, node.max_qubits, node.online) == (kind, width, True)
    assert node.metadata.get("note", "").find("lowered") == -1
    assert provider.estimate_nodes() == {label: 1}
    assert provider.estimate_nodes(n_nodes=7) == {label: 7}
    limits = provider().limits(node)
    assert (limits.simulated, limits.paid, limits.seeded) == (True, False, True)


@each_provider
def test_nodes_have_ids_of_their_own(key):
    nodes = PROVIDERS[key][0]().build_nodes(n_nodes=3, max_qubits=5, node_prefix="mine")
    assert [node.node_id for node in nodes] == ["mine-0", "mine-1", "mine-2"]
    assert {node.max_qubits for node in nodes} == {5}


@each_provider
@pytest.mark.parametrize("wrong", [{"n_nodes": 0}, {"max_qubits": 0}, {"n_nodes": 1.5}])
def test_wrong_numbers(key, wrong):
    with pytest.raises(InvalidArguments, match=next(iter(wrong))):
        PROVIDERS[key][0]().build_nodes(**wrong)


@pytest.mark.parametrize("key", ["local_cpu", "local_gpu_aer"])
def test_width_is_that_of_the_memory_there_is(key, monkeypatch):
    monkeypatch.setattr(host, "memory_bytes", lambda: 1 << 30)
    (node,) = PROVIDERS[key][0]().build_nodes()
    assert node.max_qubits == 26
    assert "this machine has 1.0 GiB, and 27 qubits need 2 GiB" in node.metadata["note"]


def test_too_wide_a_circuit_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr(host, "memory_bytes", lambda: 1 << 20)
    cluster = ClusterBuilder().add("local_cpu").build()
    with DistributedQVM(cluster) as qvm, pytest.raises(Exception, match="needs 17 qubits, the nod"):
        qvm.plan(sampled(17), strategy="whole")


def test_gpu_nodes_are_offline_unless_aer_has_a_gpu():
    has_gpu = "GPU" in AerSimulator().available_devices()
    nodes = list(ClusterBuilder().add("local_gpu_aer", n_nodes=2).build())
    assert [node.online for node in nodes] == [has_gpu, has_gpu]
    assert [node.offline_reason for node in nodes] == [why_no_gpu()] * 2
    assert has_gpu or "qiskit-aer-gpu" in why_no_gpu()


def test_mps_needs_no_gpu_and_runs_300_qubits():
    circuit = QuantumCircuit(300)
    circuit.h(0)
    for qubit in range(299):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    with DistributedQVM(ClusterBuilder().add("local_gpu_mps").build()) as qvm:
        result = qvm.run(circuit, 200, seed=4)
    assert result.counts.keys() == {"0" * 300, "1" * 300}
    assert result.shards[0].method == "matrix_product_state"
    assert result.shards[0].metadata["device"] == "CPU"
    (node,) = qvm.registry
    assert node.online
    assert node.metadata["device"] == "CPU"


@pytest.mark.parametrize("make", [sampled, noisy_choice])
@pytest.mark.parametrize("provider_class", [LocalCPUProvider, LocalGPUMPSProvider])
def test_same_seed_same_counts(make, provider_class):
    provider = provider_class()
    node = provider.build_nodes()[0]

    def run(seed):
        return provider.run_task(Task("t", "c", (Block(0, 2000, seed),)), make(), node).counts

    for seed in (0, 5, 2**63 - 1):
        assert run(seed) == run(seed)
        executed = provider.execute(make(), 2000, node, seed=seed).counts
        assert PackedCounts.from_bitstrings(executed, run(seed).width) == run(seed)
    assert run(5) != run(50_000)


@pytest.mark.parametrize("make", [sampled, noisy_choice])
def test_task_is_the_sum_of_its_blocks(make, provider, node):
    blocks = (Block(0, 700, 11), Block(1, 700, 5000), Block(5, 600, 11))

    def run(*some):
        return provider.run_task(Task("t", "c", some), make(), node).counts

    together = run(*blocks)
    assert together == PackedCounts.merge([run(block) for block in blocks])
    assert together.shots == 2000
    assert run(blocks[0]) != run(blocks[1])


def test_blocks_of_a_run_have_seeds_of_their_own(local_cpu):
    by_aer = {"method": "density_matrix"}
    result = local_cpu.run(noisy_choice(), 9000, seed=3, options=by_aer)
    seeds = [seed for record in result.shards for _, _, seed in record.blocks]
    assert len(seeds) == len(set(seeds)) == 3
    again = local_cpu.run(noisy_choice(), 9000, seed=3, options=by_aer)
    assert again.counts == result.counts


def test_result_says_what_ran(provider, node):
    result = provider.run_task(Task("t", "c", (Block(0, 10, 1),)), sampled(), node)
    assert result.simulated
    assert result.exact
    assert result.method == "statevector"
    assert result.seconds > 0
    assert set(result.metadata["versions"]) == {"qcos-aer", "qiskit-aer", "qiskit", "numpy"}


@each_provider
def test_estimate_says_what_a_person_could_type(key):
    provider = PROVIDERS[key][0]()
    node = provider.build_nodes()[0]
    estimate = provider.estimate_run(profile(sampled()), 100, node, {})
    low, high = estimate.seconds
    assert 0 < low < high
    assert estimate.by_hand.startswith("AerSimulator(")
    assert estimate.by_hand.endswith(").run(circuit, shots=100)")
    counts = eval(estimate.by_hand, {"AerSimulator": AerSimulator, "circuit": sampled()})
    if key != "local_gpu_aer":
        assert sum(counts.result().get_counts().values()) == 100


def test_importing_the_providers_imports_neither_qiskit_nor_aer():
    code = (
        "import sys, qcos_aer.providers, qcos_aer.fallback;"
        "print({name.partition('.')[0] for name in sys.modules} & {'qiskit', 'qiskit_aer'})"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"

"""Stand-ins for the packages whose providers need a cloud or a supercomputer."""

import pytest

from network.node_providers import (
    NodeProvider,
    NodeProviderRegistry,
    NodeType,
    QPUNodeSpec,
)
from qcos_core.providers import discovery


@pytest.fixture(autouse=True)
def _forget_registrations(monkeypatch):
    monkeypatch.setattr(NodeProviderRegistry, "_registered", {})
    monkeypatch.setattr(NodeProviderRegistry, "_loaded", {})


class StandIn(NodeProvider):
    """Takes what the reference says, and remembers it."""

    def build_nodes(self, n_nodes=1, **kwargs):
        self.asked.append((self.KEY, {"n_nodes": n_nodes, **kwargs}))
        return [
            QPUNodeSpec(node_id=f"{self.KEY}-{i}", node_type=NodeType.CPU_NUMPY, max_qubits=30)
            for i in range(n_nodes)
        ]

    @classmethod
    def estimate_nodes(cls, **kwargs):
        return {"CPU fallback": kwargs.get("n_nodes", 1)}


class Lumi(StandIn):
    def build_nodes(
        self,
        n_nodes,
        gpus_per_node=8,
        max_qubits_sv=34,
        max_qubits_mps=2000,
        lumi_host="lumi",
        lumi_project="",
    ):
        self.asked.append((self.KEY, dict(locals(), self=None)))
        return [
            QPUNodeSpec(
                f"lumi-n{node:02}-gcd{gcd}", NodeType.GPU_AER, max_qubits_sv, ["lumi", "rocm"]
            )
            for node in range(n_nodes)
            for gcd in range(gpus_per_node)
        ] + [
            QPUNodeSpec(f"lumi-n{node:02}-mps", NodeType.GPU_TENSOR, max_qubits_mps, ["lumi"])
            for node in range(n_nodes)
        ]

    @classmethod
    def estimate_nodes(cls, **kwargs):
        n_nodes = kwargs["n_nodes"]
        return {"SV": n_nodes * kwargs.get("gpus_per_node", 8), "MPS": n_nodes}


@pytest.fixture
def asked(monkeypatch):
    """Stand-ins under every key of the reference, and the arguments that reach them."""
    nothing = tuple(p for p in discovery.entry_points(discovery.GROUP) if p.name == "local_numpy")
    monkeypatch.setattr(discovery, "entry_points", lambda group: nothing)
    calls = []
    names = {
        "local_cpu": "Local CPU (Aer)",
        "local_gpu_aer": "Local GPU",
        "local_gpu_mps": "Local MPS",
        "local_gpu_cuquantum": "Local cuQuantum",
        "azure_quantum": "Azure Quantum",
        "ibm_quantum": "IBM Quantum",
        "aws_braket": "AWS Braket",
        "custom_rest": "REST",
        "lumi_amd_gpu": "LUMI AMD MI250X",
    }
    for key, name in names.items():
        base = Lumi if key == "lumi_amd_gpu" else StandIn
        facts = {"KEY": key, "DISPLAY_NAME": name, "asked": calls}
        NodeProviderRegistry.register(key, type(key, (base,), facts))
    return calls

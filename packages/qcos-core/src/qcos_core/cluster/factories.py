"""Ready-made clusters, by the providers' keys."""

from __future__ import annotations

from qcos_core.cluster.builder import ClusterBuilder
from qcos_core.cluster.registry import QPURegistry
from qcos_core.errors import InvalidArguments

AZURE_CHEAP_TARGETS = ("rigetti.qpu.ankaa-3", "quantinuum.qpu.h2-1", "microsoft.estimator")


def make_local_cluster(
    n_cpu_nodes: int = 4, n_gpu_sv_nodes: int = 0, n_gpu_mps_nodes: int = 0
) -> QPURegistry:
    """A cluster on this machine.

    Args:
        n_cpu_nodes: ``local_cpu`` nodes.
        n_gpu_sv_nodes: ``local_gpu_aer`` nodes.
        n_gpu_mps_nodes: ``local_gpu_mps`` nodes.

    Raises:
        UnknownProvider: qcos-aer is not installed.
        InvalidArguments: no nodes at all, or a negative number.
    """
    builder = ClusterBuilder()
    wanted = {
        "local_cpu": n_cpu_nodes,
        "local_gpu_aer": n_gpu_sv_nodes,
        "local_gpu_mps": n_gpu_mps_nodes,
    }
    for key, number in wanted.items():
        if number:
            builder.add(key, n_nodes=number)
    return builder.build()


def make_lumi_cluster(
    n_nodes: int,
    gpus_per_node: int = 8,
    lumi_host: str = "lumi",
    lumi_project: str = "",
    include_local_fallback: bool = True,
) -> QPURegistry:
    """A cluster on LUMI, with four local CPU nodes beside it.

    Args:
        n_nodes: LUMI compute nodes.
        gpus_per_node: GCDs per node.
        lumi_host: SSH alias.
        lumi_project: project id.
        include_local_fallback: add four ``local_cpu`` nodes.

    Raises:
        UnknownProvider: qcos-lumi, or qcos-aer for the fallback, is not installed.
        InvalidArguments: wrong arguments.
    """
    builder = ClusterBuilder().add(
        "lumi_amd_gpu",
        n_nodes=n_nodes,
        gpus_per_node=gpus_per_node,
        lumi_host=lumi_host,
        lumi_project=lumi_project,
    )
    if include_local_fallback:
        builder.add("local_cpu", n_nodes=4)
    return builder.build()


def make_azure_cheap_cluster(
    azure_resource_id: str, subscription_id: str, include_local_mps: bool = True
) -> QPURegistry:
    """Rigetti, Quantinuum and the resource estimator on Azure, with a local MPS node.

    Args:
        azure_resource_id: full resource id of the Azure Quantum workspace.
        subscription_id: Azure subscription id.
        include_local_mps: add one ``local_gpu_mps`` node of 2,000 qubits.

    Raises:
        UnknownProvider: qcos-azure, or qcos-aer for the MPS node, is not installed.
        InvalidArguments: wrong arguments.
    """
    builder = ClusterBuilder().add(
        "azure_quantum",
        azure_resource_id=azure_resource_id,
        subscription_id=subscription_id,
        targets=list(AZURE_CHEAP_TARGETS),
    )
    if include_local_mps:
        builder.add("local_gpu_mps", n_nodes=1, max_qubits=2000)
    return builder.build()


def make_hybrid_cluster(
    lumi_nodes: int = 2,
    azure_resource_id: str = "",
    subscription_id: str = "",
    ibm_token: str = "",
    include_local: bool = True,
) -> QPURegistry:
    """LUMI, Azure, IBM and this machine together; what is left empty is left out.

    Args:
        lumi_nodes: LUMI compute nodes; 0 for none.
        azure_resource_id: resource id of an Azure Quantum workspace.
        subscription_id: Azure subscription id; goes with ``azure_resource_id``.
        ibm_token: IBM Quantum API key.
        include_local: add ``local_cpu`` and ``local_gpu_mps``.

    Raises:
        UnknownProvider: the package of a part that was asked for is not installed.
        InvalidArguments: nothing was asked for, one of Azure's two ids is missing, or wrong
            arguments.
    """
    if bool(azure_resource_id) != bool(subscription_id):
        message = "Azure needs both azure_resource_id and subscription_id; one is missing."
        raise InvalidArguments(message)
    builder = ClusterBuilder()
    if lumi_nodes:
        builder.add("lumi_amd_gpu", n_nodes=lumi_nodes)
    if azure_resource_id:
        builder.add(
            "azure_quantum", azure_resource_id=azure_resource_id, subscription_id=subscription_id
        )
    if ibm_token:
        builder.add("ibm_quantum", ibm_token=ibm_token)
    if include_local:
        builder.add("local_cpu").add("local_gpu_mps")
    return builder.build()

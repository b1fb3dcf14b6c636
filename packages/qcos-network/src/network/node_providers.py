"""``network.node_providers``: providers, their registry, and the ways to make a cluster."""

from qcos_core import (
    ClusterBuilder,
    NodeProvider,
    NodeProviderRegistry,
    NodeType,
    QPUNodeSpec,
    QPURegistry,
    make_azure_cheap_cluster,
    make_hybrid_cluster,
    make_local_cluster,
    make_lumi_cluster,
)

__all__ = [
    "ClusterBuilder",
    "NodeProvider",
    "NodeProviderRegistry",
    "NodeType",
    "QPUNodeSpec",
    "QPURegistry",
    "make_azure_cheap_cluster",
    "make_hybrid_cluster",
    "make_local_cluster",
    "make_lumi_cluster",
]

"""``network.distributed_qvm``: the machine, its nodes, and its results."""

from qcos_core import (
    DistributedQVM,
    NodeType,
    QPUNodeSpec,
    QPURegistry,
    QVMResult,
    VirtualCircuitSpec,
)

__all__ = [
    "DistributedQVM",
    "NodeType",
    "QPUNodeSpec",
    "QPURegistry",
    "QVMResult",
    "VirtualCircuitSpec",
]

"""QCOS: a query optimizer and an exactly-once executor for quantum circuits, over any fleet."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qcos_core.circuits.files import load_circuits as load_circuits
    from qcos_core.cluster.builder import ClusterBuilder as ClusterBuilder
    from qcos_core.cluster.config import load_cluster as load_cluster
    from qcos_core.cluster.factories import (
        make_azure_cheap_cluster as make_azure_cheap_cluster,
        make_hybrid_cluster as make_hybrid_cluster,
        make_local_cluster as make_local_cluster,
        make_lumi_cluster as make_lumi_cluster,
    )
    from qcos_core.cluster.registry import QPURegistry as QPURegistry
    from qcos_core.errors import (
        AuthenticationFailed as AuthenticationFailed,
        BudgetExceeded as BudgetExceeded,
        CircuitRejected as CircuitRejected,
        CountsInvalid as CountsInvalid,
        InvalidArguments as InvalidArguments,
        JobCancelled as JobCancelled,
        JobFailed as JobFailed,
        JobTimeout as JobTimeout,
        LedgerUnusable as LedgerUnusable,
        NoCapableNode as NoCapableNode,
        NodeOffline as NodeOffline,
        OutcomeUnknown as OutcomeUnknown,
        PartialResult as PartialResult,
        ProviderLoadError as ProviderLoadError,
        QCOSError as QCOSError,
        QuotaExceeded as QuotaExceeded,
        Throttled as Throttled,
        UnknownProvider as UnknownProvider,
    )
    from qcos_core.model.aggregations import (
        Aggregate as Aggregate,
        confidence_weighted as confidence_weighted,
        majority_vote as majority_vote,
        weighted_average as weighted_average,
    )
    from qcos_core.model.amounts import Amount as Amount
    from qcos_core.model.circuits import (
        CircuitProfile as CircuitProfile,
        Requirements as Requirements,
        VirtualCircuitSpec as VirtualCircuitSpec,
    )
    from qcos_core.model.counts import (
        PackedCounts as PackedCounts,
        Registers as Registers,
    )
    from qcos_core.model.data import ResultData as ResultData
    from qcos_core.model.events import Event as Event
    from qcos_core.model.export import (
        Export as Export,
        export_results as export_results,
    )
    from qcos_core.model.methods import methods_text as methods_text
    from qcos_core.model.nodes import (
        Credentials as Credentials,
        Limits as Limits,
        NodeType as NodeType,
        QPUNodeSpec as QPUNodeSpec,
    )
    from qcos_core.model.plans import (
        Candidate as Candidate,
        Decision as Decision,
        Estimate as Estimate,
        Shard as Shard,
        ShardPlan as ShardPlan,
    )
    from qcos_core.model.policies import Choice as Choice
    from qcos_core.model.results import (
        QVMResult as QVMResult,
        ShardRecord as ShardRecord,
    )
    from qcos_core.model.seam import (
        Block as Block,
        Execution as Execution,
        Handle as Handle,
        Recovery as Recovery,
        State as State,
        Status as Status,
        Submission as Submission,
        Task as Task,
        TaskResult as TaskResult,
    )
    from qcos_core.model.secrets import Secret as Secret
    from qcos_core.model.shots import PackedShots as PackedShots
    from qcos_core.model.status import JobStatus as JobStatus
    from qcos_core.model.strategies import Division as Division
    from qcos_core.model.sweeps import SweepResult as SweepResult
    from qcos_core.providers.base import (
        JobNodeProvider as JobNodeProvider,
        NodeProvider as NodeProvider,
    )
    from qcos_core.providers.hookspecs import hookimpl as hookimpl
    from qcos_core.providers.registry import NodeProviderRegistry as NodeProviderRegistry
    from qcos_core.qvm.jobs import QVMJob as QVMJob
    from qcos_core.qvm.machine import DistributedQVM as DistributedQVM
    from qcos_core.qvm.replay import Replay as Replay, replay as replay
    from qcos_core.qvm.traces import JobTraces as JobTraces

__version__ = "0.1.0"

_HOMES = {
    "circuits.files": ("load_circuits",),
    "cluster.builder": ("ClusterBuilder",),
    "cluster.config": ("load_cluster",),
    "cluster.factories": (
        "make_azure_cheap_cluster",
        "make_hybrid_cluster",
        "make_local_cluster",
        "make_lumi_cluster",
    ),
    "cluster.registry": ("QPURegistry",),
    "errors": (
        "AuthenticationFailed",
        "BudgetExceeded",
        "CircuitRejected",
        "CountsInvalid",
        "InvalidArguments",
        "JobCancelled",
        "JobFailed",
        "JobTimeout",
        "LedgerUnusable",
        "NoCapableNode",
        "NodeOffline",
        "OutcomeUnknown",
        "PartialResult",
        "ProviderLoadError",
        "QCOSError",
        "QuotaExceeded",
        "Throttled",
        "UnknownProvider",
    ),
    "model.aggregations": (
        "Aggregate",
        "confidence_weighted",
        "majority_vote",
        "weighted_average",
    ),
    "model.amounts": ("Amount",),
    "model.circuits": ("CircuitProfile", "Requirements", "VirtualCircuitSpec"),
    "model.counts": ("PackedCounts", "Registers"),
    "model.data": ("ResultData",),
    "model.events": ("Event",),
    "model.export": ("Export", "export_results"),
    "model.methods": ("methods_text",),
    "model.nodes": ("Credentials", "Limits", "NodeType", "QPUNodeSpec"),
    "model.plans": ("Candidate", "Decision", "Estimate", "Shard", "ShardPlan"),
    "model.policies": ("Choice",),
    "model.strategies": ("Division",),
    "model.results": ("QVMResult", "ShardRecord"),
    "model.seam": (
        "Block",
        "Execution",
        "Handle",
        "Recovery",
        "State",
        "Status",
        "Submission",
        "Task",
        "TaskResult",
    ),
    "model.secrets": ("Secret",),
    "model.shots": ("PackedShots",),
    "model.sweeps": ("SweepResult",),
    "providers.base": ("JobNodeProvider", "NodeProvider"),
    "providers.hookspecs": ("hookimpl",),
    "providers.registry": ("NodeProviderRegistry",),
    "model.status": ("JobStatus",),
    "qvm.jobs": ("QVMJob",),
    "qvm.machine": ("DistributedQVM",),
    "qvm.replay": ("Replay", "replay"),
    "qvm.traces": ("JobTraces",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605 - a list of strings, made from the table above


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        message = f"module 'qcos_core' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(f"qcos_core.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

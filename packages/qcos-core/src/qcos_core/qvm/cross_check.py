"""Compare what like nodes answered for one circuit, and take out whoever disagrees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qcos_core.errors import CountsInvalid
from qcos_core.model.counts import PackedCounts
from qcos_core.model.plans import PlannedCircuit, Shard, ShardPlan
from qcos_core.qvm.agreement import Disagreement, disagreements
from qcos_core.qvm.board import ShardOutcome


def cross_checked(plan: ShardPlan, outcomes: Sequence[ShardOutcome]) -> list[ShardOutcome]:
    """Outcomes with an error on each answer of a node that disagrees with nodes like it.

    Each circuit is looked at by itself, and each point of a sweep; the answers are kept.
    """
    found: dict[tuple[str, int, str], Disagreement] = {}
    for (circuit_id, point, _), parts in _by_node(plan, outcomes).items():
        for one in disagreements(parts):
            found[circuit_id, point, one.node_id] = one
    return [_judged(outcome, found) for outcome in outcomes]


def unchecked(plan: ShardPlan, circuit: PlannedCircuit, shards: Iterable[Shard]) -> str:
    """A warning where the nodes of a circuit cannot be compared; empty where they can be."""
    pools: dict[object, set[str]] = {}
    for shard in shards:
        pools.setdefault(_pool(plan, shard), set()).add(shard.node_id)
    if any(len(nodes) > 1 for nodes in pools.values()):
        return ""
    return f"{circuit.name} was not cross-checked: no two nodes that are alike ran it"


def _by_node(
    plan: ShardPlan, outcomes: Iterable[ShardOutcome]
) -> dict[tuple[str, int, object], dict[str, PackedCounts]]:
    """Counts by node, for each circuit, each point and each group of nodes that are alike."""
    groups: dict[tuple[str, int, object], dict[str, list[PackedCounts]]] = {}
    for outcome in outcomes:
        if outcome.answer is not None and outcome.answer.counts is not None:
            task, shard = outcome.shard.task, outcome.shard
            group = groups.setdefault((task.circuit_id, task.point, _pool(plan, shard)), {})
            group.setdefault(shard.node_id, []).append(outcome.answer.counts)
    return {
        key: {node_id: PackedCounts.merge(counts) for node_id, counts in nodes.items()}
        for key, nodes in groups.items()
        if len(nodes) > 1
    }


def _pool(plan: ShardPlan, shard: Shard) -> object:
    candidates = plan.candidates.get(shard.task.circuit_id, ())
    return next((one.pool for one in candidates if one.node_id == shard.node_id), shard.node_id)


def _judged(
    outcome: ShardOutcome, found: Mapping[tuple[str, int, str], Disagreement]
) -> ShardOutcome:
    task, node_id = outcome.shard.task, outcome.shard.node_id
    one = found.get((task.circuit_id, task.point, node_id))
    if one is None or outcome.answer is None:
        return outcome
    message = f"it disagrees with nodes like it: {one.finding}"
    hint = "Its shots are left out of the counts, and kept in the result's `per_device`."
    return replace(outcome, error=CountsInvalid(message, node=node_id, hint=hint))

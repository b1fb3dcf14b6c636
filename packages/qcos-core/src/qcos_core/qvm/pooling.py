"""Whether the counts of several nodes may be added up."""

from __future__ import annotations

from collections.abc import Iterable

from qcos_core.model.plans import ALL, ShardPlan


def pooled(plan: ShardPlan, circuit_id: str, node_ids: Iterable[str]) -> bool:
    """Whether the counts of one circuit on these nodes are of one kind.

    By every policy but ``all``, a plan and its failovers keep to nodes that are alike, or the user
    has agreed that they need not be.
    """
    if plan.policy != ALL:
        return True
    pools = {one.node_id: one.pool for one in plan.candidates.get(circuit_id, ())}
    return len({pools.get(node_id, node_id) for node_id in node_ids}) < 2

"""What shards may cost, and whether that is known before they are sent."""

from __future__ import annotations

from qcos_core.model.amounts import Amount
from qcos_core.model.budgets import Budget, Reservation
from qcos_core.model.nodes import Limits
from qcos_core.model.plans import Estimate, Shard, ShardPlan


def unknown_price(limits: Limits, estimate: Estimate, budget: Budget) -> str | None:
    """Why a node must not be used whose price nobody knows; ``None`` where it may be."""
    if not limits.paid or estimate.charges or budget.accepts_unknown:
        return None
    if any(budget.limit(unit) is not None for unit in limits.bounds):
        return None
    bounded = f", and budget='10 {limits.bounds[0]}' bounds it" if limits.bounds else ""
    return (
        "it costs money, and its provider cannot say how much; "
        f"budget='any' accepts any cost{bounded}"
    )


def reservations(plan: ShardPlan) -> list[Reservation]:
    """What is set aside for a plan before any of it is sent."""
    return [one for shard in plan.shards if (one := reservation(plan, shard))]


def reservation(plan: ShardPlan, shard: Shard) -> Reservation | None:
    """What is set aside for a shard; ``None`` where it costs nothing.

    Where the provider cannot say what it costs, but keeps to what it is given, a shard is given
    the share of the budget that its shots are of the job's. Where nobody knows, the amounts are
    empty.
    """
    amounts = shard.estimate.charges if shard.estimate else ()
    limits = _limits(plan, shard)
    if not amounts:
        share = shard.task.shots / plan.node_shots
        amounts = tuple(
            Amount(one.value * share, one.unit)
            for one in plan.budget.amounts
            if one.unit in limits.bounds
        )
    if not amounts and not limits.paid:
        return None
    return Reservation(shard.task.id, shard.provider, amounts)


def _limits(plan: ShardPlan, shard: Shard) -> Limits:
    found = plan.candidates.get(shard.task.circuit_id, ())
    return next((one.limits for one in found if one.node_id == shard.node_id), Limits())

"""A plan as text for people, at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from qcos_core.model.budgets import amounts_text
from qcos_core.model.plans import (
    Decision,
    Estimate,
    PlannedCircuit,
    ShardPlan,
    amount,
    group_decisions,
)
from qcos_core.model.text import WIDTH, duration, plural, printable, size, span_text

_SHOWN = 8


def explain(plan: ShardPlan) -> str:
    """What would run where, what it would take, and what was decided against."""
    lines = list(_heading(plan))
    shown = plan.circuits if len(plan.circuits) <= _SHOWN else plan.circuits[:_SHOWN]
    for circuit in shown:
        lines += _circuit(plan, circuit)
    hidden = len(plan.circuits) - len(shown)
    if hidden:
        lines.append(f" ... and {hidden:,} more circuits")
    if len(plan.circuits) > 1:
        lines += _load(plan)
    for warning in plan.warnings:
        lines += _wrap(f" warning: {warning}", indent=10)
    return "\n".join(lines)


def _heading(plan: ShardPlan) -> Iterator[str]:
    circuits = len(plan.circuits)
    shards = plural(len(plan.shards), "shard")
    nodes = plural(len(plan.node_ids), "node")
    yield f"PLAN  {plural(circuits, 'circuit')}, {plan.shots:,} shots, {shards} on {nodes}"
    yield f" policy {plan.policy}, strategy {plan.strategy}"
    if plan.charges:
        allowed = f"; budget {plan.budget}" if plan.budget.amounts else ""
        yield from _wrap(f" costs {amounts_text(plan.charges)}{allowed}", indent=2)


def _circuit(plan: ShardPlan, circuit: PlannedCircuit) -> list[str]:
    profile = circuit.profile
    wires = f" of {profile.num_qubits} wires" if profile.num_qubits != profile.width else ""
    kind = ", dynamic" if profile.dynamic else ""
    seed = f"seed {circuit.seed}" if circuit.seed_given else "seed drawn"
    lines = _wrap(
        f"{printable(circuit.name)}: {plural(profile.width, 'active qubit')}{wires}, "
        f"{plural(profile.num_clbits, 'clbit')}, {plural(profile.size, 'operation')}{kind}; "
        f"{amount(circuit)}, {seed}",
        indent=2,
    )
    decisions = [d for d in plan.decisions if d.circuit_id == circuit.id]
    chosen = [(decision, 1) for decision in decisions if decision.chosen]
    others = group_decisions([decision for decision in decisions if not decision.chosen])
    by_hand = None
    for decision, number in chosen + others:
        lines += _decision(decision, number)
        if decision.chosen and decision.estimate and decision.estimate.by_hand:
            by_hand = by_hand or decision.estimate
    if by_hand:
        known = by_hand.by_hand_seconds
        time = f"; {span_text(known)}" if known else ""
        lines += _wrap(f"   by hand   {by_hand.by_hand}{time}", indent=13)
    return lines


def _decision(decision: Decision, number: int) -> list[str]:
    possible = "possible" if decision.estimate else "rejected"
    verdict = "chosen" if decision.chosen else possible
    more = f" (+{number - 1} alike)" if number > 1 else ""
    facts = _facts(decision.estimate) if decision.estimate else []
    if decision.reason:
        facts.append(decision.reason)
    text = f"   {verdict:<9} {decision.node_id}{more}: " + "; ".join(facts)
    return _wrap(text, indent=13)


def _facts(estimate: Estimate) -> list[str]:
    facts = [estimate.method or "method unknown"]
    facts.append(span_text(estimate.seconds))
    if estimate.queue_seconds:
        facts.append(f"queue {duration(estimate.queue_seconds)}")
    if estimate.memory_bytes is not None:
        facts.append(size(estimate.memory_bytes))
    if estimate.charges:
        facts.append(" + ".join(str(amount) for amount in estimate.charges))
    if estimate.exact is not None:
        facts.append("exact" if estimate.exact else "not exact")
    return facts


def _load(plan: ShardPlan) -> list[str]:
    lines = []
    for node_id in plan.node_ids:
        shards = [shard for shard in plan.shards if shard.node_id == node_id]
        shots = sum(shard.task.shots for shard in shards)
        lines += _wrap(f" {node_id}: {plural(len(shards), 'shard')}, {shots:,} shots", indent=2)
    return lines


def _wrap(text: str, *, indent: int) -> list[str]:
    lead = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(
        text.strip(),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )

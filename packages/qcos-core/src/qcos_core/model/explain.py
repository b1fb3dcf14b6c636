"""A plan as text for people, at most 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from qcos_core.model.budgets import amounts_text
from qcos_core.model.options import shown
from qcos_core.model.plans import (
    Decision,
    Estimate,
    PlannedCircuit,
    ShardPlan,
    amount,
    group_decisions,
    in_parts,
)
from qcos_core.model.text import WIDTH, duration, plural, printable, shorten, size, span_text

_SHOWN = 8
_VALUE = 40


def explain(plan: ShardPlan) -> str:
    """What would run where, what it would take, and what was decided against."""
    lines = list(_heading(plan))
    first = plan.circuits[:_SHOWN]
    for circuit in first:
        lines += _circuit(plan, circuit)
    hidden = len(plan.circuits) - len(first)
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
        f"{amount(circuit, plan.times(circuit.id))}, {seed}{_options(circuit)}",
        indent=2,
    )
    if circuit.parts:
        cut = f"{in_parts(circuit.parts)} that never meet; their shots are paired at random"
        lines += _wrap(f"   cut into  {cut}", indent=13)
    decisions = plan.decisions_of(circuit.id)
    chosen = [(decision, 1) for decision in decisions if decision.chosen]
    if len(chosen) > _SHOWN:
        chosen = group_decisions([decision for decision, _ in chosen])
    others = group_decisions([decision for decision in decisions if not decision.chosen])
    for decision, number in chosen + others:
        lines += _decision(decision, number)
    return lines + _by_hand(circuit, [decision for decision, _ in chosen])


def _by_hand(circuit: PlannedCircuit, chosen: Sequence[Decision]) -> list[str]:
    """The line that a user could have typed, and what it would take; of parts, all together."""
    found = {one.circuit_id: one.estimate for one in chosen if one.estimate}
    estimates = [one for one in found.values() if one.by_hand]
    if not estimates:
        return []
    text = estimates[0].by_hand
    if circuit.parts:
        text = f"each part as a circuit of its own: {text}"
    spans = [one.by_hand_seconds for one in estimates if one.by_hand_seconds]
    if len(spans) == len(circuit.units):
        text += f"; {span_text((sum(low for low, _ in spans), sum(high for _, high in spans)))}"
    return _wrap(f"   by hand   {text}", indent=13)


def _options(circuit: PlannedCircuit) -> str:
    given = [f"{name} {_value(value)}" for name, value in shown(circuit.options).items()]
    return f"; {', '.join(given)}" if given else ""


def _value(value: Any) -> str:
    if isinstance(value, dict) and "type" in value:
        return str(value["type"]).rpartition(".")[2]
    return shorten(printable(str(value)), _VALUE)


def _decision(decision: Decision, number: int) -> list[str]:
    possible = "possible" if decision.estimate else "rejected"
    verdict = "chosen" if decision.chosen else possible
    more = f" (+{number - 1} alike)" if number > 1 else ""
    facts = _facts(decision.estimate) if decision.estimate else []
    if decision.reason:
        facts.append(decision.reason)
    text = f"   {verdict:<9} {decision.place}{more}: " + "; ".join(facts)
    return _wrap(text, indent=13)


def _facts(estimate: Estimate) -> list[str]:
    facts = [estimate.method or "method unknown"]
    if estimate.runs_as:
        facts.append(estimate.runs_as)
    facts.append(span_text(estimate.seconds))
    if estimate.queue_seconds:
        facts.append(f"queue {duration(estimate.queue_seconds)}")
    if estimate.memory_bytes is not None:
        facts.append(size(estimate.memory_bytes))
    if estimate.charges:
        facts.append(" + ".join(str(amount) for amount in estimate.charges))
    if estimate.exact is not None:
        facts.append("exact" if estimate.exact else "not exact")
    if estimate.fidelity is not None:
        facts.append(f"fidelity {estimate.fidelity:g}")
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

"""A plan as a tree of plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from qcos_core.model.plans import (
    Decision,
    PlannedCircuit,
    ShardPlan,
    amount,
    group_decisions,
    in_parts,
)
from qcos_core.model.text import WIDTH, duration, plural, printable, shorten, span_text

_NAME = 60
_NODE = 28
_CIRCUITS = 8
_CHOSEN = 8
_OTHERS = 12


def tree(plan: ShardPlan) -> str:
    """A plan as a tree of plain text, at most 80 columns wide; see ``ShardPlan.tree``."""
    work = f"{plural(len(plan.circuits), 'circuit')}, {plural(plan.shots, 'shot')}"
    where = f"{plural(len(plan.shards), 'shard')} on {plural(len(plan.node_ids), 'node')}"
    lines = [f"PLAN  {work}, {where}"]
    given: dict[str, dict[str, list[int]]] = {}
    for shard in plan.shards:
        per_node = given.setdefault(shard.task.circuit_id, {})
        per_node.setdefault(shard.node_id, []).append(shard.task.shots)
    shown = plan.circuits[:_CIRCUITS]
    branches = [
        (_circuit(one, plan.times(one.id)), _alternatives(plan.decisions_of(one.id), given))
        for one in shown
    ]
    others = plan.circuits[_CIRCUITS:]
    if others:
        branches.append((f"{plural(len(others), 'more circuit')}", _summary(others, given)))
    for place, (heading, leaves) in enumerate(branches):
        last = place == len(branches) - 1
        lines += _branch(heading, "", last=last, above=bool(leaves))
        stem = "    " if last else "│   "
        for index, leaf in enumerate(leaves):
            lines += _branch(leaf, stem, last=index == len(leaves) - 1, hang=10)
    return "\n".join(lines)


def _circuit(circuit: PlannedCircuit, nodes: int) -> str:
    name = shorten(printable(circuit.name), _NAME)
    qubits = plural(circuit.profile.width, "active qubit")
    cut = f", in {in_parts(circuit.parts)}" if circuit.parts else ""
    return f"{name}: {qubits}{cut}, {amount(circuit, nodes)}"


def _alternatives(
    decisions: Sequence[Decision], given: dict[str, dict[str, list[int]]]
) -> list[str]:
    chosen = [(decision, 1) for decision in decisions if decision.chosen]
    if len(chosen) > _CHOSEN:
        chosen = group_decisions([decision for decision, _ in chosen])
    others = group_decisions([decision for decision in decisions if not decision.chosen])
    others.sort(key=lambda item: item[0].estimate is None)  # what is possible comes first
    shown = chosen[:_CHOSEN] + others[:_OTHERS]
    hidden = sum(number for _, number in chosen[_CHOSEN:] + others[_OTHERS:])
    leaves = [
        _alternative(decision, number, given.get(decision.circuit_id, {}))
        for decision, number in shown
    ]
    return [*leaves, f"... and {plural(hidden, 'more way')}"] if hidden else leaves


def _alternative(decision: Decision, number: int, given: dict[str, list[int]]) -> str:
    estimate = decision.estimate
    verdict = "chosen" if decision.chosen else "possible" if estimate else "rejected"
    place = printable(decision.place)
    facts = []
    if estimate is not None:
        facts += [estimate.method or "method unknown", span_text(estimate.seconds)]
        if estimate.queue_seconds:
            facts.append(f"queue {duration(estimate.queue_seconds)}")
        if estimate.charges:
            facts.append(" + ".join(map(str, estimate.charges)))
    parts = given.get(decision.node_id, [])
    if decision.chosen and number == 1 and sum(map(len, given.values())) > 1:
        several = f" in {plural(len(parts), 'shard')}" if len(parts) > 1 else ""
        facts.append(f"{plural(sum(parts), 'shot')}{several}")
    if decision.reason:
        facts.append(printable(decision.reason))
    alike = f" (+{number - 1:,} alike)" if number > 1 else ""
    return f"{verdict:<9} {place}{alike}: {'; '.join(facts)}"


def _summary(
    circuits: Sequence[PlannedCircuit], given: dict[str, dict[str, list[int]]]
) -> list[str]:
    """The nodes of circuits that are not shown one by one."""
    nodes: dict[str, list[int]] = {}
    for circuit in circuits:
        for node, parts in _given_of(circuit, given):
            nodes.setdefault(node, []).append(sum(parts))
    leaves = [
        f"chosen    {printable(node)}: {plural(len(parts), 'circuit')}, "
        f"{plural(sum(parts), 'shot')}"
        for node, parts in list(nodes.items())[:_OTHERS]
    ]
    hidden = len(nodes) - len(leaves)
    return [*leaves, f"... and {plural(hidden, 'more node')}"] if hidden else leaves


def _given_of(
    circuit: PlannedCircuit, given: dict[str, dict[str, list[int]]]
) -> Iterator[tuple[str, list[int]]]:
    for unit in circuit.units:
        yield from given.get(unit.id, {}).items()


def _branch(text: str, stem: str, *, last: bool, hang: int = 0, above: bool = False) -> list[str]:
    """One entry of the tree, wrapped beside the lines that lead to it and past it."""
    more = stem + ("    " if last else "│   ") + ("│   " if above else " " * hang)
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=stem + ("└── " if last else "├── "),
        subsequent_indent=more,
        break_on_hyphens=False,
    )

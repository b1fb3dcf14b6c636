"""From circuits and a cluster to a plan. Planning runs nothing and spends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from qcos_core.cluster.health import ANSWER_S, ASK_NOW_S
from qcos_core.cluster.registry import Node, QPURegistry
from qcos_core.errors import InvalidArguments, NoCapableNode
from qcos_core.model.budgets import Rate
from qcos_core.model.plans import (
    ALL,
    Candidate,
    Decision,
    PlannedCircuit,
    Shard,
    ShardPlan,
    group_decisions,
)
from qcos_core.model.policies import Policy
from qcos_core.model.requests import RunRequest
from qcos_core.qvm.asking import candidate, estimated, holds
from qcos_core.qvm.costs import Charges, charges_of
from qcos_core.qvm.cross_check import unchecked
from qcos_core.qvm.placement import Offer, place
from qcos_core.qvm.routing import policy_named
from qcos_core.qvm.strategies import factor
from qcos_core.qvm.strategies.each import each
from qcos_core.qvm.strategies.plugins import strategy_named
from qcos_core.qvm.strategies.shots import poolable, shots as spread_shots, wins
from qcos_core.qvm.strategies.whole import whole

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, slots=True)
class Way:
    """How a circuit is cut.

    Attributes:
        circuit: the circuit, with parts if it is run in parts.
        offers: the nodes for it, or for each of its parts.
        others: how else it might be cut.
    """

    circuit: PlannedCircuit
    offers: tuple[Offer, ...]
    others: tuple[Decision, ...] = ()


class ShardPlanner:
    """Decides which node runs which circuit.

    Args:
        registry: the cluster.
        rates: returns what the user says that units are worth; called where that matters.
    """

    def __init__(self, registry: QPURegistry, rates: Callable[[], Sequence[Rate]] = tuple) -> None:
        self._registry = registry
        self._rates = rates

    def plan(
        self,
        circuits: Sequence[PlannedCircuit],
        request: RunRequest,
        objects: Mapping[str, QuantumCircuit],
    ) -> ShardPlan:
        """Make a plan for circuits that are already profiled.

        Circuits that take long are placed first, each on the node that the policy picks; each
        point of a sweep is placed by itself.

        Args:
            circuits: the circuits, with the parts that they have.
            request: how they shall be run.
            objects: the circuits and the parts themselves, by their ids.

        Raises:
            InvalidArguments: an unknown policy or strategy, or a policy that cannot choose.
            NoCapableNode: no node can run one of the circuits; says what each node lacks.
            ProviderLoadError: a plugin's policy or strategy that cannot be used, or fails.
        """
        return Planning(self._registry, self._rates, request, objects).plan(circuits)


@dataclass(frozen=True)
class Planning:
    """The making of one plan.

    Attributes:
        registry: the cluster.
        rates: returns the user's rates.
        request: how the circuits shall be run.
        objects: the circuits and their parts, by their ids.
    """

    registry: QPURegistry
    rates: Callable[[], Sequence[Rate]]
    request: RunRequest
    objects: Mapping[str, QuantumCircuit]
    _known: dict[tuple[str, str, int, int], Candidate] = field(default_factory=dict)

    def plan(self, circuits: Sequence[PlannedCircuit]) -> ShardPlan:
        """The plan; see :meth:`ShardPlanner.plan`."""
        request, policy = self.request, self.policy
        for name in [request.strategy, *(one.strategy for one in circuits if one.strategy)]:
            strategy_named(name, self.registry)  # an unknown one is an error before all else
        if self._on_each and any(self._may_spread(circuit) for circuit in circuits):
            message = "policy 'all' gives all shots to each node, so no strategy can share them."
            raise InvalidArguments(message, hint="Use another policy, or leave the strategy out.")
        ways = self._ways(circuits)
        offers = [offer for way in ways for offer in way.offers]
        picks = iter(place(offers, policy, self.rates))
        shards: list[Shard] = []
        decisions: list[Decision] = []
        for way in ways:
            for offer in way.offers:
                mine = next(picks)
                made = [
                    self._priced(offer.circuit, shard)
                    for point, pick in enumerate(mine)
                    for shard in self._shards(offer.circuit, point, offer.candidates, pick)
                ]
                shards += made
                used = {shard.node_id for shard in made}
                decisions += [self._decision(offer, one, mine[0], used) for one in offer.candidates]
                decisions += offer.rejected
            decisions += way.others
        plan = ShardPlan(
            tuple(way.circuit for way in ways),
            tuple(shards),
            tuple(decisions),
            request.policy,
            _name(ways, shards, spread=not self._on_each),
            candidates={
                offer.circuit.id: tuple(sorted(offer.candidates, key=lambda one: one.seconds))
                for offer in offers
            },
            deadline_s=request.require.deadline_s,
            allow_mixed=request.allow_mixed,
            cross_check=request.cross_check,
            budget=request.budget,
        )
        warnings = [factor.disturbed(way.circuit, way.offers, shards) for way in ways]
        if request.cross_check:
            warnings += [unchecked(plan, one, plan.shards_of(one.id)) for one in circuits]
        return replace(plan, warnings=tuple(filter(None, warnings)))

    @cached_property
    def policy(self) -> Policy:
        """How a node is chosen."""
        return policy_named(self.request.policy, self.registry)

    @property
    def _on_each(self) -> bool:
        """Whether each node that can run a circuit runs all of its shots."""
        return self.request.policy == ALL

    def _ways(self, circuits: Sequence[PlannedCircuit]) -> list[Way]:
        """How each circuit is cut, and for each piece the nodes that can run it."""
        away = self.registry.away
        away.ask()
        try:
            return [self._way(circuit) for circuit in circuits]
        except NoCapableNode:
            if not away.ask(ASK_NOW_S, wait_s=ANSWER_S):
                raise
            self._known.clear()
            return [self._way(circuit) for circuit in circuits]

    def _way(self, circuit: PlannedCircuit) -> Way:
        uncut = replace(circuit, parts=()) if circuit.parts else circuit
        strategy = self._strategy(circuit)
        reason = factor.why_whole(circuit, self.request)
        if strategy == "factor":
            if reason:
                message = f"{circuit.name} cannot be run in parts: {reason}."
                raise InvalidArguments(message, hint="Leave strategy='factor' out.")
            return Way(circuit, _possible([self._offer(part) for part in circuit.parts]))
        offer = self._offer(uncut)
        if strategy != "auto" or reason:
            return Way(uncut, _possible([offer]))
        return self._better(circuit, offer, [self._offer(part) for part in circuit.parts])

    def _better(self, circuit: PlannedCircuit, uncut: Offer, parts: Sequence[Offer]) -> Way:
        """The whole circuit or its parts, as the policy judges them.

        What it judges depends on the circuit and the nodes alone, and not on what else is planned
        nor on what was measured on this machine, so that the same job is cut in the same way.
        """
        name = self.request.policy
        lacking = next((part for part in parts if not part.candidates), None)
        if lacking is not None:
            reason = lacking.rejected[0].reason
            other = Decision(circuit.id, "", "", chosen=False, reason=reason, strategy="factor")
            return Way(uncut.circuit, _possible([uncut]), (other,))
        picks = [self._picked(part) for part in parts]
        costs = [part.charges[pick.node_id] for part, pick in zip(parts, picks, strict=True)]
        cut, charges = factor.together(circuit, picks, costs)
        charged = {**uncut.charges, cut.node_id: charges}
        if self._picked(Offer(uncut.circuit, (*uncut.candidates, cut), charged)) is not cut:
            reason = f"the whole comes first by policy {name}"
            other = Decision(circuit.id, "", "", False, reason, cut.estimate, "factor")
            return Way(uncut.circuit, (uncut,), (other,))
        reason = f"{cut.estimate.method} come first by policy {name}"
        others = [
            Decision(circuit.id, one.node_id, one.provider, False, reason, one.estimate, "whole")
            for one in uncut.candidates
        ]
        others += [replace(one, strategy="whole") for one in uncut.rejected]
        return Way(circuit, tuple(parts), tuple(others))

    def _picked(self, offer: Offer) -> Candidate:
        """What the policy picks for an offer by itself, whatever was measured on this machine."""
        alone = replace(
            offer,
            circuit=replace(offer.circuit, points=offer.circuit.points[:1]),
            candidates=tuple(one.reference for one in offer.candidates),
        )
        [[pick]] = place([alone], self.policy, self.rates)
        return next(one for one in offer.candidates if one.node_id == pick.node_id)

    def _offer(self, circuit: PlannedCircuit) -> Offer:
        """The nodes that can run a circuit, or a part of one, and why the others cannot."""
        candidates, rejected = [], []
        for node in self.registry.nodes():
            found = self._asked(node, circuit)
            if isinstance(found, Candidate):
                candidates.append(found)
            else:
                rejected.append(
                    Decision(circuit.id, node.spec.node_id, node.key, chosen=False, reason=found)
                )
        charges = self._charges(circuit, candidates)
        return Offer(circuit, tuple(candidates), charges, tuple(rejected))

    def _asked(self, node: Node, circuit: PlannedCircuit) -> Candidate | str:
        """The node as a candidate, or why it is none; asked once for circuits built alike."""
        load = self.objects.__getitem__
        key = (node.spec.node_id, circuit.alike, circuit.shots, id(circuit.options))
        known = self._known.get(key)
        if known is not None and holds(known, node, circuit, load):
            return known
        found = candidate(node, circuit, self.request, load)
        if circuit.alike and isinstance(found, Candidate):
            self._known[key] = found
        return found

    def _charges(
        self, circuit: PlannedCircuit, candidates: Sequence[Candidate]
    ) -> dict[str, Charges | None]:
        """What the circuit would cost in all on each of the nodes; see ``Choice.charges``."""
        costly = {one.node_id for one in candidates if one.limits.paid}
        by_id = {one.node_id: one for one in candidates}
        priced = partial(self._priced, circuit)

        def made(one: Candidate) -> list[Shard]:
            return self._shards(circuit, 0, [one] if self._on_each else candidates, one)

        return {
            name: charges_of(made(one), by_id, priced)
            if name in costly or (costly and self._may_spread(circuit))
            else ()
            for name, one in by_id.items()
        }

    def _shards(
        self,
        circuit: PlannedCircuit,
        point: int,
        candidates: Sequence[Candidate],
        pick: Candidate,
    ) -> list[Shard]:
        """The shards of a circuit at one point that the policy gave to a node."""
        if self._on_each:
            return each(circuit, point, candidates)
        name = self._strategy(circuit)
        brought = strategy_named(name, self.registry)
        group = poolable(candidates, pick)
        # each part of what is paid has its own fee
        free = not any(one.limits.paid for one in group)
        worth_it = free and (self.request.cross_check or wins(group))
        spread = brought or name == "shots" or (name in ("auto", "factor") and worth_it)
        if spread and not circuit.profile.saves:
            return spread_shots(circuit, point, group, brought)
        return whole(circuit, point, pick)

    def _priced(self, circuit: PlannedCircuit, shard: Shard) -> Shard:
        """A shard with what it costs by itself, where it is a part of what costs something."""
        estimate = shard.estimate
        if estimate is None or not estimate.charges or shard.task.shots == circuit.shots:
            return shard
        node, task, load = self.registry.node(shard.node_id), shard.task, self.objects.__getitem__
        try:
            _, part = estimated(node, circuit, task.shots, task.options, load)
        # other people's code; what the whole circuit costs is more than enough
        except Exception:  # noqa: BLE001
            return shard
        return replace(shard, estimate=replace(estimate, charges=part.charges or estimate.charges))

    def _decision(self, offer: Offer, one: Candidate, pick: Candidate, used: set[str]) -> Decision:
        chosen = one.node_id in used
        reason = "" if chosen else f"{pick.node_id} comes first by policy {self.request.policy}"
        estimate, charges = one.estimate, offer.charges[one.node_id]
        if charges and not self._may_spread(offer.circuit):  # with all fees of its parts
            estimate = replace(estimate, charges=charges)
        return Decision(offer.circuit.id, one.node_id, one.provider, chosen, reason, estimate)

    def _strategy(self, circuit: PlannedCircuit) -> str:
        return circuit.strategy or self.request.strategy

    def _may_spread(self, circuit: PlannedCircuit) -> bool:
        """Whether the strategy may give a part of what costs something to another node."""
        return self._strategy(circuit) not in ("auto", "whole", "batch", "factor")


def _possible(offers: Sequence[Offer]) -> tuple[Offer, ...]:
    """The offers, if there is a node for each.

    Raises:
        NoCapableNode: there is none for one of them; says what each node lacks.
    """
    for offer in offers:
        if not offer.candidates:
            profile = offer.circuit.profile
            lines = [f"no node can run {offer.circuit.name} ({profile.width} active qubits):"]
            for decision, number in group_decisions(offer.rejected):
                alike = f" (+{number - 1} alike)" if number > 1 else ""
                lines.append(f"  {decision.node_id}{alike}: {decision.reason}")
            raise NoCapableNode("\n".join(lines))
    return tuple(offers)


def _name(ways: Sequence[Way], shards: Sequence[Shard], *, spread: bool) -> str:
    pieces = sum(len(offer.circuit.points) for way in ways for offer in way.offers)
    places = {(one.task.circuit_id, one.task.point, one.node_id) for one in shards}
    if spread and len(places) > pieces:
        return "shots"
    if any(way.circuit.parts for way in ways):
        return "factor"
    return "batch" if pieces > 1 else "whole"

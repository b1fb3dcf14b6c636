"""From circuits and a cluster to a plan. Planning runs nothing and spends nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from qcos_core.cluster.health import ANSWER_S, ASK_NOW_S
from qcos_core.cluster.registry import Node, QPURegistry
from qcos_core.errors import CircuitRejected, InvalidArguments, NoCapableNode
from qcos_core.model.amounts import sound, total
from qcos_core.model.budgets import Rate
from qcos_core.model.circuits import CircuitProfile, Requirements, is_fraction
from qcos_core.model.nodes import Limits
from qcos_core.model.plans import (
    ALL,
    Candidate,
    Decision,
    Estimate,
    PlannedCircuit,
    Shard,
    ShardPlan,
    group_decisions,
)
from qcos_core.model.requests import RunRequest
from qcos_core.model.seam import Recovery
from qcos_core.model.text import plural, size
from qcos_core.providers.base import JobNodeProvider
from qcos_core.providers.running import runs_itself
from qcos_core.qvm.blocks import largest_block
from qcos_core.qvm.costs import Charges, charges_of
from qcos_core.qvm.cross_check import unchecked
from qcos_core.qvm.placement import Offer, place
from qcos_core.qvm.pricing import unknown_price
from qcos_core.qvm.routing import policy_named
from qcos_core.qvm.strategies.each import each
from qcos_core.qvm.strategies.shots import poolable, shots as spread_shots, wins
from qcos_core.qvm.strategies.whole import whole

STRATEGIES = ("auto", "whole", "batch", "shots")


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
    ) -> ShardPlan:
        """Make a plan for circuits that are already profiled.

        Circuits that take long are placed first, each on the node that the policy picks; each
        point of a sweep is placed by itself.

        Raises:
            InvalidArguments: an unknown policy or strategy, or a policy that cannot choose.
            NoCapableNode: no node can run one of the circuits; says what each node lacks.
            ProviderLoadError: a plugin's policy that cannot be used, or fails.
        """
        choose = policy_named(request.policy, self._registry)
        if request.strategy not in STRATEGIES:
            message = f"strategy {request.strategy!r} is not one of {', '.join(STRATEGIES)}."
            raise InvalidArguments(message)
        if request.policy == ALL and request.strategy == "shots":
            message = "strategy 'shots' shares shots, and policy 'all' gives all to each node."
            raise InvalidArguments(message, hint="Use another policy, or another strategy.")
        able = self._able(circuits, request)
        offers = [
            Offer(circuit, tuple(candidates), self._charges(circuit, candidates, request))
            for circuit, (candidates, _) in zip(circuits, able, strict=True)
        ]
        picks = place(offers, choose, self._rates)
        shards: list[Shard] = []
        decisions: list[Decision] = []
        for offer, (candidates, rejected), mine in zip(offers, able, picks, strict=True):
            circuit = offer.circuit
            made = [
                shard
                for point, pick in enumerate(mine)
                for shard in _shards(circuit, point, candidates, pick, request)
            ]
            made = [self._priced(circuit, shard) for shard in made]
            shards += made
            used = {shard.node_id for shard in made}
            decisions += [_decision(offer, one, mine[0], used, request) for one in candidates]
            decisions += rejected
        plan = ShardPlan(
            tuple(circuits),
            tuple(shards),
            tuple(decisions),
            request.policy,
            _name(circuits, shards, request),
            candidates={
                offer.circuit.id: tuple(sorted(offer.candidates, key=lambda one: one.seconds))
                for offer in offers
            },
            deadline_s=request.require.deadline_s,
            allow_mixed=request.allow_mixed,
            cross_check=request.cross_check,
            budget=request.budget,
        )
        if request.cross_check:
            found = [unchecked(plan, one, plan.shards_of(one.id)) for one in circuits]
            plan = replace(plan, warnings=tuple(filter(None, found)))
        return plan

    def _charges(
        self, circuit: PlannedCircuit, candidates: Sequence[Candidate], request: RunRequest
    ) -> dict[str, Charges | None]:
        """What the circuit would cost in all on each of the nodes; see ``Choice.charges``."""
        costly = {one.node_id for one in candidates if one.limits.paid}
        by_id = {one.node_id: one for one in candidates}
        priced = partial(self._priced, circuit)

        def made(one: Candidate) -> list[Shard]:
            if request.policy == ALL:
                return whole(circuit, 0, one)
            return _shards(circuit, 0, candidates, one, request)

        return {
            name: charges_of(made(one), by_id, priced)
            if name in costly or (costly and request.strategy == "shots")
            else ()
            for name, one in by_id.items()
        }

    def _priced(self, circuit: PlannedCircuit, shard: Shard) -> Shard:
        """A shard with what it costs by itself, where it is a part of what costs something."""
        whole = shard.estimate
        if whole is None or not whole.charges or shard.task.shots == circuit.shots:
            return shard
        node = self._registry.node(shard.node_id)
        try:
            part = _estimate(node, circuit, shard.task.shots, shard.task.options)
        # other people's code; what the whole circuit costs is more than enough
        except Exception:  # noqa: BLE001
            return shard
        charges = part.charges or whole.charges
        return replace(shard, estimate=replace(whole, charges=charges))

    def _able(
        self, circuits: Sequence[PlannedCircuit], request: RunRequest
    ) -> list[tuple[list[Candidate], list[Decision]]]:
        """For each circuit the nodes that can run it, and why the others cannot."""
        away = self._registry.away
        away.ask()
        try:
            return [self._able_for(circuit, request) for circuit in circuits]
        except NoCapableNode:
            if not away.ask(ASK_NOW_S, wait_s=ANSWER_S):
                raise
            return [self._able_for(circuit, request) for circuit in circuits]

    def _able_for(
        self, circuit: PlannedCircuit, request: RunRequest
    ) -> tuple[list[Candidate], list[Decision]]:
        candidates, rejected = [], []
        for node in self._registry.nodes():
            offer = _offer(node, circuit, request)
            if isinstance(offer, Candidate):
                candidates.append(offer)
            else:
                rejected.append(
                    Decision(circuit.id, node.spec.node_id, node.key, chosen=False, reason=offer)
                )
        if not candidates:
            raise _nothing_fits(circuit, rejected)
        return candidates, rejected


def _offer(node: Node, circuit: PlannedCircuit, request: RunRequest) -> Candidate | str:
    """The node as a candidate for a circuit, or why it is none."""
    if node.spec.offline_reason:
        return f"offline: {node.spec.offline_reason}"
    try:
        return _asked(node, circuit, request)
    except (CircuitRejected, InvalidArguments) as error:
        return str(error)
    # other people's code: a provider that cannot answer gets no work, and the others go on
    except Exception as error:  # noqa: BLE001
        return f"its provider failed while planning: {type(error).__name__}: {error}"


def _asked(node: Node, circuit: PlannedCircuit, request: RunRequest) -> Candidate | str:
    """Ask the node's provider what it can do and what that would take."""
    provider, spec = node.provider, node.spec
    limits = _checked("limits", provider.limits(spec), Limits)
    _check_limits(limits)
    if isinstance(provider, JobNodeProvider):
        _check_recovery(provider)
    reason = _lacks(node, limits, circuit, request.require)
    if reason:
        return reason
    options = _checked("check_options", provider.check_options(circuit.options), Mapping)
    estimate = _estimate(node, circuit, circuit.shots, options)
    if any(amount.value for amount in estimate.charges):
        limits = replace(limits, paid=True)  # a price says it, whether the limits do or not
    candidate = Candidate(spec.node_id, node.key, limits, options, estimate)
    too_low = _too_low(candidate, request.require)
    if too_low:
        return too_low
    too_many = _too_many_shots(circuit, limits, estimate)
    if too_many:
        return too_many
    unpriced = unknown_price(limits, estimate, request.budget) if runs_itself(provider) else None
    if unpriced:
        return unpriced
    return _too_large(circuit.profile, limits, estimate) or candidate


def _too_low(candidate: Candidate, require: Requirements) -> str | None:
    """Why no such fidelity as is required is expected of a node, if none is."""
    wanted, expected = require.min_fidelity, candidate.fidelity
    if wanted is None or (expected is not None and expected >= wanted):
        return None
    if expected is None:
        return f"excluded by require: nobody knows its fidelity, and min_fidelity is {wanted:g}"
    return f"excluded by require: fidelity {expected:g}, below {wanted:g}"


def _estimate(
    node: Node, circuit: PlannedCircuit, shots: int, options: Mapping[str, Any]
) -> Estimate:
    """What the node's provider says that so many shots take; each unit of charges stands once."""
    found = node.provider.estimate_run(circuit.profile, shots, node.spec, options)
    if found is None:
        return Estimate()
    estimate: Estimate = _checked("estimate_run", found, Estimate)
    if estimate.fidelity is not None:
        estimate = replace(estimate, fidelity=_fraction(estimate.fidelity))
    if not estimate.charges:
        return estimate
    if len(sound(estimate.charges)) < len(estimate.charges):
        message = (
            f"its provider's estimate_run says charges={estimate.charges!r}, no amounts from 0"
        )
        raise InvalidArguments(message)
    charges = sorted(total(estimate.charges), key=attrgetter("unit"))
    return replace(estimate, charges=tuple(charges))


def _fraction(fidelity: Any) -> float:
    if not is_fraction(fidelity):
        message = (
            f"its provider's estimate_run says fidelity={fidelity!r}, not a number from 0 to 1"
        )
        raise InvalidArguments(message)
    return float(fidelity)


def _check_limits(limits: Limits) -> None:
    if not isinstance(limits.bounds, tuple) or not all(type(u) is str for u in limits.bounds):
        message = f"its provider's limits say bounds={limits.bounds!r}, not a tuple of units"
        raise InvalidArguments(message)
    for name in ("max_shots", "max_tasks", "max_in_flight"):
        value = getattr(limits, name)
        if value is not None and (type(value) is not int or value < 1):
            message = f"its provider's limits say {name}={value!r}, not a whole number from 1"
            raise InvalidArguments(message)


def _check_recovery(provider: JobNodeProvider) -> None:
    recovery, settle_s = getattr(provider, "RECOVERY", None), provider.SETTLE_S
    if not isinstance(recovery, Recovery):
        message = f"its provider's RECOVERY is no member of Recovery, but {recovery!r}"
        raise InvalidArguments(message)
    if type(settle_s) not in (int, float) or not 0 <= settle_s < math.inf:
        message = f"its provider's SETTLE_S is no number of seconds, but {settle_s!r}"
        raise InvalidArguments(message)


def _checked(method: str, value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        message = f"its provider's {method} returned {type(value).__name__}, not {kind.__name__}"
        raise InvalidArguments(message)
    return value


def _lacks(
    node: Node, limits: Limits, circuit: PlannedCircuit, require: Requirements
) -> str | None:
    spec, profile = node.spec, circuit.profile
    unwanted = _unwanted(node, limits, require)
    if unwanted:
        return unwanted
    needed = _needed_qubits(profile, limits)
    if needed > spec.max_qubits:
        idle = needed - profile.width
        wires = f" with its {plural(idle, 'idle wire')}" if idle else ""
        return f"needs {needed} qubits{wires}, the node has {spec.max_qubits}"
    return None


def _too_many_shots(circuit: PlannedCircuit, limits: Limits, estimate: Estimate) -> str | None:
    """Why the shots cannot be cut into pieces that the node takes, if they cannot."""
    most = limits.max_shots
    if most is None or circuit.shots <= most:
        return None
    if circuit.profile.saves:
        return (
            f"{circuit.shots:,} shots, the node takes at most {most:,}, "
            "and what a circuit saves cannot be added up"
        )
    largest = largest_block(circuit.shots, estimate.sampling or "once")
    if limits.seeded and largest > most:
        return (
            f"{largest:,} shots are drawn with one seed, the node takes at most {most:,} at a time"
        )
    return None


def _too_large(profile: CircuitProfile, limits: Limits, estimate: Estimate) -> str | None:
    """How much memory the node lacks, if it does."""
    needed, there = estimate.memory_bytes, limits.memory_bytes
    if needed is None or there is None or needed <= there:
        return None
    sizes = size(needed), size(there)
    if sizes[0] == sizes[1]:
        sizes = f"{needed:,} B", f"{there:,} B"
    qubits = plural(profile.width, "qubit")
    what = f"{estimate.method} ({qubits})" if estimate.method else qubits
    return f"needs {sizes[0]} for {what}, the node has {sizes[1]}"


def _needed_qubits(profile: CircuitProfile, limits: Limits) -> int:
    """Idle wires are no width to a simulator; to hardware, and to who does not say, they are."""
    return profile.width if limits.simulated else profile.num_qubits


def _unwanted(node: Node, limits: Limits, require: Requirements) -> str | None:
    spec = node.spec
    kinds = {spec.node_type.value, spec.node_type.name}
    if require.node_types and not kinds.intersection(require.node_types):
        wanted = " or ".join(map(str, require.node_types))
        return f"excluded by require: node_type is {spec.node_type.name}, not {wanted}"
    missing = [tag for tag in require.tags if tag not in spec.tags]
    if missing:
        return f"excluded by require: lacks the tag {', '.join(missing)}"
    if spec.max_qubits < require.min_qubits:
        return f"excluded by require: {spec.max_qubits} qubits, below {require.min_qubits}"
    if require.simulated is not None and limits.simulated is not require.simulated:
        if limits.simulated is None:
            return "excluded by require: its provider does not say whether it is simulated"
        return f"excluded by require: simulated is {limits.simulated}"
    named = [name for name in (spec.node_id, node.key) if name in require.exclude]
    if named:
        return f"excluded by require: exclude names {named[0]}"
    return None


def _shards(
    circuit: PlannedCircuit,
    point: int,
    candidates: Sequence[Candidate],
    pick: Candidate,
    request: RunRequest,
) -> list[Shard]:
    if request.policy == ALL:
        return each(circuit, point, candidates)
    group = poolable(candidates, pick)
    free = not any(one.limits.paid for one in group)  # each part of what is paid has its own fee
    worth_it = free and (request.cross_check or wins(group))
    spread = request.strategy == "shots" or (request.strategy == "auto" and worth_it)
    if spread and not circuit.profile.saves:
        return spread_shots(circuit, point, group)
    return whole(circuit, point, pick)


def _name(circuits: Sequence[PlannedCircuit], shards: Sequence[Shard], request: RunRequest) -> str:
    units = sum(len(circuit.points) for circuit in circuits)
    if len(shards) > units and request.policy != ALL:
        return "shots"
    return "batch" if units > 1 else "whole"


def _decision(
    offer: Offer, one: Candidate, pick: Candidate, used: set[str], request: RunRequest
) -> Decision:
    chosen = one.node_id in used
    reason = "" if chosen else f"{pick.node_id} comes first by policy {request.policy}"
    estimate, charges = one.estimate, offer.charges[one.node_id]
    if charges and request.strategy != "shots":  # with all fees of its parts
        estimate = replace(estimate, charges=charges)
    return Decision(offer.circuit.id, one.node_id, one.provider, chosen, reason, estimate)


def _nothing_fits(circuit: PlannedCircuit, rejected: Sequence[Decision]) -> NoCapableNode:
    profile = circuit.profile
    lines = [f"no node can run {circuit.name} ({profile.width} active qubits):"]
    for decision, number in group_decisions(rejected):
        alike = f" (+{number - 1} alike)" if number > 1 else ""
        lines.append(f"  {decision.node_id}{alike}: {decision.reason}")
    return NoCapableNode("\n".join(lines))

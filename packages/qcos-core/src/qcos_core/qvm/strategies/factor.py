"""Strategy ``factor``: the parts of a circuit that never meet, each by itself.

Two halves of n qubits take 2 x 2**n amplitudes where the whole takes 2**(2n). The outcomes of the
parts are independent, so the shots of each part, paired in a random order with those of the
others, are shots of the whole; see ``qvm.pairing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from qcos_core.model.amounts import total
from qcos_core.model.plans import ALL, Candidate, Estimate, PlannedCircuit, Shard, in_parts
from qcos_core.model.requests import RunRequest
from qcos_core.model.shots import MOST
from qcos_core.qvm.costs import Charges
from qcos_core.qvm.placement import Offer

_PAIRING_SECONDS = 1.2e-7

IN_PARTS = "in parts"
"""The ``node_id`` of the candidate that stands for all parts of a circuit."""

CONSENT = "strategy='factor' with allow_mixed=True is consent"


def why_whole(circuit: PlannedCircuit, request: RunRequest) -> str:
    """Why a circuit cannot be run in parts at all; empty if it can."""
    profile = circuit.profile
    if request.policy == ALL:
        return "policy 'all' compares nodes that run the whole circuit"
    if request.cross_check:
        return "cross_check compares nodes that ran the whole circuit"
    if not circuit.parts:
        if profile.saves:
            return "what a circuit saves cannot be put together from parts"
        if profile.variables:
            return "it uses classical variables"
        return "it does not fall into parts that never meet"
    if circuit.shots > MOST:
        return f"the shots of parts are paired one by one, {MOST:,} at most"
    return ""


def why_not_here(one: Candidate, *, consent: bool) -> str:
    """Why a node must not run a part; empty if it may.

    Exact simulators do to a part what they do to it within the whole. On a device its neighbours
    change what it does, so there the user has to say that it may be taken out.
    """
    if one.limits.simulated is True and one.estimate.exact is True:
        return ""
    if consent:
        return ""
    what = "on hardware parts of a circuit disturb each other"
    if one.limits.simulated is not False:
        what = "only exact simulators run parts of a circuit as within the whole"
    return f"{what}; {CONSENT}"


def disturbed(circuit: PlannedCircuit, offers: Sequence[Offer], shards: Sequence[Shard]) -> str:
    """A warning where parts run on what is no exact simulator; empty where they do not.

    Args:
        circuit: the circuit.
        offers: the nodes for each of its parts.
        shards: of these and of other circuits.
    """
    if not circuit.parts:
        return ""
    by_part = {(offer.circuit.id, one.node_id): one for offer in offers for one in offer.candidates}
    places = [by_part.get((shard.task.circuit_id, shard.node_id)) for shard in shards]
    names = dict.fromkeys(one.node_id for one in places if one and why_not_here(one, consent=False))
    if not names:
        return ""
    return (
        f"{circuit.name} runs in parts on {', '.join(names)}, as you agreed: what its parts would "
        "do to each other there is not in the counts"
    )


def together(
    circuit: PlannedCircuit, picks: Sequence[Candidate], costs: Sequence[Charges | None]
) -> tuple[Candidate, Charges | None]:
    """All parts, one after the other, as one candidate to be compared with nodes for the whole.

    Args:
        circuit: the circuit.
        picks: the node for each part.
        costs: what each part costs there; ``None`` where nobody knows.

    Returns:
        The candidate, and what it costs; ``None`` where nobody knows.
    """
    estimates = [one.estimate for one in picks]
    longest = max(picks, key=lambda one: one.reference.seconds)
    pairing = circuit.shots * len(picks) * _PAIRING_SECONDS
    estimate = Estimate(
        seconds=_sum([_span(one) for one in picks], pairing),
        memory_bytes=max(one.memory_bytes or 0 for one in estimates),
        queue_seconds=max(one.queue_seconds or 0.0 for one in estimates),
        charges=total(amount for one in estimates for amount in one.charges),
        method=in_parts(circuit.parts),
        exact=all(one.exact is True for one in estimates) or None,
        reference_seconds=_sum([_span(one.reference) for one in picks], pairing),
    )
    limits = replace(longest.limits, paid=_paid(picks))
    candidate = Candidate(IN_PARTS, longest.provider, limits, circuit.options, estimate)
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return candidate, None
    amounts = total(amount for cost in known for amount in cost)
    return candidate, tuple(sorted(amounts, key=attrgetter("unit")))


def _paid(picks: Sequence[Candidate]) -> bool | None:
    """Whether any of them costs money; ``None`` if nobody knows of one, and the others are free."""
    found = {one.limits.paid for one in picks}
    return True if True in found else None if None in found else False


def _span(one: Candidate) -> tuple[float, float]:
    return one.estimate.seconds or (one.seconds, one.seconds)


def _sum(spans: Sequence[tuple[float, float]], more: float) -> tuple[float, float]:
    return sum(low for low, _ in spans) + more, sum(high for _, high in spans) + more

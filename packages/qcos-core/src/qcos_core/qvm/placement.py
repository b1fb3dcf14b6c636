"""Give each circuit of a plan a node, one after the other, as a policy says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from qcos_core.model.budgets import Rate
from qcos_core.model.plans import Candidate, Decision, PlannedCircuit
from qcos_core.model.policies import Choice, Policy
from qcos_core.qvm.costs import Charges


@dataclass(frozen=True, slots=True)
class Offer:
    """The nodes that can run a circuit.

    Attributes:
        circuit: the circuit.
        candidates: the nodes, in the cluster's order.
        charges: what the circuit would cost in all if it went to each; see :class:`Choice`.
        rejected: why other nodes cannot run it.
    """

    circuit: PlannedCircuit
    candidates: tuple[Candidate, ...]
    charges: Mapping[str, Charges | None]
    rejected: tuple[Decision, ...] = ()


def place(
    offers: Sequence[Offer], policy: Policy, rates: Callable[[], Sequence[Rate]]
) -> list[list[Candidate]]:
    """A node for each point of each circuit; what takes longest is placed first.

    Args:
        offers: the circuits, with the nodes for each.
        policy: chooses a node.
        rates: returns the user's rates.
    """
    busy_s: dict[str, float] = {}
    picks: list[list[Candidate]] = [[] for _ in offers]
    turn = 0
    order = sorted(
        range(len(offers)), key=lambda i: -min(one.seconds for one in offers[i].candidates)
    )
    for index in order:
        offer = offers[index]
        charges = MappingProxyType(dict(offer.charges))
        for point in range(len(offer.circuit.points)):
            choice = Choice(
                offer.circuit,
                point,
                offer.candidates,
                charges,
                MappingProxyType(dict(busy_s)),
                turn,
                rates,
            )
            pick = policy(choice)
            picks[index].append(pick)
            busy_s[pick.node_id] = busy_s.get(pick.node_id, 0.0) + pick.seconds
            turn += 1
    return picks

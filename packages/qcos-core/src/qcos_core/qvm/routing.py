"""Which node takes a circuit, among those that can."""

from __future__ import annotations

from functools import partial

from qcos_core.cluster.registry import QPURegistry
from qcos_core.model.plans import ALL, Candidate
from qcos_core.model.policies import Choice, Policy
from qcos_core.providers.plugins import Brought
from qcos_core.qvm.costs import cheapest


def fastest(choice: Choice) -> Candidate:
    """The node that would finish first, its queue and earlier circuits of the plan included."""
    return min(choice.candidates, key=choice.ready_s)


def cost_optimized(choice: Choice) -> Candidate:
    """The node that costs the least; of several, the one that would finish first."""
    return min(cheapest(choice), key=choice.ready_s)


def best_fidelity(choice: Choice) -> Candidate:
    """The node of which most is to be expected; of several, the one that would finish first."""

    def rank(one: Candidate) -> tuple[float, float]:
        expected = -1.0 if one.fidelity is None else one.fidelity
        return -expected, choice.ready_s(one)

    return min(choice.candidates, key=rank)


def round_robin(choice: Choice) -> Candidate:
    """Each node in turn."""
    return choice.candidates[choice.turn % len(choice.candidates)]


def every_node(choice: Choice) -> Candidate:
    """One of all nodes; the planner gives the circuit to the others too."""
    return choice.candidates[0]


POLICIES: dict[str, Policy] = {
    "fastest": fastest,
    "cost_optimized": cost_optimized,
    "best_fidelity": best_fidelity,
    "round_robin": round_robin,
    ALL: every_node,
}


def policy_named(name: str, registry: QPURegistry) -> Policy:
    """The policy of this name, QCOS's own or a plugin's of the cluster.

    Raises:
        InvalidArguments: there is none.
        ProviderLoadError: several plugins bring it.
    """
    if isinstance(name, str) and name in POLICIES:
        return POLICIES[name]
    return partial(_chosen, registry.plugins.brought("routing_policies", name))


def _chosen(policy: Brought, choice: Choice) -> Candidate:
    """What a plugin's policy chooses, checked."""
    name = choice.circuit.name
    pick = policy(choice, name)
    if isinstance(pick, Candidate) and any(one is pick for one in choice.candidates):
        return pick
    what = f"returned {pick!r:.80}, none of the candidates of {name}"
    raise policy.error(what)

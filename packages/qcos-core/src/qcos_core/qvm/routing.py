"""Which node takes a circuit, among those that can."""

from __future__ import annotations

from functools import partial

from qcos_core.cluster.registry import QPURegistry
from qcos_core.errors import InvalidArguments, ProviderLoadError
from qcos_core.model.plans import ALL, Candidate
from qcos_core.model.policies import Choice, PluginPolicy, Policy
from qcos_core.qvm.costs import cheapest

_ANOTHER = "Tell its author; another policy works meanwhile."


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
    brought = registry.plugins.routing_policies()
    found = [policy for policy in brought if policy.name == name]
    if not found:
        others = [f"{policy.name} (of plugin {policy.plugin})" for policy in brought]
        message = f"policy {name!r} is not one of {', '.join([*POLICIES, *others])}."
        raise InvalidArguments(message)
    if len(found) > 1:
        plugins = " and ".join(policy.plugin for policy in found)
        message = f"policy {name!r} is brought by several plugins: {plugins}."
        raise ProviderLoadError(message, hint="Uninstall one, or use another policy.")
    return partial(_chosen, found[0])


def _chosen(policy: PluginPolicy, choice: Choice) -> Candidate:
    """What a plugin's policy chooses, checked."""
    whose = f"policy {policy.name!r} of plugin {policy.plugin}"
    try:
        pick = policy.choose(choice)
    # other people's code
    except Exception as error:
        cause = f"{type(error).__name__}: {error}".rstrip(".")
        message = f"{whose} failed on {choice.circuit.name}: {cause}."
        raise ProviderLoadError(message, hint=_ANOTHER) from error
    if not any(pick is one for one in choice.candidates):
        message = f"{whose} returned {pick!r:.80}, none of the candidates of {choice.circuit.name}."
        raise ProviderLoadError(message, hint=_ANOTHER)
    return pick

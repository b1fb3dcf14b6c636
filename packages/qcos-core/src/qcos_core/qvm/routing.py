"""Which node takes a circuit, among those that can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qcos_core.cluster.registry import Node
from qcos_core.errors import InvalidArguments
from qcos_core.model.nodes import Limits
from qcos_core.model.plans import Estimate

_UNKNOWN_SECONDS = 1.0


@dataclass(frozen=True)
class Candidate:
    """A node that can run a circuit, and what that would take.

    Attributes:
        node: the node.
        limits: what its provider says about it.
        options: the options as its provider normalised them.
        estimate: what running the circuit would take; empty if nobody can tell.
    """

    node: Node
    limits: Limits
    options: Mapping[str, Any]
    estimate: Estimate

    @property
    def seconds(self) -> float:
        """Expected time, with a second where nobody can tell."""
        typical = self.estimate.typical_seconds
        return _UNKNOWN_SECONDS if typical is None else typical


@dataclass
class Load:
    """What a plan under construction has already given to each node."""

    seconds: dict[str, float] = field(default_factory=dict)
    turn: int = 0

    def add(self, candidate: Candidate) -> None:
        """Note that this node gets the circuit."""
        node_id = candidate.node.spec.node_id
        self.seconds[node_id] = self.seconds.get(node_id, 0.0) + candidate.seconds
        self.turn += 1


Policy = Callable[[Sequence[Candidate], Load], Candidate]


def fastest(candidates: Sequence[Candidate], load: Load) -> Candidate:
    """The node that would finish first, its queue and earlier circuits of the plan included."""
    return min(
        candidates,
        key=lambda one: load.seconds.get(one.node.spec.node_id, 0.0) + one.seconds,
    )


def round_robin(candidates: Sequence[Candidate], load: Load) -> Candidate:
    """Each node in turn."""
    return candidates[load.turn % len(candidates)]


POLICIES: dict[str, Policy] = {"fastest": fastest, "round_robin": round_robin}


def policy_named(name: str) -> Policy:
    """The policy of this name.

    Raises:
        InvalidArguments: there is none.
    """
    try:
        return POLICIES[name]
    except (KeyError, TypeError):
        message = f"policy {name!r} is not one of {', '.join(POLICIES)}."
        raise InvalidArguments(message) from None

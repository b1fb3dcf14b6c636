"""Which node takes a circuit, among those that can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qcos_core.errors import InvalidArguments
from qcos_core.model.plans import Candidate


@dataclass
class Load:
    """What a plan under construction has already given to each node."""

    seconds: dict[str, float] = field(default_factory=dict)
    turn: int = 0

    def add(self, candidate: Candidate) -> None:
        """Note that this node gets the circuit."""
        before = self.seconds.get(candidate.node_id, 0.0)
        self.seconds[candidate.node_id] = before + candidate.seconds
        self.turn += 1


Policy = Callable[[Sequence[Candidate], Load], Candidate]


def fastest(candidates: Sequence[Candidate], load: Load) -> Candidate:
    """The node that would finish first, its queue and earlier circuits of the plan included."""
    return min(candidates, key=lambda one: load.seconds.get(one.node_id, 0.0) + one.seconds)


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

"""What a routing policy is: a function that chooses the node for one circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qcos_core.model.amounts import Amount
from qcos_core.model.budgets import Rate
from qcos_core.model.plans import ALL, Candidate, PlannedCircuit

BUILT_IN = ("fastest", "cost_optimized", "best_fidelity", "round_robin", ALL)
"""The names of QCOS's own policies, which no plugin can take."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice that a policy makes: one circuit, at one point, and the nodes that can run it.

    Attributes:
        circuit: the circuit.
        point: which point of its parameters, from 0.
        candidates: the nodes, at least one, in the cluster's order. Where the circuit could be run
            in parts, one more stands for all of them, with the ``node_id`` ``"in parts"``.
        charges: what the circuit would cost in all if it went to a node, by the node's id, unit
            by unit; empty where that is nothing, ``None`` where nobody knows.
        busy_s: seconds of work that the plan has given to nodes before, by id.
        turn: how many choices were made for the plan before this one.
        rates: returns what the user says that units are worth; reads that from the disk when it is
            called first.
    """

    circuit: PlannedCircuit
    point: int
    candidates: tuple[Candidate, ...]
    charges: Mapping[str, tuple[Amount, ...] | None]
    busy_s: Mapping[str, float]
    turn: int
    rates: Callable[[], Sequence[Rate]]

    def ready_s(self, candidate: Candidate) -> float:
        """Seconds until a node would have run the circuit, its queue and earlier work included."""
        return self.busy_s.get(candidate.node_id, 0.0) + candidate.seconds


Policy = Callable[[Choice], Candidate]
"""Returns one of ``choice.candidates``, by what the choice says alone, so that a plan can be made
again."""

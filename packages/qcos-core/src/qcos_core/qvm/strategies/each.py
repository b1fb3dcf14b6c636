"""All shots of one circuit on each node that can run it, for policy ``all``."""

from __future__ import annotations

from collections.abc import Sequence

from qcos_core.errors import InvalidArguments
from qcos_core.model.plans import ALL, Candidate, PlannedCircuit, Shard
from qcos_core.qvm.strategies.whole import whole


def each(circuit: PlannedCircuit, point: int, candidates: Sequence[Candidate]) -> list[Shard]:
    """All blocks of a circuit at one point, on one node after the other.

    Blocks are counted on from one node to the next, so that no two have a seed in common: nodes
    that are alike would give equal counts, which say nothing more when they are added up.

    Raises:
        InvalidArguments: the circuit saves data, of which there can be one set only.
    """
    if circuit.profile.saves and len(candidates) > 1:
        names = ", ".join(one.node_id for one in candidates[:4])
        message = (
            f"policy {ALL!r} would run {circuit.name} on {len(candidates):,} nodes ({names}"
            f"{', ...' if len(candidates) > 4 else ''}), and what it saves cannot be added up."
        )
        raise InvalidArguments(message, hint="Leave all nodes but one out by require.")
    made: list[Shard] = []
    for one in candidates:
        made += whole(circuit, point, one, after=made)
    return made

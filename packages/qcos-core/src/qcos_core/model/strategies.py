"""What a plugin's strategy is: a function that shares the blocks of a circuit among nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qcos_core.model.plans import Candidate, PlannedCircuit
from qcos_core.model.seam import Block

BUILT_IN = ("auto", "whole", "batch", "shots", "factor")
"""The names of QCOS's own strategies, which no plugin can take."""


@dataclass(frozen=True, slots=True)
class Division:
    """What a strategy divides: the blocks of one circuit, at one point.

    Attributes:
        circuit: the circuit.
        point: which point of its parameters, from 0.
        blocks: its blocks; they have their seeds already.
        nodes: the nodes whose counts may be added up, at least one; the one that the policy chose
            comes first.
    """

    circuit: PlannedCircuit
    point: int
    blocks: tuple[Block, ...]
    nodes: tuple[Candidate, ...]


Strategy = Callable[[Division], Mapping[str, Sequence[int]]]
"""Returns places in ``division.blocks`` by the ids of the nodes that get those blocks, each place
once. It goes by what the division says alone, so that a plan can be made again."""

"""Shots of a whole circuit from those of its parts, which are independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qcos_core.model.counts import PackedCounts
from qcos_core.model.shots import PackedShots
from qcos_core.model.words import WORD


@dataclass(frozen=True)
class PartShots:
    """What came back of one part.

    Attributes:
        counts: its counts.
        clbits: bit *i* of an outcome is this bit of the whole.
        seed: of the order in which its shots are paired with those of the others.
    """

    counts: PackedCounts
    clbits: Sequence[int]
    seed: int


def paired(parts: Sequence[PartShots], width: int) -> PackedShots:
    """One shot of the whole for each shot of every part, as many as the smallest part has.

    The shots of every part are put in an order drawn at random, because a node may return them in
    any.

    Args:
        parts: at least one.
        width: classical bits of the whole; those of no part are 0.

    Raises:
        CountsInvalid: more than 10**8 shots.
    """
    import numpy as np

    shots = min(part.counts.shots for part in parts)
    words = np.zeros((shots, max(1, -(-width // WORD))), dtype=np.uint64)
    for part in parts:
        mine = PackedShots.shuffled(part.counts, part.seed)
        for bit, place in enumerate(part.clbits):
            column = mine.words[:shots, bit // WORD] >> np.uint64(bit % WORD)
            words[:, place // WORD] |= (column & np.uint64(1)) << np.uint64(place % WORD)
    return PackedShots(width, words)

"""Shots of a whole circuit from those of its parts, which are independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcos_core.errors import CountsInvalid
from qcos_core.model.counts import PackedCounts
from qcos_core.model.places import scattered
from qcos_core.model.shots import MOST
from qcos_core.model.sums import add_up, ascending

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class PartShots:
    """What came back of one part.

    Attributes:
        counts: its counts.
        clbits: bit *i* of an outcome is this bit of the whole.
        seed: of the order in which its shots are paired with those of the parts before it.
    """

    counts: PackedCounts
    clbits: Sequence[int]
    seed: int


def paired(parts: Sequence[PartShots], width: int) -> PackedCounts:
    """One shot of the whole for each shot of every part, as many as the smallest part has.

    The shots of a part are paired with those of the parts before it in an order drawn at random.

    Args:
        parts: at least one; no two have a classical bit in common.
        width: classical bits of the whole; those of no part are 0.

    Raises:
        CountsInvalid: a part has more than 10**8 shots.
    """
    joint = _spread(parts[0], width)
    for part in parts[1:]:
        joint = _pair(joint, _spread(part, width), part.seed)
    return joint


def _spread(part: PartShots, width: int) -> PackedCounts:
    """The counts of a part on the bits of the whole."""
    words = scattered(part.counts.words, part.clbits, width)
    return PackedCounts(width, *add_up(words, part.counts.counts))


def _pair(one: PackedCounts, other: PackedCounts, seed: int) -> PackedCounts:
    """Pair shots, each as the place of its outcome; only outcomes that are met are written out."""
    import numpy as np

    rng = np.random.default_rng(seed)
    shots = min(one.shots, other.shots)
    left, right = _places(one), _places(other)
    if len(left) > shots:
        rng.shuffle(left)
    rng.shuffle(right)
    pairs = left[:shots].astype(np.int64) * len(other) + right[:shots]
    if len(one) * len(other) <= shots:
        numbers = np.bincount(pairs, minlength=1)
        seen = np.flatnonzero(numbers)
        numbers = numbers[seen]
    else:
        seen, numbers = np.unique(pairs, return_counts=True)
    words = one.words.take(seen // len(other), axis=0)
    words |= other.words.take(seen % len(other), axis=0)
    order = ascending(words)  # each is there once, because the two have no bit in common
    return PackedCounts(one.width, words.take(order, axis=0), numbers.take(order))


def _places(counts: PackedCounts) -> npt.NDArray[np.int32]:
    """The place of its outcome for each shot, equal ones side by side."""
    import numpy as np

    if counts.shots > MOST:
        message = f"{counts.shots:,} shots are too many to be paired one by one; most {MOST:,}."
        raise CountsInvalid(message)
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts.counts)

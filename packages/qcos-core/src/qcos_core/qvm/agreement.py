"""Whether like nodes agree: a check of counts that several of them made of one circuit.

Like nodes are exact simulators of one distribution, or devices of one kind. Outcomes say little
where there are more of them than shots: a test of all outcomes at once then misses reversed bits,
and between devices it always objects. Single bits and parities of pairs have all shots each; they
show reversed bits, swapped registers and biased readout, at any width.

A node is compared with the shots of all others together. It disagrees where a share is further
off than chance allows, and by enough to matter. One node that is wrong shifts what the others are
compared with, so the most deviating node is left out, and the rest is looked at again until it
agrees. Then the rest votes: who differs from a node that was left out on its own is a witness.

The chance that a true node is left out is at most ``failure``, whoever else is wrong, as long as
the wrong ones are left out first. The nodes that are then left make one fixed set, so one look at
them is all that can fail; in it, ``failure`` is divided among the nodes, and then among bits,
pairs and directions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, log
from operator import attrgetter
from typing import TYPE_CHECKING

from qcos_core.errors import InvalidArguments
from qcos_core.model.marginals import (
    bounds_between,
    log_of,
    number_of_places,
    place,
    row_of,
    table_of_counts,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qcos_core.model.counts import PackedCounts


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where one node is furthest from the others, in units of what chance allows.

    Attributes:
        node_id: the node.
        where: the classical bit, or the two bits of a parity, in Qiskit's numbers: bit 0 is on
            the right of a key.
        share: the share of the node's shots in which that bit is 1, or those two bits differ.
        others: the same share among the nodes that it was compared with: those that were not left
            out before, or, of a witness, one that was.
        bound: how far apart chance may bring the two shares.
    """

    node_id: str
    where: str
    share: float
    others: float
    bound: float

    @property
    def size(self) -> float:
        """The difference of the two shares, from 0 to 1."""
        return abs(self.share - self.others)

    @property
    def ratio(self) -> float:
        """The difference over the bound, always above 1."""
        return self.size / self.bound

    @property
    def finding(self) -> str:
        """What was found, without the node's name."""
        return (
            f"{self.where} is 1 in {self.share:.2%} of its shots and in {self.others:.2%} of the "
            f"others'; chance allows {self.bound:.2%} between them."
        )

    def __str__(self) -> str:
        return f"node {self.node_id}: {self.finding}"


def disagreements(
    parts: Mapping[str, PackedCounts], *, failure: float = 1e-9, effect: float = 0.01
) -> list[Disagreement]:
    """The nodes whose counts do not fit those of the others.

    :func:`shots_per_node` says how many shots it takes to see a difference. One that is as large
    as ``effect`` itself is seen half of the time, however many shots there are.

    Args:
        parts: the counts of each node, by its id, all of one width. A node without shots says
            nothing.
        failure: the chance that any node is named although all have one distribution.
        effect: the least difference of two shares that matters. Among millions of shots chance
            allows so little that harmless differences stand out too.

    Returns:
        Nothing where all agree. Else the nodes that were left out, the most deviating first, if
        there are more witnesses than that. If not, nobody knows who is right, and the witnesses
        are named after them: both of two nodes, for one.

    Raises:
        InvalidArguments: different widths, or an argument out of its range.
    """
    if not 0 <= effect <= 1:
        message = f"effect must be from 0 to 1, not {effect}."
        raise InvalidArguments(message)
    log_one = log_of(failure)
    widths = sorted({counts.width for counts in parts.values()})
    if len(widths) > 1:
        message = f"counts of widths {widths} cannot be compared."
        raise InvalidArguments(message)
    if widths in ([], [0]):
        return []
    left = {node_id: _Sums.of(counts) for node_id, counts in parts.items() if len(counts)}
    out: dict[str, _Sums] = {}
    found: list[Disagreement] = []
    while len(left) > 1 and (furthest := _most_deviating(left, log_one, effect)):
        found.append(furthest)
        out[furthest.node_id] = left.pop(furthest.node_id)
    votes = [_vote(node_id, sums, out.values(), log_one, effect) for node_id, sums in left.items()]
    witnesses = [vote for vote in votes if vote]
    return found if len(found) < len(witnesses) else found + witnesses


def shots_per_node(effect: float, width: int, nodes: int = 2, failure: float = 1e-9) -> int:
    """How many shots of each node show that one of them is off by ``effect``.

    Twice Hoeffding's bound for the difference of two samples must fit into the effect: once for
    what is allowed, once for how far the difference may be, by chance, on the near side. So
    :func:`disagreements` must be given half of ``effect``, or less. Where a share is near 0 or 1,
    fewer shots will do, by Bernstein's bound. Of two nodes, each needs these thousands of shots:

    ====  =====  =====  =====  =====
    bits    1 %    2 %    5 %   10 %
    ====  =====  =====  =====  =====
       5   1021    256     41     11
      20   1126    282     46     12
     127   1273    319     51     13
    ====  =====  =====  =====  =====

    Args:
        effect: the difference of two shares to be seen, above 0 and at most 1.
        width: bits of an outcome, at least 1.
        nodes: how many there are, at least 2; with many, half the shots will do.
        failure: the chance of a false alarm, and of overlooking the effect.

    Raises:
        InvalidArguments: an argument out of its range.
    """
    if not 0 < effect <= 1 or width < 1 or nodes < 2:
        message = f"an effect of {effect} on {width} bits cannot be seen among {nodes} nodes."
        hint = "The effect must be above 0 and at most 1, on at least 1 bit of at least 2 nodes."
        raise InvalidArguments(message, hint=hint)
    log_each = log_of(failure) + log(4 * number_of_places(width) * nodes)
    return ceil(2 * log_each * (1 + 1 / (nodes - 1)) / effect**2)


@dataclass(frozen=True, slots=True)
class _Sums:
    """How many shots there are, and in how many of them each bit is 1 and each pair differs."""

    width: int
    shots: int
    row: npt.NDArray[np.float64]

    @classmethod
    def of(cls, counts: PackedCounts) -> _Sums:
        return cls(counts.width, counts.shots, row_of(table_of_counts(counts)))

    @classmethod
    def all(cls, parts: Iterable[_Sums]) -> _Sums:
        several = list(parts)
        row = sum((part.row for part in several[1:]), several[0].row)
        return cls(several[0].width, sum(part.shots for part in several), row)

    def without(self, part: _Sums) -> _Sums:
        return _Sums(self.width, self.shots - part.shots, self.row - part.row)


def _most_deviating(
    nodes: Mapping[str, _Sums], log_one: float, effect: float
) -> Disagreement | None:
    """The node that is furthest from all others together, if any is too far."""
    pool = _Sums.all(nodes.values())
    log_each = log_one + log(len(nodes))
    return _furthest(
        _compare(node_id, sums, pool.without(sums), log_each, effect)
        for node_id, sums in nodes.items()
    )


def _vote(
    node_id: str, sums: _Sums, out: Iterable[_Sums], log_one: float, effect: float
) -> Disagreement | None:
    """Where a node, on its own, is furthest from any that was left out, if it is too far."""
    log_each = log_one + log(2)
    return _furthest(_compare(node_id, sums, other, log_each, effect) for other in out)


def _furthest(compared: Iterable[Disagreement | None]) -> Disagreement | None:
    return max(filter(None, compared), key=attrgetter("ratio"), default=None)


def _compare(
    node_id: str, sums: _Sums, others: _Sums, log_each: float, effect: float
) -> Disagreement | None:
    """Where two samples are furthest apart, if they are too far."""
    import numpy as np

    ours, theirs = sums.row / sums.shots, others.row / others.shots
    bounds = bounds_between(ours, sums.shots, theirs, others.shots, log_each)
    sizes = np.abs(ours - theirs)
    ratios = np.where(sizes >= effect, sizes / bounds, 0)
    at = int(np.argmax(ratios))
    if ratios[at] <= 1:
        return None
    bits = place(at, sums.width)
    where = f"bit {bits[0]}" if len(bits) == 1 else f"parity of bits {bits[0]} and {bits[1]}"
    share, other, bound = (float(row[at]) for row in (ours, theirs, bounds))
    return Disagreement(node_id, where, share, other, bound)

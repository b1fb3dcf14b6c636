"""Whether two ways of drawing shots draw the same: a ratio of times says nothing else.

Counts of many qubits have few shots of each outcome, if any. So those of a few bits are compared,
the first and the last among them, because an order of bits that is wrong shows there.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from measure import Comparison, compare, wall
from qiskit.quantum_info import hellinger_fidelity

from qcos_core import PackedCounts

Counts = Mapping[str, int] | PackedCounts | np.ndarray
Drawn = Counts | Sequence[Counts]

BITS = 5
"""Of so many bits the counts are compared."""


@dataclass
class Drawing:
    """A way of drawing shots, to be timed; keeps what it drew last.

    Attributes:
        draw: takes the number of the pair.
        last: what it drew.
    """

    draw: Callable[[int], Drawn]
    last: Drawn = ()

    def __call__(self, index: int) -> float:
        """Seconds that it takes."""

        def work() -> None:
            self.last = self.draw(index)

        return wall(work)


def compare_drawing(
    name: str,
    peer: str,
    ours: Callable[[int], Drawn],
    theirs: Callable[[int], Drawn],
    *,
    qubits: int,
    **how: Any,
) -> Comparison:
    """As :func:`measure.compare`, of two ways of drawing shots of so many qubits."""
    mine, yours = Drawing(ours), Drawing(theirs)
    found = compare(name, peer, mine, yours, **how)
    return replace(found, fidelity=fidelity(mine.last, yours.last, qubits))


def fidelity(ours: Drawn, theirs: Drawn, qubits: int) -> float:
    """Hellinger fidelity of the counts of a few bits; of several circuits the mean."""
    pairs = [(ours, theirs)]
    if isinstance(ours, list):
        pairs = list(zip(ours, theirs, strict=True))
    return statistics.fmean(
        hellinger_fidelity(*(_of_few_bits(counts, qubits) for counts in pair)) for pair in pairs
    )


def _of_few_bits(counts: Counts, qubits: int) -> dict[str, int]:
    bits = sorted({place * (qubits - 1) // (BITS - 1) for place in range(BITS)})
    found: dict[str, int] = {}
    for outcome, number in _items(counts):
        key = "".join(str(outcome >> bit & 1) for bit in bits)
        found[key] = found.get(key, 0) + number
    return found


def _items(counts: Counts) -> Sequence[tuple[int, int]]:
    if isinstance(counts, np.ndarray):
        seen = np.flatnonzero(counts)
        return list(zip(seen.tolist(), counts[seen].tolist(), strict=True))
    if isinstance(counts, PackedCounts):
        return list(counts.items())
    return [(int(key.replace(" ", ""), 2), number) for key, number in counts.items()]

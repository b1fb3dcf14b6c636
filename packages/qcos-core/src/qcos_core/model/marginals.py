"""Single bits and pairs of bits of a sample, and how far chance moves their shares.

A table has a row and a column for each bit, bit 0 first. The diagonal holds how often a bit is 1;
elsewhere stands how often two bits differ, the parity of the pair. A row has one number for each
bit, then one for each pair, in the order of :func:`place`.
"""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING, Any

from qcos_core.errors import InvalidArguments

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qcos_core.model.counts import PackedCounts

_ROWS = 1 << 14
"""Outcomes that are unpacked at a time; 127 bits of each take 16 MiB."""


def table_of(bits: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The table of outcomes that are unpacked.

    Args:
        bits: zeros and ones of shape ``(n, width)``, bit 0 first.
        weights: how often each outcome was seen, or its probability.

    Returns:
        Sums of weights, of shape ``(width, width)``; of whole numbers they are exact up to 2**52.
    """
    import numpy as np

    columns = bits.astype(np.float64)
    both: npt.NDArray[np.float64] = columns.T @ (weights[:, None] * columns)
    ones = both.diagonal()
    table = ones[:, None] + ones - 2 * both
    np.fill_diagonal(table, ones)
    return table


def table_of_counts(counts: PackedCounts) -> npt.NDArray[np.float64]:
    """The table of packed counts, in shots."""
    import numpy as np

    table = np.zeros((counts.width, counts.width))
    for start in range(0, len(counts), _ROWS):
        words = counts.words[start : start + _ROWS].astype("<u8")
        bits = np.unpackbits(words.view(np.uint8), axis=1, count=counts.width, bitorder="little")
        table += table_of(bits, counts.counts[start : start + _ROWS])
    return table


def row_of(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each bit and each pair of a table once."""
    import numpy as np

    return np.concatenate([table.diagonal(), table[np.triu_indices(len(table), 1)]])


def place(index: int, width: int) -> tuple[int, ...]:
    """The bit, or the two bits, that stand at an index of a row."""
    if index < width:
        return (index,)
    first, beyond = 0, index - width
    while beyond >= width - 1 - first:
        beyond -= width - 1 - first
        first += 1
    return first, first + 1 + beyond


def number_of_places(width: int) -> int:
    """How many bits and pairs of bits there are."""
    return width * (width + 1) // 2


def log_of(failure: float) -> float:
    """The logarithm of one over a chance.

    Raises:
        InvalidArguments: not between 0 and 1.
    """
    if not 0 < failure < 1:
        message = f"failure must be between 0 and 1, not {failure}."
        raise InvalidArguments(message)
    return log(1 / failure)


def bounds_from(
    probabilities: npt.NDArray[np.float64], shots: int, log_one: float
) -> npt.NDArray[np.float64]:
    """How far the shares of a sample may be from their probabilities.

    A share of n independent shots exceeds its probability p by e with a chance of at most
    ``exp(-2 n e**2)`` (Hoeffding) and of at most ``exp(-n e**2 / (2 p (1 - p) + 2 e / 3))``
    (Bernstein). The bound is the smaller of the two e, with the chance divided among all shares
    and both directions.

    Args:
        probabilities: one for each share.
        shots: how many shots the sample has.
        log_one: ``log_of`` the chance that any share of a true sampler exceeds its bound.
    """
    import numpy as np

    log_each = log_one + log(2 * probabilities.size)
    hoeffding = sqrt(log_each / (2 * shots))
    return np.minimum(hoeffding, _bernstein(probabilities, shots, log_each))


def bounds_between(
    shares: npt.NDArray[np.float64],
    shots: int,
    others: npt.NDArray[np.float64],
    other_shots: int,
    log_one: float,
) -> npt.NDArray[np.float64]:
    """How far the shares of two samples of one distribution, known to nobody, may be apart.

    The difference of two shares, of m and of n shots, exceeds d with a chance of at most
    ``exp(-2 d**2 / (1/m + 1/n))`` (Hoeffding). Bernstein's bound needs the probability, which
    nobody knows. But put all shots together, and the smaller set of them, m, is drawn without
    replacement from a pool with a known share; the bound holds there too, as Hoeffding showed
    ("Probability inequalities for sums of bounded random variables", JASA 58 (1963) 13-30,
    section 6), and a distance e from the pool is a difference of ``e (m + n) / n``. The smaller
    of the two counts, each for half of the chance, which is divided as in :func:`bounds_from`.

    Args:
        shares: of one sample.
        shots: how many shots it has.
        others: the same shares of the other sample.
        other_shots: how many shots that has.
        log_one: ``log_of`` the chance that any difference exceeds its bound.
    """
    import numpy as np

    log_each = log_one + log(4 * shares.size)
    total = shots + other_shots
    pooled = (shots * shares + other_shots * others) / total
    smaller, larger = sorted((shots, other_shots))
    hoeffding = sqrt(log_each * (1 / shots + 1 / other_shots) / 2)
    return np.minimum(hoeffding, _bernstein(pooled, smaller, log_each) * total / larger)


def _bernstein(
    probabilities: npt.NDArray[np.float64], shots: int, log_each: float
) -> npt.NDArray[np.float64]:
    """How far above its probability a share of ``shots`` is, but for exp(-log_each)."""
    import numpy as np

    variances = np.clip(probabilities * (1 - probabilities), 0, None)
    bounds: npt.NDArray[np.float64] = np.sqrt(log_each**2 / 9 + 2 * shots * log_each * variances)
    return (log_each / 3 + bounds) / shots

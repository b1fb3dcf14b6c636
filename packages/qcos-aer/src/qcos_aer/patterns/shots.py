"""Shots that are measured qubit by qubit, each state as soon as one of its qubits is finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qcos_aer.vectors.states import Order

    Array = npt.NDArray[np.complex128]
    Integers = npt.NDArray[np.int64]


class Shots:
    """The shots of some patterns, which share states as long as they found the same.

    Rows stand for shots of one pattern with one outcome so far, and for their state.

    Args:
        draws: for each pattern, of each of its shots a number from 0 to 1 that decides what the
            shot finds. Measuring some of the qubits uses up what of it tells their outcomes apart.
        bits: the bit of an outcome that each measured qubit gives.

    Attributes:
        pattern: the pattern of each row.
        outcomes: what each shot found so far, one word for each.
    """

    def __init__(self, draws: Sequence[npt.NDArray[np.float64]], bits: Mapping[int, int]) -> None:
        import numpy as np

        self.pattern: Integers = np.arange(len(draws))
        self._source: Integers = np.zeros(len(draws), dtype=np.int64)
        self._row = np.repeat(self.pattern, [len(mine) for mine in draws])
        self._draws = np.concatenate(draws)
        self._bits = bits
        self.outcomes = np.zeros(len(self._row), dtype=np.uint64)

    def rows_of(self, states: Array) -> tuple[Array, Integers]:
        """The states, and which of them is each row's; then row by row in the next ones."""
        import numpy as np

        rows, self._source = self._source, np.arange(len(self._source))
        return states, rows

    def measure(self, states: Array, qubits: Order) -> Array:
        """Measure the first qubits of states.

        Args:
            states: the rows' states, or one that they all have.
            qubits: the first ones in their order.

        Returns:
            The rows' states of the qubits that are left, not normalised; there may be more rows.
        """
        import numpy as np

        if not qubits:
            return states
        size = 1 << len(qubits)
        split = states.reshape(len(states), size, -1)
        chances = np.square(split.real).sum(axis=2)
        chances += np.square(split.imag).sum(axis=2)
        ladder = np.cumsum(chances, axis=1)
        chances /= ladder[:, -1:]
        ladder /= ladder[:, -1:]
        source = self._source[self._row]
        wanted = np.minimum(source + self._draws, np.nextafter(source + 1.0, 0))
        ladders = (ladder + np.arange(len(states))[:, np.newaxis]).ravel()
        found = np.searchsorted(ladders, wanted, side="right")
        chance = chances.ravel()[found]
        below = ladder.ravel()[found] - chance
        self._draws = np.clip((self._draws - below) / chance, 0, _BELOW_ONE)
        outcome = found - source * size
        for index, qubit in enumerate(reversed(qubits)):
            if qubit in self._bits:
                bit = (outcome >> index & 1).astype(np.uint64)
                self.outcomes |= bit << np.uint64(self._bits[qubit])
        rows, self._row = np.unique(self._row * size + outcome, return_inverse=True)
        row, outcome = np.divmod(rows, size)
        self.pattern = self.pattern[row]
        self._source = self._source[row] * size + outcome
        left = split.reshape(len(states) * size, -1)
        if len(rows) <= len(left):
            left, self._source = left[self._source], np.arange(len(rows))
        return left


_BELOW_ONE = 1 - 2**-53

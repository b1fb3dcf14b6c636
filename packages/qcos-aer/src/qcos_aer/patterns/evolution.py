"""Evolve the states of many patterns of errors, from where they leave the common one.

Without errors there is one state. A pattern leaves it at the first block in which one of its errors
strikes. A qubit that no later block touches is measured at once, which halves the state; where the
shots of a pattern find different outcomes, each outcome goes on with a state of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

from qcos_aer.patterns.blocks import Block
from qcos_aer.patterns.rule import SIDE_BY_SIDE, WIDEST_SEVERAL
from qcos_aer.patterns.shots import Shots
from qcos_aer.vectors.blas import in_order, times, times_into

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qcos_aer.vectors.states import Move

    Array = npt.NDArray[np.complex128]
    Outcomes = npt.NDArray[np.uint64]

TOGETHER = 1 << SIDE_BY_SIDE
"""So many amplitudes are worked on side by side: 16 MiB, beside which calls cost little."""


_SMALL = 1 << 10
"""States of up to so many amplitudes are worked on all at once."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """Errors, and the shots that have them.

    Attributes:
        errors: of each block with errors, ascending, the numbers of the sites that are struck,
            ascending, and which term strikes each.
        draws: of each shot a number from 0 to 1, which decides its outcome.
    """

    errors: Mapping[int, Sequence[tuple[int, int]]]
    draws: npt.NDArray[np.float64]

    @property
    def first(self) -> int:
        """The first block with an error."""
        return next(iter(self.errors))


@dataclass(frozen=True, eq=False)
class Evolution:
    """A circuit that can be evolved with errors.

    Attributes:
        width: qubits of the state before any is measured.
        blocks: one after the other.
        bits: the bit of an outcome that each measured qubit gives.
        threads: most threads to use.
    """

    width: int
    blocks: Sequence[Block]
    bits: Mapping[int, int]
    threads: int

    def outcomes(self, patterns: Sequence[Pattern]) -> Iterator[Outcomes]:
        """What the shots of patterns find, some patterns at a time; see :meth:`last`.

        Args:
            patterns: each with errors; by the first block that has one, ascending.
        """
        several = 1 if self._large else self.threads
        return in_order(self._followed, self._leaving(patterns), several)

    def last(self) -> Array:
        """The state without errors, of shape ``(1, 2**width)``."""
        return self._trunk(_nothing(), 0, len(self.blocks))

    @property
    def _large(self) -> bool:
        """Whether states are so large that all threads work on one, to hold no more of them."""
        return self.width > WIDEST_SEVERAL

    @cached_property
    def _widest(self) -> list[int]:
        """Of each block, the most qubits that states have from there on."""
        return list(accumulate((block.width for block in reversed(self.blocks)), max))[::-1]

    def _leaving(self, patterns: Sequence[Pattern]) -> Iterator[tuple[Array, Sequence[Pattern]]]:
        """The common state where some patterns leave it together, and those patterns."""
        trunk, done = _nothing(), 0
        for first, group in groupby(patterns, key=lambda pattern: pattern.first):
            trunk, done = self._trunk(trunk, done, first), first
            mine = list(group)
            some = max(1, TOGETHER >> self._widest[first])
            for start in range(0, len(mine), some):
                yield trunk, mine[start : start + some]

    def _trunk(self, trunk: Array, begin: int, end: int) -> Array:
        for block in self.blocks[begin:end]:
            if block.whole is not None:
                trunk = block.whole(trunk, self.threads)
            trunk = times(trunk, block.clean, self.threads)
        return trunk

    def _followed(self, leaving: tuple[Array, Sequence[Pattern]]) -> Outcomes:
        """The outcomes of all shots of patterns that leave the common state together."""
        trunk, patterns = leaving
        first = patterns[0].first
        shots = Shots([pattern.draws for pattern in patterns], self.bits)
        threads = self.threads if self._large else 1
        states = _moved(self.blocks[first].leave, trunk, threads)
        states = shots.measure(states, self.blocks[first].gone)
        for number in range(first, len(self.blocks)):
            block = self.blocks[number]
            states = _moved(block.part, states, threads)
            own = [pattern.errors.get(number, ()) for pattern in patterns]
            states = _through(block, states, shots, own, threads)
            states = _moved(block.split, states, threads)
            states = shots.measure(states, block.finished)
        return shots.outcomes


def _nothing() -> Array:
    """The state of no qubits."""
    import numpy as np

    return np.ones((1, 1), dtype=complex)


def _moved(move: Move | None, states: Array, threads: int) -> Array:
    return states if move is None else move(states, threads)


def _through(
    block: Block,
    states: Array,
    shots: Shots,
    own: Sequence[Sequence[tuple[int, int]]],
    threads: int,
) -> Array:
    """States after a block, one for each row of the shots; ``own`` are the patterns' errors."""
    import numpy as np

    struck = [pattern for pattern, errors in enumerate(own) if errors]
    states, rows = shots.rows_of(states)
    if not struck and states.shape[0] == len(rows):
        return times(states, block.clean, threads)
    matrices = block.struck([own[pattern] for pattern in struck])
    place = np.full(len(own), -1)
    place[struck] = np.arange(len(struck))
    which = place[shots.pattern]
    if states.shape[1] <= _SMALL:
        result = times(states[rows], block.clean, threads)
        mine = np.flatnonzero(which >= 0)
        split = states[rows[mine]].reshape(len(mine), -1, len(block.clean))
        result[mine] = (split @ matrices[which[mine]]).reshape(len(mine), -1)
        return result
    result = np.empty((len(rows), states.shape[1] << block.fresh), dtype=complex)
    for row, (source, struck_by) in enumerate(zip(rows.tolist(), which.tolist(), strict=True)):
        matrix = block.clean if struck_by < 0 else matrices[struck_by]
        times_into(result[row], states[source], matrix, threads)
    return result

"""Gates and sites fused into blocks, each a matrix; one of its own where errors strike inside.

A qubit has a place in the states from the first block that touches it, and none after the last one
in states that are measured as soon as may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from qcos_aer.patterns.compiled import Site
from qcos_aer.vectors.fusion import MOST_FUSED, Gate, grouped, product
from qcos_aer.vectors.states import Move, Order, Steps

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.complex128]

_KEPT = 512
"""So many errors of a circuit are kept as matrices."""

Moves = Move | None
"""``None`` where nothing moves."""


@dataclass(frozen=True, eq=False)
class Block:
    """What acts on a few qubits, one after the other.

    Attributes:
        qubits: its own, ascending.
        matrix: what it does without errors.
        sites: of each site inside, its number, the site, and what is done before it.
        order: of the qubits before it, those first that it is the first to touch.
        fresh: how many it is the first to touch.
        clean: what states are multiplied with from the right, without errors.
        whole: the move that makes states ready for that.
        part: the same for states whose finished qubits were measured.
        leave: the move that brings qubits that are finished already before all others.
        gone: those qubits, as they lie then.
        split: the move, after it, that brings those before all others which are finished now.
        finished: those qubits, as they lie then.
        moved: :func:`moved_to_start`, which remembers.
    """

    qubits: tuple[int, ...]
    matrix: Array
    sites: dict[int, tuple[Site, Array]]
    order: Order
    fresh: int
    clean: Array
    whole: Moves
    part: Moves
    leave: Moves
    gone: Order
    split: Moves
    finished: Order
    moved: Callable[[Block, int, int], Array]

    @property
    def width(self) -> int:
        """Qubits of states whose finished qubits were measured."""
        return len(self.order) - len(self.gone)

    def struck(self, errors: Sequence[Sequence[tuple[int, int]]]) -> Array:
        """What states are multiplied with where errors strike, different ones for each.

        Args:
            errors: for each state, the numbers of sites, ascending, and which term strikes each.
        """
        import numpy as np

        matrices = np.empty((len(errors), *self.matrix.shape), dtype=complex)
        for index, mine in enumerate(errors):
            matrix = self.matrix
            for site, term in reversed(mine):
                matrix = matrix @ self.moved(self, site, term)
            matrices[index] = matrix
        return _arranged(self.qubits, matrices, self.order, self.fresh)


def moved_to_start(block: Block, site: int, term: int) -> Array:
    """What does at the start of a block what a term does at its site.

    Args:
        block: the block.
        site: the number of the site.
        term: which of its terms.
    """
    where, before = block.sites[site]
    matrix = where.terms[term].matrix_on(len(where.qubits))
    moved: Array = before.conj().T @ product([Gate(where.qubits, matrix)], block.qubits).matrix
    return moved @ before


def blocks_of(items: Sequence[Gate | Site], numbers: dict[Site, int]) -> tuple[list[Block], Order]:
    """Fuse all of a circuit.

    Args:
        items: gates and sites, in the order in which they act.
        numbers: of the sites.

    Returns:
        The blocks, and the order of the qubits after the last.
    """
    groups = grouped([item.qubits for item in items], MOST_FUSED)
    last = {qubit: number for number, (qubits, _) in enumerate(groups) for qubit in qubits}
    moved = lru_cache(maxsize=_KEPT)(moved_to_start)
    found: list[Block] = []
    order: Order = ()
    for number, (qubits, members) in enumerate(groups):
        matrix, sites = _fused([items[place] for place in members], numbers, qubits)
        fresh = tuple(qubit for qubit in qubits if qubit not in order)
        full = (*fresh, *order)
        after = Steps.of([Gate(qubits, matrix)], full).after
        gone = tuple(qubit for qubit in order if last[qubit] < number)
        left = _without(order, gone)
        staying = _without(after, gone)
        finished = tuple(qubit for qubit in staying if last[qubit] == number)
        found.append(
            Block(
                qubits,
                matrix,
                sites,
                full,
                len(fresh),
                _arranged(qubits, matrix, full, len(fresh)),
                whole=Move.between(order, _without(after, fresh)),
                part=Move.between(left, _without(staying, fresh)),
                leave=Move.between(order, (*gone, *left)),
                gone=gone,
                split=Move.between(staying, (*finished, *_without(staying, finished))),
                finished=finished,
                moved=moved,
            )
        )
        order = after
    return found, order


def _fused(
    items: Sequence[Gate | Site], numbers: dict[Site, int], qubits: tuple[int, ...]
) -> tuple[Array, dict[int, tuple[Site, Array]]]:
    import numpy as np

    sites: dict[int, tuple[Site, Array]] = {}
    matrix: Array = np.eye(1 << len(qubits), dtype=complex)
    waiting: list[Gate] = []
    for item in items:
        if isinstance(item, Gate):
            waiting.append(item)
            continue
        if waiting:
            matrix, waiting = product(waiting, qubits).matrix @ matrix, []
        sites[numbers[item]] = (item, matrix)
    if waiting:
        matrix = product(waiting, qubits).matrix @ matrix
    return matrix, sites


def _arranged(qubits: tuple[int, ...], matrix: Array, order: Order, fresh: int) -> Array:
    """A matrix as states are multiplied with it, without the rows for fresh qubits in one."""
    arranged = Steps.of([Gate(qubits, matrix)], order).each[0].matrix
    return arranged[..., : arranged.shape[-1] >> fresh, :]


def _without(order: Order, qubits: Sequence[int]) -> Order:
    return tuple(qubit for qubit in order if qubit not in qubits)

"""A line of qubits on which those that interact are near each other.

Matrix product states keep qubits in a line. What crosses a cut of that line makes the state wide
there, so the best order is one whose cuts few interactions cross.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit

    Integers = npt.NDArray[np.int64]

WIDE = 20
"""Up to so many qubits nobody asks for an order: state vectors hold them all."""

_TOGETHER = 4


def linear_order(circuit: QuantumCircuit, active: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Qubits in a line, and the most interactions that cross one of its cuts.

    Each pair of qubits counts once, however often it interacts. The order is that of Cuthill and
    McKee, reversed, or the circuit's own where no more cross the most crossed cut of that.

    Args:
        circuit: any circuit.
        active: indices of the qubits to put in a line, ascending; all that interact are among them.
    """
    import numpy as np

    index = {circuit.qubits[qubit]: place for place, qubit in enumerate(active)}
    pairs = np.array(sorted(set(_pairs(circuit, index))), dtype=np.int64).reshape(-1, 2)
    own = np.arange(len(active))
    other = _cuthill_mckee(len(active), pairs)
    crossing, most = _most_crossed(other, pairs), _most_crossed(own, pairs)
    if most <= crossing:
        return tuple(active), most
    return tuple(active[place] for place in other), crossing


def _pairs(circuit: QuantumCircuit, index: dict[Any, int]) -> Iterator[tuple[int, int]]:
    for bits in {item.qubits for item in circuit.data if item.name not in ("barrier", "delay")}:
        if len(bits) == 2:
            one, other = index[bits[0]], index[bits[1]]
            yield (one, other) if one < other else (other, one)
        elif len(bits) > 2:
            wires = sorted(index[bit] for bit in bits)
            # of an operation on many qubits, a chain: there might be no room for all pairs
            yield from combinations(wires, 2) if len(wires) <= _TOGETHER else pairwise(wires)


def _cuthill_mckee(qubits: int, pairs: Integers) -> Integers:
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(qubits, qubits)).tocsr()
    order: Integers = reverse_cuthill_mckee(graph, symmetric_mode=True).astype(np.int64)
    return order


def _most_crossed(order: Integers, pairs: Integers) -> int:
    """How many pairs cross the most crossed cut of an order."""
    import numpy as np

    place = np.argsort(order)
    ends = np.sort(place[pairs], axis=1)
    starts, stops = (np.bincount(column, minlength=len(order)) for column in ends.T)
    return int(np.cumsum(starts - stops).max(initial=0))

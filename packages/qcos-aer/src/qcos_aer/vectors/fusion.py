"""Fuse gates into blocks of a few qubits, so that one matrix product does the work of many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.complex128]

MOST_FUSED = 5
"""Qubits of a block that takes the least time for each amplitude, by a processor's caches."""

_LOOKED_AT = 64
"""So many blocks back a gate may be moved to join one."""


@dataclass(frozen=True, eq=False)
class Gate:
    """A matrix on some qubits.

    Attributes:
        qubits: the first is the least significant bit of the matrix's indices, as in Qiskit.
        matrix: complex128 of shape ``(2**k, 2**k)``; ``(batch, 2**k, 2**k)`` where it differs from
            state to state.
    """

    qubits: tuple[int, ...]
    matrix: Array


def fused(gates: Sequence[Gate], most: int) -> list[Gate]:
    """Gates of at most ``most`` qubits, or as many as a single one has, that do the same.

    Args:
        gates: in the order in which they act.
        most: qubits of a block.
    """
    groups = grouped([gate.qubits for gate in gates], most)
    return [product([gates[place] for place in members], qubits) for qubits, members in groups]


def grouped(
    gates: Sequence[Sequence[int]], most: int
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Which gates to fuse.

    A gate on one qubit waits for the next that takes its qubit further. Others join an earlier
    group if nothing in between touches their qubits.

    Args:
        gates: the qubits of each.
        most: qubits of a group, unless one gate has more.

    Returns:
        Of each group its qubits, ascending, and the places of its gates, in the order in which
        they act.
    """
    groups: list[tuple[set[int], list[int]]] = []
    last: dict[int, int] = {}
    pending: dict[int, list[int]] = {}

    def join(qubits: Iterable[int], members: Sequence[int]) -> None:
        mine = set(qubits)
        earliest = max((last.get(qubit, 0) for qubit in mine), default=0)
        first = max(earliest, len(groups) - _LOOKED_AT)
        fits = [
            (len(mine - there), place)
            for place, (there, _) in enumerate(groups[first:], first)
            if len(there | mine) <= most
        ]
        if fits:
            place = min(fits)[1]
        else:
            place = len(groups)
            groups.append((set(), []))
        groups[place][0].update(mine)
        groups[place][1].extend(members)
        last.update(dict.fromkeys(mine, place))

    for place, qubits in enumerate(gates):
        if len(qubits) == 1:
            pending.setdefault(qubits[0], []).append(place)
            continue
        waiting = [one for qubit in qubits for one in pending.pop(qubit, ())]
        join(qubits, [*waiting, place])
    for qubit, waiting in pending.items():
        join((qubit,), waiting)
    return [(tuple(sorted(qubits)), tuple(members)) for qubits, members in groups]


def product(gates: Sequence[Gate], qubits: Sequence[int]) -> Gate:
    """One gate on ``qubits`` that does what others do, one after the other."""
    import numpy as np

    place = {qubit: index for index, qubit in enumerate(qubits)}
    moved = [Gate(tuple([place[qubit] for qubit in gate.qubits]), gate.matrix) for gate in gates]
    matrix = acted(moved, np.eye(1 << len(qubits), dtype=complex)[np.newaxis])
    alone = all(gate.matrix.ndim == 2 for gate in gates)
    return Gate(tuple(qubits), matrix[0] if alone else matrix)


def acted(gates: Sequence[Gate], states: Array) -> Array:
    """States after gates, which act one by one; for states of few qubits.

    Args:
        gates: in the order in which they act; qubit *i* is bit *i* of a state's index.
        states: of shape ``(batch, 2**width, columns)``; a batch of 1 becomes that of the gates.
    """
    width = states.shape[1].bit_length() - 1
    for gate in gates:
        states = _acted(gate.matrix, states, gate.qubits, width)
    return states


def _acted(matrix: Array, states: Array, places: Sequence[int], width: int) -> Array:
    """A gate's matrix on states of shape ``(batch or 1, 2**width, columns)``."""
    import numpy as np

    count, size = len(places), states.shape[0]
    if matrix.ndim == 2:
        matrix = matrix[np.newaxis]
    else:
        size = max(size, matrix.shape[0])
    acted: Array
    if list(places) == list(range(places[0], places[0] + count)):
        split = states.reshape(states.shape[0], -1, 1 << count, states.shape[2] << places[0])
        acted = np.matmul(matrix[:, np.newaxis], split)
    else:
        tensor = states.reshape(-1, *(2,) * width, states.shape[2])
        # axis 1 is the most significant qubit; the gate's last qubit is its most significant one
        axes = [width - place for place in reversed(places)]
        moved = np.moveaxis(tensor, axes, range(1, count + 1))
        acted = np.matmul(matrix, moved.reshape(states.shape[0], 1 << count, -1))
        acted = np.moveaxis(acted.reshape(size, *moved.shape[1:]), range(1, count + 1), axes)
    return acted.reshape(size, 1 << width, -1)

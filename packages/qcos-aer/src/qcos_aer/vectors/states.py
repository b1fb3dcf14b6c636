"""States of one width, side by side in one array, and the steps that act on all of them.

A product of a matrix with the last axis of an array is what processors do best. So before each
step the qubits of its gate are moved to the end of the axes, and are left there: the order of the
qubits changes as a circuit goes on, and each step knows the order that it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from qcos_aer.vectors.blas import spread, times, times_each
from qcos_aer.vectors.fusion import Gate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.complex128]

Order = tuple[int, ...]
"""The qubits as they lie in an index, the most significant first."""


def natural(width: int) -> Order:
    """The order of Qiskit: the last qubit first."""
    return tuple(range(width - 1, -1, -1))


def zeros(width: int, batch: int = 1) -> Array:
    """States of shape ``(batch, 2**width)`` with all qubits in zero."""
    import numpy as np

    states = np.zeros((batch, 1 << width), dtype=complex)
    states[:, 0] = 1
    return states


@dataclass(frozen=True)
class Move:
    """A change of order.

    Attributes:
        shape: how an index splits into runs of qubits that stay side by side.
        axes: the order of those runs afterwards.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]

    @classmethod
    def between(cls, before: Order, after: Order) -> Move | None:
        """The move from one order to another; ``None`` if they are the same."""
        if before == after:
            return None
        place = {qubit: index for index, qubit in enumerate(after)}
        follows = [place[b] == place[a] + 1 for a, b in pairwise(before)]
        runs: list[list[int]] = [[before[0]]]
        for qubit, goes_on in zip(before[1:], follows, strict=True):
            if goes_on:
                runs[-1].append(qubit)
            else:
                runs.append([qubit])
        axes = sorted(range(len(runs)), key=lambda run: place[runs[run][0]])
        return cls(tuple(1 << len(run) for run in runs), tuple(axes))

    def __call__(self, states: npt.NDArray[Any], threads: int = 1) -> npt.NDArray[Any]:
        """States of shape ``(batch, 2**width)`` in the other order."""
        import numpy as np

        split = states.reshape(-1, *self.shape).transpose(0, *(axis + 1 for axis in self.axes))
        moved = np.empty(split.shape, dtype=states.dtype)
        # the batch may be of one, so what is shared out is the first axis of the result
        longest = 0 if len(states) > 1 else 1

        def work(part: slice) -> None:
            where = (slice(None),) * longest + (part,)
            moved[where] = split[where]

        spread(work, split.shape[longest], states.size, threads)
        return moved.reshape(states.shape)


@dataclass(frozen=True, eq=False)
class Step:
    """A gate on the qubits that lie last, after a move that brings them there.

    Attributes:
        move: the move, if one is needed.
        matrix: what the states are multiplied with from the right.
    """

    move: Move | None
    matrix: Array

    def __call__(self, states: Array, threads: int = 1) -> Array:
        """States after the step."""
        if self.move is not None:
            states = self.move(states, threads)
        if self.matrix.ndim == 2:
            return times(states, self.matrix, threads)
        return times_each(states, self.matrix, threads)


@dataclass(frozen=True, eq=False)
class Steps:
    """Gates made ready to act on states.

    Attributes:
        before: the order of the qubits that they expect.
        each: what is done.
        after: the order that they leave.
    """

    before: Order
    each: tuple[Step, ...]
    after: Order

    @classmethod
    def of(cls, gates: Iterable[Gate], before: Order) -> Steps:
        """Steps that do what gates do, one after the other."""
        order, steps = before, []
        for gate in gates:
            wanted = _with_last(order, gate.qubits)
            steps.append(Step(Move.between(order, wanted), _arranged(gate, wanted)))
            order = wanted
        return cls(before, tuple(steps), order)

    def __call__(self, states: Array, threads: int = 1) -> Array:
        """States of shape ``(batch, 2**width)`` after all steps, on so many threads at most."""
        for step in self.each:
            states = step(states, threads)
        return states

    @cached_property
    def batch(self) -> int | None:
        """For how many states there are matrices; ``None`` if they are the same for all."""
        sizes = [len(step.matrix) for step in self.each if step.matrix.ndim == 3]
        return max(sizes, default=None)


def probabilities(states: Array, order: Order, qubits: Sequence[int]) -> npt.NDArray[np.float64]:
    """The distribution of some qubits.

    Args:
        states: of shape ``(batch, 2**width)``.
        order: of their qubits.
        qubits: bit *j* of an index of the result is qubit ``qubits[j]``.

    Returns:
        Of shape ``(batch, 2**len(qubits))``; what can only be an error of rounding is 0.
    """
    import numpy as np

    values = np.square(states.real)
    values += np.square(states.imag)
    others = tuple(index + 1 for index, qubit in enumerate(order) if qubit not in set(qubits))
    left = tuple(qubit for qubit in order if qubit in set(qubits))
    if others:
        values = values.reshape(-1, *(2,) * len(order)).sum(axis=others)
        values = values.reshape(len(states), -1)
    move = Move.between(left, tuple(reversed(qubits))) if left else None
    if move is not None:
        values = move(values)
    values[values < _ROUNDING] = 0.0
    return values


_ROUNDING = 1e-24
"""Probabilities below it come from sums of amplitudes that would cancel, were they exact.

Were they kept, a generator would draw for them, and its later draws would depend on rounding.
"""


def _with_last(order: Order, qubits: Sequence[int]) -> Order:
    """An order in which these qubits are last; as it was where they are already."""
    if set(order[len(order) - len(qubits) :]) == set(qubits):
        return order
    mine = set(qubits)
    kept = [qubit for qubit in order if qubit not in mine]
    return (*kept, *(qubit for qubit in order if qubit in mine))


def _arranged(gate: Gate, order: Order) -> Array:
    """The gate's matrix, its indices in the order of the qubits that lie last, transposed."""
    import numpy as np

    count = len(gate.qubits)
    mine = tuple(reversed(gate.qubits))
    wanted = order[len(order) - count :]
    matrix = np.swapaxes(gate.matrix, -1, -2)
    if mine != wanted:
        axes = [mine.index(qubit) for qubit in wanted]
        lead = matrix.ndim - 2
        both = [lead + axis for axis in axes] + [lead + count + axis for axis in axes]
        tensor = matrix.reshape(*matrix.shape[:lead], *(2,) * (2 * count))
        matrix = tensor.transpose(*range(lead), *both).reshape(matrix.shape)
    return np.ascontiguousarray(matrix)

"""What Pauli errors come to at the end of a circuit.

A Pauli operator on *k* qubits, whatever its phase, is a number: bit *j* says whether there is an X
on qubit *j*, bit ``k + j`` whether there is a Z; both make a Y. The product of two operators is
the exclusive or of their numbers.

A Pauli operator before a Clifford gate is another one after it. Before any other gate it is the
same one after a gate that is changed: of a rotation about a Pauli axis, the angle has the other
sign where the two anticommute. So an operator goes through to the end, where an X before a
measurement flips its bit, and leaves changed gates behind. All that is written into one number:
its low bits are marks of the changes, those above say which bits are flipped. The number of
several errors is the exclusive or of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.complex128]

MARK = 128
"""Bits of a mark; marks are random, and two changes share one by chance once in 1e38 times."""

MARKS = (1 << MARK) - 1
"""Which bits of an effect are marks."""

_ROUNDING = 1e-13
_SAME = 1e-9


@dataclass(frozen=True)
class Action:
    """What a gate does to Pauli operators on its own qubits.

    Attributes:
        inside: operators whose products are those that the gate is a sum of.
        between: operators whose products are the quotients of those. The gate is not changed by
            what commutes with them.
        images: what the gate makes of X on each qubit, then of Z on each; ``None`` unless it is
            a Clifford gate.
    """

    inside: tuple[int, ...]
    between: tuple[int, ...]
    images: tuple[int, ...] | None

    @classmethod
    def of(cls, matrix: Array) -> Action:
        """The action of a gate with this matrix."""
        return _action(matrix.tobytes(), len(matrix))


class Frames:
    """Follows Pauli operators through a circuit, from its end to its start.

    Args:
        width: qubits of the circuit.
        measured: which bit of an outcome each measured qubit gives.
    """

    def __init__(self, width: int, measured: Mapping[int, int]) -> None:
        self._x = [0] * width
        self._z = [0] * width
        for qubit, bit in measured.items():
            self._x[qubit] = 1 << (MARK + bit)
        self._marks = Random(0)  # noqa: S311 - nothing secret

    def effect(self, pauli: int, qubits: Sequence[int]) -> int:
        """What comes of an operator here: marks, and above them the bits that are flipped."""
        found, count = 0, len(qubits)
        for index, qubit in enumerate(qubits):
            if pauli >> index & 1:
                found ^= self._x[qubit]
            if pauli >> count + index & 1:
                found ^= self._z[qubit]
        return found

    def matters(self, paulis: Iterable[int], qubits: Sequence[int]) -> bool:
        """Whether sums of products of these operators change what is measured later."""
        return any(self.effect(pauli, qubits) for pauli in paulis)

    def mark(self) -> int:
        """The effect of what is not like anything else."""
        return self._marks.getrandbits(MARK)

    def pass_gate(self, action: Action, qubits: Sequence[int]) -> None:
        """Go to the point before a gate."""
        if action.images is None:
            self.leave_marks(action.between, qubits)
            return
        effects = [self.effect(image, qubits) for image in action.images]
        for index, qubit in enumerate(qubits):
            self._x[qubit] = effects[index]
            self._z[qubit] = effects[len(qubits) + index]

    def leave_marks(self, between: Iterable[int], qubits: Sequence[int]) -> None:
        """Go to the point before something that changes under what anticommutes with these."""
        count = len(qubits)
        for axis in between:
            mark = self.mark()
            for index, qubit in enumerate(qubits):
                if axis >> count + index & 1:
                    self._x[qubit] ^= mark
                if axis >> index & 1:
                    self._z[qubit] ^= mark


def basis(paulis: Iterable[int]) -> tuple[int, ...]:
    """Independent operators whose products are those of all."""
    found: list[int] = []
    for pauli in paulis:
        left = pauli
        for one in found:
            left = min(left, left ^ one)
        if left:
            found.append(left)
    return tuple(found)


def pauli_of_letters(letters: str, qubits: Sequence[int], count: int) -> int:
    """The number of an operator, among ``count`` qubits; the last letter is on the first qubit."""
    pauli = 0
    for letter, qubit in zip(reversed(letters), qubits, strict=True):
        if letter in "XY":
            pauli |= 1 << qubit
        if letter in "ZY":
            pauli |= 1 << count + qubit
    return pauli


def pauli_matrix(pauli: int, count: int) -> Array:
    """A matrix of an operator, of one of its phases."""
    import numpy as np

    index = np.arange(1 << count)
    matrix = np.zeros((1 << count, 1 << count), dtype=complex)
    signs = 1 - 2 * (np.bitwise_count(index & (pauli >> count)) & 1).astype(int)
    matrix[index ^ (pauli & ((1 << count) - 1)), index] = signs
    return matrix


def coefficients(matrix: Array) -> dict[int, complex]:
    """A matrix as a sum of Pauli operators, each an X part after a Z part; those that occur."""
    import numpy as np

    size = len(matrix)
    shifted, signs = _tables(size)
    table = signs @ matrix[shifted, np.arange(size)[:, np.newaxis]] / size
    z, x = np.nonzero(np.abs(table) > _ROUNDING)
    count = size.bit_length() - 1
    return dict(zip((x | z << count).tolist(), table[z, x].tolist(), strict=True))


@lru_cache(maxsize=8)
def _tables(size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The rows ``i ^ x``, and the signs of Z operators ``z`` at ``i``."""
    import numpy as np

    index = np.arange(size)
    shifted = index[:, np.newaxis] ^ index
    signs = 1.0 - 2.0 * (np.bitwise_count(index[:, np.newaxis] & index) & 1)
    return shifted, signs


@lru_cache(maxsize=1024)
def _action(content: bytes, size: int) -> Action:
    import numpy as np

    matrix = np.frombuffer(content, dtype=complex).reshape(size, size)
    found = coefficients(matrix)
    first = next(iter(found))
    images = None
    sizes = [abs(value) for value in found.values()]
    if max(sizes) - min(sizes) < _SAME:  # those of a Clifford gate are all of one size
        images = _images(matrix)
    return Action(basis(found), basis(pauli ^ first for pauli in found), images)


def _images(matrix: Array) -> tuple[int, ...] | None:
    count = len(matrix).bit_length() - 1
    images = []
    for index in range(2 * count):
        found = coefficients(matrix @ pauli_matrix(1 << index, count) @ matrix.conj().T)
        if len(found) != 1:
            return None
        images.append(next(iter(found)))
    return tuple(images)

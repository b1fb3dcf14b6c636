"""Matrices of gates at many values of their angles at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit.circuit import CircuitInstruction

    Angles = npt.NDArray[np.float64]
    Matrices = npt.NDArray[np.complex128]


def matrices_at(instruction: CircuitInstruction, names: Sequence[str], points: Angles) -> Matrices:
    """The matrices of a standard gate with parameters.

    Args:
        instruction: the gate.
        names: names of the parameters of its circuit.
        points: their values, of shape ``(points, len(names))``.

    Returns:
        complex128 of shape ``(points, 2**k, 2**k)``.
    """
    import numpy as np

    column = {name: points[:, index] for index, name in enumerate(names)}
    angles = [_values(angle, column, len(points)) for angle in instruction.params]
    formula = _FORMULAS.get(instruction.name)
    if formula is not None:
        return formula(*angles)
    kind = type(instruction.operation)
    each = zip(*(values.tolist() for values in angles), strict=True)
    return np.array([kind(*values).to_matrix() for values in each])


def _values(angle: Any, column: Mapping[str, Angles], number: int) -> Angles:
    """An angle at each point."""
    import numpy as np
    from qiskit.circuit import Parameter, ParameterExpression

    if isinstance(angle, Parameter):
        return column[angle.name]
    if not isinstance(angle, ParameterExpression):
        return np.full(number, float(angle))
    used = list(angle.parameters)
    rows = zip(*(column[one.name].tolist() for one in used), strict=True)
    return np.array([float(angle.bind(dict(zip(used, row, strict=True)))) for row in rows])


def _rotations(generator: str, angle: Angles) -> Matrices:
    """``exp(-i angle/2 P)``, where the Pauli letters are in Qiskit's order."""
    import numpy as np
    from qiskit.quantum_info import Pauli

    pauli = Pauli(generator).to_matrix()
    half = angle[:, np.newaxis, np.newaxis] / 2
    matrices: Matrices = np.cos(half) * np.eye(len(pauli)) - 1j * np.sin(half) * pauli
    return matrices


def _phases(angle: Angles) -> Matrices:
    import numpy as np

    matrices = np.zeros((len(angle), 2, 2), dtype=complex)
    matrices[:, 0, 0] = 1
    matrices[:, 1, 1] = np.exp(1j * angle)
    return matrices


def _general(theta: Angles, phi: Angles, lam: Angles) -> Matrices:
    """The matrices of ``UGate``."""
    import numpy as np

    matrices = np.empty((len(theta), 2, 2), dtype=complex)
    matrices[:, 0, 0] = np.cos(theta / 2)
    matrices[:, 0, 1] = -np.exp(1j * lam) * np.sin(theta / 2)
    matrices[:, 1, 0] = np.exp(1j * phi) * np.sin(theta / 2)
    matrices[:, 1, 1] = np.exp(1j * (phi + lam)) * np.cos(theta / 2)
    return matrices


def _controlled(make: Callable[..., Matrices], *angles: Angles) -> Matrices:
    """Of a gate whose first qubit controls the second."""
    import numpy as np

    acting = make(*angles)
    matrices = np.zeros((len(acting), 4, 4), dtype=complex)
    matrices[:, 0, 0] = matrices[:, 2, 2] = 1
    matrices[:, 1::2, 1::2] = acting
    return matrices


_RX, _RY, _RZ = (partial(_rotations, letter) for letter in "XYZ")
_FORMULAS: dict[str, Callable[..., Matrices]] = {
    "rx": _RX,
    "ry": _RY,
    "rz": _RZ,
    "rxx": partial(_rotations, "XX"),
    "ryy": partial(_rotations, "YY"),
    "rzz": partial(_rotations, "ZZ"),
    "rzx": partial(_rotations, "XZ"),
    "p": _phases,
    "u1": _phases,
    "u": _general,
    "u3": _general,
    "crx": partial(_controlled, _RX),
    "cry": partial(_controlled, _RY),
    "crz": partial(_controlled, _RZ),
    "cp": partial(_controlled, _phases),
    "cu1": partial(_controlled, _phases),
    "cu3": partial(_controlled, _general),
}
"""How the matrices of the common gates follow from their angles; others are made one by one."""

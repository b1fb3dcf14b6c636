"""Whether circuits are Clifford, their angles looked at."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_TOLERANCE = 1e-10

_ALWAYS = frozenset(
    {"barrier", "break_loop", "continue_loop", "cx", "cy", "cz", "dcx", "delay", "ecr", "h", "id"}
    | {"iswap", "measure", "pauli", "reset", "s", "sdg", "swap", "sx", "sxdg", "x", "y", "z"}
    | {"for_loop", "if_else", "switch_case", "while_loop", "store", "box", "global_phase"}
)
_ANGLES = {
    **dict.fromkeys(("cp", "crx", "cry", "crz", "cu1"), math.pi),
    **dict.fromkeys(
        ("p", "r", "rx", "rxx", "ry", "ryy", "rz", "rzx", "rzz", "u", "u1", "u2", "u3"),
        math.pi / 2,
    ),
}
"""Of which angle the angles of a gate must be multiples."""


def is_clifford(circuits: Iterable[QuantumCircuit], names: Collection[str]) -> bool:
    """Whether some circuits hold no operations but Clifford ones.

    Args:
        circuits: a circuit and those inside its control flow.
        names: the names of all operations that occur in them.
    """
    turning = _ANGLES.keys() & set(names)
    if not (_ALWAYS | turning).issuperset(names):
        return False
    return not turning or all(
        _turns(instruction.params, _ANGLES[instruction.name])
        for circuit in circuits
        for instruction in circuit.data
        if instruction.name in turning
    )


def _turns(angles: Sequence[Any], step: float) -> bool:
    """Whether every angle is a multiple of a step; one without a value is not."""
    for angle in angles:
        if not isinstance(angle, (int, float)):
            return False
        if abs(math.remainder(angle, step)) > _TOLERANCE:
            return False
    return True

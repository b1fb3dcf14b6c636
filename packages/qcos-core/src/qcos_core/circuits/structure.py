"""Whether circuits are built alike, so that what is found of one holds of the others."""

from __future__ import annotations

from collections.abc import Hashable
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_PLACE = attrgetter("name", "qubits", "clbits")
_BESIDE_GATES = frozenset(("barrier", "measure", "reset"))


def structure_of(circuit: QuantumCircuit) -> Hashable | None:
    """What a circuit is built of, its angles left out.

    Circuits of one structure have the same standard gates, measurements, resets and barriers on
    the same bits in the same order, and the same registers.

    Returns:
        Equal values for circuits of one structure. ``None`` where more than angles may differ:
        with other operations, with parameters that have no value, and once it was transpiled.
    """
    if circuit.num_parameters or circuit.num_identifiers or circuit.layout is not None:
        return None
    data = list(circuit.data)
    operations = tuple(map(_PLACE, data))
    others = {one.name for one in data if not one.is_standard_gate()}
    if not others <= _BESIDE_GATES:
        return None
    return tuple(circuit.qubits), tuple(circuit.clbits), tuple(circuit.cregs), operations

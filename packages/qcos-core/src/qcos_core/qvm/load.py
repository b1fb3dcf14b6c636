"""The circuits of a job, as objects for simulators and as QPY for the far side."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from qcos_core.errors import CircuitRejected

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_LOST = ("save_", "set_", "kraus", "superop", "quantum_channel", "qerror", "roerror")
"""How operations of Aer begin whose content QPY forgets without a word."""

Packed = tuple[str, bytes]
"""A circuit as ``worker.protocol.pack_circuit`` makes it: its format and its content."""


class Circuits:
    """The circuits of a job by their ids in the plan, each made into another form when asked for.

    Args:
        objects: the circuits, where they are at hand.
        packed: reads a circuit that is not.
    """

    def __init__(
        self,
        objects: Mapping[str, QuantumCircuit],
        packed: Callable[[str], Packed] | None = None,
    ) -> None:
        self._objects = dict(objects)
        self._read = packed
        self._packed: dict[str, Packed] = {}

    def __getitem__(self, circuit_id: str) -> QuantumCircuit:
        """A circuit as Qiskit's object."""
        if circuit_id not in self._objects:
            from qcos_core.worker.protocol import unpack_circuit

            self._objects[circuit_id] = unpack_circuit(self.packed(circuit_id))
        return self._objects[circuit_id]

    def kept(self, circuit_id: str) -> bytes | None:
        """A circuit as QPY if it was packed so before, which no change of its object undoes."""
        if self._read is None and circuit_id not in self._packed:
            return None
        kind, content = self.packed(circuit_id)
        return content if kind == "qpy" else None

    def packed(self, circuit_id: str) -> Packed:
        """A circuit as bytes that keep all of it."""
        if circuit_id not in self._packed:
            if self._read is not None:
                self._packed[circuit_id] = self._read(circuit_id)
            else:
                from qcos_core.worker.protocol import pack_circuit

                self._packed[circuit_id] = pack_circuit(self._objects[circuit_id])
        return self._packed[circuit_id]

    def qpy(self, circuit_id: str) -> bytes:
        """A circuit as QPY.

        Raises:
            CircuitRejected: QPY would lose a part of it.
        """
        kind, content = self.packed(circuit_id)
        return content if kind == "qpy" else _as_qpy(self[circuit_id])


def _as_qpy(circuit: QuantumCircuit) -> bytes:
    from qiskit import qpy

    lost = sorted({name for name in circuit.count_ops() if name.startswith(_LOST)})
    if not lost:
        buffer = io.BytesIO()
        try:
            qpy.dump(circuit, buffer)
        except (qpy.QpyError, TypeError) as error:
            message = f"{circuit.name} cannot be written as QPY: {error}."
            raise CircuitRejected(message) from error
        return buffer.getvalue()
    message = f"{circuit.name} holds {', '.join(lost)}, which does not survive being sent away."
    raise CircuitRejected(message, hint="Leave it out, or use a local node.")

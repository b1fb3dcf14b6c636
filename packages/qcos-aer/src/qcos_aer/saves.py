"""What ``save_*`` instructions ask for: which methods have it, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from qcos_core import CircuitProfile, CircuitRejected

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

BY_METHOD = {
    "save_clifford": "stabilizer",
    "save_matrix_product_state": "matrix_product_state",
    "save_stabilizer": "stabilizer",
    "save_superop": "superop",
    "save_unitary": "unitary",
}
"""What only one method can save."""

_ON_QUBITS = frozenset(
    {"save_density_matrix", "save_expval", "save_expval_var"}
    | {"save_probabilities", "save_probabilities_dict"}
)
"""What is saved of the qubits named, in their order; the rest saves the state of all wires."""

OF_MIXED_STATES = _ON_QUBITS | {"save_state", "save_amplitudes_sq"}
"""What a density matrix can save, too."""


def names(profile: CircuitProfile) -> list[str]:
    """The circuit's save instructions, by name."""
    return [name for name in profile.operations if name.startswith("save_")]


def check_kept_in_order(profile: CircuitProfile, why: str) -> None:
    """Check that what a circuit saves would survive a change of its wires.

    Args:
        profile: the circuit.
        why: what changes the wires, for the message.

    Raises:
        CircuitRejected: it saves the state of all wires, whose order would be another.
    """
    lost = sorted(set(names(profile)) - _ON_QUBITS)
    if lost:
        message = f"it asks for {', '.join(lost)} of all its wires, and {why} reorders them."
        hint = "Save a density matrix, probabilities or expectation values of named qubits."
        raise CircuitRejected(message, hint=hint)


def each_shot(circuit: QuantumCircuit) -> bool:
    """Whether something is saved shot by shot, which belongs to the outcomes in their order.

    Only a private attribute of Aer's instructions tells.
    """
    for instruction in circuit.data:
        operation = instruction.operation
        if instruction.is_control_flow():
            if any(map(each_shot, operation.blocks)):
                return True
        elif getattr(operation, "_subtype", "") in ("list", "c_list"):
            return True
    return False


def read(experiment: Any, labels: Iterable[str]) -> dict[str, Any]:
    """What an experiment saved, by label, in Qiskit's own classes.

    Aer's are subclasses that behave like arrays and warn of it. ``save_state`` without a label
    comes back from Aer under the name of the method that ran.
    """
    found = experiment.data.to_dict()
    names = {label: experiment.method if label == "save_state" else label for label in labels}
    return {label: _plain(found[name]) for label, name in names.items() if name in found}


def _plain(value: Any) -> Any:
    from qiskit import quantum_info

    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    kind = type(value)
    if kind.__module__ == "qiskit_aer.backends.compatibility":
        content = value.clifford if kind.__name__ == "StabilizerState" else value.data
        return getattr(quantum_info, kind.__name__)(content)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value

"""Leave out the wires on which nothing happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_SPANS_IDLE_WIRES = frozenset({"barrier", "delay"})


def compact(circuit: QuantumCircuit, active: Sequence[int]) -> QuantumCircuit:
    """The same circuit on its active qubits alone; classical bits and registers are untouched.

    Args:
        circuit: any circuit.
        active: indices of its active qubits, in any order, such as ``CircuitProfile.active``.

    Returns:
        ``circuit`` itself if every wire is active and in its place. Qubit *i* of the result is
        ``active[i]``.
    """
    if list(active) == list(range(circuit.num_qubits)):
        return circuit
    from qiskit import QuantumCircuit
    from qiskit.circuit import Barrier

    kept = [circuit.qubits[index] for index in active]
    small = QuantumCircuit(
        kept,
        circuit.clbits,
        *circuit.cregs,
        global_phase=circuit.global_phase,
        metadata=circuit.metadata,
        name=circuit.name,
        inputs=circuit.iter_input_vars(),
    )
    for variable in circuit.iter_declared_vars():
        small.add_uninitialized_var(variable)
    for stretch in circuit.iter_declared_stretches():
        small.add_stretch(stretch)
    wires = set(kept)
    for instruction in circuit.data:
        if instruction.name not in _SPANS_IDLE_WIRES:
            small.append(instruction)
            continue
        bits = [bit for bit in instruction.qubits if bit in wires]
        if len(bits) == len(instruction.qubits):
            small.append(instruction)
        elif bits:
            small.append(Barrier(len(bits), label=instruction.label), bits)
    return small

"""Which circuits can be drawn from a tree of branches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qcos_aer.nesting import READERS, reads
from qcos_aer.tree.expressions import understood
from qcos_aer.vectors.gates import WIDEST, does_nothing, has_matrix

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

JUMPS = frozenset({"break_loop", "continue_loop"})
OBSERVING = frozenset({"measure", "reset"})
_PLAIN = JUMPS | OBSERVING

_LONGEST = 20_000
"""Most instructions, those of a loop counted once for each of its rounds."""


def applies(circuit: QuantumCircuit) -> bool:
    """Whether the shots of a native circuit can be drawn from a tree of branches.

    Args:
        circuit: without noise. Each of its operations must be known: gates with a matrix, also
            those that use the parameter of a loop, measurements, resets, initial states of a few
            qubits, and control flow that is decided by classical bits; no saves, classical
            variables or open parameters.
    """
    if circuit.num_parameters:
        return False
    length = _length(circuit, frozenset(circuit.clbits))
    return length is not None and length <= _LONGEST


def _length(circuit: QuantumCircuit, outermost: frozenset[Any]) -> int | None:
    """Instructions to run, or ``None`` if one is not known or there are far too many."""
    if circuit.num_identifiers:
        return None
    total = 0
    for instruction in circuit.data:
        if not instruction.is_control_flow():
            if not _is_plain(instruction):
                return None
            total += 1
            continue
        rounds, blocks = 1, instruction.operation.blocks
        if instruction.name == "for_loop":
            indices, parameter, body = instruction.operation.params
            rounds, blocks = len(indices), [bound(body, parameter, index) for index in indices[:1]]
        elif instruction.name != "box" and not _decides(
            instruction, outermost.union(circuit.clbits)
        ):
            return None
        for block in blocks:
            length = _length(block, outermost)
            if length is None:
                return None
            total += rounds * (length + 1)
        if total > _LONGEST:
            return None
    return total


def _is_plain(instruction: Any) -> bool:
    known = instruction.name in _PLAIN or does_nothing(instruction)
    return known or has_matrix(instruction) or _initializes(instruction)


def _initializes(instruction: Any) -> bool:
    """Whether qubits, not too many, are brought to a state that is given by its amplitudes."""
    qubits = len(instruction.qubits)
    known = instruction.name == "initialize" and qubits <= WIDEST
    return known and len(instruction.params) == 1 << qubits


def _decides(instruction: Any, visible: frozenset[Any]) -> bool:
    """Whether control flow depends on bits that are there, in a way that is understood."""
    if instruction.name not in READERS:
        return False
    known = understood(decider(instruction.operation))
    return known and visible.issuperset(reads(instruction.operation))


def decider(operation: Any) -> Any:
    """What control flow depends on."""
    return operation.target if operation.name == "switch_case" else operation.condition


def bound(body: QuantumCircuit, parameter: Any, index: int) -> QuantumCircuit:
    """The body of a loop in one of its rounds."""
    if parameter is None or parameter not in body.parameters:
        return body
    bound: QuantumCircuit = body.assign_parameters({parameter: index})
    return bound

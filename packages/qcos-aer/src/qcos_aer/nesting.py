"""Blocks of control flow, brought onto the bits that they run on.

A block is a circuit with bits of its own, which stand for the bits of its instruction, place by
place; a condition inside a block names the block's bits. Aer takes it for one on the outer
circuit's bit or register of that name, and where there is none it fails, or takes the condition
for true. Circuit builders use the outer bits inside blocks too, where both readings agree. They
differ for blocks made by hand, read from QPY, or composed onto other bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

READERS = frozenset({"if_else", "store", "switch_case", "while_loop"})
"""Operations that depend on classical bits."""


def is_astray(block: QuantumCircuit, instruction: Any) -> bool:
    """Whether something in a block may read other bits than those that the block runs on."""
    return block.clbits != list(instruction.clbits) and any(
        inner.is_control_flow() or inner.name == "store" for inner in block.data
    )


def moved(block: QuantumCircuit, instruction: Any) -> QuantumCircuit:
    """The block on the bits of its instruction; blocks within it stay as they are."""
    from qiskit import QuantumCircuit

    if block.clbits == list(instruction.clbits):
        return block
    result = QuantumCircuit(list(instruction.qubits), list(instruction.clbits))
    qubits = dict(zip(block.qubits, instruction.qubits, strict=True))
    clbits = dict(zip(block.clbits, instruction.clbits, strict=True))
    for inner in block.data:
        operation = inner.operation
        if inner.name in READERS:
            read = set(reads(operation))
            # Qiskit's compose maps the conditions inside a block, and not the block: what an
            # instruction reads beyond its own bits may be the outer circuit's already
            if read.issubset(inner.clbits) or not read.issubset(instruction.clbits):
                operation = _remapped(operation, block.clbits, instruction.clbits)
        wires = [qubits[bit] for bit in inner.qubits]
        result.append(operation, wires, [clbits[bit] for bit in inner.clbits])
    return result


def reads(operation: Any) -> Sequence[Any]:
    """The classical bits on which it depends what an operation does."""
    from qiskit.circuit.classical import expr
    from qiskit.circuit.controlflow import condition_resources, node_resources

    if operation.name == "store":
        sides = node_resources(operation.lvalue), node_resources(operation.rvalue)
        return [bit for side in sides for bit in side.clbits]
    if operation.name != "switch_case":
        condition = operation.condition
    elif isinstance(operation.target, expr.Expr):
        condition = operation.target
    else:
        condition = (operation.target, 0)
    return tuple(condition_resources(condition).clbits)


def _remapped(operation: Any, old: Sequence[Any], new: Sequence[Any]) -> Any:
    """The operation reading the new bits instead of the old ones; its blocks stay as they are."""
    from qiskit import QuantumCircuit, QuantumRegister

    blocks = getattr(operation, "blocks", ())
    hollow = operation
    if blocks:
        hollow = operation.replace_blocks([block.copy_empty_like() for block in blocks])
    qubits = QuantumRegister(operation.num_qubits)
    source = QuantumCircuit(qubits, list(old))
    source.append(hollow, qubits, source.clbits[: operation.num_clbits])
    target = QuantumCircuit(qubits, list(new))
    target.compose(source, inplace=True)
    result = target.data[0].operation
    return result.replace_blocks(blocks) if blocks else result

"""Bring a circuit to operations that Aer has, doing nothing where it already is."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Any

from qcos_core import CircuitRejected

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import PassManager

_ALWAYS_NATIVE = frozenset({"barrier"})
_KNOWN_MODULES = ("qiskit.", "qiskit_aer.")


def unrolled(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit in Aer's own operations; ``circuit`` itself if it is so already.

    A full ``transpile`` costs 60 ms and more, a hundred times the run of a small circuit, so
    what is native passes after one look at each instruction. Custom gates are replaced by their
    definitions, inside control flow too, whatever they are called: a gate that a file defines
    as ``ryy`` is not the ``ryy`` that Aer knows.

    Raises:
        CircuitRejected: an operation that Aer does not have and that has no definition.
    """
    native = native_names()
    if _is_native(circuit, native):
        return circuit
    plain = _inlined(circuit)
    if not _is_native(plain, native):
        plain = _translated(plain)
    missing = sorted(_foreign(plain, native))
    if missing:
        message = f"Aer does not have the operation {', '.join(missing)}, and it has no definition."
        raise CircuitRejected(message)
    return plain


@cache
def native_names() -> frozenset[str]:
    """Names of the operations that Aer's CPU methods run as they are."""
    from qiskit_aer import AerSimulator

    return frozenset(AerSimulator().target.operation_names) | _ALWAYS_NATIVE


def _is_native(circuit: QuantumCircuit, native: Collection[str]) -> bool:
    return next(iter(_foreign(circuit, native)), None) is None


def _foreign(circuit: QuantumCircuit, native: Collection[str]) -> set[str]:
    """Names of the operations, nested ones included, that Aer would not recognise."""
    names = set()
    for instruction in circuit.data:
        if instruction.is_standard_gate():
            if instruction.name not in native:
                names.add(instruction.name)
        elif instruction.is_control_flow() and instruction.name != "box":
            for block in instruction.operation.blocks:
                names |= _foreign(block, native)
        elif instruction.name not in native or _is_custom(instruction.operation):
            names.add(instruction.name)
    return names


def _is_custom(operation: Any) -> bool:
    """Whether an operation is somebody's own definition, whatever it is called."""
    cls = getattr(operation, "base_class", type(operation))
    generic = cls.__name__ in ("Gate", "Instruction", "_DefinedGate")
    return generic or not str(cls.__module__).startswith(_KNOWN_MODULES)


def _inlined(circuit: QuantumCircuit) -> QuantumCircuit:
    """Custom gates and boxes replaced by what they contain."""
    result = circuit.copy_empty_like()
    for instruction in circuit.data:
        operation = instruction.operation
        if instruction.name == "box":
            _insert(result, operation.blocks[0], instruction)
        elif instruction.is_control_flow():
            blocks = [_inlined(block) for block in operation.blocks]
            result.append(instruction.replace(operation=operation.replace_blocks(blocks)))
        elif _is_custom(operation) and operation.definition is not None:
            _insert(result, operation.definition, instruction)
        else:
            result.append(instruction)
    return result


def _insert(result: QuantumCircuit, body: QuantumCircuit, instruction: Any) -> None:
    result.compose(_inlined(body), instruction.qubits, instruction.clbits, inplace=True, copy=False)


def _translated(circuit: QuantumCircuit) -> QuantumCircuit:
    from qiskit.transpiler.exceptions import TranspilerError

    try:
        translated: QuantumCircuit = _translator().run(circuit)
    except TranspilerError as error:
        message = f"Aer cannot run {circuit.name}: {error.message}."
        raise CircuitRejected(message) from None
    return translated


@cache
def _translator() -> PassManager:
    from qiskit.transpiler import generate_preset_pass_manager

    return generate_preset_pass_manager(
        optimization_level=0, basis_gates=sorted(native_names() - _ALWAYS_NATIVE)
    )

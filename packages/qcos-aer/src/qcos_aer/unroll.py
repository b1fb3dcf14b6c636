"""Bring a circuit to operations that Aer has, doing nothing where it already is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from qcos_aer.nesting import is_astray, moved
from qcos_core import CircuitRejected

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import PassManager

_ALWAYS_NATIVE = frozenset({"barrier"})
_CHANNELS = frozenset({"kraus", "superop"})
_KNOWN_MODULES = ("qiskit.", "qiskit_aer.")
# the classes of all gates and instructions that are known by nothing but a name of their own
_NAMED_ONLY = (
    "qiskit.circuit.controlledgate",
    "qiskit.circuit.gate",
    "qiskit.circuit.instruction",
    "qiskit.qasm2.",
)
_MOST_ROUNDS = 3
"""What is translated may bring custom gates again: a library's ``multiplexer`` is one."""

_translating = Lock()


@dataclass(frozen=True)
class Basis:
    """What a simulator runs as it is, and how other circuits are brought to it.

    Attributes:
        names: names of its operations.
        translator: brings circuits to them.
        optimizes: whether the translator improves circuits that are in the basis already.
    """

    names: frozenset[str]
    translator: PassManager
    optimizes: bool = False


@cache
def basis_of(method: str) -> Basis:
    """The basis of an Aer method without noise."""
    from qiskit_aer import AerSimulator

    return _basis(AerSimulator(method=method).target, 0, 0)


def noisy_basis(method: str, noise_model: Any, optimization_level: int, seed: int) -> Basis:
    """The basis that a noise model acts on; a gate beyond it would run without noise."""
    from qiskit_aer import AerSimulator

    simulator = AerSimulator(method=method, noise_model=noise_model)
    return _basis(simulator.target, optimization_level, seed)


def _basis(aer: Any, optimization_level: int, seed: int) -> Basis:
    from qiskit.transpiler import Target, generate_preset_pass_manager

    wide = Target(num_qubits=1_000_000)  # Aer's own counts idle wires among those that must fit
    for name in aer.operation_names:
        wide.add_instruction(aer.operation_from_name(name), name=name)
    translator = generate_preset_pass_manager(
        optimization_level=optimization_level, target=wide, seed_transpiler=seed
    )
    names = frozenset(aer.operation_names) | _ALWAYS_NATIVE
    return Basis(names, translator, optimization_level > 0)


def unrolled(circuit: QuantumCircuit, basis: Basis | None = None) -> QuantumCircuit:
    """The circuit in the operations of a basis; ``circuit`` itself if it is so already.

    A full ``transpile`` costs 60 ms and more, a hundred times the run of a small circuit, so
    what is native passes after one look at each instruction. Custom gates are replaced by their
    definitions, inside control flow too, whatever they are called: a gate that a file defines
    as ``ryy`` is not the ``ryy`` that Aer knows.

    Args:
        circuit: any circuit.
        basis: that of Aer's ``automatic`` if left out.

    Raises:
        CircuitRejected: classical variables, on which Aer stops the process, or an operation
            that Aer does not have and that has no definition.
    """
    basis = basis or basis_of("automatic")
    plain, rounds = circuit, 0
    while missing := _foreign(plain, basis.names):
        if rounds == _MOST_ROUNDS:
            names = ", ".join(sorted(missing))
            message = f"Aer does not have {names}, and no way was found to do without."
            raise CircuitRejected(message)
        rounds += 1
        plain = _inlined(plain)
        if _foreign(plain, basis.names):
            plain = _translated(plain, basis)
    if basis.optimizes and not rounds:
        plain = _translated(plain, basis)
    return plain


def _foreign(circuit: QuantumCircuit, native: Collection[str]) -> set[str]:
    """Names of the operations, nested ones included, that Aer would not run as they are."""
    if circuit.num_identifiers:
        message = "it uses classical variables, which Aer does not support."
        raise CircuitRejected(message)
    names = set()
    for instruction in circuit.data:
        if instruction.is_standard_gate():
            if instruction.name not in native:
                names.add(instruction.name)
        elif instruction.is_control_flow() and instruction.name != "box":
            for block in instruction.operation.blocks:
                names |= _foreign(block, native)
                if is_astray(block, instruction):
                    names.add(instruction.name)
        elif instruction.name not in native or _is_custom(instruction.operation):
            names.add(instruction.name)
    return names


def _is_custom(operation: Any) -> bool:
    """Whether the name does not say what the operation does."""
    home = getattr(operation, "base_class", type(operation)).__module__
    if not home.startswith(_KNOWN_MODULES) or home.startswith(_NAMED_ONLY):
        return operation.name not in _CHANNELS or operation.definition is not None
    if operation.name == "initialize":  # of labels and numbers Aer knows nothing inside a branch
        return len(operation.params) == 1 or not isinstance(operation.params[0], complex)
    return False


def _inlined(circuit: QuantumCircuit) -> QuantumCircuit:
    """Custom gates and boxes replaced by what they contain, and blocks on the circuit's bits."""
    result = circuit.copy_empty_like()
    for instruction in circuit.data:
        operation = instruction.operation
        if instruction.name == "box":
            _insert(result, operation.blocks[0], instruction)
        elif instruction.is_control_flow():
            blocks = [_inlined(moved(block, instruction)) for block in operation.blocks]
            result.append(instruction.replace(operation=operation.replace_blocks(blocks)))
        elif _is_custom(operation):
            if operation.definition is None:
                raise CircuitRejected(_why_unknown(instruction.name))
            _insert(result, operation.definition, instruction)
        else:
            result.append(instruction)
    return result


def _why_unknown(name: str) -> str:
    if name.startswith("save_"):
        return f"{name} came from a file, and QPY keeps no more of it than its name; add it again."
    return f"Aer does not have {name}, and it has no definition."


def _insert(result: QuantumCircuit, body: QuantumCircuit, instruction: Any) -> None:
    plain = _inlined(moved(body, instruction))
    result.compose(plain, instruction.qubits, instruction.clbits, inplace=True, copy=False)


def _translated(circuit: QuantumCircuit, basis: Basis) -> QuantumCircuit:
    from qiskit.transpiler.exceptions import TranspilerError

    try:
        with _translating:  # passes keep state, so a pass manager serves one thread at a time
            translated: QuantumCircuit = basis.translator.run(circuit)
    except TranspilerError as error:
        message = f"Aer cannot run {circuit.name}: {error.message.rstrip('.')}."
        raise CircuitRejected(message) from None
    return translated

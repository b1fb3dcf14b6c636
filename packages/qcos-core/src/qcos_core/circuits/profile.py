"""What planning needs to know of a circuit, found without building anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from qcos_core.circuits.clifford import is_clifford
from qcos_core.circuits.components import components
from qcos_core.circuits.ordering import WIDE, linear_order
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.counts import Registers

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_NOT_WORK = frozenset(("barrier", "delay"))


def profile(circuit: QuantumCircuit) -> CircuitProfile:
    """The facts about a circuit that planning needs; see :class:`CircuitProfile`."""
    operations: dict[str, int] = dict(circuit.count_ops())
    inside = [] if _flat_names().issuperset(operations) else list(_inside(circuit))
    at_end = len(_tail(circuit))
    dynamic = bool(inside) or "reset" in operations
    dynamic = dynamic or _measures_midway(circuit, operations, at_end)
    for block in inside:
        for name, number in block.count_ops().items():
            operations[name] = operations.get(name, 0) + number
    variables = any(part.num_identifiers for part in (circuit, *inside))
    parts = components(circuit)
    active = tuple(sorted(qubit for part in parts for qubit in part.qubits))
    order, crossing = linear_order(circuit, active) if len(active) > WIDE else ((), 0)
    branchings = operations.get("measure", 0) + operations.get("reset", 0) - at_end
    return CircuitProfile(
        name=circuit.name,
        num_qubits=circuit.num_qubits,
        active=active,
        registers=registers(circuit),
        operations=operations,
        measured="measure" in operations,
        dynamic=dynamic,
        variables=variables,
        expressions=bool(inside) and any(map(_decides_by_expression, [circuit, *inside])),
        unbound=tuple(parameter.name for parameter in circuit.parameters),
        saves=_saves([circuit, *inside]) if any(map(_is_save, operations)) else (),
        layout=_layout(circuit),
        components=parts,
        clifford=is_clifford([circuit, *inside], operations),
        branchings=branchings if dynamic else 0,
        order=order,
        crossing=crossing,
    )


def registers(circuit: QuantumCircuit) -> Registers:
    """The classical registers of a circuit."""
    sizes = tuple((register.name, register.size) for register in circuit.cregs)
    in_order = [bit for register in circuit.cregs for bit in register]
    if in_order == circuit.clbits[: len(in_order)]:
        return Registers(circuit.num_clbits, sizes)
    index = {bit: place for place, bit in enumerate(circuit.clbits)}
    places = tuple(tuple(index[bit] for bit in register) for register in circuit.cregs)
    return Registers(circuit.num_clbits, sizes, places)


def _is_save(name: str) -> bool:
    return name.startswith("save_")


def _saves(circuits: Iterable[QuantumCircuit]) -> tuple[str, ...]:
    """The labels under which simulators return what they are told to save.

    What has no label of its own, or one that begins with ``_``, goes by the instruction's name.
    """
    found = [
        (instruction.name, getattr(instruction.operation, "label", None) or "_")
        for circuit in circuits
        for instruction in circuit.data
        if _is_save(instruction.name)
    ]
    return tuple(name if label.startswith("_") else label for name, label in found)


def _layout(circuit: QuantumCircuit) -> tuple[int, ...] | None:
    layout = circuit.layout
    if layout is None:
        return None
    return tuple(layout.initial_index_layout(filter_ancillas=True))


def _decides_by_expression(circuit: QuantumCircuit) -> bool:
    from qiskit.circuit.classical.expr import Expr

    return any(
        isinstance(getattr(instruction.operation, name, None), Expr)
        for instruction in circuit.data
        if instruction.is_control_flow()
        for name in ("condition", "target")
    )


def _measures_midway(circuit: QuantumCircuit, operations: dict[str, int], at_end: int) -> bool:
    """Whether a measured qubit is used again, or a measured bit written again.

    Args:
        circuit: the circuit.
        operations: how often each operation occurs.
        at_end: measurements after which nothing but others like them follows.
    """
    if at_end == operations.get("measure", 0):
        return False
    qubits: set[Any] = set()
    clbits: set[Any] = set()
    for instruction in circuit.data:
        if instruction.name in _NOT_WORK:
            continue
        if not qubits.isdisjoint(instruction.qubits):
            return True
        if instruction.name == "measure":
            if instruction.clbits[0] in clbits:
                return True
            qubits.update(instruction.qubits)
            clbits.update(instruction.clbits)
    return False


def _tail(circuit: QuantumCircuit) -> set[Any]:
    """The bits written by measurements after which nothing but others like them follows."""
    qubits: set[Any] = set()
    clbits: set[Any] = set()
    for instruction in reversed(circuit.data):
        if instruction.name in _NOT_WORK:
            continue
        qubit, clbit = instruction.qubits[:1], instruction.clbits[:1]
        if instruction.name != "measure" or qubit[0] in qubits or clbit[0] in clbits:
            break
        qubits.update(qubit)
        clbits.update(clbit)
    return clbits


@cache
def _flat_names() -> frozenset[str]:
    """Names of operations that hold no circuit to look into."""
    from qiskit.circuit.library import get_standard_gate_name_mapping

    return frozenset(get_standard_gate_name_mapping()) | {"barrier", "initialize", "unitary"}


def _inside(circuit: QuantumCircuit) -> Iterator[QuantumCircuit]:
    """The circuits inside control flow and inside instructions that measure."""
    for instruction in circuit.data:
        if instruction.is_control_flow():
            inside = instruction.operation.blocks
        elif instruction.clbits and instruction.name != "measure":
            inside = filter(None, [instruction.operation.definition])
        else:
            continue
        for block in inside:
            yield block
            yield from _inside(block)

"""Which parts of a circuit have nothing to do with each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from qcos_core.model.circuits import Component

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction

_JOINS_NOTHING = frozenset(("barrier", "delay"))


def components(circuit: QuantumCircuit) -> tuple[Component, ...]:
    """The components of a circuit, by their first qubits; it stops looking once there is but one.

    Operations join the qubits and classical bits that they act on; conditions join the bits that
    they read, also by way of variables. A circuit with stretches, whose delays depend on each
    other, is one component.

    Returns:
        As ``CircuitProfile.components`` holds them. The bits of a single component that has all
        qubits are all bits.
    """
    everything = Component(tuple(range(circuit.num_qubits)), tuple(range(circuit.num_clbits)))
    wires = _Wires(set(circuit.qubits))
    seen = set()
    for instruction in circuit.data:
        if instruction.name in _JOINS_NOTHING:
            continue
        group = instruction.qubits + instruction.clbits
        if instruction.is_control_flow() or instruction.name == "store":
            group = (*group, *_resources(instruction))
        if group not in seen:
            seen.add(group)
            wires.join(group)
            if wires.all_joined:
                return (everything,)
    if circuit.num_stretches:
        wires.join([wire for group in wires.groups() for wire in group])
    qubits = {bit: place for place, bit in enumerate(circuit.qubits)}
    clbits = {bit: place for place, bit in enumerate(circuit.clbits)}
    found = [
        Component(
            tuple(sorted(qubits[wire] for wire in group if wire in qubits)),
            tuple(sorted(clbits[wire] for wire in group if wire in clbits)),
        )
        for group in wires.groups()
    ]
    return tuple(sorted((one for one in found if one.qubits), key=lambda one: one.qubits))


class _Wires:
    """Qubits, classical bits and variables, and which of them are joined.

    Args:
        qubits: all qubits there are.
    """

    def __init__(self, qubits: set[Any]) -> None:
        self._untouched = qubits
        self._parent: dict[Any, Any] = {}
        self._number = 0

    @property
    def all_joined(self) -> bool:
        """Whether all qubits are joined with each other and with every other wire so far."""
        return self._number == 1 and not self._untouched

    def join(self, group: Iterable[Any]) -> None:
        """Note that wires are joined."""
        first = None
        for wire in group:
            root = self._root(wire)
            if first is None:
                first = root
            elif root != first:
                self._parent[root] = first
                self._number -= 1

    def groups(self) -> list[list[Any]]:
        """The wires that were joined with any, or named alone, by what is joined with what."""
        found: dict[Any, list[Any]] = {}
        for wire in list(self._parent):
            found.setdefault(self._root(wire), []).append(wire)
        return list(found.values())

    def _root(self, wire: Any) -> Any:
        parent = self._parent
        if wire not in parent:
            parent[wire] = wire
            self._untouched.discard(wire)
            self._number += 1
            return wire
        while parent[wire] != wire:
            parent[wire] = parent[parent[wire]]
            wire = parent[wire]
        return wire


def _resources(instruction: CircuitInstruction) -> Iterator[Any]:
    """Classical bits and variables on which an operation depends beside those that it lists."""
    operation = instruction.operation
    for name in ("condition", "target", "lvalue", "rvalue"):
        yield from _named_in(getattr(operation, name, None))
    for value in operation.params:
        yield from _named_in(value)
    for block in getattr(operation, "blocks", ()):
        yield from block.iter_captured_vars()


def _named_in(value: Any) -> Iterator[Any]:
    """The bits and variables of a condition, in any of the forms that Qiskit has for one."""
    from qiskit.circuit import ClassicalRegister, Clbit
    from qiskit.circuit.classical import expr

    if isinstance(value, tuple):
        value = value[0] if value else None
    if isinstance(value, expr.Expr):
        for variable in expr.iter_vars(value):
            if variable.standalone:
                yield variable
            else:
                yield from _named_in(variable.var)
    elif isinstance(value, ClassicalRegister):
        yield from value
    elif isinstance(value, Clbit):
        yield value

"""One pass over a circuit that finds what planning needs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.counts import Registers

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_NOT_WORK = frozenset({"barrier", "delay"})


def profile(circuit: QuantumCircuit) -> CircuitProfile:
    """The facts about a circuit that planning needs; see :class:`CircuitProfile`."""
    qubits = {bit: index for index, bit in enumerate(circuit.qubits)}
    clbits = {bit: index for index, bit in enumerate(circuit.clbits)}
    operations: Counter[str] = Counter()
    active: set[int] = set()
    measured: set[int] = set()
    written: set[int] = set()
    dynamic = False
    for instruction in circuit.data:
        name = instruction.name
        operations[name] += 1
        if name in _NOT_WORK:
            continue
        here = [qubits[bit] for bit in instruction.qubits]
        active.update(here)
        if not dynamic:
            touched = measured.intersection(here)
            if name == "measure":
                target = clbits[instruction.clbits[0]]
                dynamic = bool(touched) or target in written
                measured.update(here)
                written.add(target)
            else:
                dynamic = bool(touched) or name == "reset" or instruction.is_control_flow()
        if instruction.is_control_flow():
            for block in instruction.operation.blocks:
                _count(block, operations)
    return CircuitProfile(
        name=circuit.name,
        num_qubits=circuit.num_qubits,
        active=tuple(sorted(active)),
        registers=registers(circuit),
        operations=dict(operations),
        measured="measure" in operations,
        dynamic=dynamic,
        variables=circuit.num_identifiers > 0,
        unbound=tuple(parameter.name for parameter in circuit.parameters),
    )


def registers(circuit: QuantumCircuit) -> Registers:
    """The classical registers of a circuit."""
    sizes = tuple((register.name, register.size) for register in circuit.cregs)
    return Registers(circuit.num_clbits, sizes)


def _count(block: QuantumCircuit, operations: Counter[str]) -> None:
    for instruction in block.data:
        operations[instruction.name] += 1
        if instruction.is_control_flow():
            inner: Any = instruction.operation
            for nested in inner.blocks:
                _count(nested, operations)

"""The components of a circuit as circuits of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.circuits.profile import profile
from qcos_core.model.circuits import CircuitProfile, Component

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction

PACKED_QUBITS = 6
"""Components go together into parts of so many qubits, because every run has a cost of its own.

Counts depend on it, as they do on the layout of blocks: another number needs another
``blocks.LAYOUT``.
"""


@dataclass(frozen=True)
class Part:
    """Some components of a circuit.

    Attributes:
        circuit: a circuit of its own.
        profile: its facts.
        qubits: qubit *i* of it is this qubit of the whole.
        clbits: classical bit *i* of it is this bit of the whole.
    """

    circuit: QuantumCircuit
    profile: CircuitProfile
    qubits: tuple[int, ...]
    clbits: tuple[int, ...]


def parts_of(circuit: QuantumCircuit, facts: CircuitProfile) -> list[Part]:
    """The parts in which a circuit can be sampled, each by itself.

    What measures nothing cannot be seen in any outcome, and is left out.

    Args:
        circuit: any circuit.
        facts: its profile.

    Returns:
        Parts whose outcomes are independent; none if there is but one, and it has all the qubits.
        There are none either of what saves data, or has classical variables.
    """
    if len(facts.components) < 2 or facts.saves or facts.variables:
        return []
    groups = _packed(one for one in facts.components if one.clbits)
    if not groups or (len(groups) == 1 and len(groups[0].qubits) == facts.width):
        return []
    places = {circuit.qubits[q]: i for i, group in enumerate(groups) for q in group.qubits}
    shares: list[list[CircuitInstruction]] = [[] for _ in groups]
    for instruction in circuit.data:
        if instruction.name == "barrier":
            for place, share in _shared_barrier(instruction, places).items():
                shares[place].append(share)
        elif instruction.qubits and instruction.qubits[0] in places:
            shares[places[instruction.qubits[0]]].append(instruction)
    seen = [both for both in zip(groups, shares, strict=True) if _measures(both[1])]
    return [_part(circuit, *both, index) for index, both in enumerate(seen)]


def _packed(components: Iterable[Component]) -> list[Component]:
    """Components, small ones put together in their order."""
    packed: list[Component] = []
    for one in components:
        last = packed[-1] if packed else None
        if last is None or len(last.qubits) + len(one.qubits) > PACKED_QUBITS:
            packed.append(one)
        else:
            qubits, clbits = last.qubits + one.qubits, last.clbits + one.clbits
            packed[-1] = Component(tuple(sorted(qubits)), tuple(sorted(clbits)))
    return packed


def _measures(instructions: Iterable[CircuitInstruction]) -> bool:
    """Whether operations write a classical bit, by themselves or inside control flow."""
    return any(
        any(_measures(block.data) for block in instruction.operation.blocks)
        if instruction.is_control_flow()
        else instruction.clbits
        for instruction in instructions
    )


def _part(
    circuit: QuantumCircuit, group: Component, share: Sequence[CircuitInstruction], index: int
) -> Part:
    from qiskit import QuantumCircuit
    from qiskit.circuit import ClassicalRegister

    inside = [circuit.clbits[place] for place in group.clbits]
    registers = [one for one in circuit.cregs if one.size and set(inside).issuperset(one)]
    bits = list(dict.fromkeys([bit for register in registers for bit in register]))
    loose = [bit for bit in inside if bit not in set(bits)]
    qubits = [circuit.qubits[place] for place in group.qubits]
    part = QuantumCircuit.from_instructions(
        share, qubits=qubits, clbits=bits + loose, name=f"{circuit.name}-{index}"
    )
    for register in registers:
        part.add_register(register)
    if loose:
        taken = {register.name for register in registers}
        free = next(name for name in _names() if name not in taken)
        part.add_register(ClassicalRegister(bits=loose, name=free))
    places = {bit: place for place, bit in enumerate(circuit.clbits)}
    return Part(part, profile(part), group.qubits, tuple(places[bit] for bit in bits + loose))


def _names() -> Iterator[str]:
    """Names for a register, which are the same in every process."""
    name = "part"
    while True:
        yield name
        name += "_"


def _shared_barrier(
    instruction: CircuitInstruction, places: dict[Any, int]
) -> dict[int, CircuitInstruction]:
    """A barrier as each part has it."""
    from qiskit.circuit import Barrier, CircuitInstruction

    shares: dict[int, list[Any]] = {}
    for bit in instruction.qubits:
        if bit in places:
            shares.setdefault(places[bit], []).append(bit)
    return {
        place: CircuitInstruction(Barrier(len(bits), label=instruction.label), bits)
        for place, bits in shares.items()
    }

"""What of a circuit may come first, and what last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from qcos_aer.nesting import READERS, reads
from qcos_aer.tree.support import OBSERVING
from qcos_aer.vectors.gates import does_nothing, has_matrix

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


def split(circuit: QuantumCircuit) -> tuple[list[Any], list[Any]]:
    """What happens on the way, and the measurements that may as well come last.

    Those are the ones whose qubits nothing uses afterwards and whose bits nothing reads or
    writes. What happens afterwards on other qubits alone, and shows in no bit, is left out.
    """
    inside: list[Any] = []
    at_end: list[Any] = []
    qubits: set[Any] = set()
    clbits: set[Any] = set()
    measured: set[Any] = set()
    for instruction in reversed(circuit.data):
        if does_nothing(instruction):
            continue
        mine = set(instruction.qubits)
        unused = mine.isdisjoint(qubits)
        if instruction.name == "measure":
            measured |= mine
            if unused and instruction.clbits[0] not in clbits:
                at_end.append(instruction)
                clbits.update(instruction.clbits)
                continue
        elif unused and mine.isdisjoint(measured) and not instruction.is_control_flow():
            continue
        inside.append(instruction)
        qubits |= mine
        clbits.update(instruction.clbits, _read_within(instruction))
    return inside[::-1], at_end[::-1]


def gates_first(instructions: Sequence[Any]) -> list[Any]:
    """The same with gates as early as they may come: there the branches are fewer.

    Measurements and resets stay side by side where no gate has to come between them.
    """
    stages: list[tuple[list[Any], list[Any]]] = [([], [])]  # what is no gate, then gates
    reached: dict[Any, int] = {}
    gated: dict[Any, int] = {}
    for instruction in instructions:
        stage = max([reached.get(bit, 0) for bit in instruction.qubits], default=0)
        if has_matrix(instruction):
            stages[stage][1].append(instruction)
            gated.update(dict.fromkeys(instruction.qubits, stage))
        else:
            last = len(stages) - 1
            beside = [one.name for one in (*stages[last][0], instruction)]
            if not OBSERVING.issuperset(beside) or last in map(gated.get, instruction.qubits):
                stages.append(([], []))
            stage = len(stages) - 1
            stages[stage][0].append(instruction)
        reached.update(dict.fromkeys(instruction.qubits, stage))
    return [instruction for both in stages for part in both for instruction in part]


def _read_within(instruction: Any) -> Iterator[Any]:
    """The bits that an instruction reads, those inside its blocks by the names that they have."""
    if not instruction.is_control_flow():
        return
    if instruction.name in READERS:
        yield from reads(instruction.operation)
    for block in instruction.operation.blocks:
        for inner in block.data:
            yield from _read_within(inner)

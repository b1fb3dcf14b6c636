"""A dynamic circuit as blocks: gates, then measurements, then where its branches go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_aer.tree.expressions import Reader, reader
from qcos_aer.tree.order import gates_first, split
from qcos_aer.tree.support import JUMPS, OBSERVING, bound, decider
from qcos_aer.vectors.fusion import MOST_FUSED, Gate, fused
from qcos_aer.vectors.gates import does_nothing, matrix_of, preparation
from qcos_aer.vectors.states import Move, Order, Steps, natural

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit


@dataclass(frozen=True)
class Observation:
    """Measurements and resets side by side.

    Attributes:
        move: brings the qubits to the front, if they are not there.
        order: the order of all qubits after it.
        qubits: which are observed; bit *j* of an outcome is the value of ``qubits[j]``.
        writes: classical bit to bit of an outcome.
        cleared: bits of an outcome whose qubits are then put to 0.
    """

    move: Move | None
    order: Order
    qubits: tuple[int, ...]
    writes: Mapping[int, int]
    cleared: tuple[int, ...]


@dataclass(frozen=True)
class Exit:
    """Where branches go on.

    Attributes:
        place: of the next block.
        move: brings the qubits to the order that it expects, if they are not in it.
    """

    place: int
    move: Move | None


@dataclass(frozen=True, eq=False)
class Block:
    """A run of gates, then measurements, then a decision.

    Attributes:
        steps: the gates.
        observation: measurements and resets, if there are some.
        read: gives the value on which it depends where to go on; ``None`` if on nothing.
        exits: from such a value.
        otherwise: for other values; ``None`` at the end of the circuit.
    """

    steps: Steps
    observation: Observation | None
    read: Reader | None
    exits: Mapping[int, Exit]
    otherwise: Exit | None


def blocks_of(circuit: QuantumCircuit) -> list[Block]:
    """The blocks of a circuit; the first begins with all qubits in natural order.

    The observation of the last one is what the shots can be drawn from at once.

    Args:
        circuit: for which :func:`~qcos_aer.tree.support.applies` is true; blocks in it read the
            bits that they run on, see :mod:`qcos_aer.nesting`.
    """
    writer = _Writer(circuit)
    return _made(writer.drafts, circuit.num_qubits)


class _Draft:
    """A block as long as it is not known in which order the qubits come."""

    def __init__(self) -> None:
        self.gates: list[Gate] = []
        self.observed: dict[int, None] = {}
        self.writes: dict[int, int] = {}
        self.cleared: set[int] = set()
        self.read: Reader | None = None
        self.exits: dict[int, _Draft] = {}
        self.otherwise: _Draft | None = None
        self.reached = False

    def follow(self, value: int | None, draft: _Draft) -> None:
        """Go on there; ``None`` is any value that has no way of its own."""
        if not self.reached:
            return
        draft.reached = True
        if value is None:
            self.otherwise = draft
        else:
            self.exits.setdefault(value, draft)


@dataclass(frozen=True)
class _Loop:
    """Where those go who leave a loop, and those who leave a round of it."""

    end: _Draft
    next: _Draft


@dataclass(frozen=True)
class _Scope:
    """Where an instruction stands: what its qubits and bits are, and the loop around it."""

    wires: Mapping[Any, int]
    bits: Mapping[Any, int]
    loop: _Loop | None = None

    def inside(self, instruction: Any, body: QuantumCircuit, loop: _Loop | None) -> _Scope:
        """The same for a block of an instruction."""
        mine = [self.wires[bit] for bit in instruction.qubits]
        own = [self.bits[bit] for bit in instruction.clbits]
        wires = dict(zip(body.qubits, mine, strict=True))
        return _Scope(wires, dict(zip(body.clbits, own, strict=True)), loop)


class _Writer:
    """Writes the drafts of a circuit, in the order of the program."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        self._current = _Draft()
        self._current.reached = True
        self.drafts = [self._current]
        inside, at_end = split(circuit)
        wires = {bit: place for place, bit in enumerate(circuit.qubits)}
        scope = _Scope(wires, {bit: place for place, bit in enumerate(circuit.clbits)})
        for instruction in gates_first(inside):
            self._add(instruction, scope)
        for instruction in at_end:
            qubit, clbit = wires[instruction.qubits[0]], scope.bits[instruction.clbits[0]]
            self._observe(qubit, clbit)

    def _begin(self, draft: _Draft) -> None:
        """Go on with a draft; what cannot be reached is written to nobody."""
        self._current = draft
        if draft.reached:
            self.drafts.append(draft)

    def _fresh(self) -> None:
        draft = _Draft()
        self._current.follow(None, draft)
        self._begin(draft)

    def _run(
        self, body: QuantumCircuit, instruction: Any, around: _Scope, loop: _Loop | None = None
    ) -> None:
        """A block of control flow on the qubits and bits of its instruction."""
        scope = around.inside(instruction, body, loop or around.loop)
        for inner in body.data:
            self._add(inner, scope)

    def _add(self, instruction: Any, scope: _Scope) -> None:
        name = instruction.name
        if not self._current.reached or does_nothing(instruction):
            return
        if name in OBSERVING:
            clbits = [scope.bits[bit] for bit in instruction.clbits]
            self._observe(scope.wires[instruction.qubits[0]], *clbits)
        elif name == "box":
            self._run(instruction.operation.blocks[0], instruction, scope)
        elif name in ("if_else", "switch_case"):
            self._choose(instruction, scope)
        elif name == "while_loop":
            self._while(instruction, scope)
        elif name == "for_loop":
            self._for(instruction, scope)
        elif name in JUMPS and scope.loop is not None:
            self._current.follow(None, scope.loop.end if name == "break_loop" else scope.loop.next)
            self._current = _Draft()
        else:
            qubits = tuple([scope.wires[bit] for bit in instruction.qubits])
            if name == "initialize":
                for qubit in qubits:
                    self._observe(qubit)
            if not self._current.observed.keys().isdisjoint(qubits):
                self._fresh()
            self._current.gates.append(Gate(qubits, _matrix(instruction)))

    def _observe(self, qubit: int, clbit: int | None = None) -> None:
        """A measurement; without a bit to put it in, a reset."""
        if clbit is None and self._is_untouched(qubit):
            return
        if clbit is not None and qubit in self._current.cleared:
            self._fresh()
        self._current.observed[qubit] = None
        if clbit is None:
            self._current.cleared.add(qubit)
        else:
            self._current.writes[clbit] = qubit

    def _is_untouched(self, qubit: int) -> bool:
        """Whether nothing has happened to a qubit yet."""
        if self._current is not self.drafts[0] or qubit in self._current.observed:
            return False
        return all(qubit not in gate.qubits for gate in self._current.gates)

    def _choose(self, instruction: Any, scope: _Scope) -> None:
        entry, end = self._current, _Draft()
        entry.read = reader(decider(instruction.operation), scope.bits)
        for values, body in _cases(instruction.operation):
            draft = _Draft()
            for value in values:
                entry.follow(value, draft)
            self._begin(draft)
            self._run(body, instruction, scope)
            self._current.follow(None, end)
        if entry.otherwise is None:
            entry.follow(None, end)
        self._begin(end)

    def _while(self, instruction: Any, scope: _Scope) -> None:
        self._fresh()
        head, round_, end = self._current, _Draft(), _Draft()
        head.read = reader(decider(instruction.operation), scope.bits)
        head.follow(1, round_)
        head.follow(None, end)
        self._begin(round_)
        body = instruction.operation.blocks[0]
        self._run(body, instruction, scope, _Loop(end, head))
        self._current.follow(None, head)
        self._begin(end)

    def _for(self, instruction: Any, scope: _Scope) -> None:
        indices, parameter, body = instruction.operation.params
        end = _Draft()
        for index in indices:
            loop = _Loop(end, _Draft())
            self._run(bound(body, parameter, index), instruction, scope, loop)
            if loop.next.reached:
                self._current.follow(None, loop.next)
                self._begin(loop.next)
        if end.reached:
            self._current.follow(None, end)
            self._begin(end)


def _matrix(instruction: Any) -> npt.NDArray[np.complex128]:
    import numpy as np

    if instruction.name != "initialize":
        return matrix_of(instruction)
    return preparation(np.array(instruction.params, dtype=complex))


def _cases(operation: Any) -> Iterator[tuple[Sequence[int | None], QuantumCircuit]]:
    """Values and what runs for them; ``None`` is any other value."""
    from qiskit.circuit import CASE_DEFAULT

    if operation.name == "if_else":
        yield from zip(((1,), (None,)), operation.blocks, strict=False)
        return
    for values, body in operation.cases_specifier():
        yield [None if value is CASE_DEFAULT else int(value) for value in values], body


def _made(drafts: Sequence[_Draft], width: int) -> list[Block]:
    """Blocks from drafts; each expects the order in which the first to lead to it leaves."""
    place = {id(draft): index for index, draft in enumerate(drafts)}
    orders: dict[int, Order] = {0: natural(width)}
    made = []

    def way(draft: _Draft, order: Order) -> Exit:
        index = place[id(draft)]
        return Exit(index, Move.between(order, orders.setdefault(index, order)))

    for index, draft in enumerate(drafts):
        steps = Steps.of(fused(draft.gates, MOST_FUSED), orders[index])
        order, observation = steps.after, None
        if draft.observed:
            observation = _observation(draft, order)
            order = observation.order
        exits = {value: way(target, order) for value, target in draft.exits.items()}
        otherwise = None if draft.otherwise is None else way(draft.otherwise, order)
        made.append(Block(steps, observation, draft.read, exits, otherwise))
    return made


def _observation(draft: _Draft, before: Order) -> Observation:
    first = [qubit for qubit in before if qubit in draft.observed]
    order = (*first, *(qubit for qubit in before if qubit not in draft.observed))
    qubits = tuple(reversed(first))
    bit = {qubit: index for index, qubit in enumerate(qubits)}
    writes = {clbit: bit[qubit] for clbit, qubit in draft.writes.items()}
    cleared = tuple([bit[qubit] for qubit in draft.cleared])
    return Observation(Move.between(before, order), order, qubits, writes, cleared)

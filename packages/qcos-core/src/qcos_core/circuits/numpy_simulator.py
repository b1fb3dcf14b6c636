"""Exact simulation on numpy, as the reference that others are checked against.

Small and slow on purpose, and it shares no code with any other simulator. It does measurement at
any place, reset and ``if_else``; it refuses the rest by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qcos_core.circuits.compact import compact
from qcos_core.circuits.profile import profile
from qcos_core.errors import CircuitRejected
from qcos_core.model.circuits import CircuitProfile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit

_UNSUPPORTED = ("for_loop", "while_loop", "switch_case", "break_loop", "continue_loop", "store")


def sample(circuit: QuantumCircuit, shots: int, seed: int | None = None) -> dict[str, int]:
    """Counts of a circuit, drawn from its exact distribution.

    Shots stay together as long as they agree: at a measurement they split binomially, and each
    branch goes on by itself. What is measured at the very end is drawn at once from the final
    state.

    Returns:
        Bitstrings of one bit for each classical bit, bit 0 on the right, to shots.

    Raises:
        CircuitRejected: an operation that this simulator does not do.
    """
    import numpy as np

    facts = profile(circuit)
    check_supported(facts)
    small = compact(circuit, facts.active)
    program = _program(small)
    tail = _tail(program)
    state = np.zeros((2,) * facts.width, dtype=complex)
    state[(0,) * facts.width] = 1
    rng = np.random.default_rng(seed)
    outcomes: dict[int, int] = {}
    for branch, bits, number in _branches(state, 0, shots, program[:tail], rng):
        for outcome, drawn in _draw(branch, bits, number, program[tail:], rng):
            outcomes[outcome] = outcomes.get(outcome, 0) + drawn
    pattern = f"0{circuit.num_clbits}b"
    return {format(outcome, pattern): number for outcome, number in sorted(outcomes.items())}


class _Step:
    """One instruction with its bits as indices."""

    __slots__ = ("clbits", "name", "operation", "qubits")

    def __init__(
        self, name: str, operation: Any, qubits: Sequence[int], clbits: Sequence[int]
    ) -> None:
        self.name = name
        self.operation = operation
        self.qubits = tuple(qubits)
        self.clbits = tuple(clbits)


class _Branch:
    """An ``if_else``: which bits must have which values, and what runs then and otherwise."""

    __slots__ = ("bits", "otherwise", "then", "value")

    def __init__(
        self, bits: Sequence[int], value: int, then: list[_Step], otherwise: list[_Step]
    ) -> None:
        self.bits = tuple(bits)
        self.value = value
        self.then = then
        self.otherwise = otherwise

    def taken(self, outcome: int) -> list[_Step]:
        held = sum(((outcome >> bit) & 1) << place for place, bit in enumerate(self.bits))
        return self.then if held == self.value else self.otherwise


def _program(
    circuit: QuantumCircuit,
    qubits: Sequence[int] | None = None,
    clbits: Sequence[int] | None = None,
    outermost: Mapping[Any, int] | None = None,
) -> list[_Step]:
    """The circuit as steps.

    Args:
        circuit: a circuit, a block of control flow in it, or what an operation is built of.
        qubits: where its qubits are in the outermost circuit.
        clbits: where its classical bits are there.
        outermost: that circuit's own classical bits.
    """
    qubit_at = dict(zip(circuit.qubits, qubits or range(circuit.num_qubits), strict=True))
    clbit_at = dict(zip(circuit.clbits, clbits or range(circuit.num_clbits), strict=True))
    outermost = clbit_at if outermost is None else outermost
    steps: list[_Step] = []
    for instruction in circuit.data:
        wires = [qubit_at[bit] for bit in instruction.qubits]
        bits = [clbit_at[bit] for bit in instruction.clbits]
        name, operation = instruction.name, instruction.operation
        if name in ("barrier", "delay"):
            continue
        if name == "box":
            steps += _program(operation.blocks[0], wires, bits, outermost)
        elif name == "if_else":
            blocks = [_program(block, wires, bits, outermost) for block in operation.blocks]
            branch = _if_else(instruction, blocks, clbit_at, outermost)
            steps.append(_Step(name, branch, wires, bits))
        elif _is_composite(instruction):
            steps += _program(operation.definition, wires, bits, outermost)
        else:
            steps.append(_Step(name, operation, wires, bits))
    return steps


def _is_composite(instruction: Any) -> bool:
    """Whether an operation is run as what it is built of.

    Its matrix may be far larger than the state; that of a Pauli evolution lacks the error of the
    product formula that any other simulator runs.
    """
    if instruction.is_standard_gate() or instruction.name in ("measure", "reset", "unitary"):
        return False
    return getattr(instruction.operation, "definition", None) is not None


def _if_else(
    instruction: Any,
    blocks: Sequence[list[_Step]],
    clbit_at: Mapping[Any, int],
    outermost: Mapping[Any, int],
) -> _Branch:
    from qiskit.circuit import Clbit

    target, value = instruction.operation.condition
    tested = [target] if isinstance(target, Clbit) else list(target)
    # Qiskit's compose maps the conditions inside a block, and not the block: what an instruction
    # tests beyond its own bits may be the outermost circuit's already
    if not set(tested).issubset(instruction.clbits) and set(tested).issubset(outermost):
        clbit_at = outermost
    otherwise = blocks[1] if len(blocks) > 1 else []
    return _Branch([clbit_at[bit] for bit in tested], int(value), blocks[0], otherwise)


def _tail(program: Sequence[_Step]) -> int:
    """Where the measurements begin that nothing follows and that write each bit once."""
    start, qubits, clbits = len(program), set[int](), set[int]()
    while start and program[start - 1].name == "measure":
        step = program[start - 1]
        if step.qubits[0] in qubits or step.clbits[0] in clbits:
            break
        qubits.add(step.qubits[0])
        clbits.add(step.clbits[0])
        start -= 1
    return start


def _branches(
    state: npt.NDArray[np.complex128],
    bits: int,
    shots: int,
    program: Sequence[_Step],
    rng: np.random.Generator,
) -> Iterator[tuple[npt.NDArray[np.complex128], int, int]]:
    """Every distinct history of measurements, depth first, as (state, classical bits, shots)."""
    waiting = [(state, bits, shots, list(program))]
    while waiting:
        state, bits, shots, program = waiting.pop()
        for place, step in enumerate(program):
            if step.name == "if_else":
                taken = step.operation.taken(bits)
                waiting.append((state, bits, shots, [*taken, *program[place + 1 :]]))
                break
            if step.name in ("measure", "reset"):
                ones = int(rng.binomial(shots, _probability_of_one(state, step.qubits[0])))
                for value, number in ((0, shots - ones), (1, ones)):
                    if number:
                        after = _project(state, step.qubits[0], value, flip=step.name == "reset")
                        kept = bits if step.name == "reset" else _set(bits, step.clbits[0], value)
                        waiting.append((after, kept, number, program[place + 1 :]))
                break
            state = _apply(state, step)
        else:
            yield state, bits, shots


def _draw(
    state: npt.NDArray[np.complex128],
    bits: int,
    shots: int,
    measures: Sequence[_Step],
    rng: np.random.Generator,
) -> Iterator[tuple[int, int]]:
    import numpy as np

    if not measures:
        yield bits, shots
        return
    measured = [step.qubits[0] for step in measures]
    others = tuple(axis for axis in range(state.ndim) if axis not in measured)
    left = sorted(measured)
    joint = (state.real**2 + state.imag**2).sum(axis=others)
    order = [left.index(qubit) for qubit in measured]
    probabilities = joint.transpose(order).ravel()
    drawn = rng.multinomial(shots, probabilities / probabilities.sum())
    width = len(measures)
    for flat in np.flatnonzero(drawn).tolist():
        outcome = bits
        for place, step in enumerate(measures):
            outcome = _set(outcome, step.clbits[0], (flat >> (width - 1 - place)) & 1)
        yield outcome, int(drawn[flat])


def _apply(state: npt.NDArray[np.complex128], step: _Step) -> npt.NDArray[np.complex128]:
    import numpy as np

    count = len(step.qubits)
    matrix = _matrix(step)
    # Qiskit's matrices have the first qubit as the least significant, so as the last axis
    axes = list(reversed(step.qubits))
    moved = np.moveaxis(state, axes, range(count))
    result = (matrix @ moved.reshape(1 << count, -1)).reshape(moved.shape)
    return np.moveaxis(result, range(count), axes)


def _matrix(step: _Step) -> npt.NDArray[np.complex128]:
    from qiskit.exceptions import QiskitError
    from qiskit.quantum_info import Operator

    try:
        matrix: npt.NDArray[np.complex128] = Operator(step.operation).data
    except (QiskitError, AttributeError):
        message = f"local_numpy does not do the operation {step.name!r}."
        raise CircuitRejected(message) from None
    return matrix


def _probability_of_one(state: npt.NDArray[np.complex128], qubit: int) -> float:
    import numpy as np

    half = np.take(state, 1, axis=qubit)
    return float(min(1.0, np.vdot(half, half).real))


def _project(
    state: npt.NDArray[np.complex128], qubit: int, value: int, *, flip: bool
) -> npt.NDArray[np.complex128]:
    """Collapse one qubit to ``value`` and normalise; ``flip`` then moves it to zero."""
    import numpy as np

    half = np.take(state, value, axis=qubit)
    half /= np.linalg.norm(half)
    other = np.zeros_like(half)
    first_is_half = flip or value == 0
    return np.stack([half, other] if first_is_half else [other, half], axis=qubit)


def _set(bits: int, place: int, value: int) -> int:
    return (bits & ~(1 << place)) | (value << place)


def check_supported(facts: CircuitProfile) -> None:
    """Refuse a circuit that this simulator does not do, from its profile.

    Raises:
        CircuitRejected: naming what it does not do.
    """
    found = [name for name in _UNSUPPORTED if name in facts.operations]
    found += [name for name in facts.operations if name.startswith("save_")]
    if facts.expressions:
        found.append("conditions that are expressions")
    if found:
        message = f"local_numpy does not do {', '.join(sorted(found))}."
        raise CircuitRejected(message, hint="Install qcos-aer and run it on local_cpu.")

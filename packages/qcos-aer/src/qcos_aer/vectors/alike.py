"""Circuits that are built alike, as gates that act on all their states side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcos_aer.vectors.angles import matrices_at
from qcos_aer.vectors.fusion import MOST_FUSED, Gate, acted, fused
from qcos_aer.vectors.gates import does_nothing, matrix_of
from qcos_aer.vectors.states import Steps, natural, probabilities, zeros

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction

_CHUNK = 1 << 18
"""Numbers of states that are worked on together: 4 MiB, which stay in a processor's cache."""


def of_circuits(circuits: Sequence[QuantumCircuit], active: Sequence[int]) -> Program:
    """The gates of circuits that are built alike.

    Args:
        circuits: at least one; all have the same gates on the same qubits, angles aside.
        active: the qubits that there is something to do with; the others stay in zero.
    """
    import numpy as np

    gates: list[Gate] = []
    own: dict[int, int] = {}
    for index, instruction, qubits in _acting(circuits[0], active):
        if len(circuits) > 1 and instruction.params:
            own[len(gates)] = index
        gates.append(Gate(qubits, matrix_of(instruction)))
    if own:
        each = [list(circuit.data) for circuit in circuits]
        for number, index in own.items():
            matrices = np.array([matrix_of(data[index]) for data in each])
            gates[number] = Gate(gates[number].qubits, matrices)
    return Program(len(active), len(circuits), tuple(gates))


def of_points(
    circuit: QuantumCircuit,
    active: Sequence[int],
    names: Sequence[str],
    points: Sequence[Sequence[float]],
) -> Program:
    """The gates of one circuit at some values of its parameters.

    Args:
        circuit: the circuit.
        active: the qubits that there is something to do with; the others stay in zero.
        names: names of the parameters that have values.
        points: their values, point by point.
    """
    import numpy as np

    values = np.array(points, dtype=float).reshape(len(points), len(names))
    gates = tuple(
        Gate(
            qubits,
            matrices_at(instruction, names, values)
            if instruction.is_parameterized()
            else matrix_of(instruction),
        )
        for _, instruction, qubits in _acting(circuit, active)
    )
    return Program(len(active), len(points), gates)


@dataclass(frozen=True, eq=False)
class Program:
    """Gates that act on several states.

    Attributes:
        width: qubits of a state.
        number: how many states there are.
        gates: with one matrix for all states, or one for each.
    """

    width: int
    number: int
    gates: tuple[Gate, ...]

    def distributions(self, qubits: Sequence[int], threads: int) -> list[npt.NDArray[np.float64]]:
        """The distribution of some qubits of each state, which starts with all in zero.

        Args:
            qubits: bit *j* of an index is qubit ``qubits[j]``.
            threads: most threads to use.

        Returns:
            Of each state float64 of shape ``(2**len(qubits),)``. States that are equal share one.
        """
        which, firsts = self._distinct()
        alone = len(firsts) == 1
        if alone and self.width <= MOST_FUSED:
            return [self._one_block(qubits)] * self.number
        together = max(1, _CHUNK >> self.width)
        alone = alone or together == 1
        most = block_qubits(self.width, batch=not alone)
        found: list[npt.NDArray[np.float64]] = []
        for start in range(0, len(firsts), together):
            rows = firsts[start : start + together]
            mine = [
                Gate(gate.qubits, gate.matrix[rows[0] if alone else rows])
                if gate.matrix.ndim == 3
                else gate
                for gate in self.gates
            ]
            steps = Steps.of(fused(mine, most), natural(self.width))
            states = steps(zeros(self.width, len(rows)), threads)
            found.extend(probabilities(states, steps.after, qubits))
        return [found[index] for index in which]

    def _one_block(self, qubits: Sequence[int]) -> npt.NDArray[np.float64]:
        """The same of a state that is no larger than a block."""
        gates = [
            Gate(gate.qubits, gate.matrix[0]) if gate.matrix.ndim == 3 else gate
            for gate in self.gates
        ]
        states = acted(gates, zeros(self.width)[:, :, None])[:, :, 0]
        only: npt.NDArray[np.float64] = probabilities(states, natural(self.width), qubits)[0]
        return only

    def _distinct(self) -> tuple[list[int], list[int]]:
        """Which states are equal.

        Returns:
            For each state the number of its like among those that differ, and the first state of
            each of these.
        """
        import numpy as np

        own = [gate.matrix.reshape(self.number, -1) for gate in self.gates if gate.matrix.ndim == 3]
        if not own:
            return [0] * self.number, [0]
        numbers: dict[bytes, int] = {}
        firsts: list[int] = []
        which = []
        for state, row in enumerate(np.concatenate(own, axis=1)):
            index = numbers.setdefault(row.tobytes(), len(firsts))
            if index == len(firsts):
                firsts.append(state)
            which.append(index)
        return which, firsts


def block_qubits(width: int, *, batch: bool) -> int:
    """How many qubits a block should have.

    Args:
        width: qubits of the states.
        batch: whether each state has blocks of its own, which are to be made for it alone.
    """
    return min(MOST_FUSED, max(2, width // 3)) if batch else MOST_FUSED


def _acting(
    circuit: QuantumCircuit, active: Sequence[int]
) -> Iterator[tuple[int, CircuitInstruction, tuple[int, ...]]]:
    """The gates of a circuit, with their places in it and their qubits among the active ones."""
    place = {circuit.qubits[qubit]: index for index, qubit in enumerate(active)}
    for index, instruction in enumerate(circuit.data):
        if not does_nothing(instruction) and instruction.name != "measure":
            yield index, instruction, tuple([place[bit] for bit in instruction.qubits])

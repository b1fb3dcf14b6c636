"""The matrices of a circuit's gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcos_aer.vectors.fusion import Gate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction

WIDEST = 6
"""Most qubits of a gate whose matrix is made; those of wider ones would outgrow the states."""

UNITARY = frozenset({"diagonal", "multiplexer", "pauli", "unitary"})
"""Operations without parameters of their own that have a matrix, beside the standard gates."""

_NOTHING = frozenset({"barrier", "delay"})


def may_have_matrix(instruction: CircuitInstruction) -> bool:
    """Whether an instruction is a gate whose matrix can be made once its parameters have values."""
    if len(instruction.qubits) > WIDEST:
        return False
    return instruction.is_standard_gate() or instruction.name in UNITARY


def has_matrix(instruction: CircuitInstruction) -> bool:
    """Whether an instruction is a gate whose matrix can be made."""
    return may_have_matrix(instruction) and not instruction.is_parameterized()


def does_nothing(instruction: CircuitInstruction) -> bool:
    """Whether an instruction leaves states as they are."""
    return instruction.name in _NOTHING


def matrix_of(instruction: CircuitInstruction) -> npt.NDArray[np.complex128]:
    """The matrix of a gate; see :func:`has_matrix`."""
    matrix: npt.NDArray[np.complex128] | None = instruction.matrix
    if matrix is None:
        from qiskit.quantum_info import Operator

        matrix = Operator(instruction.operation).data
    return matrix


def preparation(amplitudes: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
    """A unitary matrix that makes a state of the one in which all qubits are 0.

    Args:
        amplitudes: of the state, of shape ``(2**k,)``; its norm need not be 1.
    """
    import numpy as np

    state = amplitudes / np.linalg.norm(amplitudes)
    phase = np.exp(1j * np.angle(state[0]))
    mirror = state / phase
    mirror[0] += 1
    mirror *= np.sqrt(2) / np.linalg.norm(mirror)
    found: npt.NDArray[np.complex128] = np.outer(mirror, mirror.conj() * phase)
    found -= np.diag(np.full(len(state), phase))
    return found


def gates_of(circuit: QuantumCircuit) -> list[Gate]:
    """The gates of a circuit that holds nothing else, except for what does nothing."""
    place = {bit: index for index, bit in enumerate(circuit.qubits)}
    return [
        Gate(tuple([place[bit] for bit in instruction.qubits]), matrix_of(instruction))
        for instruction in circuit.data
        if not does_nothing(instruction)
    ]

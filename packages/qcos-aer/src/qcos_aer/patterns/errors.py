"""Which errors of a noise model strike where in a circuit, and what they do.

The rules are Aer's: an error goes by the label of a gate where it has one, by its name otherwise;
an error on a gate's own qubits, in the gate's order, stands in for one on all qubits; errors act
after gates and before measurements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_aer.noise import table
from qcos_aer.patterns.paulis import coefficients, pauli_matrix, pauli_of_letters
from qcos_aer.vectors.fusion import product
from qcos_aer.vectors.gates import does_nothing, gates_of, has_matrix, matrix_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction
    from qiskit_aer.noise import NoiseModel, QuantumError

    Array = npt.NDArray[np.complex128]

_CONTROLLED_BY_ZERO = re.compile(r"_o\d+$")
_LETTERS = frozenset({"id", "pauli", "x", "y", "z"})
_WITHOUT_LABEL = frozenset({"diagonal", "measure"})


@dataclass(frozen=True, eq=False)
class Struck:
    """An operation and the error that follows it.

    Attributes:
        qubits: in the order of the operation.
        matrix: what it does; ``None`` if nothing.
        error: what may happen then; ``None`` if nothing.
    """

    qubits: tuple[int, ...]
    matrix: Array | None
    error: QuantumError | None


@dataclass(frozen=True, eq=False)
class Term:
    """What an error may do.

    Attributes:
        chance: how probable it is.
        pauli: which Pauli operator it is, as in :mod:`qcos_aer.patterns.paulis`, whatever the
            phase; ``None`` if it is none.
        matrix: what it does; ``None`` for a Pauli operator.
    """

    chance: float
    pauli: int | None
    matrix: Array | None

    def matrix_on(self, count: int) -> Array:
        """The matrix on so many qubits."""
        if self.matrix is not None:
            return self.matrix
        return pauli_matrix(self.pauli or 0, count)


@dataclass(frozen=True, eq=False)
class Terms:
    """An error, as what it does most often and what else may happen then.

    Attributes:
        count: of its qubits.
        usual: the most probable of its terms.
        others: what to do after it to get each of the others.
    """

    count: int
    usual: Term
    others: tuple[Term, ...]

    @classmethod
    def of(cls, error: QuantumError) -> Terms:
        """The terms of an error; see :func:`is_mixture`."""
        count = error.num_qubits
        pairs = zip(error.circuits, error.probabilities, strict=True)
        terms = [_term(circuit, float(chance)) for circuit, chance in pairs]
        paulis: dict[int, float] = {}
        for term in terms:
            if term.pauli is not None:
                paulis[term.pauli] = paulis.get(term.pauli, 0.0) + term.chance
        merged = [Term(chance, pauli, None) for pauli, chance in paulis.items()]
        merged += [term for term in terms if term.pauli is None]
        usual = max(merged, key=lambda term: term.chance)
        others = [_after(usual, term, count) for term in merged if term is not usual]
        return cls(count, usual, tuple(others))


def struck(circuit: QuantumCircuit, noise: NoiseModel) -> Iterator[Struck]:
    """What happens in a circuit, measurements aside; see :func:`is_mixture`."""
    place = {bit: index for index, bit in enumerate(circuit.qubits)}
    for instruction in circuit.data:
        qubits = tuple([place[bit] for bit in instruction.qubits])
        error = error_of(instruction, qubits, noise)
        acts = instruction.name != "measure" and not does_nothing(instruction)
        if acts or error is not None:
            yield Struck(qubits, matrix_of(instruction) if acts else None, error)


def error_of(
    instruction: CircuitInstruction, qubits: tuple[int, ...], noise: NoiseModel
) -> QuantumError | None:
    """The error that goes with an instruction on some qubits."""
    name = instruction.name
    if name == "barrier":
        return None
    label = name
    if name == "pauli":  # Aer takes the letters for its label
        label = instruction.params[0]
    elif name not in _WITHOUT_LABEL:
        label = instruction.label or name
    local: dict[tuple[int, ...], Any] = table(noise, "local_quantum_errors").get(label, {})
    if qubits in local:
        return local[qubits]
    return table(noise, "default_quantum_errors").get(label)


def is_mixture(error: QuantumError) -> bool:
    """Whether each term of an error is made of gates that have a matrix."""
    return all(
        does_nothing(instruction) or (not instruction.clbits and has_matrix(instruction))
        for circuit in error.circuits
        for instruction in circuit.data
    )


def may_be_drawn(noise: NoiseModel) -> bool:
    """Whether all errors on gates are mixtures of unitaries, which no state makes more likely."""
    local = table(noise, "local_quantum_errors").values()
    errors = [*table(noise, "default_quantum_errors").values()]
    errors += [error for by_qubits in local for error in by_qubits.values()]
    return all(map(is_mixture, errors))


def can_be_drawn(circuit: QuantumCircuit, noise: NoiseModel) -> bool:
    """Whether all that happens in a circuit is gates, mixtures of unitaries, and measurements."""
    place = {bit: index for index, bit in enumerate(circuit.qubits)}
    known: dict[int, bool] = {}
    for instruction in circuit.data:
        measures = instruction.name == "measure"
        if not (measures or does_nothing(instruction) or has_matrix(instruction)):
            return False
        if instruction.name == "multiplexer" or _CONTROLLED_BY_ZERO.search(instruction.name):
            return False  # Aer runs them as other operations, each with noise of its own
        error = error_of(instruction, tuple([place[bit] for bit in instruction.qubits]), noise)
        if error is None:
            continue
        if id(error) not in known:
            known[id(error)] = is_mixture(error)
        if not known[id(error)] or error.num_qubits > len(instruction.qubits):
            return False
    return True


def _term(circuit: QuantumCircuit, chance: float) -> Term:
    count = circuit.num_qubits
    names = {instruction.name for instruction in circuit.data}
    if names <= _LETTERS:
        return Term(chance, _pauli_of(circuit), None)
    matrix = product(gates_of(circuit), range(count)).matrix
    return _judged(matrix, chance)


def _pauli_of(circuit: QuantumCircuit) -> int:
    place = {bit: index for index, bit in enumerate(circuit.qubits)}
    pauli = 0
    for instruction in circuit.data:
        letters = instruction.params[0] if instruction.name == "pauli" else instruction.name
        if letters != "id":
            qubits = [place[bit] for bit in instruction.qubits]
            pauli ^= pauli_of_letters(letters.upper(), qubits, circuit.num_qubits)
    return pauli


def _after(usual: Term, term: Term, count: int) -> Term:
    """What to do after the usual term to get another."""
    if usual.pauli is not None and term.pauli is not None:
        return Term(term.chance, usual.pauli ^ term.pauli, None)
    matrix = term.matrix_on(count) @ usual.matrix_on(count).conj().T
    return _judged(matrix, term.chance)


def _judged(matrix: Array, chance: float) -> Term:
    support = coefficients(matrix)
    if len(support) == 1:
        return Term(chance, next(iter(support)), None)
    return Term(chance, None, matrix)


def own_qubits(qubits: Sequence[int], terms: Terms) -> tuple[int, ...]:
    """Those qubits of an operation on which its error acts: the first ones."""
    return tuple(qubits[: terms.count])

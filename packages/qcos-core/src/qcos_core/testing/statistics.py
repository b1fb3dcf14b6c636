"""Whether counts fit a distribution, or each other, with a stated chance of a false alarm.

The distance is the total variation: half the sum of the absolute differences, from 0 to 1. Even a
perfect sampler is some way off, so each distance comes with a bound that holds but for a chance of
``failure``. A bound is the sum of two terms. The first bounds the expected distance, outcome by
outcome, by the standard deviation. The second bounds what comes on top, because one shot alone
moves the distance little: McDiarmid, "On the method of bounded differences", Surveys in
Combinatorics (1989) 148-188, Lemma 1.2.

Keys are those of ``QVMResult.counts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log, sqrt
from typing import TYPE_CHECKING, Any, NoReturn

from qcos_core.circuits.profile import registers
from qcos_core.errors import CircuitRejected, InvalidArguments

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_NOTHING = ("barrier", "delay")
_ROUNDING = 1e-14
"""Probabilities below this are what rounding leaves of zero."""


def total_variation(counts: Mapping[str, float], others: Mapping[str, float]) -> float:
    """The total variation distance of two distributions, from 0 (equal) to 1 (disjoint).

    Args:
        counts: shots, or probabilities, by key. A key that is missing counts as 0.
        others: the same; each side is divided by its own sum.

    Raises:
        InvalidArguments: a side sums to nothing, or has a negative number.
    """
    first, second = _normalised(counts), _normalised(others)
    keys = first.keys() | second.keys()
    return sum(abs(first.get(key, 0.0) - second.get(key, 0.0)) for key in keys) / 2


def exact_distribution(circuit: QuantumCircuit) -> dict[str, float]:
    """The probabilities of a circuit that measures at its end, by ``qiskit.quantum_info``.

    Args:
        circuit: any unitary circuit, then measurements: of some qubits or of all, in any order,
            into any registers. Wires on which nothing happens cost nothing; the others take
            16 bytes for each of 2**n amplitudes.

    Returns:
        Key to probability, for all outcomes that are not impossible.

    Raises:
        CircuitRejected: nothing is measured, something follows a measurement on its qubit, or an
            operation is not unitary.
    """
    import numpy as np
    from qiskit.exceptions import QiskitError
    from qiskit.quantum_info import Statevector

    unitary, sources = _split(circuit)
    measured = sorted(set(sources.values()))
    try:
        probabilities = Statevector(unitary).probabilities(measured)
    except QiskitError as error:
        _refuse(circuit, f"is not unitary ({error.message})")
    shifts = [(measured.index(qubit), clbit) for clbit, qubit in sources.items()]
    layout = registers(circuit)
    distribution: dict[str, float] = {}
    for index in np.flatnonzero(probabilities > _ROUNDING).tolist():
        outcome = sum((index >> here & 1) << there for here, there in shifts)
        distribution[layout.key(outcome)] = float(probabilities[index])
    return distribution


def total_variation_bound(
    probabilities: Mapping[str, float], shots: int, failure: float = 1e-9
) -> float:
    """How far the counts of ``shots`` independent shots may be from their own distribution.

    The number of shots with an outcome of probability p is binomial, so the expected distance is
    at most half the sum of ``sqrt(p (1 - p) / shots)``. One shot moves the distance by at most
    ``1 / shots``, which allows ``sqrt(ln(1 / failure) / (2 shots))`` on top.

    Args:
        probabilities: the distribution.
        shots: how many shots, at least 1.
        failure: the chance that a true sampler exceeds the bound, between 0 and 1.

    Raises:
        InvalidArguments: an argument out of its range.
    """
    if shots < 1:
        message = f"shots must be at least 1, not {shots}."
        raise InvalidArguments(message)
    spread = _spread(_normalised(probabilities).values())
    return spread / sqrt(shots) + sqrt(_log_of(failure) / (2 * shots))


def two_sample_bound(
    counts: Mapping[str, int], others: Mapping[str, int], failure: float = 1e-9
) -> float:
    """How far two sets of counts may be apart if one distribution, known to nobody, made both.

    Put the m shots of the one and the n of the other together. If both came from one
    distribution, then which of them were the first m is pure chance. Given that pool, an outcome
    with a share p of it makes a difference of variance ``(1/m + 1/n) p (1 - p) (m+n) / (m+n-1)``,
    which bounds the expected distance. Exchanging a shot of the one with a shot of the other moves
    the distance by at most ``1/m + 1/n``; what that allows on top is in El-Yaniv and Pechyony,
    "Transductive Rademacher complexity and its applications", JAIR 35 (2009) 193-234, Lemma 2,
    which is McDiarmid's method for drawing without replacement.

    Args:
        counts: shots by key.
        others: shots by key.
        failure: the chance that two samples of one distribution exceed the bound.

    Raises:
        InvalidArguments: an argument out of its range.
    """
    _normalised(counts)
    _normalised(others)
    m, n = sum(counts.values()), sum(others.values())
    pool = {key: counts.get(key, 0) + others.get(key, 0) for key in counts.keys() | others.keys()}
    one_shot = 1 / m + 1 / n
    steps = m * n / (m + n - 0.5) / (1 - 0.5 / max(m, n))
    spread = _spread(_normalised(pool).values()) * sqrt(one_shot * (m + n) / (m + n - 1))
    return spread + one_shot * sqrt(steps * _log_of(failure) / 2)


def _spread(probabilities: Iterable[float]) -> float:
    return sum(sqrt(max(0.0, p * (1 - p))) for p in probabilities) / 2


def _log_of(failure: float) -> float:
    if not 0 < failure < 1:
        message = f"failure must be between 0 and 1, not {failure}."
        raise InvalidArguments(message)
    return log(1 / failure)


def _normalised(numbers: Mapping[str, float]) -> dict[str, float]:
    total = sum(numbers.values())
    if not total > 0 or min(numbers.values()) < 0:
        message = "counts or probabilities must not be negative, and must sum to more than 0."
        raise InvalidArguments(message)
    return {key: number / total for key, number in numbers.items()}


def _split(circuit: QuantumCircuit) -> tuple[QuantumCircuit, dict[int, int]]:
    """The unitary part on the wires it uses, and which qubit of it each classical bit shows."""
    from qiskit import QuantumCircuit

    work = [item for item in circuit.data if item.name not in _NOTHING]
    used = {bit for item in work for bit in item.qubits}
    places = {bit: i for i, bit in enumerate(bit for bit in circuit.qubits if bit in used)}
    clbits = {bit: i for i, bit in enumerate(circuit.clbits)}
    unitary = QuantumCircuit(len(places), name=circuit.name)
    sources: dict[int, int] = {}
    for item in work:
        wires = [places[bit] for bit in item.qubits]
        if item.name == "measure":
            sources[clbits[item.clbits[0]]] = wires[0]
        elif not set(wires).isdisjoint(sources.values()):
            _refuse(circuit, f"has {item.name} after a measurement")
        else:
            _append(unitary, item, wires)
    if not sources:
        _refuse(circuit, "measures nothing")
    return unitary, sources


def _append(circuit: QuantumCircuit, item: Any, wires: list[int]) -> None:
    """Append an instruction, or what it is built of if it has no matrix.

    The matrix of a Pauli evolution is left aside: it lacks the error of the product formula that
    the evolution is built of.
    """
    operation = item.operation
    if item.clbits or item.is_control_flow() or item.name in ("reset", "initialize"):
        _refuse(circuit, f"has the operation {item.name}")
    built_of = getattr(operation, "definition", None)
    if built_of is None or (item.name != "PauliEvolution" and hasattr(operation, "__array__")):
        circuit.append(operation, wires)
        return
    for inner in built_of.data:
        _append(circuit, inner, [wires[built_of.find_bit(bit).index] for bit in inner.qubits])


def _refuse(circuit: QuantumCircuit, reason: str) -> NoReturn:
    message = f"{circuit.name} {reason}; the exact distribution needs measurements at the end."
    raise CircuitRejected(message)

"""Whether counts fit a distribution, or each other, with a stated chance of a false alarm.

The distance is the total variation: half the sum of the absolute differences, from 0 to 1. Even a
perfect sampler is some way off, so each distance comes with a bound that holds but for a chance of
``failure``. A bound is the sum of two terms. The first bounds the expected distance, outcome by
outcome, by the standard deviation. The second bounds what comes on top, because one shot alone
moves the distance little: McDiarmid, "On the method of bounded differences", Surveys in
Combinatorics (1989) 148-188, Lemma 1.2.

Where there are more outcomes than shots, that distance says little: two samples of one distribution
are then as far apart as samples of two. Single bits and pairs of bits still have many shots each.
:func:`deviation_from` and :func:`deviation_between` look at all of them at once, and find reversed
bits, exchanged bits and swapped registers at any width.

Keys are those of ``QVMResult.counts``; bit 0 is the last character of a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import asin, ceil, log, sqrt
from typing import TYPE_CHECKING, Any, NoReturn

from qcos_core.circuits.profile import registers
from qcos_core.errors import CircuitRejected, InvalidArguments
from qcos_core.model.marginals import (
    bounds_between,
    bounds_from,
    log_of,
    number_of_places,
    place,
    row_of,
    table_of,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
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
    return spread / sqrt(shots) + sqrt(log_of(failure) / (2 * shots))


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
    return spread + one_shot * sqrt(steps * log_of(failure) / 2)


@dataclass(frozen=True)
class Deviation:
    """The bit, or the pair of bits, that is furthest off, in units of what chance allows.

    Attributes:
        bits: one classical bit, whose share of ones is meant; or two, and the share of shots in
            which they differ is.
        share: that share in the counts.
        expected: the probability, or the share in the other counts.
        bound: how far ``share`` may be from ``expected``.
    """

    bits: tuple[int, ...]
    share: float
    expected: float
    bound: float

    @property
    def ratio(self) -> float:
        """The distance over the bound; above 1, this is no chance."""
        return abs(self.share - self.expected) / self.bound

    @property
    def effect_size(self) -> float:
        """How much it matters, whatever the number of shots; Cohen's h, from 0 to pi."""
        return 2 * abs(asin(sqrt(self.share)) - asin(sqrt(self.expected)))

    def __str__(self) -> str:
        what = " and ".join(map(str, self.bits))
        shown = f"bit {what} is 1" if len(self.bits) == 1 else f"bits {what} differ"
        return (
            f"{shown} in {self.share:.4f} of the shots, {self.expected:.4f} expected, "
            f"{self.bound:.4f} allowed between them; effect size {self.effect_size:.3f}"
        )


def marginals(counts: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """The share of each bit's ones.

    Args:
        counts: shots, or probabilities, by key.

    Returns:
        Shares of shape ``(width,)``, bit 0 first.

    Raises:
        InvalidArguments: a key is no bitstring, or two differ in length; the numbers sum to
            nothing, or one is negative.
    """
    bits, weights = _bits(counts)
    return weights @ bits


def pair_parities(counts: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """The share in which two bits differ, for all pairs.

    Args:
        counts: shots, or probabilities, by key. 8 bytes are taken for each bit of each key.

    Returns:
        Shares of shape ``(width, width)``, symmetric, with zeros on the diagonal.

    Raises:
        InvalidArguments: as :func:`marginals`.
    """
    import numpy as np

    table = table_of(*_bits(counts))
    np.fill_diagonal(table, 0)
    return table


def deviation_from(
    counts: Mapping[str, int], probabilities: Mapping[str, float], failure: float = 1e-9
) -> Deviation:
    """The single bit or pair parity of counts that is furthest from a known distribution.

    What chance allows, by Hoeffding and by Bernstein, is in
    :func:`~qcos_core.model.marginals.bounds_from`.

    Args:
        counts: shots by key.
        probabilities: the distribution, with keys of the same width.
        failure: the chance that a true sampler gives a ratio above 1, between 0 and 1.

    Raises:
        InvalidArguments: an argument out of its range; keys as in :func:`marginals`.
    """
    shares, expected = _shares(counts, probabilities)
    bounds = bounds_from(expected, sum(counts.values()), log_of(failure))
    return _furthest(shares, expected, bounds)


def deviation_between(
    counts: Mapping[str, int], others: Mapping[str, int], failure: float = 1e-9
) -> Deviation:
    """The single bit or pair parity in which two sets of counts are furthest apart.

    What chance allows, by Hoeffding and by Bernstein, is in
    :func:`~qcos_core.model.marginals.bounds_between`.

    Args:
        counts: shots by key.
        others: shots by key, of the same width.
        failure: the chance that two samples of one distribution give a ratio above 1.

    Raises:
        InvalidArguments: an argument out of its range; keys as in :func:`marginals`.
    """
    shares, expected = _shares(counts, others)
    m, n = sum(counts.values()), sum(others.values())
    return _furthest(shares, expected, bounds_between(shares, m, expected, n, log_of(failure)))


def shots_to_see(effect: float, width: int, failure: float = 1e-9) -> int:
    """How many shots :func:`deviation_from` needs to reject a share that is off by ``effect``.

    Twice Hoeffding's bound must fit into the effect: once for what is allowed, once for how far
    the share may be, by chance, on the near side.

    Args:
        effect: the difference of probabilities to be seen, above 0 and at most 1.
        width: bits of a key, at least 1.
        failure: the chance of a false alarm, and of overlooking the effect.

    Raises:
        InvalidArguments: an argument out of its range.
    """
    if not 0 < effect <= 1 or width < 1:
        message = f"an effect of {effect} on {width} bits cannot be seen."
        hint = "The effect must be above 0 and at most 1, on at least 1 bit."
        raise InvalidArguments(message, hint=hint)
    return ceil(2 * (log_of(failure) + log(2 * number_of_places(width))) / effect**2)


def _shares(
    counts: Mapping[str, float], others: Mapping[str, float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The share of each bit's ones and of each pair that differs, of both, in one row each."""
    first, second = (row_of(table_of(*_bits(numbers))) for numbers in (counts, others))
    if len(first) != len(second):
        message = "two sets of counts cannot be compared if their keys differ in length."
        raise InvalidArguments(message)
    return first, second


def _bits(counts: Mapping[str, float]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Keys as rows of zeros and ones, bit 0 first, and the share of each."""
    import numpy as np

    weights = np.array(list(_normalised(counts).values()))
    keys = [key.replace(" ", "") for key in counts]
    width = len(keys[0])
    if not width or any(len(key) != width or not set(key) <= {"0", "1"} for key in keys):
        message = "keys must be bitstrings of one length."
        raise InvalidArguments(message)
    characters = np.frombuffer("".join(keys).encode(), dtype=np.uint8).reshape(-1, width)
    return (characters[:, ::-1] == ord("1")).astype(np.float64), weights


def _furthest(
    shares: npt.NDArray[np.float64],
    expected: npt.NDArray[np.float64],
    bounds: npt.NDArray[np.float64],
) -> Deviation:
    import numpy as np

    width = round((sqrt(8 * shares.size + 1) - 1) / 2)
    worst = int(np.argmax(np.abs(shares - expected) / bounds))
    share, known = np.clip([shares[worst], expected[worst]], 0, 1).tolist()
    return Deviation(place(worst, width), share, known, float(bounds[worst]))


def _spread(probabilities: Iterable[float]) -> float:
    return sum(sqrt(max(0.0, p * (1 - p))) for p in probabilities) / 2


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

"""Evolve once, then draw all shots: for circuits without noise that measure at the end.

Aer draws shots one by one. Here the state is evolved once, by numpy where it is narrow and by Aer
where it is wide, and numpy draws all shots at once from the probabilities of what is measured; a
million shots then cost what a thousand do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from qcos_aer.cost import NARROW
from qcos_aer.vectors.alike import Program
from qcos_aer.vectors.gates import does_nothing, may_have_matrix
from qcos_core import CircuitProfile, PackedCounts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit

Item = TypeVar("Item")

MOST_MEASURED = 24
"""Most bits measured: 2**24 probabilities take 128 MiB."""

_UNITARY = frozenset(
    {"barrier", "diagonal", "measure", "multiplexer", "pauli", "unitary"}
    | {"mcp", "mcphase", "mcr", "mcrx", "mcry", "mcrz", "mcswap", "mcsx", "mcu", "mcx", "mcx_gray"}
    | {"mcu1", "mcu2", "mcu3", "mcy", "mcz", "ccz", "cu2", "delay"}
)


def applies(profile: CircuitProfile) -> bool:
    """Whether every shot of a native circuit comes from one final state vector."""
    if profile.dynamic or profile.operations.get("measure", 0) > MOST_MEASURED:
        return False
    return _standard_gates().union(_UNITARY).issuperset(profile.operations)


def is_narrow(circuit: QuantumCircuit, profile: CircuitProfile) -> bool:
    """Whether numpy evolves faster than Aer a circuit that :func:`applies` holds of."""
    if profile.width > NARROW:
        return False
    others = profile.operations.keys() - _standard_gates() - {"measure"}
    return not others or all(
        does_nothing(one) or may_have_matrix(one) for one in circuit.data if one.name in others
    )


def evolved(
    program: Program, circuit: QuantumCircuit, active: Sequence[int], threads: int
) -> list[Probabilities]:
    """The distribution of what narrow circuits measure.

    Args:
        program: their gates.
        circuit: one of them; all measure the same qubits into the same bits.
        active: the qubits that operations act on.
        threads: most threads to use.
    """
    qubits, places = measured_places(circuit)
    place = {circuit.qubits[qubit]: index for index, qubit in enumerate(active)}
    found = program.distributions([place[bit] for bit in qubits], threads)
    return [Probabilities(values, places, circuit.num_clbits) for values in found]


def together(circuit: QuantumCircuit) -> int:
    """Of how many circuits like one the probabilities may be kept at one time."""
    measured: int = circuit.count_ops().get("measure", 0)
    return max(1, 1 << MOST_MEASURED >> measured)


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of some size; the last one may be shorter."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def measured_places(circuit: QuantumCircuit) -> tuple[list[Any], list[int]]:
    """The measured qubits and the classical bits they go to, bits ascending."""
    clbits = {bit: index for index, bit in enumerate(circuit.clbits)}
    pairs = sorted(
        (clbits[instruction.clbits[0]], place)
        for place, instruction in enumerate(circuit.data)
        if instruction.name == "measure"
    )
    qubits = [circuit.data[place].qubits[0] for _, place in pairs]
    return qubits, [clbit for clbit, _ in pairs]


def without_measurements(circuit: QuantumCircuit) -> QuantumCircuit:
    """A copy of the circuit that measures nothing."""
    bare = circuit.copy()
    for place in range(len(bare.data) - 1, -1, -1):
        if bare.data[place].name == "measure":
            del bare.data[place]
    return bare


@cache
def _standard_gates() -> frozenset[str]:
    """Names of the gates whose matrices Qiskit knows; none has more than five qubits."""
    from qiskit.circuit import Gate
    from qiskit.circuit.library import get_standard_gate_name_mapping

    gates = get_standard_gate_name_mapping()
    return frozenset(name for name, gate in gates.items() if isinstance(gate, Gate))


def aer_binds(circuit: QuantumCircuit) -> bool:
    """Whether Aer can be trusted to give the parameters of a circuit their values.

    It asks each operation whether it has parameters; controlled gates deny it, and run with
    angles of 0.
    """
    from qiskit.circuit import ParameterExpression

    return all(
        instruction.operation.is_parameterized()
        for instruction in circuit.data
        if any(isinstance(value, ParameterExpression) for value in instruction.params)
    )


@dataclass(frozen=True)
class Probabilities:
    """The distribution of what a circuit measures.

    Attributes:
        values: of shape ``(2**k,)``; bit *j* of an index is the bit that ``places[j]`` names;
            need not be normalised.
        places: classical bits, ascending.
        width: classical bits of the circuit.
    """

    values: npt.NDArray[np.float64]
    places: Sequence[int]
    width: int

    def draw(self, shots: int, seed: int | None) -> PackedCounts:
        """Counts of independent shots.

        Args:
            shots: how many.
            seed: of the generator.
        """
        import numpy as np

        indices, numbers = drawn(self.values, shots, np.random.default_rng(seed))
        return PackedCounts.from_indices(indices, numbers, places=self.places, width=self.width)


def drawn(
    values: npt.NDArray[np.float64], shots: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Independent shots of a distribution.

    Args:
        values: of shape ``(n,)``; need not be normalised.
        shots: how many.
        rng: draws them.

    Returns:
        The indices that came up, ascending, and how often each did.
    """
    import numpy as np

    if shots < values.size // 8:
        return np.unique(landed(values, shots, rng), return_counts=True)
    found = rng.multinomial(shots, values / values.sum())
    indices = np.flatnonzero(found)
    return indices, found[indices]


def landed(
    values: npt.NDArray[np.float64], shots: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Independent shots of a distribution, one by one: of each the index that came up.

    Args:
        values: of shape ``(n,)``; need not be normalised.
        shots: how many.
        rng: draws them.
    """
    import numpy as np

    ladder = np.cumsum(values)
    # a number below 1 times the last rung is below it, however that is rounded
    hits: npt.NDArray[np.int64] = np.searchsorted(
        ladder, rng.random(shots) * ladder[-1], side="right"
    )
    return hits

"""Draw shots from a noisy circuit, pattern of errors by pattern of errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qcos_aer.evolve import drawn, landed, measured_places
from qcos_aer.noise import follows_numbers
from qcos_aer.patterns.blocks import blocks_of
from qcos_aer.patterns.compiled import compiled
from qcos_aer.patterns.draws import Group, Table, groups
from qcos_aer.patterns.errors import can_be_drawn
from qcos_aer.patterns.evolution import Evolution, Pattern
from qcos_aer.patterns.readout import added_up, is_of_single_qubits, misread, readout_of
from qcos_aer.vectors.states import probabilities
from qcos_core import PackedCounts
from qcos_core.circuits.profile import profile
from qcos_core.model.places import scattered

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit import QuantumCircuit
    from qiskit_aer.noise import NoiseModel

    Outcomes = tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]

MOST_MEASURED = 62
"""Most bits measured, so that an outcome is one word."""


def applies(circuit: QuantumCircuit, noise: NoiseModel) -> bool:
    """Whether the errors of a circuit can be drawn before its states are known.

    Args:
        circuit: any circuit in the operations of Aer.
        noise: any noise model.

    Returns:
        True for a circuit of gates, without parameters that have no value, then measurements,
        where each error that strikes in it is a mixture of unitaries. Errors of several
        measurements together, Kraus operators, resets and noise that follows the time of delays
        do not count among these.
    """
    facts = profile(circuit)
    if facts.dynamic or not facts.measured or facts.saves or facts.unbound or facts.variables:
        return False
    if facts.operations["measure"] > MOST_MEASURED or follows_numbers(noise, facts):
        return False
    return is_of_single_qubits(noise) and can_be_drawn(circuit, noise)


class Patterns:
    """A circuit and its noise, ready to be sampled.

    Args:
        circuit: one that :func:`applies` accepts together with the noise model.
        noise: its noise model.
        threads: most threads to use.
    """

    def __init__(self, circuit: QuantumCircuit, noise: NoiseModel, threads: int) -> None:
        qubits, self._places = measured_places(circuit)
        self._width = circuit.num_clbits
        place = {qubit: index for index, qubit in enumerate(circuit.qubits)}
        measured = {place[qubit]: bit for bit, qubit in enumerate(qubits)}
        self._readout = readout_of(noise, measured)
        made = compiled(circuit, noise, measured)
        self._table = Table.of(made.sites)
        numbers = {site: number for number, site in enumerate(made.sites)}
        blocks, self._order = blocks_of(made.items, numbers)
        self._block = {site: number for number, block in enumerate(blocks) for site in block.sites}
        self._evolution = Evolution(len(self._order), blocks, measured, threads)
        self._seen = [qubit for qubit in reversed(self._order) if qubit in measured]
        self._bits = [measured[qubit] for qubit in self._seen]

    def draw(self, shots: int, seed: int) -> PackedCounts:
        """Counts of independent shots.

        Args:
            shots: how many.
            seed: of the generator.
        """
        import numpy as np

        rng = np.random.default_rng(seed)
        alone, *others = groups(self._table, shots, rng)
        parts = [self._struck(others, rng)] if others else []
        if alone.shots.any() or not others:
            parts.append(self._alone(alone, rng))
        outcomes, numbers = added_up(*map(np.concatenate, zip(*parts, strict=True)))
        if self._readout:
            outcomes, numbers = misread(outcomes, numbers, self._readout, rng)
        return PackedCounts.from_indices(outcomes, numbers, places=self._places, width=self._width)

    def _struck(self, others: Sequence[Group], rng: np.random.Generator) -> Outcomes:
        """Shots that errors strike."""
        import numpy as np

        pairs = [(self._pattern(group, rng), group) for group in others]
        pairs.sort(key=lambda pair: pair[0].first)
        flips = [np.repeat(group.flips, group.shots) for _, group in pairs]
        found = self._evolution.outcomes([pattern for pattern, _ in pairs])
        outcomes: npt.NDArray[np.uint64] = np.concatenate(list(found))
        outcomes ^= np.concatenate(flips)
        return outcomes, np.ones(len(outcomes), dtype=np.int64)

    def _pattern(self, group: Group, rng: np.random.Generator) -> Pattern:
        errors: dict[int, list[tuple[int, int]]] = {}
        sites, terms = self._table.sites[group.rows], self._table.terms[group.rows]
        for site, term in zip(sites.tolist(), terms.tolist(), strict=True):
            errors.setdefault(self._block[site], []).append((site, term))
        return Pattern(dict(sorted(errors.items())), rng.random(int(group.shots.sum())))

    def _alone(self, group: Group, rng: np.random.Generator) -> Outcomes:
        """Shots that no errors strike: outcomes, and how many there are of each."""
        import numpy as np

        row = probabilities(self._evolution.last(), self._order, self._seen)[0]
        many = group.shots >= row.size // 8
        few = int(group.shots[~many].sum())
        hits = landed(row, few, rng)
        found = [self._outcomes(hits) ^ np.repeat(group.flips[~many], group.shots[~many])]
        numbers = [np.ones(few, dtype=np.int64)]
        for flips, shots in zip(group.flips[many], group.shots[many].tolist(), strict=True):
            indices, times = drawn(row, shots, rng)
            found.append(self._outcomes(indices) ^ flips)
            numbers.append(times)
        return np.concatenate(found), np.concatenate(numbers)

    def _outcomes(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        """Outcomes by the bits of the measured qubits, of indices by the order of the states."""
        words = indices.astype("uint64").reshape(-1, 1)
        return scattered(words, self._bits, len(self._bits))[:, 0]

"""A circuit and its noise: gates, and places where errors may strike, that are of any matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcos_aer.patterns.errors import Term, Terms, own_qubits, struck
from qcos_aer.patterns.paulis import MARKS, Action, Frames, basis, coefficients
from qcos_aer.vectors.fusion import Gate

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer.noise import NoiseModel, QuantumError


@dataclass(frozen=True, eq=False)
class Site:
    """A place where an error may strike.

    Attributes:
        qubits: on which it does.
        terms: what may happen, beside what happens most often.
        effects: what comes of each term, see :mod:`qcos_aer.patterns.paulis`; none is 0.
    """

    qubits: tuple[int, ...]
    terms: tuple[Term, ...]
    effects: tuple[int, ...]

    @property
    def evolves(self) -> bool:
        """Whether a term does more than flip bits."""
        return any(effect & MARKS for effect in self.effects)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A circuit and its noise, made ready.

    Attributes:
        items: gates and sites, in the order in which they act.
        sites: the sites among them, and those that only flip bits.
    """

    items: tuple[Gate | Site, ...]
    sites: tuple[Site, ...]

    @property
    def active(self) -> tuple[int, ...]:
        """The qubits that need a state, ascending; all others stay in zero."""
        return tuple(sorted({qubit for item in self.items for qubit in item.qubits}))


def compiled(circuit: QuantumCircuit, noise: NoiseModel, measured: Mapping[int, int]) -> Compiled:
    """Go through a circuit from its end, leaving out what changes nothing that is measured.

    Args:
        circuit: one that :func:`qcos_aer.patterns.applies` accepts.
        noise: its noise model.
        measured: which bit of an outcome each measured qubit gives.
    """
    frames = Frames(circuit.num_qubits, measured)
    items: list[Gate | Site] = []
    sites: list[Site] = []
    known: dict[int, Terms] = {}
    for one in reversed(list(struck(circuit, noise))):
        if one.error is not None:
            terms = _terms(one.error, known)
            qubits = own_qubits(one.qubits, terms)
            site = _site(frames, terms, qubits)
            if site.terms:
                sites.append(site)
            if site.evolves:
                items.append(site)
            if terms.usual.pauli != 0:
                _pass(frames, Gate(qubits, terms.usual.matrix_on(terms.count)), items)
        if one.matrix is not None:
            _pass(frames, Gate(one.qubits, one.matrix), items)
    return Compiled(tuple(reversed(items)), tuple(reversed(sites)))


def _terms(error: QuantumError, known: dict[int, Terms]) -> Terms:
    if id(error) not in known:
        known[id(error)] = Terms.of(error)
    return known[id(error)]


def _pass(frames: Frames, gate: Gate, items: list[Gate | Site]) -> None:
    action = Action.of(gate.matrix)
    if frames.matters(action.inside, gate.qubits):
        frames.pass_gate(action, gate.qubits)
        items.append(gate)


def _site(frames: Frames, terms: Terms, qubits: tuple[int, ...]) -> Site:
    kept: list[Term] = []
    effects: list[int] = []
    others: list[int] = []
    for term in terms.others:
        if term.pauli is not None:
            effect = frames.effect(term.pauli, qubits)
        else:
            support = coefficients(term.matrix_on(terms.count))
            effect = frames.mark() if frames.matters(support, qubits) else 0
            if effect:
                others += support
        if effect:
            kept.append(term)
            effects.append(effect)
    frames.leave_marks(basis(others), qubits)
    return Site(qubits, tuple(kept), tuple(effects))

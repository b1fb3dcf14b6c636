"""The circuits that the kit runs: small, of standard gates, and none its own mirror image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qcos_core.testing.statistics import (
    exact_distribution,
    total_variation,
    total_variation_bound,
)
from qcos_core.testing.verdict import fail

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

WIDEST = 5
"""Qubits of the widest circuit here, but for those of a width that is asked for."""

_SHOWN = 4


def number(value: int, width: int, name: str = "") -> QuantumCircuit:
    """The bits of a number, qubit 0 the lowest; its one outcome is the number."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(width, width, name=name or f"number-{value}-of-{width}")
    for qubit in range(width):
        if value >> qubit & 1:
            circuit.x(qubit)
        circuit.measure(qubit, qubit)
    return circuit


def turned(value: int, width: int, name: str = "") -> QuantumCircuit:
    """The same by rotations of every qubit, so that such circuits differ in their angles alone."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(width, width, name=name or f"{value:0{width}b}")
    for bit in range(width):
        circuit.ry(math.pi * (value >> bit & 1), bit)
    circuit.measure(range(width), range(width))
    return circuit


def entangled() -> QuantumCircuit:
    """Three qubits, two of them entangled: four outcomes of unlike shares, four impossible."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(3, 3, name="entangled")
    circuit.ry(1.2, 0)
    circuit.cx(0, 1)
    circuit.x(1)
    circuit.ry(0.5, 2)
    circuit.measure([0, 1, 2], [0, 1, 2])
    return circuit


def spread() -> QuantumCircuit:
    """Five qubits with 32 outcomes: two samples of it are never the same by chance."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(WIDEST, WIDEST, name="spread")
    for qubit in range(WIDEST):
        circuit.ry(1.2 + 0.1 * qubit, qubit)
        circuit.measure(qubit, qubit)
    return circuit


def registers() -> QuantumCircuit:
    """Two classical registers of 2 and 3 bits; the outcome is ``"110 01"``."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    circuit = QuantumCircuit(
        QuantumRegister(5, "q"),
        ClassicalRegister(2, "low"),
        ClassicalRegister(3, "high"),
        name="registers",
    )
    circuit.x([0, 3, 4])
    circuit.measure(range(5), range(5))
    return circuit


def idle() -> QuantumCircuit:
    """Five wires, of which 1 and 3 are used; the outcome is ``"10"``."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(5, 2, name="idle-wires")
    circuit.x(3)
    circuit.z(1)
    circuit.measure([1, 3], [0, 1])
    return circuit


def partial() -> QuantumCircuit:
    """Four qubits in the state 1, of which two are measured; the outcome is ``"0101"``."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(4, 4, name="partial")
    circuit.x(range(4))
    circuit.measure([0, 2], [0, 2])
    return circuit


def permuted() -> QuantumCircuit:
    """Each qubit is measured into the next one's bit; the outcome is ``"0010"``."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(4, 4, name="out-of-order")
    circuit.x(0)
    circuit.measure([0, 1, 2, 3], [1, 2, 3, 0])
    return circuit


def wide() -> QuantumCircuit:
    """Three qubits and 70 classical bits, of which 3, 64 and 69 are written."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(3, 70, name="70-bits")
    circuit.x([0, 2])
    circuit.measure([0, 1, 2], [64, 3, 69])
    return circuit


def mid_circuit() -> QuantumCircuit:
    """A qubit is measured, turned over, measured, reset and measured; see the expectation."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(2, 3, name="mid-circuit")
    circuit.ry(1.2, 0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    circuit.reset(0)
    circuit.measure(0, 2)
    return circuit


MID_CIRCUIT = {"001": 0.3188211227616633, "010": 0.6811788772383367}
"""Its outcomes: sin(0.6)**2 and cos(0.6)**2."""


def conditional() -> QuantumCircuit:
    """What was measured on one qubit turns another over, so that both bits agree."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(2, 2, name="conditional")
    circuit.ry(1.2, 0)
    circuit.measure(0, 0)
    with circuit.if_test((0, True)):
        circuit.x(1)
    circuit.measure(1, 1)
    return circuit


CONDITIONAL = {"11": 0.3188211227616633, "00": 0.6811788772383367}
"""Its outcomes, as those of :data:`MID_CIRCUIT`."""


def check_counts(
    circuit: QuantumCircuit,
    counts: Mapping[Any, Any],
    tolerance: float,
    expected: Mapping[str, float] | None = None,
) -> None:
    """Fail unless the counts can come from the circuit; a false alarm is one in 10**9.

    Args:
        circuit: the circuit that ran.
        counts: as a provider returns them.
        tolerance: see ``Profile.tolerance``; at 0 an impossible outcome is a failure by itself.
        expected: the exact distribution, where the circuit does not measure at its end.
    """
    exact = flat(expected if expected is not None else exact_distribution(circuit))
    found = flat(counts)
    shots = sum(found.values())
    if not shots > 0:
        fail(f"{circuit.name}: no shots came back.")
    impossible = sorted(found.keys() - exact.keys())
    if impossible and not tolerance:
        fail(f"{circuit.name}: {_listed(impossible)} cannot be; expected {_listed(sorted(exact))}.")
    distance = total_variation(found, exact)
    bound = tolerance + total_variation_bound(exact, max(1, int(shots)))
    if distance > bound:
        fail(
            f"{circuit.name}: the counts are {distance:.3f} away from the exact distribution in "
            f"total variation, chance and tolerance explain {bound:.3f}; "
            f"expected {_shares(exact)}, found {_shares(found)}."
        )


def flat(counts: Mapping[Any, Any]) -> dict[str, Any]:
    """Counts with the spaces between registers taken out of their keys."""
    found: dict[str, Any] = {}
    for key, share in counts.items():
        bits = key.replace(" ", "") if isinstance(key, str) else ""
        if not bits or bits.strip("01"):
            fail(f"the key {key!r} is not a bitstring.")
        found[bits] = found.get(bits, 0) + share
    return found


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more


def _shares(counts: Mapping[str, float]) -> str:
    total = sum(counts.values())
    most = sorted(counts, key=lambda key: -counts[key])[:_SHOWN]
    return ", ".join(f"{key} {counts[key] / total:.1%}" for key in most)

"""When to sample a noisy circuit by patterns of errors: a rule of the job, not of a machine."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from qcos_aer.cost import FEW_QUBITS
from qcos_aer.noise import table

if TYPE_CHECKING:
    from qiskit_aer.noise import NoiseModel, QuantumError

    from qcos_core import CircuitProfile

WIDEST = 26
"""Most qubits: two states, and what it takes to move them, are 6 GiB."""

SIDE_BY_SIDE = 20
"""States are worked on side by side if they have no more amplitudes than one of so many qubits."""

WIDEST_SEVERAL = 22
"""Most qubits of states of which each thread has its own; they take 64 MiB each."""

_DENSE = 256
"""So many elements of a density matrix take as long as one pattern does of the same circuit."""


def pays(profile: CircuitProfile, noise: NoiseModel, shots: int) -> bool:
    """Whether patterns of errors are the fastest way; see :func:`qcos_aer.patterns.applies`.

    Against one shot at a time they always are. A density matrix holds all shots at once, but has
    the square of a state's size. So it is better for few qubits and many shots that errors strike.

    Args:
        profile: of the circuit in the operations that the noise acts on.
        noise: its noise model.
        shots: shots of the whole circuit.
    """
    if profile.width > WIDEST:
        return False
    if profile.width > FEW_QUBITS or shots < 1 << profile.width:
        return True
    return struck(profile, noise, shots) <= (1 << 2 * profile.width) / _DENSE


def struck(profile: CircuitProfile, noise: NoiseModel, shots: int) -> float:
    """In how many shots an error is to be expected; of errors on some qubits the worst counts."""
    default, local = table(noise, "default_quantum_errors"), table(noise, "local_quantum_errors")
    errors = 0.0
    for name, number in profile.operations.items():
        there = [*local.get(name, {}).values(), *([default[name]] if name in default else [])]
        errors += number * max(map(_chance, there), default=0.0)
    return shots * (1 - exp(-errors))


def _chance(error: QuantumError) -> float:
    """How probable it is that an error does not do what it does most often."""
    return 1 - max(map(float, error.probabilities))

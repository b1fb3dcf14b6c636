"""How long the reference node takes, and how that is measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.model.circuits import CircuitProfile

MODEL = "1"
"""Version of the model: coefficients that were measured for another one mean something else."""

_MOST_QUBITS = 500
"""More than any machine holds, and few enough for the number of amplitudes to be a float."""

_ROUNDS = 7
_MOST_SPLITS = 10
_LIKELY = (0.5, 2.5)
_MANY, _NARROW, _WIDE = 100, 2, 13


@dataclass(frozen=True)
class NumpyCosts:
    """What the steps of a run take, in seconds.

    Attributes:
        run: a run without operations.
        operation: an operation, whose matrix is made anew each time.
        amplitude: an operation on one amplitude.
    """

    run: float = 2e-4
    operation: float = 6e-5
    amplitude: float = 3e-8

    @classmethod
    def of(cls, coefficients: Mapping[str, float] | None) -> NumpyCosts:
        """The costs with these coefficients; the built-in ones if they are not those of these."""
        if coefficients is None or coefficients.keys() != cls.__dataclass_fields__.keys():
            return cls()
        return cls(**coefficients)

    def to_dict(self) -> dict[str, float]:
        """The coefficients by name."""
        return asdict(self)

    def seconds(self, profile: CircuitProfile, shots: int) -> tuple[float, float]:
        """Least and most seconds that a circuit takes.

        Each measurement that is followed by more work may split the shots in two, and each part
        is evolved by itself.
        """
        each = self.operation + self.amplitude * 2.0 ** min(profile.width, _MOST_QUBITS)
        least = self.run + profile.size * each
        splits = profile.operations.get("measure", 0) if profile.dynamic else 0
        most = least + profile.size * each * (min(shots, 1 << min(_MOST_SPLITS, splits)) - 1)
        return least * _LIKELY[0], most * _LIKELY[1]


def measured() -> NumpyCosts:
    """Measure this machine."""
    from qcos_core.circuits.numpy_simulator import sample

    circuits = {
        "empty": _circuit(_NARROW, _NARROW),
        "many operations": _circuit(_NARROW, _MANY),
        "wide": _circuit(_WIDE, _MANY),
    }
    times: dict[str, list[float]] = {name: [] for name in circuits}
    for _ in range(_ROUNDS):
        for name, circuit in circuits.items():
            began = time.perf_counter()
            sample(circuit, 100, 1)
            times[name].append(time.perf_counter() - began)
    # the first time is slower than all others
    return fitted({name: statistics.median(found[1:]) for name, found in times.items()})


def fitted(seconds: Mapping[str, float]) -> NumpyCosts:
    """The coefficients that explain what three circuits took, none of them 0.

    Args:
        seconds: of ``"empty"``, ``"many operations"`` and ``"wide"``.
    """
    usual = NumpyCosts()
    least = {name: value / 20 for name, value in usual.to_dict().items()}
    each = (seconds["many operations"] - seconds["empty"]) / (_MANY - _NARROW)
    operation = max(each, least["operation"])
    amplitude = (seconds["wide"] - seconds["many operations"]) / (_MANY * 2**_WIDE)
    return NumpyCosts(
        max(seconds["empty"] - _NARROW * operation, least["run"]),
        operation,
        max(amplitude, least["amplitude"]),
    )


def _circuit(width: int, size: int) -> QuantumCircuit:
    """A circuit of so many operations, the measurement of each qubit included."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(width, width)
    for place in range(size - width):
        circuit.ry(0.1 + place, place % width)
    circuit.measure(range(width), range(width))
    return circuit

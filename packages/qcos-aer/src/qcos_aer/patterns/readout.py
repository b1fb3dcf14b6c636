"""Errors of reading out: bits that are written down wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qcos_aer.noise import table
from qcos_core.model.sums import add_up

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from qiskit_aer.noise import NoiseModel

Readout = Mapping[int, tuple[float, float]]
"""Of bits of an outcome, the chance that a 0 is read as a 1, and that a 1 is read as a 0."""


def readout_of(noise: NoiseModel, measured: Mapping[int, int]) -> Readout:
    """What a noise model does to the bits of some qubits.

    Args:
        noise: its readout errors must be of one qubit each; see :func:`is_of_single_qubits`.
        measured: the bit of an outcome that each measured qubit gives.
    """
    local, default = table(noise, "local_readout_errors"), table(noise, "default_readout_error")
    found = {}
    for qubit, bit in measured.items():
        error = local.get((qubit,), default)
        if error is not None:
            chances = error.probabilities
            found[bit] = (float(chances[0][1]), float(chances[1][0]))
    return found


def is_of_single_qubits(noise: NoiseModel) -> bool:
    """Whether no readout error, nor one of measurements, is of several qubits together."""
    local = [*table(noise, "local_readout_errors")]
    local += table(noise, "local_quantum_errors").get("measure", ())
    return all(len(qubits) == 1 for qubits in local)


def misread(
    outcomes: npt.NDArray[np.uint64],
    shots: npt.NDArray[np.int64],
    readout: Readout,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Outcomes as they are read.

    Args:
        outcomes: of shape ``(n,)``.
        shots: how many there are of each.
        readout: what may be misread.
        rng: draws which are.

    Returns:
        Outcomes, ascending and each once, and how many there are of each.
    """
    import numpy as np

    outcomes, shots = added_up(outcomes, shots)
    for bit, chances in sorted(readout.items()):
        value = outcomes >> np.uint64(bit) & np.uint64(1)
        wrong = rng.binomial(shots, np.where(value, chances[1], chances[0]))
        flipped = outcomes ^ np.uint64(1 << bit)
        outcomes, shots = added_up(
            np.concatenate([outcomes, flipped]), np.concatenate([shots - wrong, wrong])
        )
    return outcomes, shots


def added_up(
    outcomes: npt.NDArray[np.uint64], shots: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Outcomes that occur, ascending and each once, and how many there are of each."""
    there = shots > 0
    rows, numbers = add_up(outcomes[there].reshape(-1, 1), shots[there])
    return rows[:, 0], numbers

"""Noise on the qubits that a circuit uses, and on no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qcos_core.circuits.compact import compact
from qcos_core.circuits.profile import profile

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer.noise import NoiseModel


def reduced(
    circuit: QuantumCircuit, noise: NoiseModel
) -> tuple[QuantumCircuit, NoiseModel, tuple[int, ...]]:
    """A circuit without its idle wires, and a noise model to match.

    Aer does the same for each run, in a second for 127 qubits.

    Returns:
        The circuit, the noise model, and which of the circuit's qubits were kept, ascending.
        Everything is kept where the noise of a qubit may depend on its number in other ways than
        through the model's tables.
    """
    facts = profile(circuit)
    everything = tuple(range(circuit.num_qubits))
    if facts.active == everything or _follows_numbers(noise, "delay" in facts.operations):
        return circuit, noise, everything
    return compact(circuit, facts.active), _restricted(noise, facts.active), facts.active


def _follows_numbers(noise: NoiseModel, delays: bool) -> bool:
    """Whether passes of the model add noise by a qubit's number; those of devices do to delays."""
    from qiskit_aer.noise import RelaxationNoisePass

    passes = noise._custom_noise_passes  # noqa: SLF001 - no public reader
    return any(delays or not isinstance(one, RelaxationNoisePass) for one in passes)


def _restricted(noise: NoiseModel, active: Sequence[int]) -> NoiseModel:
    """The noise on some qubits, numbered by their place among them."""
    from qiskit_aer.noise import NoiseModel

    place = {qubit: index for index, qubit in enumerate(active)}
    part = NoiseModel(basis_gates=noise.basis_gates)
    for name, error in noise._default_quantum_errors.items():  # noqa: SLF001 - no public reader
        part.add_all_qubit_quantum_error(error, [name])
    if noise._default_readout_error is not None:  # noqa: SLF001
        part.add_all_qubit_readout_error(noise._default_readout_error)  # noqa: SLF001
    for name, errors in noise._local_quantum_errors.items():  # noqa: SLF001
        for qubits, error in errors.items():
            if place.keys() >= set(qubits):
                part.add_quantum_error(error, [name], [place[qubit] for qubit in qubits])
    for qubits, error in noise._local_readout_errors.items():  # noqa: SLF001
        if place.keys() >= set(qubits):
            part.add_readout_error(error, [place[qubit] for qubit in qubits])
    return part

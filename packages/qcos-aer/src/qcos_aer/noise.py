"""Noise on the qubits that a circuit uses, and on no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qcos_core.circuits.compact import compact
from qcos_core.circuits.profile import profile

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer.noise import NoiseModel

    from qcos_core import CircuitProfile


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
    if facts.active == everything or follows_numbers(noise, facts):
        return circuit, noise, everything
    return compact(circuit, facts.active), restricted(noise, facts.active), facts.active


def follows_numbers(noise: NoiseModel, facts: CircuitProfile) -> bool:
    """Whether passes of the model add noise by a qubit's number; those of devices do to delays."""
    from qiskit_aer.noise import RelaxationNoisePass

    delays = "delay" in facts.operations
    passes = table(noise, "custom_noise_passes")
    return any(delays or not isinstance(one, RelaxationNoisePass) for one in passes)


def restricted(noise: NoiseModel, qubits: Sequence[int]) -> NoiseModel:
    """The noise on some qubits, numbered by their place among them."""
    from qiskit_aer.noise import NoiseModel

    place = {qubit: index for index, qubit in enumerate(qubits)}
    part = NoiseModel(basis_gates=noise.basis_gates)
    for name, error in table(noise, "default_quantum_errors").items():
        part.add_all_qubit_quantum_error(error, [name])
    readout = table(noise, "default_readout_error")
    if readout is not None:
        part.add_all_qubit_readout_error(readout)
    for name, errors in table(noise, "local_quantum_errors").items():
        for where, error in errors.items():
            if place.keys() >= set(where):
                part.add_quantum_error(error, [name], [place[qubit] for qubit in where])
    for where, error in table(noise, "local_readout_errors").items():
        if place.keys() >= set(where):
            part.add_readout_error(error, [place[qubit] for qubit in where])
    return part


def table(noise: NoiseModel, name: str) -> Any:
    """What a noise model keeps under a private name; Aer has no public reader of any of it."""
    return getattr(noise, f"_{name}")
